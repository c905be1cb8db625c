"""The browser of the end-to-end tests: finds one, or installs the platform's own.

`make test` runs this file before the tests, so that nothing is installed in the middle of one.
Without a browser those tests are skipped, loudly; under CI=true that is a failure.
"""

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
# Quiet towards the outside: the product's pages must not need any other host.
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
INSTALL_SECONDS = 600


def find() -> str | None:
    """The path of a browser that starts; BROWSER_PATH names one outright."""
    named = [os.environ["BROWSER_PATH"]] if os.environ.get("BROWSER_PATH") else []
    downloaded = Path.home().glob(".cache/ms-playwright/chromium-*/chrome-linux*/chrome")
    found = (shutil.which(name) for name in NAMES)
    candidates = [*named, *(path for path in found if path), *PLACES, *map(str, downloaded)]
    return next((path for path in candidates if _starts(path)), None)


def install() -> None:
    """Try the platform's usual way; whether it worked is for ``find()`` to say."""
    command: list[str] = []
    if platform.system() == "Linux" and os.geteuid() == 0 and shutil.which("apt-get"):
        packages = "chromium fonts-liberation"
        command = ["sh", "-c", f"apt-get update && apt-get install -y --no-install-recommends {packages}"]
    elif platform.system() == "Darwin" and shutil.which("brew"):
        command = ["brew", "install", "--cask", "google-chrome"]
    if not command:
        return
    print(f"No browser found; installing one with `{command[-1]}` (a minute or two) ...", flush=True)
    try:
        subprocess.run(
            command,
            env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"},
            capture_output=True,
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        print("The installation took too long and was given up.", flush=True)


def main() -> int:
    if not find():
        install()
    if browser := find():
        print(f"The browser tests use {browser}.", flush=True)
        return 0
    print(
        "\n*** NO BROWSER: the tests that drive one cannot run and will be skipped. ***\n"
        "Install chromium or google-chrome (Debian, as root: `apt-get install chromium`; macOS: "
        "`brew install --cask google-chrome`),\nor run `.venv/bin/python -m playwright install chromium`, "
        "or name a browser in BROWSER_PATH.\n",
        flush=True,
    )
    return 1 if os.environ.get("CI") == "true" else 0


def _starts(path: str) -> bool:
    try:
        asked = subprocess.run([path, "--version"], capture_output=True, timeout=30, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return asked.returncode == 0


if __name__ == "__main__":
    sys.exit(main())
