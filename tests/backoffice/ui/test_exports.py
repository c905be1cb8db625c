"""Cells of an export hold what was meant, and nothing that a spreadsheet would run."""

import csv
import io

import pytest

from backoffice.ui.columns import Column, MoneyColumn
from backoffice.ui.exports import csv_lines, neutral
from backoffice.ui.tables import BaseTable


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_what_looks_like_a_formula_gets_an_apostrophe(start: str) -> None:
    assert neutral(f"{start}cmd|' /C calc'!A0") == f"'{start}cmd|' /C calc'!A0"


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
