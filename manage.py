#!/usr/bin/env python3
"""Django's entry point. Every command finds the embedded services, or starts them for its duration."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent


def main() -> None:
    python = ROOT / ".venv" / "bin" / "python"
    if python.exists() and Path(sys.prefix) != ROOT / ".venv":
        os.execv(python, [str(python), *sys.argv])
    from backoffice import keys

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    if not os.environ.get("DATABASE_URL"):
        # On the embedded services: as `make run`, with the same secrets.
        keys.settle(os.environ, ROOT / "var")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("The packages are not installed yet; run `make setup` first.")
    from backoffice.installation import EmbeddedError

    try:
        execute_from_command_line(sys.argv)
    except EmbeddedError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
