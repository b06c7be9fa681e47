"""How varied the scenes of a data set are, counted from what the engine told of each."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from generation.shard import ShardRecord

CATALOGUE_MARK = "procedural"
"""Source of pieces that were not taken from a catalogue."""


@dataclass(frozen=True)
class Variety:
    """Numbers of different things; furniture that toppled while settling is left out."""

    scenes: int
    rooms: int
    room_kinds: dict[str, int]
    pieces: int
    catalogue_pieces: int
    """Of these, how many are not procedural."""
    kinds: int
    """Different nouns."""
    names: int
    """Different names with their colours."""
    objects_per_room: tuple[int, float, int]
    """Least, median, most."""
    floor_finishes: int
    wall_finishes: int
    light: dict[str, int]
    """Scenes by time of day."""

    def lines(self) -> list[tuple[str, str]]:
        """Return what is counted and how many, for people."""
        low, middle, high = self.objects_per_room
        kinds = ", ".join(f"{number} {kind}" for kind, number in self.room_kinds.items())
        light = ", ".join(f"{number} {name}" for name, number in self.light.items())
        return [
            ("scenes", f"{self.scenes}" + (f" ({light})" if light else "")),
            ("rooms", f"{self.rooms}" + (f" ({kinds})" if kinds else "")),
            ("different pieces", f"{self.pieces}, {self.catalogue_pieces} from a catalogue"),
            ("different kinds", str(self.kinds)),
            ("different names", str(self.names)),
            ("objects in a room", f"{low} to {high}, median {middle:g}"),
            ("floor finishes", str(self.floor_finishes)),
            ("wall finishes", str(self.wall_finishes)),
        ]


def measure(records: Sequence[ShardRecord]) -> Variety:
    """Return the variety of all scenes that gave questions."""
    houses = [house for record in records for house in record.houses.values()]
    rooms = [room for house in houses for room in house.get("rooms", ())]
    pieces = [piece for house in houses for piece in standing(house)]
    counts = [number for house in houses for number in _objects_by_room(house)] or [0]
    return Variety(
        scenes=len(houses),
        rooms=len(rooms),
        room_kinds=_sorted(Counter(room["kind"] for room in rooms)),
        pieces=len({piece["piece_id"] for piece in pieces}),
        catalogue_pieces=len(
            {piece["piece_id"] for piece in pieces if piece["source"] != CATALOGUE_MARK}
        ),
        kinds=len({piece["category"] for piece in pieces}),
        names=len({piece["name"] for piece in pieces}),
        objects_per_room=(min(counts), float(median(counts)), max(counts)),
        floor_finishes=len({room["floor"] for room in rooms if "floor" in room}),
        wall_finishes=len({wall for room in rooms for wall in room.get("walls", ())}),
        light=_sorted(Counter(house["light"] for house in houses if "light" in house)),
    )


def standing(house: Mapping[str, Any]) -> list[dict[str, str]]:
    """Return the furniture of a scene that did not topple; see houses.house.furniture_facts."""
    removed = set(house.get("removed_pieces", ()))
    return [piece for piece in house.get("furniture", ()) if piece["object_id"] not in removed]


def makers(records: Iterable[ShardRecord]) -> list[dict[str, Any]]:
    """Return who made the furniture, under which licence, and how many different models."""
    models: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    for record in records:
        for house in record.houses.values():
            for piece in standing(house):
                maker = (piece["creator"], piece["licence"], piece["source"])
                models[maker].add(piece["piece_id"])
    return [
        {"creator": creator, "licence": licence, "source": source, "models": len(ids)}
        for (creator, licence, source), ids in sorted(models.items())
    ]


def _objects_by_room(house: Mapping[str, Any]) -> list[int]:
    return list(Counter(piece["room"] for piece in standing(house) if piece["room"]).values())


def _sorted(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
