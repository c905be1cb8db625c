"""Is this text an account that money can be sent to? Forms and check characters only; nobody is asked.

The account itself is never repeated in a sentence: sentences are logged and shown.
"""

import re
from dataclasses import dataclass

import schwifty
from schwifty import exceptions as schwifty_says
from stdnum import luhn

from withdrawals import wallets
from withdrawals.exceptions import RequestRefused

# A provider's token for a card: tok_<brand>_<last four>_<8 to 80 letters and digits>.
_TOKEN = re.compile(r"tok_([a-z]+)_([0-9]{4})_([A-Za-z0-9]{8,80})", re.ASCII)
_CARD_BRANDS = {
    "visa": "Visa",
    "mastercard": "Mastercard",
    "maestro": "Maestro",
    "amex": "American Express",
    "diners": "Diners Club",
    "discover": "Discover",
    "jcb": "JCB",
    "unionpay": "UnionPay",
}
# What PayPal takes: single-byte characters; whether anybody has the address, only PayPal knows.
_EMAIL = re.compile(
    r"([a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64})@((?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63})",
    re.ASCII | re.IGNORECASE,
)
_LONGEST_EMAIL = 120
_LONGEST_DOMAIN = 40  # of it in a label
# A recipient at Stripe and one of its payout methods there.
_STRIPE = re.compile(r"acct(?:_test)?_[A-Za-z0-9]{8,50}/[a-z]{2,12}(?:_test)?_[A-Za-z0-9]{8,50}", re.ASCII)
_IBAN_CHARACTERS = re.compile(r"[A-Za-z0-9 ]{5,60}", re.ASCII)


@dataclass(frozen=True, slots=True)
class CheckedAccount:
    """``account`` in the one form that we keep, ``label`` for screens, ``country`` if the account says it."""

    account: str
    label: str
    country: str = ""


def check(*, method: str, account: str) -> CheckedAccount:
    """Return the account in its canonical form with its masked label.

    Raises RequestRefused: ``invalid_iban``, ``invalid_card_token``, ``invalid_wallet``, ``invalid_paypal`` or
    ``invalid_stripe`` (field ``account``), or ``unknown_method`` (field ``method``).
    """
    checker = _CHECKERS.get(method)
    if checker is None:
        raise RequestRefused("unknown_method", f"The method must be one of {', '.join(_CHECKERS)}.", field="method")
    return checker(account)


def takes(*, method: str, account: str, currency: str) -> bool:
    """Whether a checked account can hold this currency: bitcoin sent to an ethereum address is lost."""
    return method != "wallet" or currency in wallets.network_of(account).coins


def holds_card_number(text: str) -> bool:
    """Whether a complete card number stands in the text; such a text is refused and never stored."""
    runs = re.findall(r"[0-9]{13,19}", re.sub(r"[ .-]", "", text), re.ASCII)
    return any(luhn.is_valid(run) for run in runs)


def _check_iban(text: str) -> CheckedAccount:
    if not _IBAN_CHARACTERS.fullmatch(text):
        raise _refused("invalid_iban", "An IBAN has letters A to Z and digits only.")
    try:
        iban = schwifty.IBAN(text.replace(" ", "").upper())
    except schwifty_says.InvalidChecksumDigits:
        raise _refused("invalid_iban", "The check digits of this IBAN are wrong; compare it with the bank’s.") from None
    except schwifty_says.InvalidCountryCode:
        raise _refused("invalid_iban", "An IBAN begins with the two letters of a country that uses IBANs.") from None
    except schwifty_says.InvalidLength:
        raise _refused("invalid_iban", "This IBAN does not have the length of its country’s; send all of it.") from None
    except schwifty_says.SchwiftyException:
        raise _refused("invalid_iban", "This IBAN does not have the form of its country’s; check it.") from None
    return CheckedAccount(account=str(iban), label=f"IBAN •••• {iban[-4:]}", country=iban.country_code)


def _check_card(text: str) -> CheckedAccount:
    if holds_card_number(text):
        raise _refused("invalid_card_token", "Send a token, never a card number.")
    match = _TOKEN.fullmatch(text)
    if match is None:
        raise _refused(
            "invalid_card_token", "Send the provider’s token of the card: tok_, brand, last four digits, identifier."
        )
    brand, last_four, _ = match.groups()
    if brand not in _CARD_BRANDS:
        raise _refused("invalid_card_token", f"The card brand must be one of {', '.join(_CARD_BRANDS)}.")
    return CheckedAccount(account=text, label=f"{_CARD_BRANDS[brand]} •••• {last_four}")


def _check_wallet(text: str) -> CheckedAccount:
    coin, colon, address = text.rpartition(":")
    try:
        wallet = wallets.read(address)
    except wallets.NotAnAddress as error:
        raise _refused("invalid_wallet", str(error)) from None
    if colon and coin not in wallet.network.coins:
        raise _refused(
            "invalid_wallet",
            f"This is an address of {wallet.network.name}, which takes {', '.join(wallet.network.coins)}; "
            "send an address of the right network.",
        )
    short = f"{wallet.address[:4]}…{wallet.address[-4:]}"
    return CheckedAccount(account=wallet.address, label=f"{coin or wallet.network.coins[0]} {short}")


def _check_paypal(text: str) -> CheckedAccount:
    match = _EMAIL.fullmatch(text)
    if match is None or len(text) > _LONGEST_EMAIL or holds_card_number(text):
        raise _refused("invalid_paypal", "Send the e-mail address of the PayPal account, such as name@example.com.")
    name, domain = match[1].lower(), match[2].lower()
    short = domain if len(domain) <= _LONGEST_DOMAIN else f"…{domain[-_LONGEST_DOMAIN:]}"
    return CheckedAccount(account=f"{name}@{domain}", label=f"PayPal {name[0]}•••@{short}")


def _check_stripe(text: str) -> CheckedAccount:
    if holds_card_number(text) or not _STRIPE.fullmatch(text):
        raise _refused(
            "invalid_stripe", "Send Stripe’s id of the recipient (acct_…), a slash and its id of the payout method."
        )
    return CheckedAccount(account=text, label=f"Stripe •••• {text[-4:]}")


_CHECKERS = {
    "iban": _check_iban,
    "card": _check_card,
    "wallet": _check_wallet,
    "paypal": _check_paypal,
    "stripe": _check_stripe,
}


def _refused(code: str, sentence: str) -> RequestRefused:
    return RequestRefused(code, sentence, field="account")
