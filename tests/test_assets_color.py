"""Colour words."""

from __future__ import annotations

import numpy as np
import pytest

from generation.assets.color import (
    COLOR_WORDS,
    MIN_SHARE,
    NEAR,
    alike,
    average_rgb,
    color_word,
    dominant_word,
)
from generation.assets.piece import Finish, MeshPart, Texture
from generation.assets.visible import one_color, seen_colors


@pytest.mark.parametrize(
    ("rgb", "word"),
    [
        ((0, 0, 0), "black"),
        ((255, 255, 255), "white"),
        ((240, 238, 232), "white"),
        ((128, 128, 128), "gray"),
        ((220, 20, 30), "red"),
        ((20, 60, 200), "blue"),
        ((90, 170, 230), "blue"),
        ((20, 120, 40), "green"),
        ((250, 210, 30), "yellow"),
        ((250, 130, 20), "orange"),
        ((90, 55, 30), "brown"),
        ((215, 195, 160), "beige"),
        ((110, 40, 150), "purple"),
        ((245, 130, 180), "pink"),
    ],
)
def test_plain_colours(rgb: tuple[int, int, int], word: str) -> None:
    assert color_word((rgb[0] / 255, rgb[1] / 255, rgb[2] / 255)) == word


@pytest.mark.parametrize(
    "rgb", [(200, 200, 200), (60, 62, 64), (80, 150, 150), (180, 105, 60), (96, 38, 25)]
)
def test_between_two_words_there_is_none(rgb: tuple[int, int, int]) -> None:
    assert color_word((rgb[0] / 255, rgb[1] / 255, rgb[2] / 255)) == ""


def test_every_colour_has_a_known_word_or_none_and_neighbours_do_not_jump() -> None:
    """Nearby colours have the same word, none, or words that count as alike."""
    grid = np.linspace(0, 1, 18)
    words = {
        (i, j, k): color_word((float(grid[i]), float(grid[j]), float(grid[k])))
        for i in range(18)
        for j in range(18)
        for k in range(18)
    }
    assert set(words.values()) <= {*COLOR_WORDS, ""}
    jumps = set()
    for (i, j, k), word in words.items():
        for step in ((1, 0, 0), (0, 1, 0), (0, 0, 1)):
            other = words.get((i + step[0], j + step[1], k + step[2]), word)
            if not alike(word, other):
                jumps.add(frozenset((word, other)))
    assert jumps <= {frozenset(("black", color)) for color in COLOR_WORDS}


def test_alike() -> None:
    assert alike("red", "red")
    assert alike("", "red")
    assert alike("white", "beige")
    assert not alike("red", "blue")
    assert all(word in COLOR_WORDS for pair in NEAR for word in pair)


def test_dominant_word_needs_its_share() -> None:
    assert dominant_word([("red", MIN_SHARE + 0.01), ("", 1 - MIN_SHARE - 0.01)]) == "red"
    assert dominant_word([("red", MIN_SHARE - 0.01), ("blue", 1 - MIN_SHARE + 0.01)]) == ""
    assert dominant_word([("", 1.0)]) == ""


def test_average_of_a_texture_is_tinted() -> None:
    pixels = np.zeros((4, 4, 3), np.uint8)
    pixels[:2] = 255
    finish = Finish(rgb=(1.0, 0.5, 0.0), texture=Texture("t", pixels))
    assert average_rgb(finish) == pytest.approx((0.5, 0.25, 0.0))


def wall(
    y_m: float, rgb: tuple[float, float, float], width_m: float = 1.0, alpha: float = 1.0
) -> MeshPart:
    """A square that faces -y."""
    half = width_m / 2
    corners = [[-half, y_m, 0], [half, y_m, 0], [half, y_m, width_m], [-half, y_m, width_m]]
    return MeshPart(
        np.array(corners, np.float32),
        np.tile(np.array([0, -1, 0], np.float32), (4, 1)),
        None,
        np.array([[0, 1, 2], [0, 2, 3]], np.int32),
        Finish(rgb=rgb, alpha=alpha),
    )


def test_hidden_surfaces_do_not_count() -> None:
    red, blue = (0.8, 0.1, 0.1), (0.1, 0.2, 0.8)
    shares = seen_colors([wall(-0.01, red), wall(0.0, blue)], (1.0, 0.02, 1.0))
    assert one_color(shares) == "red"
    assert shares["red"] > 0.9


def test_clear_parts_have_no_colour() -> None:
    red, blue = (0.8, 0.1, 0.1), (0.1, 0.2, 0.8)
    parts = [wall(-0.01, red, alpha=0.1), wall(0.0, blue)]
    assert one_color(seen_colors(parts, (1.0, 0.02, 1.0))) == "blue"
    assert one_color(seen_colors(parts[:1], (1.0, 0.02, 1.0))) == ""


def test_two_colours_are_none() -> None:
    parts = [wall(-0.01, (0.8, 0.1, 0.1), 0.65), wall(0.0, (0.1, 0.2, 0.8))]
    assert one_color(seen_colors(parts, (1.0, 0.02, 1.0))) == ""
