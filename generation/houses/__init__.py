"""Where houses come from. A source is a function here and a line in HOUSE_SOURCES."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from generation.houses.house import House
from generation.scene import EngineError, SceneKey


class HouseSource(Protocol):
    """Turns keys into houses."""

    def house(self, key: SceneKey) -> House:
        """Return the house of a key; the same key gives the same house.

        Raises:
            EngineError: The source has no such house.
        """


def _procedural() -> HouseSource:
    from generation.assets import all_pieces
    from generation.houses.procedural import ProceduralHouses

    return ProceduralHouses(all_pieces())


def _single_rooms() -> HouseSource:
    from generation.assets import all_pieces
    from generation.houses.procedural import ProceduralHouses

    return ProceduralHouses(all_pieces(), {1: 1.0})


HOUSE_SOURCES: dict[str, Callable[[], HouseSource]] = {
    "procedural": _procedural,
    "single-room": _single_rooms,
}


def open_house_source(name: str) -> HouseSource:
    """Open a house source by name.

    Raises:
        EngineError: Unknown.
    """
    if name not in HOUSE_SOURCES:
        raise EngineError(f"unknown house source {name!r}; known: {', '.join(HOUSE_SOURCES)}")
    return HOUSE_SOURCES[name]()
