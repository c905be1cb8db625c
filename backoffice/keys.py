"""The secrets of a product that runs on this machine alone: made at the first start, kept under ``var/``.

Standard library only: they are in the environment before the settings are read.
"""

import base64
import fcntl
import json
import os
import secrets
import tempfile
import uuid
from collections.abc import MutableMapping
from pathlib import Path

FILE = "keys.json"


def settle(environment: MutableMapping[str, str], var: Path) -> None:
    """Put into the environment what the product needs to run here as it does elsewhere: no debug mode, and
    secrets of its own. What the environment says already stays.
    """
    here = {"DEBUG": "0", "BEHIND_TLS": "0", "SANDBOX_ALLOWED": "1", "SECOND_FACTOR": "offered"}
    for name, value in (here | _kept(var)).items():
        if not environment.get(name):
            environment[name] = value


def _kept(var: Path) -> dict[str, str]:
    """The secrets of this installation. Whoever comes first makes what is missing; everybody reads the same."""
    path = var / FILE
    var.mkdir(exist_ok=True)
    folder = os.open(var, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        kept = dict(json.loads(path.read_text())) if path.exists() else {}
        whole = _new() | kept
        if whole != kept:
            with tempfile.NamedTemporaryFile("w", dir=var, delete=False) as draft:  # readable by its owner alone
                json.dump(whole, draft)
            Path(draft.name).replace(path)
        return whole
    finally:
        os.close(folder)


def _new() -> dict[str, str]:
    return {
        "SECRET_KEY": secrets.token_urlsafe(50),
        "FIELD_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        "INSTALLATION_ID": str(uuid.uuid4()),
        "SANDBOX_API_KEY": secrets.token_urlsafe(32),
        "SANDBOX_WEBHOOK_SECRET": f"whsec_{base64.b64encode(secrets.token_bytes(32)).decode()}",
    }
