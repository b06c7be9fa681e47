"""Any folder of glTF or OBJ models as a furniture source.

$SAT_MODELS names the folder. Its furniture.json says what the models are:

    {"creator": "Ann Example", "licence": "CC0 1.0",
     "pieces": [{"file": "red_chair.glb", "category": "chair"},
                {"file": "desk.obj", "category": "desk", "use": "base", "size_m": [1.4, 0.7, 0.75],
                 "turn_deg": 90, "rooms": ["office"]}]}

Only `file` and `category` are needed. Sizes default to the model's own, in metres. Models are
taken as glTF has them: y up, front towards +z; `"up": "z"` and `turn_deg` (a multiple of 90,
counter-clockwise from above) mend others. `use` is floor, base (things stand on it), small (moves
under physics), fixed (stands on furniture), wall (with `mount_height_m`) or flat (a rug).
Colour word, support height and collision boxes are measured and cached.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from generation.assets import cache
from generation.assets.curated import Shape
from generation.assets.measure import measure_shape
from generation.assets.piece import Maker, MeshPart, Piece
from generation.assets.scenes import load_scene
from generation.assets.simplify import allowed_triangles, simplified
from generation.assets.words import plural
from generation.scene import EngineError

TABLE = "furniture.json"
USES = ("floor", "base", "bed", "small", "fixed", "wall", "flat")
PARSER_VERSION = 2

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Entry:
    """One model of furniture.json; see the module's text."""

    file: str
    category: str
    use: str = "floor"
    size_m: tuple[float, float, float] | None = None
    up: str = "y"
    turn_deg: float = 0.0
    rooms: tuple[str, ...] = ()
    mount_height_m: float | None = None
    plural: str = ""
    color: str | None = None
    mass_kg: float = 1.0
    askable: bool = True
    creator: str = "unknown"
    licence: str = "unknown"


def folder() -> Path | None:
    """Return the folder that $SAT_MODELS names, or None."""
    named = os.environ.get("SAT_MODELS")
    return Path(named) if named else None


@lru_cache(maxsize=1)
def pieces() -> tuple[Piece, ...]:
    """Return the pieces of the folder, or none where $SAT_MODELS is not set.

    A model that cannot be read is left out with a warning that names it.

    Raises:
        EngineError: The folder has no furniture.json, or a wrong one.
    """
    where = folder()
    if where is None:
        return ()
    result = []
    for entry in read_table(where):
        try:
            result.append(_to_piece(where, entry))
        except ValueError as exc:
            _log.warning("leaving out %s: %s", where / entry.file, exc)
    return tuple(result)


def read_table(where: Path) -> tuple[Entry, ...]:
    """Read and check furniture.json.

    Raises:
        EngineError: It is missing or wrong.
    """
    path = where / TABLE
    try:
        table = json.loads(path.read_text("utf-8"))
    except OSError as exc:
        raise EngineError(f"cannot read {path}: {exc.strerror}") from exc
    except ValueError as exc:
        raise EngineError(f"{path} is not JSON: {exc}") from exc
    records = table.get("pieces") if isinstance(table, dict) else None
    if not isinstance(records, list):
        raise EngineError(f'{path} needs a list "pieces"')
    common = {key: table[key] for key in ("creator", "licence") if key in table}
    return tuple(_entry(f"{path}: pieces[{i}]", record, common) for i, record in enumerate(records))


def _entry(name: str, record: object, common: Mapping[str, Any]) -> Entry:
    known = [field.name for field in fields(Entry)]
    if not isinstance(record, dict) or not {"file", "category"} <= set(record):
        raise EngineError(f'{name} needs "file" and "category"')
    unknown = sorted(set(record) - set(known))
    if unknown:
        raise EngineError(f"{name} has unknown key {unknown[0]!r}; known: {', '.join(known)}")
    values = {**common, **record}
    if values.get("use", "floor") not in USES:
        raise EngineError(f"{name} has unknown use {values['use']!r}; known: {', '.join(USES)}")
    if values.get("up", "y") not in ("y", "z"):
        raise EngineError(f'{name} has unknown up {values["up"]!r}; known: "y", "z"')
    if (values.get("use") == "wall") != ("mount_height_m" in values):
        raise EngineError(f'{name}: use "wall" and mount_height_m belong together')
    try:
        if values.get("size_m") is not None:
            width, depth, height = (float(value) for value in values["size_m"])
            values["size_m"] = (width, depth, height)
        values["turn_deg"] = float(values.get("turn_deg", 0))
    except (TypeError, ValueError) as exc:
        raise EngineError(f"{name}: size_m takes three numbers, turn_deg one") from exc
    if values["turn_deg"] % 90:
        raise EngineError(f"{name}: turn_deg must be a multiple of 90, not {values['turn_deg']:g}")
    values["rooms"] = tuple(values.get("rooms", ()))
    return Entry(**values)


def _to_piece(where: Path, entry: Entry) -> Piece:
    """Measure a model, or read what was measured before."""
    path = where / entry.file
    stem = cache.cache_folder() / _cache_key(path, entry)
    parts = _load(path, entry, stem)
    size_m = _extent_m(parts)
    record = cache.load_json(stem.with_suffix(".json"))
    if record is None:
        record = measure_shape(parts, size_m, entry.use).to_json()
        cache.store_json(stem.with_suffix(".json"), record)
    shape = Shape.from_json(record)
    return Piece(
        piece_id=f"folder/{entry.file}",
        category=entry.category,
        size_m=size_m,
        load_parts=partial(_load, path, entry, stem),
        colliders=() if entry.use == "flat" else shape.boxes,
        maker=Maker(entry.creator, entry.licence, "folder"),
        color_word=shape.color if entry.color is None else entry.color,
        plural=entry.plural or plural(entry.category),
        support_height_m=shape.support_m,
        movable=entry.use == "small",
        mass_kg=entry.mass_kg,
        askable=entry.askable and entry.use != "flat",
        rooms=frozenset(entry.rooms),
        mount_height_m=entry.mount_height_m,
        triangles=shape.triangles,
    )


def _load(path: Path, entry: Entry, stem: Path) -> tuple[MeshPart, ...]:
    """Return the model's parts, from the cache where they are there.

    Raises:
        ValueError: The model is broken.
    """
    cached = cache.load(stem.with_suffix(cache.SUFFIX))
    if cached is not None:
        return cached
    turn_rad = math.radians(entry.turn_deg)
    parts = load_scene(path, f"folder/{entry.file}", entry.size_m, entry.up, turn_rad)
    parts = simplified(parts, allowed_triangles(_extent_m(parts)))
    cache.store(stem.with_suffix(cache.SUFFIX), parts)
    return parts


def _cache_key(path: Path, entry: Entry) -> str:
    """Return a name that changes with the model, the files beside it and its line in the table.

    Raises:
        ValueError: There is no such file.
    """
    try:
        beside = sorted(path.parent.glob(f"{path.stem}*"))
        stamps = [(p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in beside]
        content = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as exc:
        raise ValueError(exc.strerror) from exc
    facts = repr((PARSER_VERSION, content, stamps, entry))
    return hashlib.sha256(facts.encode()).hexdigest()[:32]


def _extent_m(parts: tuple[MeshPart, ...]) -> tuple[float, float, float]:
    low = np.min([part.vertices_m.min(0) for part in parts], axis=0)
    high = np.max([part.vertices_m.max(0) for part in parts], axis=0)
    width, depth, height = (float(value) for value in high - low)
    return width, depth, height
