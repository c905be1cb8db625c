"""Our accounts at the sandbox provider, one for each way in which it speaks, as settings.PROVIDERS wants them. Pure."""

import base64
from typing import Any


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
        "stripe": {
            **shared,
            "base_url": f"{url}/stripe",
            "financial_account": "stripe",
            "webhook_secrets": [webhook_secret],
        },
    }
