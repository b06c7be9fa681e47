"""Where furniture comes from. A source is a function here and a line in FURNITURE_SOURCES."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

from generation.assets import folder, procedural, sweethome3d
from generation.assets.piece import Piece

FURNITURE_SOURCES: dict[str, Callable[[], tuple[Piece, ...]]] = {
    "sweethome3d": sweethome3d.pieces,
    "folder": folder.pieces,
    "procedural": procedural.pieces,
}
"""Name -> function that lists the pieces which are there; meshes are read when first needed."""


@lru_cache(maxsize=1)
def all_pieces() -> tuple[Piece, ...]:
    """Return the pieces of every source that is present on this machine."""
    return tuple(piece for source in FURNITURE_SOURCES.values() for piece in source())
