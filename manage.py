#!/usr/bin/env python3
"""Django's entry point. Every command finds the embedded services, or starts them for its duration."""

import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
UNDEFINED_TABLE = "42P01"


def main() -> None:
    python = ROOT / ".venv" / "bin" / "python"
    if python.exists() and Path(sys.prefix) != ROOT / ".venv":
        os.execv(python, [str(python), *sys.argv])
    from backoffice import keys

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "backoffice.settings")
    embedded = not os.environ.get("DATABASE_URL")
    if embedded:
        # As `make run`, with the same secrets.
        keys.settle(os.environ, ROOT / "var")
    try:
        from django.core.management import execute_from_command_line
    except ImportError:
        sys.exit("The packages are not installed yet; run `make setup` first.")
    from django.db import ProgrammingError, connection

    from backoffice.installation import EmbeddedError

    try:
        execute_from_command_line(sys.argv)
    except EmbeddedError as error:
        sys.exit(str(error))
    except ProgrammingError as error:
        if not embedded or getattr(error.__cause__, "pgcode", "") != UNDEFINED_TABLE:
            raise
        sys.stderr.write("The database is empty: setting it up first.\n")
        connection.close()
        execute_from_command_line([sys.argv[0], "migrate", "-v", "0"])
        execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
