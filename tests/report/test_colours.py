"""Contrast of the page's colours, computed from its style sheet (WCAG 2.2, 1.4.3 and 1.4.11)."""

import re

import pytest

from auditor.resources import resource

STYLE = resource("templates", "page.css").read_text("utf-8")
TEXT, GRAPHIC = 4.5, 3.0


def colours_of(selector: str) -> dict[str, str]:
    start = STYLE.index(selector)
    block = STYLE[STYLE.index(":root", start) :]
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block[: block.index("}")]))


LIGHT = colours_of(":root")
THEMES = {
    "light": LIGHT,
    "dark": {**LIGHT, **colours_of("@media (prefers-color-scheme: dark)")},
    "print": {**LIGHT, **colours_of("@media print")},
}


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def test_contrast_of_black_on_white_is_21():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    ("front", "ground", "least"),
    [
        *((front, ground, TEXT) for front in ("ink", "muted") for ground in ("paper", "surface")),
        ("accent", "paper", TEXT),
        ("lost", "paper", TEXT),
        ("accent", "track", GRAPHIC),
        ("lost", "track", GRAPHIC),
        ("lost", "lost-soft", GRAPHIC),
    ],
)
def test_contrast(theme, front, ground, least):
    colours = THEMES[theme]
    assert contrast(colours[front], colours[ground]) >= least


def test_themes_differ():
    assert THEMES["dark"]["paper"] != THEMES["light"]["paper"]
    assert set(THEMES["dark"]) == set(THEMES["light"])
