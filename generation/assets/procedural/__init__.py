"""Furniture made from numbers: every kind is a function from a generator to a design.

A new kind is a function and a line in KINDS. Each kind has VARIANTS pieces; variant i of a kind is
the same piece on every machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache, partial

import numpy as np
from numpy.random import Generator

from generation.assets.piece import MeshPart, Piece
from generation.assets.procedural import decor, fixtures, seating, small, storage, tables, upright
from generation.assets.procedural.design import Design, to_piece
from generation.assets.words import plural

VARIANTS = 16
"""Pieces of each kind."""
KEPT_IN_MEMORY = 256
"""Pieces whose meshes are not built again, 0.1 MB each: most are asked for twice per house."""


@dataclass(frozen=True)
class Kind:
    """A kind of furniture."""

    category: str
    design: Callable[[Generator], Design]
    rooms: str = ""
    """Kinds of room, separated by commas; empty means any."""
    askable: bool = True


KINDS: dict[str, Kind] = {
    "sofa": Kind("sofa", seating.sofa, "living room,office"),
    "armchair": Kind("armchair", seating.armchair, "living room,bedroom,office"),
    "chair": Kind("chair", seating.chair),
    "stool": Kind("stool", seating.stool),
    "ottoman": Kind("ottoman", seating.ottoman, "living room,bedroom"),
    "dining_table": Kind("dining table", tables.dining_table, "living room,kitchen"),
    "coffee_table": Kind("coffee table", tables.coffee_table, "living room"),
    "side_table": Kind("side table", tables.side_table, "living room,bedroom"),
    "desk": Kind("desk", tables.desk, "office,bedroom"),
    "bookcase": Kind("bookcase", storage.bookcase, "living room,office,bedroom"),
    "cabinet": Kind("cabinet", storage.cabinet),
    "chest_of_drawers": Kind("chest of drawers", storage.chest_of_drawers, "bedroom,living room"),
    "nightstand": Kind("nightstand", storage.nightstand, "bedroom"),
    "tv_stand": Kind("TV stand", storage.tv_stand, "living room,bedroom"),
    "wardrobe": Kind("wardrobe", storage.wardrobe, "bedroom"),
    "bed": Kind("bed", storage.bed, "bedroom"),
    "television": Kind("television", upright.television, "living room,bedroom"),
    "floor_lamp": Kind("floor lamp", upright.floor_lamp),
    "table_lamp": Kind("table lamp", upright.table_lamp),
    "plant": Kind("potted plant", upright.plant),
    "mug": Kind("mug", small.mug),
    "bowl": Kind("bowl", small.bowl),
    "book": Kind("book", small.book),
    "ball": Kind("ball", small.ball),
    "vase": Kind("vase", small.vase),
    "bottle": Kind("bottle", small.bottle),
    "box": Kind("box", small.box),
    "trash_can": Kind("trash can", fixtures.trash_can),
    "cushion": Kind("cushion", decor.cushion, "living room,bedroom"),
    "fridge": Kind("fridge", fixtures.fridge, "kitchen"),
    "stove": Kind("stove", fixtures.stove, "kitchen"),
    "kitchen_cabinet": Kind("kitchen cabinet", fixtures.kitchen_cabinet, "kitchen"),
    "kitchen_sink": Kind("kitchen sink", fixtures.kitchen_sink, "kitchen"),
    "washing_machine": Kind("washing machine", fixtures.washing_machine, "kitchen,bathroom"),
    "bathtub": Kind("bathtub", fixtures.bathtub, "bathroom"),
    "toilet": Kind("toilet", fixtures.toilet, "bathroom"),
    "washbasin": Kind("washbasin", fixtures.washbasin, "bathroom"),
    "picture": Kind("picture", decor.picture),
    "mirror": Kind("mirror", decor.mirror),
    "wall_clock": Kind("wall clock", decor.wall_clock),
    "rug": Kind("rug", decor.rug, askable=False),
    "round_rug": Kind("rug", decor.round_rug, askable=False),
    "curtain": Kind("curtain", decor.curtain, askable=False),
    "ceiling_lamp": Kind("ceiling lamp", decor.ceiling_lamp, askable=False),
}


def make(kind: str, variant: int) -> Piece:
    """Return one variant of a kind."""
    entry = KINDS[kind]
    design = entry.design(_rng(kind, variant))
    rooms = frozenset(room for room in entry.rooms.split(",") if room)
    piece = to_piece(
        f"procedural/{kind}/{variant}",
        entry.category,
        design,
        rooms,
        plural(entry.category),
        entry.askable,
    )
    return replace(piece, load_parts=partial(_parts, kind, variant))


@lru_cache(maxsize=KEPT_IN_MEMORY)
def _parts(kind: str, variant: int) -> tuple[MeshPart, ...]:
    return KINDS[kind].design(_rng(kind, variant)).parts()


def _rng(kind: str, variant: int) -> np.random.Generator:
    return np.random.default_rng([variant, *kind.encode()])


@lru_cache
def pieces() -> tuple[Piece, ...]:
    """Return every variant of every kind."""
    return tuple(make(kind, variant) for kind in KINDS for variant in range(VARIANTS))
