"""The Sweet Home 3D catalogue as a furniture source.

About 820 models under Creative Commons licences (CC-BY 3.0, CC-BY 3.0 US, CC0), packaged by Debian
and Ubuntu as sweethome3d-furniture. The libraries are read where they lie; which models are used,
and under which name, is data: sweethome3d.csv (by hand) and sweethome3d_shapes.json (measured by
`python -m generation.assets.measure`).
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import os
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np

from generation.assets import cache
from generation.assets.curated import Entry, Shape, entries, shapes
from generation.assets.model import Placement, load_model
from generation.assets.piece import Maker, MeshPart, Piece
from generation.assets.properties import numbered, parse_properties
from generation.assets.simplify import allowed_triangles, simplified
from generation.assets.words import plural

SYSTEM_FOLDER = Path("/usr/share/sweethome3d/furniture")
PROPERTIES = "PluginFurnitureCatalog.properties"
PARSER_VERSION = 2
"""Counts changes of how models are read; part of the cache key."""
KEPT_IN_MEMORY = 48
SMALL_DENSITY_KG_M3 = 200.0
LIGHTEST_KG, HEAVIEST_SMALL_KG = 0.05, 15.0

LICENCES = {
    "BlendSwap-CC-0": "CC0 1.0",
    "BlendSwap-CC-BY": "CC-BY 3.0",
    "KatorLegaz": "CC-BY 3.0 US",
    "Reallusion": "CC-BY 3.0 US",
    "Scopia": "CC-BY 3.0",
}

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Model:
    """A model in a library file."""

    archive: Path
    entry: Entry
    files: tuple[tuple[str, int], ...]
    """Names and checksums of its folder."""
    placement: Placement
    creator: str

    def cache_path(self) -> Path:
        """Return where its parsed mesh is kept."""
        facts = [PARSER_VERSION, self.files, self.placement.size_m, self.placement.turn_rad]
        text = json.dumps([*facts, self.placement.rotation.tolist(), self.entry.model])
        return (
            cache.cache_folder() / f"{hashlib.sha256(text.encode()).hexdigest()[:32]}{cache.SUFFIX}"
        )

    @property
    def checksum(self) -> int:
        """CRC-32 of the OBJ file."""
        return dict(self.files)[self.entry.model]


def folder() -> Path | None:
    """Return where the libraries lie, or None.

    Looked for in $SAT_FURNITURE, $XDG_DATA_HOME/sat-bench/sweethome3d and the system's folder.
    """
    named = os.environ.get("SAT_FURNITURE")
    candidates = [Path(named)] if named else [user_folder(), SYSTEM_FOLDER]
    return next((path for path in candidates if any(path.glob("*.sh3f"))), None)


def user_folder() -> Path:
    """Return where fetched libraries are kept."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "sat-bench" / "sweethome3d"


def models(where: Path) -> tuple[Model, ...]:
    """Return the models in use that the libraries of a folder hold.

    A library that cannot be read is left out with a warning that names it.
    """
    result: list[Model] = []
    for library in sorted({entry.library for entry in entries()}):
        archive = where / f"{library}.sh3f"
        if not archive.is_file():
            continue
        try:
            result += _library_models(archive, [e for e in entries() if e.library == library])
        except (zipfile.BadZipFile, zlib.error, OSError, KeyError, ValueError) as exc:
            _log.warning("leaving out furniture library %s: %s", archive, exc)
    return tuple(result)


def _library_models(archive: Path, wanted: Iterable[Entry]) -> list[Model]:
    with zipfile.ZipFile(archive) as file:
        records = numbered(parse_properties(file.read(PROPERTIES)))
        checksums = {info.filename: info.CRC for info in file.infolist() if not info.is_dir()}
    by_model = {
        record["model"].lstrip("/"): record for record in records.values() if "model" in record
    }
    result = []
    for entry in wanted:
        record = by_model.get(entry.model)
        if record is None or entry.model not in checksums:
            continue
        beside = entry.model.rpartition("/")[0] + "/"
        files = tuple(sorted((n, c) for n, c in checksums.items() if n.startswith(beside)))
        width, depth, height = (float(record[k]) / 100 for k in ("width", "depth", "height"))
        if round(entry.turn_rad / (math.pi / 2)) % 2:
            width, depth = depth, width
        numbers = record.get("modelRotation", "1 0 0 0 1 0 0 0 1").split()
        rotation = np.array([float(number) for number in numbers]).reshape(3, 3)
        placement = Placement((width, depth, height), rotation, entry.turn_rad)
        result.append(Model(archive, entry, files, placement, record.get("creator", "unknown")))
    return result


def parse(model: Model) -> tuple[MeshPart, ...]:
    """Read a model from its library, without the cache, and simplify it if it is too fine.

    Raises:
        ValueError: The model is broken; the message names library and file.
    """
    try:
        with zipfile.ZipFile(model.archive) as file:
            parts = load_model(
                file.read, model.entry.model, f"sh3d/{model.entry.key}", model.placement
            )
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error) as exc:
        raise ValueError(
            f"broken furniture file {model.entry.model} in {model.archive}: {exc}"
        ) from exc
    return simplified(parts, allowed_triangles(model.placement.size_m))


_loaded: dict[Path, tuple[MeshPart, ...]] = {}


def load(model: Model) -> tuple[MeshPart, ...]:
    """Return a model's parts: from memory, from the disk cache, or parsed and then cached.

    Raises:
        ValueError: The model is broken.
    """
    path = model.cache_path()
    if path in _loaded:
        return _loaded[path]
    parts = cache.load(path)
    if parts is None:
        parts = parse(model)
        cache.store(path, parts)
    while len(_loaded) >= KEPT_IN_MEMORY:
        _loaded.pop(next(iter(_loaded)))
    _loaded[path] = parts
    return parts


@lru_cache(maxsize=1)
def pieces() -> tuple[Piece, ...]:
    """Return the catalogue's pieces, or none where it is not installed."""
    where = folder()
    if where is None:
        return ()
    result = []
    for model in models(where):
        shape = shapes().get(model.entry.key)
        if shape is None or shape.checksum != model.checksum:
            _log.warning("leaving out %s: another version than measured", model.entry.key)
            continue
        result.append(to_piece(model, shape))
    return tuple(result)


def to_piece(model: Model, shape: Shape) -> Piece:
    """Return a model as a piece of furniture."""
    entry, size_m = model.entry, model.placement.size_m
    mass_kg = SMALL_DENSITY_KG_M3 * float(np.prod(size_m))
    return Piece(
        piece_id=f"sh3d/{entry.key}",
        category=entry.category,
        size_m=size_m,
        load_parts=partial(load, model),
        colliders=() if entry.use == "flat" else shape.boxes,
        maker=Maker(model.creator, LICENCES[entry.library], f"Sweet Home 3D, {entry.library}"),
        color_word=entry.color.strip("-") if entry.color else shape.color,
        plural=plural(entry.category),
        support_height_m=shape.support_m,
        movable=entry.use == "small",
        mass_kg=min(max(mass_kg, LIGHTEST_KG), HEAVIEST_SMALL_KG),
        askable=entry.use != "flat",
        rooms=entry.rooms,
        mount_height_m=entry.mount_height_m,
        triangles=shape.triangles,
    )
