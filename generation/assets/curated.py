"""The tables that say which Sweet Home 3D models are used, under which names.

sweethome3d.csv is written by hand: one line per model of the catalogue, with a category or with
the reason why it is left out. sweethome3d_shapes.json is measured (see measure.py).
"""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from generation.assets.piece import Box


@dataclass(frozen=True)
class Entry:
    """One line of sweethome3d.csv that is in use."""

    library: str
    model: str
    """Path of the OBJ file in the library."""
    category: str
    rooms: frozenset[str]
    use: str
    """floor, base (things stand on it), bed, small (moves), fixed (on furniture), wall, flat."""
    mount_height_m: float | None
    turn_rad: float
    color: str
    """Colour word by hand; "-" for none, empty for the measured one."""

    @property
    def key(self) -> str:
        """Library and model in one word, as in sweethome3d_shapes.json."""
        return f"{self.library}/{self.model.split('/', 1)[1].removesuffix('.obj')}"


@lru_cache(maxsize=1)
def entries() -> tuple[Entry, ...]:
    """Return the lines of sweethome3d.csv that are in use."""
    text = resources.files(__package__).joinpath("sweethome3d.csv").read_text("utf-8")
    return tuple(
        Entry(
            library=row["library"],
            model=row["model"],
            category=row["category"],
            rooms=frozenset(room for room in row["rooms"].split(", ") if room),
            use=row["use"],
            mount_height_m=float(row["mount_m"]) if row["mount_m"] else None,
            turn_rad=math.radians(float(row["turn_deg"] or 0)),
            color=row["color"],
        )
        for row in csv.DictReader(text.splitlines())
        if row["category"]
    )


@dataclass(frozen=True)
class Shape:
    """What was measured of a model."""

    checksum: int
    """CRC-32 of its OBJ file."""
    triangles: int
    color: str
    """Colour word, or empty."""
    support_m: float | None
    """Height of the surface on which things stand."""
    boxes: tuple[Box, ...]
    """To collide with."""

    def to_json(self) -> dict[str, Any]:
        """Return the shape as written to sweethome3d_shapes.json."""
        boxes = [[*box.center_m, *box.half_size_m] for box in self.boxes]
        return {**self.__dict__, "boxes": boxes}

    @staticmethod
    def from_json(record: dict[str, Any]) -> Shape:
        """Return the shape that :meth:`to_json` wrote."""
        boxes = tuple(Box((b[0], b[1], b[2]), (b[3], b[4], b[5])) for b in record["boxes"])
        return Shape(**{**record, "boxes": boxes})


@lru_cache(maxsize=1)
def shapes() -> dict[str, Shape]:
    """Return what was measured of each model, by Entry.key."""
    text = resources.files(__package__).joinpath("sweethome3d_shapes.json").read_text("utf-8")
    return {key: Shape.from_json(record) for key, record in json.loads(text).items()}
