"""Cells of an export hold what was meant, and nothing that a spreadsheet would run."""

import csv
import io
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backoffice.ui.columns import Column, MoneyColumn
from backoffice.ui.exports import FORMULA_SIGNS, csv_line, csv_lines, neutral
from backoffice.ui.tables import BaseTable


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_what_looks_like_a_formula_gets_an_apostrophe(start: str) -> None:
    assert neutral(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


@pytest.mark.parametrize(
    "text",
    [
        "＝1+1", "＋1+1", "－1+1", "＠SUM(A1)", "﹦1", "﹢1", "﹣1+1", "﹫x", "−1+1", " =1+1", "\u00a0=1", "\u3000=1",
        "\u200b=1", "\ufeff=1", "\x1b=1", "\x7f=1", " \t \u202e@x", "\x00=1",
    ],
)  # fmt: skip
def test_signs_in_disguise_and_behind_blanks_get_one_too(text: str) -> None:
    assert neutral(text) == "'" + text.replace("\x00", "")


_TEXT = st.text(
    st.one_of(
        st.sampled_from("=+-@＝＋－＠−,;\"' \t\r\n\x00\x1b\u00a0\ufeffa1"), st.characters(exclude_categories=["Cs"])
    )
)


@given(st.lists(_TEXT, min_size=1, max_size=5))
def test_whatever_people_typed_comes_back_and_is_no_formula(texts: list[str]) -> None:
    line = csv_line(*texts)
    (cells,) = csv.reader(io.StringIO(line, newline=""), strict=True)
    assert [cell.removeprefix("'") for cell in cells] == [text.replace("\0", "").removeprefix("'") for text in texts]
    for cell in cells:
        shown = cell.lstrip("".join(sign for sign in cell if not sign.isprintable() or sign.isspace()))
        folded = unicodedata.normalize("NFKC", shown)
        assert not folded.startswith(tuple(FORMULA_SIGNS)) or re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", cell)


def test_every_cell_stands_in_quotes() -> None:
    assert csv_line("2450.00", None, 'a "b", c') == '"2450.00","","a ""b"", c"\r\n'


@pytest.mark.parametrize("number", ["-5.00", "-0.00000001", "2450.00", "0"])
def test_plain_numbers_stay_numbers(number: str) -> None:
    assert neutral(number) == number


@pytest.mark.parametrize(("value", "text"), [(None, ""), (7, "7"), ("+385 91 555", "'+385 91 555"), ("-1+1", "'-1+1")])
def test_other_values(value: object, text: str) -> None:
    assert neutral(value) == text


def test_amounts_are_plain_beside_their_currency() -> None:
    class Payouts(BaseTable):
        player = Column()
        amount = MoneyColumn()
        currency = Column(visible=False)

    rows = [
        {"player": '=HYPERLINK("http://x")', "amount": 245000, "currency": "EUR"},
        {"player": 'Ana, "the" Player', "amount": -1500, "currency": "JPY"},
    ]
    text = "".join(csv_lines(Payouts([]), rows, ("player", "amount", "currency")))
    assert list(csv.reader(io.StringIO(text))) == [
        ["Player", "Amount", "Currency"],
        ['\'=HYPERLINK("http://x")', "2450.00", "EUR"],
        ['Ana, "the" Player', "-1500", "JPY"],
    ]
