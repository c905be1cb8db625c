"""static/tokens.css: its colours against WCAG 2.2 AA and the design, and that no other sheet has its own."""

import re

import pytest
from django.conf import settings

THEMES = ("light", "dark")
TONES = ("neutral", "info", "attn", "danger", "success", "second")
# Ratios as designed: foreground, background, light, dark.
DESIGNED = [
    ("ink", "surface", 17.8, 15.2),
    ("ink-2", "surface", 8.9, 9.1),
    ("ink-3", "surface", 5.4, 5.8),
    ("ink-3", "canvas", 5.0, 6.3),
    ("accent", "surface", 6.9, 8.7),
    ("edge", "surface", 3.6, 3.9),
    ("neutral-fg", "neutral-bg", 7.5, 7.5),
    ("info-fg", "info-bg", 6.4, 7.9),
    ("attn-fg", "attn-bg", 6.2, 8.4),
    ("danger-fg", "danger-bg", 5.9, 7.4),
    ("success-fg", "success-bg", 6.1, 8.2),
    ("second-fg", "second-bg", 6.8, 7.3),
]


def tokens() -> dict[str, tuple[str, str]]:
    text = (settings.BASE_DIR / "static" / "tokens.css").read_text()
    found = re.findall(r"--([\w-]+):\s*light-dark\((#\w{6}), (#\w{6})\)", text)
    return {name: (light, dark) for name, light, dark in found}


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(("text", "ground", "light", "dark"), DESIGNED)
def test_pairs_are_as_designed(text: str, ground: str, light: float, dark: float, theme: str) -> None:
    column = THEMES.index(theme)
    measured = contrast(tokens()[text][column], tokens()[ground][column])
    assert round(measured, 1) == (light, dark)[column]


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("text", [*(f"{tone}-fg" for tone in TONES), "ink", "ink-2"])
@pytest.mark.parametrize("ground", ["surface", "canvas", "sunken", "accent-tint"])
def test_every_tone_is_readable_wherever_rows_and_panels_put_it(text: str, ground: str, theme: str) -> None:
    column = THEMES.index(theme)
    assert contrast(tokens()[text][column], tokens()[ground][column]) >= 4.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    ("text", "ground"), [("on-primary", "primary"), ("on-danger", "danger-solid"), ("ink-3", "sunken")]
)
def test_words_on_solid_grounds_are_readable(text: str, ground: str, theme: str) -> None:
    column = THEMES.index(theme)
    assert contrast(tokens()[text][column], tokens()[ground][column]) >= 4.5


def test_only_tokens_hold_colours() -> None:
    sheet = (settings.BASE_DIR / "static" / "components.css").read_text()
    raw = set(re.findall(r"#[0-9A-Fa-f]{3,8}\b|rgba?\([^)]*\)", sheet))
    assert raw == set()


def test_no_other_sheet_has_colours_type_sizes_or_radii_of_its_own() -> None:
    sheet = (settings.BASE_DIR / "static" / "components.css").read_text()
    own = re.findall(r"#[0-9a-fA-F]{3,8}\b|\b(?:rgb|hsl)a?\(", sheet)
    for line in re.findall(r"(?:font-size|font|border-(?:[a-z-]+-)?radius): ([^;]+);", sheet):
        # A share of the size around it (.94em) or none at all is no size of its own.
        own += [line] if re.search(r"\d(?:px|rem|pt)\b", re.sub(r"/\d+px", "", line)) else []
    assert own == []
