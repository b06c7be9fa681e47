"""Where the names of points go, so that no two of them overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

Side = Literal["left", "right"]
SIDES: tuple[Side, ...] = get_args(Side)
LETTER_PX = 6.3
"""Width of a letter on average, at the size of the names."""
LINE_PX = 13.0
POINT_PX = 6.0
"""Half the width of the room that a point takes."""
NEAR_PX = 9.0
"""Distance of a name from its point, where there is room; beyond it a line joins them."""
_DISTANCES_PX = (NEAR_PX, 20.0, 34.0, 50.0, 68.0)
_DIRECTIONS = ((1, 0), (-1, 0), (1, -0.7), (1, 0.7), (-1, -0.7), (-1, 0.7), (0.3, -1), (0.3, 1))


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels, y pointing down."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Tell whether two boxes share a pixel."""
        apart = self.right <= other.left or other.right <= self.left
        return not (apart or self.bottom <= other.top or other.bottom <= self.top)

    def within(self, other: Box) -> bool:
        """Tell whether this box lies wholly in another."""
        across = other.left <= self.left and self.right <= other.right
        return across and other.top <= self.top and self.bottom <= other.bottom


@dataclass(frozen=True)
class Place:
    """Where a name stands."""

    x: float
    """In pixels, of the end that is nearer to the point."""
    y: float
    """Of the middle of its letters."""
    align: Side
    """Which end of the name is at x."""
    near: bool
    """Whether it stands so close to its point that no line is needed."""


def place_names(
    points: Sequence[tuple[float, float]], names: Sequence[str], room: Box
) -> list[Place | None]:
    """Return where each name goes, the first ones served first; None where there is no room.

    Args:
        points: Pixel of each point.
        names: Their names, as many.
        room: What the names may cover.
    """
    taken = [Box(x - POINT_PX, y - POINT_PX, x + POINT_PX, y + POINT_PX) for x, y in points]
    places: list[Place | None] = []
    for (x, y), name in zip(points, names, strict=True):
        found = None
        for place in _candidates(x, y):
            box = _box(place, len(name) * LETTER_PX)
            if box.within(room) and not any(box.overlaps(other) for other in taken):
                found = place
                taken.append(box)
                break
        places.append(found)
    return places


def _candidates(x: float, y: float) -> Iterator[Place]:
    for distance in _DISTANCES_PX:
        for right, down in _DIRECTIONS:
            align: Side = "left" if right > 0 else "right"
            yield Place(x + distance * right, y + distance * down, align, distance == NEAR_PX)


def _box(place: Place, width: float) -> Box:
    left = place.x if place.align == "left" else place.x - width
    return Box(left, place.y - LINE_PX / 2, left + width, place.y + LINE_PX / 2)
