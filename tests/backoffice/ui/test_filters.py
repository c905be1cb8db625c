"""Amounts as people type them."""

import pytest
from django.core.exceptions import ValidationError

from backoffice.ui.filters import MoneyField


@pytest.mark.parametrize(
    ("typed", "currency", "amount"),
    [
        ("2450", "EUR", 245000),
        ("2450.5", "EUR", 245050),
        ("2 450,00", "EUR", 245000),
        ("2,450.00", "EUR", 245000),
        ("2.450,00", "EUR", 245000),
        ("2,450", "EUR", 245000),
        ("1.234.567", "EUR", 123456700),
        ("€ 12", "EUR", 1200),
        ("1,500", "JPY", 1500),
        ("1.250", "KWD", 1250),
        ("0,00000001", "BTC", 1),
    ],
)
def test_both_styles_are_understood(typed: str, currency: str, amount: int) -> None:
    assert MoneyField(currency=currency).clean(typed) == amount


@pytest.mark.parametrize("typed", ["abc", "2.450", "1,2,3", "--5", "1e5", "٣", "9" * 30, "1.2.3", ","])
def test_what_stays_unclear_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        MoneyField(currency="EUR").clean(typed)
