"""Our accounts at the sandbox provider, one for each way in which it speaks, as settings.PROVIDERS wants them. Pure."""

import base64
import hashlib
from typing import Any

# For the pair by which the sandbox signs as PayPal does; its other half is sandbox/dialects/paypal_key.py.
_PAYPAL_CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIDFzCCAf+gAwIBAgIUCzTpxKQQTRsKZXWpjOyc80N5JmIwDQYJKoZIhvcNAQEL
BQAwGjEYMBYGA1UEAwwPc2FuZGJveC5pbnZhbGlkMCAXDTI2MTEyMzAxMTg0M1oY
DzIxMjYxMDMwMDExODQzWjAaMRgwFgYDVQQDDA9zYW5kYm94LmludmFsaWQwggEi
MA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQCZmW5lNB0D55FFzpl1Od/0gBPH
yGJWdydHFYQGKXxrs4Wxw2Oaobea06wONPCpk4uM64Twgh7Cq+QVRcX5q+lZGWNO
qMd3dp3ARxHLISu6YMRSB6qkCDUrW46pe8BsFNmnNS1b7y80eZpBJ7UiGD+JKdL+
hLcZYXlUyrugi2y5r+0zrcfn2f6uB3KXLg8sanh1niFU1DsqLRDiy3Vg4VEcNhiF
KRWq4usPReWgeAo5nIhMvbYAllLqVKU0LV/RgLqzlg6WwZY16HTxR3/pOzrJCHbn
cNZtvjz28DR8ZMNyKqu4mmdiithPE+cENXijmKAi/YwdMBtoYnmQIUyLVfNnAgMB
AAGjUzBRMB0GA1UdDgQWBBSTiWbTQdGSxWYxCBqVjuZD7IwMejAfBgNVHSMEGDAW
gBSTiWbTQdGSxWYxCBqVjuZD7IwMejAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3
DQEBCwUAA4IBAQBO2BvHQjfUkXP05quk1wLBttRj4VN23GRj0rRR6wyHgMAiQPLj
7xhGI4VvQAUq6g00dO2TZU52eRjllDL9RaeVA4cT9RXY6j6xCoZycOMqrSNFqhr2
9Il3o4zA9n80vNRqISr9HD2I30gTwHUe2WqjPd4Mir7pllhAeL4mdUPBVvWbiAFP
GAkjyTscGDKsIuer/hhA4r+/Fp6L6dlhfHYT0dfh3ZQOIzLShoXUaQd24BQ9tzpm
xzJMdzc1pSFyo1YMeh80bSeNPxiO54qQoZKUx3hRZcbMfeGeOoKm1z8EpFRZ75qn
n2R+IX9653K1i45rh3qhFsxaRKzggSvgm2ES
-----END CERTIFICATE-----
"""


def at(url: str, *, api_key: str, webhook_secret: str) -> dict[str, dict[str, Any]]:
    """Return the configuration by provider code. `webhook_secret` is a Standard Webhooks one (whsec_…).

    What has a ``control_page`` only pretends to pay. Raises ValueError if the secret has another form.
    """
    shared = {"api_key": api_key, "control_page": f"{url}/_control/"}
    native = {**shared, "base_url": url, "webhook_secrets": [webhook_secret]}
    as_hex = base64.b64decode(webhook_secret.removeprefix("whsec_")).hex()
    return {
        # Two merchant accounts that speak its own dialect.
        "northgate": {**native, "account": "northgate"},
        "volta": {**native, "account": "volta"},
        "adyen": {
            **shared,
            "base_url": f"{url}/adyen",
            "balance_account": "adyen",
            "hmac_keys": [as_hex],
        },
        "hyperswitch": {
            **shared,
            "base_url": f"{url}/hyperswitch",
            "merchant_id": "hyperswitch",
            "hash_keys": [as_hex],
        },
        "paypal": {
            **shared,
            "base_url": f"{url}/paypal",
            "client_id": "paypal",
            "webhook_id": hashlib.sha256(webhook_secret.encode()).hexdigest()[:17].upper(),
            "certificates": [_PAYPAL_CERTIFICATE],
        },
        "stripe": {
            **shared,
            "base_url": f"{url}/stripe",
            "financial_account": "stripe",
            "webhook_secrets": [webhook_secret],
        },
    }
