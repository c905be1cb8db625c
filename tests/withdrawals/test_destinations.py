"""Accounts that money can be sent to, and every way in which a text is not one."""

import pytest

from withdrawals import destinations
from withdrawals.exceptions import RequestRefused

VALID = [
    # method, account as sent, account as kept, label, country
    ("iban", "DE89 3704 0044 0532 0130 00", "DE89370400440532013000", "IBAN •••• 3000", "DE"),
    ("iban", "de89370400440532013000", "DE89370400440532013000", "IBAN •••• 3000", "DE"),
    ("iban", "FR1420041010050500013M02606", "FR1420041010050500013M02606", "IBAN •••• 2606", "FR"),
    ("iban", "NO9386011117947", "NO9386011117947", "IBAN •••• 7947", "NO"),
    ("card", "tok_visa_4417_9fK2pQ7x", "tok_visa_4417_9fK2pQ7x", "Visa •••• 4417", ""),
    ("card", "tok_amex_0005_ZZZZZZZZ", "tok_amex_0005_ZZZZZZZZ", "American Express •••• 0005", ""),
    ("paypal", "Ada.Lovelace+win@Example.com", "ada.lovelace+win@example.com", "PayPal a•••@example.com", ""),
    ("paypal", "a@" + "b" * 60 + ".co.uk", "a@" + "b" * 60 + ".co.uk", "PayPal a•••@…" + "b" * 34 + ".co.uk", ""),
    (
        "stripe",
        "acct_1Nv0FGQ9RKHgCVdK/usba_test_61RK8s66TdXwZ2aB",
        "acct_1Nv0FGQ9RKHgCVdK/usba_test_61RK8s66TdXwZ2aB",
        "Stripe •••• Z2aB",
        "",
    ),
    # base58: key hash, script hash, litecoin, tron
    ("wallet", "BTC:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "BTC 1A1z…vfNa", ""),
    ("wallet", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", "3P14159f73E4gFr7JterCCQh9QjiTjiZrG", "BTC 3P14…iZrG", ""),
    ("wallet", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "TRX TR7N…Lj6t", ""),
    ("wallet", "USDT:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "USDT TR7N…Lj6t", ""),
    # segregated witness, in both cases, and taproot
    (
        "wallet",
        "BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4",
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4",
        "BTC bc1q…f3t4",
        "",
    ),
    (
        "wallet",
        "BTC:bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0",
        "BTC bc1p…5jj0",
        "",
    ),
    # EIP-55: its own examples, and without capitals
    (
        "wallet",
        "ETH:0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "ETH 0x5a…eAed",
        "",
    ),
    (
        "wallet",
        "0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "ETH 0xfB…d359",
        "",
    ),
    (
        "wallet",
        "USDC:0xDBF03B407C01E7CD3CBEA99509D93F8DDDC8C6FB",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "USDC 0xdb…C6FB",
        "",
    ),
]


@pytest.mark.parametrize(("method", "sent", "account", "label", "country"), VALID)
def test_a_valid_account_is_kept_in_one_form(method: str, sent: str, account: str, label: str, country: str) -> None:
    assert destinations.check(method=method, account=sent) == destinations.CheckedAccount(account, label, country)


@pytest.mark.parametrize(("method", "sent", "account", "label", "country"), VALID)
def test_the_kept_form_is_valid_itself(method: str, sent: str, account: str, label: str, country: str) -> None:
    assert destinations.check(method=method, account=account).account == account


INVALID = [
    ("iban", "", "invalid_iban"),
    ("iban", "DE88370400440532013000", "invalid_iban"),  # check digits
    ("iban", "DE89370400440532013001", "invalid_iban"),  # one digit
    ("iban", "DE8937040044053201300", "invalid_iban"),  # length
    ("iban", "XX89370400440532013000", "invalid_iban"),  # country
    ("iban", "US89370400440532013000", "invalid_iban"),  # a country without IBANs
    ("iban", "DE8937040044053201300O", "invalid_iban"),  # the letter O
    ("iban", "DE89\u00a0370400440532013000", "invalid_iban"),
    ("iban", "DE８９370400440532013000", "invalid_iban"),  # full-width digits
    ("iban", "DE89370400440532013000\n", "invalid_iban"),
    ("iban", "DE89-3704-0044-0532-0130-00", "invalid_iban"),
    ("card", "4111111111111111", "invalid_card_token"),
    ("card", "4111 1111 1111 1111", "invalid_card_token"),
    ("card", "4111-1111-1111-1111", "invalid_card_token"),
    ("card", "378282246310005", "invalid_card_token"),
    ("card", "4222222222222", "invalid_card_token"),
    ("card", "tok_visa_1111_4111111111111111", "invalid_card_token"),
    ("card", "tok_visa_441_9fK2pQ7x", "invalid_card_token"),
    ("card", "tok_visa_4417_short", "invalid_card_token"),
    ("card", "tok_nobody_4417_9fK2pQ7x", "invalid_card_token"),
    ("card", "tok_visa_4417_9fK2pQ7x\n", "invalid_card_token"),
    ("card", "visa_4417_9fK2pQ7x", "invalid_card_token"),
    ("paypal", "", "invalid_paypal"),
    ("paypal", "ada", "invalid_paypal"),
    ("paypal", "ada@example", "invalid_paypal"),
    ("paypal", "ada@@example.com", "invalid_paypal"),
    ("paypal", "ada lovelace@example.com", "invalid_paypal"),
    ("paypal", "ada@example.com\n", "invalid_paypal"),
    ("paypal", "adà@example.com", "invalid_paypal"),
    ("paypal", "ada@exam\u212aple.com", "invalid_paypal"),  # the sign of Kelvin, a small k in lower case
    ("paypal", "4111111111111111@example.com", "invalid_paypal"),
    ("paypal", "a" * 65 + "@example.com", "invalid_paypal"),
    ("paypal", "a@" + "b." * 60 + "com", "invalid_paypal"),
    ("stripe", "acct_1Nv0FGQ9RKHgCVdK", "invalid_stripe"),  # without the payout method
    ("stripe", "usba_61RK8s66TdXwZ2aB/acct_1Nv0FGQ9RKHgCVdK", "invalid_stripe"),
    ("stripe", "acct_1Nv0FGQ9RKHgCVdK/usba_61RK8s66TdXwZ2aB\n", "invalid_stripe"),
    ("stripe", "acct_1Nv0FGQ9RKHgCVdK/../usba_61RK8s66TdXwZ2aB", "invalid_stripe"),
    ("stripe", "acct_1Nv0FGQ9RKHgCVdK/card_4111111111111111", "invalid_stripe"),
    ("wallet", "", "invalid_wallet"),
    ("wallet", "BTC:", "invalid_wallet"),
    ("wallet", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "invalid_wallet"),  # base58 checksum
    ("wallet", "1A1zP1eP5QGefi2DMPTfTL5SLmv7Divf0a", "invalid_wallet"),  # a character outside base58
    ("wallet", "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", "invalid_wallet"),  # the test network
    ("wallet", "DH5yaieqoZN36fDVciNyRueRGvGLR3mr7L", "invalid_wallet"),  # dogecoin
    ("wallet", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "invalid_wallet"),
    ("wallet", "bc1Qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "invalid_wallet"),  # mixed case
    ("wallet", "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", "invalid_wallet"),  # not bech32m
    ("wallet", "tb1qw508d6qejxtdg4y5r3zarvary0c5xw7kxpjzsx", "invalid_wallet"),
    ("wallet", "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "invalid_wallet"),  # one wrong capital
    ("wallet", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe", "invalid_wallet"),
    ("wallet", "0X5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "invalid_wallet"),
    ("wallet", "BTC:TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "invalid_wallet"),  # of another network
    ("wallet", "ETH:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "invalid_wallet"),
    ("wallet", "DOGE:1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "invalid_wallet"),
    ("wallet", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6T", "invalid_wallet"),
    ("wallet", "\ud800", "invalid_wallet"),
    ("wallet", "1" * 100, "invalid_wallet"),
]


@pytest.mark.parametrize(("method", "account", "code"), INVALID)
def test_anything_else_is_refused_without_repeating_it(method: str, account: str, code: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        destinations.check(method=method, account=account)
    assert (refused.value.code, refused.value.field) == (code, "account")
    assert len(account) < 8 or account not in refused.value.sentence


def test_every_digit_of_an_iban_counts() -> None:
    valid = "GB29NWBK60161331926819"
    for place in range(8, len(valid)):
        changed = valid[:place] + str((int(valid[place]) + 1) % 10) + valid[place + 1 :]
        with pytest.raises(RequestRefused):
            destinations.check(method="iban", account=changed)


def test_a_card_number_is_answered_with_what_to_send() -> None:
    with pytest.raises(RequestRefused, match="Send a token, never a card number"):
        destinations.check(method="card", account="4111111111111111")


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(RequestRefused) as refused:
        destinations.check(method="cheque", account="x")
    assert (refused.value.code, refused.value.field) == ("unknown_method", "method")


@pytest.mark.parametrize(
    ("method", "account", "currency", "takes"),
    [
        ("iban", "DE89370400440532013000", "EUR", True),
        ("card", "tok_visa_4417_9fK2pQ7x", "USD", True),
        ("paypal", "ada@example.com", "EUR", True),
        ("wallet", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "BTC", True),
        ("wallet", "1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa", "USDT", False),
        ("wallet", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "USDT", True),
        ("wallet", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "BTC", False),
        ("wallet", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "USDT", True),
        ("wallet", "TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t", "ETH", False),
    ],
)
def test_a_wallet_takes_the_currencies_of_its_network(method: str, account: str, currency: str, takes: bool) -> None:
    assert destinations.takes(method=method, account=account, currency=currency) is takes


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("4111 1111 1111 1111", True),
        ("Visa 4111.1111.1111.1111 of Dana", True),
        ("Visa •••• 1111", False),
        ("4111111111111112", False),
        ("fp_9a8b7c", False),
    ],
)
def test_card_numbers_are_found_inside_other_text(text: str, found: bool) -> None:
    assert destinations.holds_card_number(text) is found
