"""Marks must be where they are said to be, seen on any ground, and leave the rest alone."""

from __future__ import annotations

import numpy as np
import pytest

from generation.draw import COLORS, draw_marks
from generation.question import Mark


def _ground(value: int = 128, size_px: int = 256) -> np.ndarray:
    return np.full((size_px, size_px, 3), value, np.uint8)


@pytest.mark.parametrize("color", COLORS)
@pytest.mark.parametrize("kind", ["dot", "cross"])
def test_marks_lie_at_their_pixels(color: str, kind: str) -> None:
    drawn = draw_marks(_ground(), [Mark(0, kind, "", (180.0, 60.0), color)])  # type: ignore[arg-type]
    rows, columns = np.nonzero((drawn != 128).any(axis=2))
    assert abs(rows.mean() - 59.5) < 1
    assert abs(columns.mean() - 179.5) < 1
    assert max(np.ptp(rows), np.ptp(columns)) < 34
    assert np.abs(drawn[60, 180].astype(int) - COLORS[color]).max() < 10


def test_colors_stay_apart() -> None:
    values = np.array(list(COLORS.values()), float)
    gaps = np.linalg.norm(values[:, None] - values[None], axis=2)
    assert gaps[~np.eye(len(values), dtype=bool)].min() > 120
    assert np.linalg.norm(255 - values, axis=1).min() > 200


@pytest.mark.parametrize("ground", [0, 128, 255])
def test_dots_are_seen_on_any_ground(ground: int) -> None:
    for color in COLORS:
        drawn = draw_marks(_ground(ground), [Mark(0, "dot", "P", (100.0, 100.0), color)])
        changed = np.abs(drawn.astype(int) - ground).max(axis=2) > 80
        assert changed.sum() > 120


def test_letters_tell_dots_apart() -> None:
    one, other = (
        draw_marks(_ground(), [Mark(0, "dot", label, (100.0, 100.0), "red")]) for label in "PQ"
    )
    assert (np.abs(one.astype(int) - other).max(axis=2) > 60).sum() > 10


def test_a_box_surrounds_its_object() -> None:
    drawn = draw_marks(_ground(), [Mark(0, "box", "", (50.0, 80.0, 120.0, 200.0), "blue")])
    assert (drawn[90:190, 60:110] == 128).all()
    rows, columns = np.nonzero((drawn != 128).any(axis=2))
    assert 45 <= columns.min() <= 50
    assert 200 <= rows.max() <= 206


def test_a_picture_without_marks_is_the_same_and_the_original_is_kept() -> None:
    ground = _ground()
    assert (draw_marks(ground, []) == ground).all()
    draw_marks(ground, [Mark(0, "dot", "P", (100.0, 100.0), "red")])
    assert (ground == 128).all()


def test_unknown_colors_and_kinds_name_the_known() -> None:
    with pytest.raises(ValueError, match="red, blue"):
        draw_marks(_ground(), [Mark(0, "dot", "P", (1.0, 1.0), "mauve")])
    with pytest.raises(ValueError, match="dot, box, cross"):
        draw_marks(_ground(), [Mark(0, "star", "P", (1.0, 1.0), "red")])  # type: ignore[arg-type]
