"""Meshes as files of MuJoCo's own format, kept in memory.

Its compiler takes such a file at once, while it takes arrays number by number; and it knows a mesh
again that it has compiled before, as most pieces stand in many houses.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import mujoco
import numpy as np

from generation.assets.piece import MeshPart

CACHE_BYTES = 100_000_000
"""Of compiled meshes that MuJoCo keeps, about 400 bytes per triangle."""


def mesh_name(piece_id: str, number: int) -> str:
    """Return the name of a mesh of a piece."""
    return f"{piece_id}#{number}"


def add_meshes(spec: Any, parts_of: Mapping[str, Sequence[MeshPart]]) -> None:
    """Give a spec the meshes of pieces, by piece_id."""
    files: dict[str, bytes] = {}
    for piece_id, parts in parts_of.items():
        for number, part in enumerate(parts):
            name = mesh_name(piece_id, number)
            file = f"{quote(name, safe='')}.msh"
            files[file] = encode_msh(part)
            spec.add_mesh(
                name=name,
                file=file,
                # Open and flat meshes have no volume to take an inertia from.
                inertia=mujoco.mjtMeshInertia.mjMESH_INERTIA_SHELL,
            )
    spec.assets = files


def keep_compiled_meshes() -> None:
    """Bound the memory that MuJoCo's cache of compiled meshes takes in this process."""
    mujoco.mj_setCacheCapacity(mujoco.mj_getCache(), CACHE_BYTES)


def encode_msh(part: MeshPart) -> bytes:
    """Return a mesh as a file (MuJoCo documentation, "XML Reference", asset/mesh).

    Four integers (vertices, normals, texture coordinates, triangles) come first, and then the
    numbers of each.
    """
    uv = np.zeros((0, 2), np.float32)
    if part.uv is not None:
        # Images start at the top, texture coordinates at the bottom.
        uv = (part.uv * (1, -1) + (0, 1)).astype(np.float32)
    tables = (
        np.asarray(part.vertices_m, np.float32),
        np.asarray(part.normals, np.float32),
        uv,
        np.asarray(part.faces, np.int32),
    )
    counts = np.array([len(table) for table in tables], np.int32)
    return counts.tobytes() + b"".join(table.tobytes() for table in tables)
