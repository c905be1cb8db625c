"""From a bare Python to a virtual environment with exactly the locked packages.

    python3 -I backoffice/bootstrap.py [run|test|dev]

Standard library only. The file must at least be readable by Python 3.6, which it then refuses in
words. A second call with nothing changed does nothing.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed.txt"
# Each file contains the one before it.
SETS = {"run": "requirements.txt", "test": "requirements-test.txt", "dev": "requirements-dev.txt"}
OLDEST = (3, 11)
CAPTURE: Any = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "universal_newlines": True}
CANDIDATES = ("python3.14", "python3.13", "python3.12", "python3.11")


def main(wanted: str) -> None:
    """Make ``.venv`` hold the packages of one set, or leave with one clear sentence."""
    if os.name != "posix":
        sys.exit("Payout Desk runs on Linux and macOS; on Windows use WSL, or Docker with `docker compose up`.")
    if sys.version_info < OLDEST:
        _use_newer_python()
    import fcntl

    (ROOT / "var").mkdir(exist_ok=True)
    with (ROOT / "var" / "setup.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _make_venv()
        if _digest(SETS[wanted]) not in (STAMP.read_text() if STAMP.exists() else ""):
            STAMP.unlink(missing_ok=True)
            _install(SETS[wanted])
            names = list(SETS)
            done = names[: names.index(wanted) + 1]
            STAMP.write_text("".join(f"{_digest(SETS[name])}  {SETS[name]}\n" for name in done))


def _use_newer_python() -> None:
    for name in CANDIDATES:
        found = shutil.which(name)
        if found and subprocess.call([found, "-c", ""], stderr=subprocess.DEVNULL) == 0:
            os.execv(found, [found, "-I", *sys.argv])
    have = "{}.{}".format(*sys.version_info)
    sys.exit(
        f"Payout Desk needs Python 3.11 or newer, and this is Python {have}; "
        "install a newer one, or name it: `make run PYTHON=/path/to/python3.12`."
    )


def _make_venv() -> None:
    """Create ``.venv``, or create it anew when its Python is gone or too old."""
    probe = f"import sys; sys.exit(sys.version_info < {OLDEST})"
    if VENV_PYTHON.exists() and subprocess.call([str(VENV_PYTHON), "-c", probe], stderr=subprocess.DEVNULL) == 0:
        return
    # --without-pip: Debian's Python has venv, but not the ensurepip that fills it.
    made = subprocess.run([_base_python(), "-m", "venv", "--without-pip", "--clear", str(VENV)], check=False, **CAPTURE)
    if made.returncode:
        sys.exit(f"The virtual environment .venv could not be made:\n{_tail(made.stdout)}")


def _install(requirements: str) -> None:
    total = len(re.findall(r"^[\w.\[\]-]+==", (ROOT / requirements).read_text(), re.MULTILINE))
    print(
        f"Installing {total} packages from {requirements} into .venv; this takes a minute or less ...",
        flush=True,
    )
    begun, said = time.monotonic(), []
    command = [*_pip(), "install", "--require-hashes", "--only-binary", ":all:", "--no-compile", "--no-input",
               "--disable-pip-version-check", "--progress-bar", "off", "-r", requirements]  # fmt: skip
    # pip's remarks about the machine's own settings are shown only if something goes wrong.
    with subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PIP_USER": "0"}, **CAPTURE) as pip:
        assert pip.stdout is not None
        for line in pip.stdout:
            said.append(line)
            if sys.stdout.isatty() and line.startswith("Collecting "):
                count = sum(1 for earlier in said if earlier.startswith("Collecting "))
                print(f"\r  {count} of {total}", end="", flush=True)
    if sys.stdout.isatty():
        print("\r", end="")
    if pip.returncode:
        sys.exit(
            f"{_tail(''.join(said))}\nThe packages could not be installed; pip's last words stand above. "
            "Check the network, or name your package index in PIP_INDEX_URL, and run the command again."
        )
    # So that `.venv/bin/pytest` and friends find the product from any folder.
    for packages in VENV.glob("lib/python*/site-packages"):
        (packages / "payoutdesk.pth").write_text(f"{ROOT}\n")
    print(f"Installed in {time.monotonic() - begun:.0f} s.", flush=True)


def _pip() -> "list[str]":
    """A pip that can install into ``.venv``: this Python's (22.3 or newer), or ensurepip's."""
    asked = subprocess.run([_base_python(), "-m", "pip", "--version"], check=False, **CAPTURE)
    version = re.match(r"pip (\d+)\.(\d+)", asked.stdout)
    if version and (int(version[1]), int(version[2])) >= (22, 3):
        return [_base_python(), "-m", "pip", "--python", str(VENV_PYTHON)]
    if subprocess.run([str(VENV_PYTHON), "-m", "ensurepip"], check=False, **CAPTURE).returncode == 0:
        return [str(VENV_PYTHON), "-m", "pip"]
    sys.exit(
        f"The Python at {_base_python()} has no pip; install it (Debian and Ubuntu: "
        "`apt-get install python3-pip`, Fedora: `dnf install python3-pip`) and run the command again."
    )


def _base_python() -> str:
    """The interpreter below an activated virtual environment: ours has no pip of its own."""
    return str(getattr(sys, "_base_executable", sys.executable))


def _digest(requirements: str) -> str:
    """Changes with what .venv depends on: the lock file, Python's version and the folder."""
    version = subprocess.check_output([str(VENV_PYTHON), "-V"])
    return hashlib.sha256((ROOT / requirements).read_bytes() + version + str(ROOT).encode()).hexdigest()


def _tail(text: str) -> str:
    return "\n".join(text.splitlines()[-15:])


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "run")
