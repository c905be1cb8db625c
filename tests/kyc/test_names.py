import pytest
from hypothesis import given
from hypothesis import strategies as st

from kyc.names import canonical, fold, is_plain


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Elena Marković", "elena markovic"),
        ("Łukasz Żółć", "lukasz zolc"),
        ("Đorđe Øst", "dorde ost"),
        ("Straße", "strasse"),
        ("O'Brien-Smith", "o brien smith"),
        ("Ægir Þór", "aegir thor"),
        ("Иван Петров", "иван петров"),
        ("王小明", "王小明"),
        ("null", "null"),
        ("🎰", ""),
    ],
)
def test_fold(name: str, folded: str) -> None:
    assert fold(name) == folded


@pytest.mark.parametrize("text", ["O'Brien", "<b>", "name\u200cname", "José", "👨\u200d👩\u200d👧"])
def test_ordinary_text_is_plain(text: str) -> None:
    assert is_plain(text)


@pytest.mark.parametrize("mark", ["\x00", "\x07", "\x85", "\u202e", "\u2066", "\u200f", "\u200b", "\ufeff", "\ud800"])
def test_hiding_and_turning_marks_are_not_plain(mark: str) -> None:
    assert not is_plain(f"Elena{mark}")


def test_composed_and_decomposed_names_become_equal() -> None:
    assert canonical("  Jose\u0301   Silva ") == "José Silva"


@given(st.text(max_size=40))
def test_canonical_and_fold_are_stable(text: str) -> None:
    assert canonical(canonical(text)) == canonical(text)
    assert fold(fold(text)) == fold(text)
