"""Rules that every template keeps: the content security policy, documented components, known icons."""

import gzip
import re
from pathlib import Path

import pytest
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
COMPONENTS = sorted((ROOT / "templates" / "components").glob("*.html"))
ICONS = set(re.findall(r'<symbol id="(\w+)"', (ROOT / "static" / "icons.svg").read_text()))


def ids(paths: list[Path]) -> list[str]:
    return [str(path.relative_to(ROOT)) for path in paths]


@pytest.mark.parametrize("path", TEMPLATES, ids=ids(TEMPLATES))
def test_nothing_inline_that_the_policy_would_block(path: Path) -> None:
    text = path.read_text()
    assert not re.search(r"\sstyle\s*=|<style|\son[a-z]+\s*=|\shx-on|javascript:|\bjs:", text)
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"(?:src|href|action)=\"(?:https?:)?//", text)


@pytest.mark.parametrize("path", TEMPLATES, ids=ids(TEMPLATES))
def test_nothing_switches_escaping_off(path: Path) -> None:
    text = path.read_text()
    assert "|safe" not in text and "autoescape off" not in text
    assert "{{ attrs }}" not in text, "cotton writes attrs unescaped"


@pytest.mark.parametrize("path", TEMPLATES, ids=ids(TEMPLATES))
def test_short_comments_stay_on_one_line(path: Path) -> None:
    """Django takes {# #} over a line break for text and would print it."""
    assert all(line.count("{#") == line.count("#}") for line in path.read_text().splitlines())


@pytest.mark.parametrize("path", COMPONENTS, ids=ids(COMPONENTS))
def test_a_component_opens_with_what_it_takes(path: Path) -> None:
    text = path.read_text()
    assert text.startswith(("{#", "{% comment %}"))
    declared = re.search(r"<c-vars (.*?)/>", text, re.S)
    header = text.split("<c-vars")[0]
    for name in re.findall(r":?(\w+)=", declared.group(1) if declared else ""):
        assert re.search(rf"\b{name}\b", header), f"{name} is not explained"


@pytest.mark.parametrize("path", COMPONENTS, ids=ids(COMPONENTS))
def test_a_component_takes_nothing_that_nobody_gives(path: Path) -> None:
    tag = re.escape(f"c-{path.stem.replace('_', '-')}")
    uses = [page.read_text() for page in TEMPLATES if page != path and "styleguide" not in page.parts]
    calls = "".join(call for text in uses for call in re.findall(rf"<{tag}\b.*?</{tag}>|<{tag}\b[^>]*/>", text, re.S))
    if not calls:
        pytest.skip("drawn by a tag of backoffice/ui/templatetags or shown for later")
    declared = re.search(r"<c-vars (.*?)/>", path.read_text(), re.S)
    names = re.findall(r":?(\w+)=", declared.group(1) if declared else "")
    assert [name for name in names if not re.search(rf'[\s:]{name}[\s=>/]|slot name="{name}"', calls)] == []


def test_every_icon_that_is_named_is_in_the_sprite() -> None:
    named: set[str] = set()
    for path in TEMPLATES:
        text = path.read_text()
        named |= set(re.findall(r'\{% icon "(\w+)"', text)) | set(re.findall(r'\sicon="(\w+)"', text))
        named |= set(re.findall(r'\{% mark "\w+" "(\w+)"', text))
    for package in ("backoffice", "withdrawals", "kyc", "fraud", "providers", "ledger"):
        for source in (ROOT / package).rglob("*.py"):
            named |= set(re.findall(r'\bicon(?:_name)?=?\(?"(\w+)"', source.read_text()))
    assert named - ICONS == set()


def test_every_icon_of_the_sprite_is_used() -> None:
    packages = ("backoffice", "withdrawals", "kyc", "fraud", "providers", "ledger")
    sources = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    text = "".join(path.read_text() for path in [*TEMPLATES, *sources])
    assert {icon for icon in ICONS if f'"{icon}"' not in text} == set()


def test_the_style_sheets_stay_small() -> None:
    text = b"".join((ROOT / "static" / name).read_bytes() for name in ("tokens.css", "components.css"))
    assert len(gzip.compress(text)) <= 15 * 1024


def test_own_scripts_evaluate_nothing_and_keep_nothing_in_the_browser() -> None:
    text = "".join(path.read_text() for path in (ROOT / "static").glob("*.js"))
    assert not re.search(
        r"\beval\(|new Function|innerHTML|outerHTML\s*=|insertAdjacentHTML|localStorage|sessionStorage", text
    )
    assert len(gzip.compress(text.encode())) <= 20 * 1024
