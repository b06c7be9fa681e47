"""Reader of Wavefront OBJ and MTL files.

Unlike trimesh's reader it keeps the normal of every corner, on which flat and smooth shading of
these models rests, and their transparency.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from generation.assets.mesh import Floats
from generation.assets.piece import Rgb

Corners = NDArray[np.int64]


@dataclass
class ObjMesh:
    """What an OBJ file holds."""

    positions: Floats
    """Shape (V, 3)."""
    texture_coordinates: Floats
    """Shape (T, 2)."""
    normals: Floats
    """Shape (N, 3)."""
    triangles: dict[str, Corners]
    """By material: shape (F, 3 corners, 3) indices of position, texture coordinate and normal;
    -1 where a corner has none."""
    libraries: list[str]
    """Names of the MTL files."""


@dataclass
class ObjMaterial:
    """One material of an MTL file."""

    diffuse: Rgb = (0.8, 0.8, 0.8)
    shininess: float = 0.0
    alpha: float = 1.0
    picture: str = ""
    """File name of its texture, relative to the MTL file; empty without."""


@dataclass
class _Lines:
    vectors: dict[str, list[list[str]]] = field(
        default_factory=lambda: {"v": [], "vt": [], "vn": []}
    )
    triangles: dict[str, list[int]] = field(default_factory=dict)
    libraries: list[str] = field(default_factory=list)


def parse_obj(data: bytes) -> ObjMesh:
    """Read an OBJ file; polygons are split into fans of triangles.

    Raises:
        ValueError: The file is not a usable OBJ file; the message says in which line.
    """
    lines = _Lines()
    material = ""
    for number, line in enumerate(data.decode("latin-1").splitlines(), 1):
        words = line.split()
        if not words:
            continue
        key = words[0]
        if key in lines.vectors:
            lines.vectors[key].append(words[1:3] if key == "vt" else words[1:4])
        elif key == "f":
            try:
                _add_face(lines, material, words[1:])
            except ValueError as exc:
                raise ValueError(f"line {number}: {exc}") from exc
        elif key == "usemtl":
            material = line.split(None, 1)[1].strip() if len(words) > 1 else ""
        elif key == "mtllib" and len(words) > 1:
            lines.libraries.append(line.split(None, 1)[1].strip())
    return _checked(lines)


def _add_face(lines: _Lines, material: str, words: list[str]) -> None:
    if len(words) < 3:
        return  # a stray edge, which real models have
    counts = [len(lines.vectors[key]) for key in ("v", "vt", "vn")]
    corners = []
    for word in words:
        fields = word.split("/")
        if len(fields) > 3:
            raise ValueError(f"bad corner {word!r}")
        corner = [-1, -1, -1]
        for i, text in enumerate(fields):
            if text:
                index = int(text)
                corner[i] = index - 1 if index > 0 else counts[i] + index
        corners.append(corner)
    into = lines.triangles.setdefault(material, [])
    for second, third in pairwise(corners[1:]):
        into += [*corners[0], *second, *third]


def _checked(lines: _Lines) -> ObjMesh:
    arrays = []
    for key, width in (("v", 3), ("vt", 2), ("vn", 3)):
        try:
            array = np.array(lines.vectors[key], float).reshape(-1, width)
        except ValueError as exc:
            raise ValueError(f"a {key} line has a bad number") from exc
        if not np.isfinite(array).all():
            raise ValueError(f"a {key} line has a number that is not finite")
        arrays.append(array)
    triangles = {name: np.array(flat).reshape(-1, 3, 3) for name, flat in lines.triangles.items()}
    if not triangles:
        raise ValueError("no faces")
    for corners in triangles.values():
        limits = [len(array) for array in arrays]
        if (corners >= limits).any() or (corners[..., 0] < 0).any() or (corners < -1).any():
            raise ValueError("a face names a vertex that does not exist")
    return ObjMesh(arrays[0], arrays[1], arrays[2], triangles, lines.libraries)


def parse_mtl(data: bytes) -> dict[str, ObjMaterial]:
    """Read an MTL file: its materials by name.

    Raises:
        ValueError: A number cannot be read.
    """
    materials: dict[str, ObjMaterial] = {}
    current = ObjMaterial()
    for line in data.decode("latin-1").splitlines():
        words = line.split()
        if len(words) < 2:
            continue
        key = words[0].lower()
        if key == "newmtl":
            current = materials.setdefault(line.split(None, 1)[1].strip(), ObjMaterial())
        elif key == "kd" and len(words) >= 4:
            current.diffuse = (float(words[1]), float(words[2]), float(words[3]))
        elif key == "ns":
            current.shininess = float(words[1])
        elif key == "d":
            current.alpha = float(words[-1])
        elif key == "tr":
            current.alpha = 1 - float(words[-1])
        elif key == "map_kd":
            current.picture = line.split(None, 1)[1].strip().replace("\\", "/").split("/")[-1]
    return materials
