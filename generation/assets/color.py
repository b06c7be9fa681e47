"""Colour words: what people call a surface, and whether one word fits a whole piece."""

from __future__ import annotations

import colorsys
from collections import defaultdict
from collections.abc import Iterable

from generation.assets.piece import Finish, Rgb

COLOR_WORDS = (
    "black", "white", "gray", "brown", "beige", "red", "orange",
    "yellow", "green", "blue", "purple", "pink",
)  # fmt: skip

MIN_SHARE = 0.72
"""Part of the surface that must have one colour for a piece to be called by it."""

NEAR = {
    frozenset(pair)
    for pair in (
        ("white", "beige"), ("white", "gray"), ("gray", "black"), ("brown", "beige"),
        ("brown", "orange"), ("brown", "black"), ("brown", "red"), ("red", "orange"),
        ("red", "pink"), ("purple", "pink"), ("purple", "blue"), ("orange", "yellow"),
        ("beige", "yellow"), ("beige", "gray"), ("beige", "pink"),
        ("beige", "green"), ("yellow", "green"), ("brown", "gray"),
    )
}  # fmt: skip
"""Pairs that light and shade can turn into each other: no name may rest on such a difference."""


def alike(first: str, second: str) -> bool:
    """Say whether two colour words could be taken for each other; "" could be anything."""
    return not first or not second or first == second or frozenset((first, second)) in NEAR


def color_word(rgb: Rgb) -> str:
    """Return the word for a colour (sRGB, 0 to 1), or "" where people would not agree on one."""
    hue, saturation, value = colorsys.rgb_to_hsv(*(min(max(c, 0.0), 1.0) for c in rgb))
    degrees = hue * 360
    chroma = saturation * value
    if value < 0.17:
        return "black"
    is_warm = 15 <= degrees < 70
    if chroma < (0.045 if is_warm else 0.06) or (value < 0.23 and chroma < 0.1):
        return _gray_word(value)
    if is_warm:
        return _warm_word(degrees, saturation, value)
    return _hue_word(degrees, saturation, value) if chroma >= 0.15 else ""


def _gray_word(value: float) -> str:
    if value < 0.24:
        return "black"
    if value >= 0.84:
        return "white"
    return "gray" if 0.32 < value < 0.70 else ""


def _warm_word(degrees: float, saturation: float, value: float) -> str:
    """Tell brown, beige, orange and yellow apart; woods between them have no word."""
    if value > 0.68 and 0.12 < saturation < 0.46:
        return "beige"
    if value < 0.57:
        return "brown" if saturation > 0.3 and value > 0.24 and degrees < 48 else ""
    if degrees < 40 and saturation > (0.84 if value < 0.8 else 0.66):
        return "orange"
    if degrees >= 44 and saturation > 0.55 and value > 0.72:
        return "yellow"
    return ""


def _hue_word(degrees: float, saturation: float, value: float) -> str:
    """Name a colour that is neither gray nor between red and yellow."""
    if degrees < 10 or degrees >= 345:
        if saturation > 0.6 and value > 0.36:
            return "red"
        return "pink" if 0.25 < saturation < 0.5 and value > 0.8 else ""
    if degrees < 75:
        return ""
    for limit, word in ((165, "green"), (187, ""), (250, "blue"), (262, ""), (300, "purple")):
        if degrees < limit:
            return word if saturation > 0.25 else ""
    return "pink" if value > 0.6 and degrees >= 315 else ""


def average_rgb(finish: Finish) -> Rgb:
    """Return the mean colour of a finish, sRGB."""
    if finish.texture is None:
        return finish.rgb
    mean = finish.texture.pixels.reshape(-1, 3).mean(0) / 255
    red, green, blue = (float(tint * m) for tint, m in zip(finish.rgb, mean, strict=True))
    return red, green, blue


def dominant_word(areas: Iterable[tuple[str, float]]) -> str:
    """Return the word that covers at least MIN_SHARE of all area, else ""."""
    total: dict[str, float] = defaultdict(float)
    for word, area in areas:
        total[word] += area
    everything = sum(total.values())
    for word, area in total.items():
        if word and area >= MIN_SHARE * everything:
            return word
    return ""
