"""The product's settings with what a test run needs changed."""

import os
from datetime import timedelta
from pathlib import Path

os.environ.setdefault("DEBUG", "1")  # read below, and by the processes that tests start

from backoffice.settings import *  # noqa: F403

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
AUDIT_SEALS = Path("/nonexistent/audit-seals.jsonl")
SECOND_FACTOR = "offered"
UNDO_TIME = timedelta(seconds=10)
# The product is tested with two providers of one kind; tests/providers judges all that are known.
PROVIDERS = {code: PROVIDERS[code] for code in ("northgate", "volta")}  # noqa: F405
