"""The style sheet: words can be read in light and dark (WCAG 2.2, level AA)."""

from __future__ import annotations

import re

import pytest

from leaderboard.assets import TEMPLATES

STYLE = (TEMPLATES / "style.css").read_text("utf-8")
WORDS = ("ink", "soft", "accent", "mark", "good", "bad")
GROUNDS = ("page", "card", "head")


def themes() -> dict[str, dict[str, str]]:
    blocks = {
        "light": r":root \{([^}]*)\}",
        "dark": r':root\[data-theme="dark"\] \{([^}]*)\}',
        "dark by choice of the system": r':root:not\(\[data-theme="light"\]\) \{([^}]*)\}',
    }
    found = {}
    for name, pattern in blocks.items():
        match = re.search(pattern, STYLE)
        assert match, name
        found[name] = dict(re.findall(r"--([a-z]+): (#[0-9a-f]{6});", match[1]))
    return found


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    light, dark = sorted((luminance(one), luminance(two)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def mixed(over: str, ground: str, share: float) -> str:
    parts = [
        round(int(over[i : i + 2], 16) * share + int(ground[i : i + 2], 16) * (1 - share))
        for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02x}" for part in parts)


@pytest.mark.parametrize("theme", themes())
def test_words_stand_out(theme: str) -> None:
    colours = themes()[theme]
    for ground in GROUNDS:
        for word in WORDS:
            assert contrast(colours[word], colours[ground]) >= 4.5, (theme, word, ground)
    assert contrast(colours["page"], colours["accent"]) >= 4.5, "a pressed button"
    assert contrast(colours["focus"], colours["page"]) >= 3, "the outline of what has the focus"
    for share in (0.02, 0.75):
        cell = mixed(colours["heat"], colours["card"], share)
        assert contrast(colours["ink"], cell) >= 4.5, "numbers of the heat map"


@pytest.mark.parametrize("theme", themes())
def test_bars_can_be_told_from_their_track(theme: str) -> None:
    colours = themes()[theme]
    assert contrast(colours["ink"], colours["band"]) >= 3
    assert contrast(colours["mark"], colours["track"]) >= 3


def test_both_ways_to_dark_are_the_same() -> None:
    found = themes()
    assert found["dark"] == found["dark by choice of the system"]
