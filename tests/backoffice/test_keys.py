"""The secrets of an installation that nobody configured."""

import base64
import json
from pathlib import Path

from backoffice import keys


def test_it_makes_its_secrets_once_and_for_itself_alone(tmp_path: Path) -> None:
    first: dict[str, str] = {}
    again: dict[str, str] = {}
    other: dict[str, str] = {}
    keys.settle(first, tmp_path / "var")
    keys.settle(again, tmp_path / "var")
    keys.settle(other, tmp_path / "elsewhere")

    assert first == again
    secret = {"SECRET_KEY", "FIELD_KEY", "INSTALLATION_ID", "SANDBOX_API_KEY", "SANDBOX_WEBHOOK_SECRET"}
    assert all(first[name] != other[name] for name in secret)
    assert {name: first[name] for name in first.keys() - secret} == {
        "DEBUG": "0",
        "BEHIND_TLS": "0",
        "SANDBOX_ALLOWED": "1",
        "SECOND_FACTOR": "offered",
    }
    assert len(base64.b64decode(first["SANDBOX_WEBHOOK_SECRET"].removeprefix("whsec_"))) == 32
    assert (tmp_path / "var" / keys.FILE).stat().st_mode & 0o077 == 0
    assert [path.name for path in (tmp_path / "var").iterdir()] == [keys.FILE]


def test_what_was_given_stays(tmp_path: Path) -> None:
    environment = {"DEBUG": "1", "SECRET_KEY": "given", "INSTALLATION_ID": ""}
    keys.settle(environment, tmp_path / "var")
    assert (environment["DEBUG"], environment["SECRET_KEY"]) == ("1", "given")
    assert environment["INSTALLATION_ID"]


def test_a_secret_that_came_later_is_added_and_the_others_stay(tmp_path: Path) -> None:
    keys.settle({}, tmp_path)
    path = tmp_path / keys.FILE
    earlier = json.loads(path.read_text())
    path.write_text(json.dumps({name: value for name, value in earlier.items() if name != "FIELD_KEY"}))
    first: dict[str, str] = {}
    again: dict[str, str] = {}
    keys.settle(first, tmp_path)
    keys.settle(again, tmp_path)
    assert first == again
    assert first["FIELD_KEY"] != earlier["FIELD_KEY"] and first["SECRET_KEY"] == earlier["SECRET_KEY"]
    assert path.stat().st_mode & 0o077 == 0
