"""Money: an integer number of minor units beside a currency. Never a float, never rounded.

The exponent says how many decimals a currency has; amounts with more are refused, not cut.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

# ISO 4217 (list one, active codes with a minor unit); the rest of the active codes have two decimals.
_NO_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DECIMALS = "CLF UYW"
_TWO_DECIMALS = (
    "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF "
    "CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL "
    "HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU "
    "MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR "
    "SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED "
    "VES WST XCD XCG YER ZAR ZMW ZWG"
)
# Crypto is carried at nine decimals at most so that 64 bits suffice: ether in gwei.
_CRYPTO = {"BTC": 8, "BCH": 8, "LTC": 8, "DOGE": 8, "ETH": 9, "SOL": 9, "USDT": 6, "USDC": 6, "TRX": 6, "XRP": 6}

EXPONENTS: dict[str, int] = {
    **dict.fromkeys(_NO_DECIMALS.split(), 0),
    **dict.fromkeys(_TWO_DECIMALS.split(), 2),
    **dict.fromkeys(_THREE_DECIMALS.split(), 3),
    **dict.fromkeys(_FOUR_DECIMALS.split(), 4),
    **_CRYPTO,
}
LARGEST_AMOUNT = 2**63 - 1
_SYMBOLS = {"EUR": "€", "GBP": "£", "USD": "$"}
AMOUNT_PATTERN = r"(0|[1-9][0-9]{0,17})(?:\.([0-9]{1,18}))?"
_AMOUNT = re.compile(AMOUNT_PATTERN, re.ASCII)

_DIGITS = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)


class AmountError(ValueError):
    """An amount or currency that cannot be taken; the message is a sentence for the sender.

    ``code`` and ``field`` are what the platform's API answers with.
    """

    code, field = "invalid_amount", "amount"


class TooManyDecimals(AmountError):
    """More decimals than the currency has."""


class UnknownCurrency(AmountError):
    code, field = "invalid_currency", "currency"


@dataclass(frozen=True, slots=True)
class Money:
    """``amount`` minor units of ``currency``."""

    amount: int
    currency: str

    def __str__(self) -> str:
        return format_money(self.amount, self.currency)


def exponent_of(currency: str) -> int:
    """Return the number of decimals of a currency; raise UnknownCurrency for an unknown code."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        if currency.upper() in EXPONENTS:
            raise UnknownCurrency(f"Send the currency in capitals: {currency.upper()}.") from None
        raise UnknownCurrency(
            f"Unknown currency {currency[:12]!r}: send an ISO 4217 code in capitals, such as EUR."
        ) from None


def checked_amount(text: str, currency: str) -> int:
    """Return what parse_amount() returns; raise AmountError for zero as well."""
    minor = parse_amount(text, currency)
    if minor == 0:
        raise AmountError("The amount must be more than zero.")
    return minor


def parse_amount(text: str, currency: str) -> int:
    """Return the minor units of a plain decimal such as ``"2450.00"``.

    Raises AmountError for anything but ASCII digits with an optional point and for what does not fit
    64 bits, TooManyDecimals for more than the currency has, and UnknownCurrency.
    """
    exponent = exponent_of(currency)
    whole, fraction = digits_of(text)
    if len(fraction) > exponent:
        decimals = "no decimals" if exponent == 0 else f"at most {exponent} decimals"
        raise TooManyDecimals(f"The amount {text} has too many decimals: {currency} has {decimals}.")
    minor = int(whole + fraction.ljust(exponent, "0"))
    if minor > LARGEST_AMOUNT:
        raise AmountError(f"The amount {text} is too large.")
    return minor


def digits_of(text: str) -> tuple[str, str]:
    """Return the digits before and after the point; raise AmountError with what is wrong with the text."""
    if match := _AMOUNT.fullmatch(text):
        return match[1], match[2] or ""
    if text[:1] in ("-", "\u2212"):
        raise AmountError("The amount cannot be negative: send it without a sign.")
    if "," in text:
        raise AmountError('Send the amount with a point before the decimals and no other separator, such as "2450.00".')
    if _DIGITS.fullmatch(text):
        raise AmountError(
            "The amount may have 18 digits before the point and 18 after it, and no zeros in front of the number."
        )
    raise AmountError('The amount must be a plain decimal number in a string, such as "2450.00".')


def to_major_string(amount: int, currency: str) -> str:
    """Return the plain decimal form for files and other systems: ``245000, "EUR"`` is ``"2450.00"``."""
    exponent = exponent_of(currency)
    digits = str(abs(amount)).rjust(exponent + 1, "0")
    text = digits if exponent == 0 else f"{digits[:-exponent]}.{digits[-exponent:]}"
    return f"-{text}" if amount < 0 else text


def format_money(amount: int, currency: str) -> str:
    """Return the form for people: ``€2,450.00``, ``BRL 7,200.00``, ``−€5.00`` (U+2212)."""
    whole, _, fraction = to_major_string(abs(amount), currency).partition(".")
    grouped = f"{int(whole):,}" + (f".{fraction}" if fraction else "")
    symbol = _SYMBOLS.get(currency)
    text = f"{symbol}{grouped}" if symbol else f"{currency}\u00a0{grouped}"
    return f"\u2212{text}" if amount < 0 else text


def convert(amount: int, currency: str, *, to: str, rates: dict[str, str]) -> int | None:
    """Return the value in minor units of ``to``, rounded half up, or None without a rate.

    For thresholds, limits and sorting only; no entry is ever booked from it. ``rates`` holds the
    value of one whole unit of each currency in ``to``, as decimal strings.
    """
    if currency == to:
        return amount
    rate = rates.get(currency)
    if rate is None:
        return None
    value = Decimal(amount) * Decimal(rate) * Decimal(10) ** (exponent_of(to) - exponent_of(currency))
    return int(value.to_integral_value(rounding="ROUND_HALF_UP"))
