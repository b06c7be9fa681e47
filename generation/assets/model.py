"""From an OBJ model to mesh parts in metres: scaled to the stated size, turned, normals mended."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from generation.assets.mesh import Floats, rotation_z
from generation.assets.obj import Corners, ObjMaterial, ObjMesh, parse_mtl, parse_obj
from generation.assets.piece import Finish, MeshPart, Texture

MAX_TEXTURE_PX = 512
MIN_TRIANGLE_M2 = 1e-10
CREASE_COS = float(np.cos(np.radians(45)))
"""Models without normals are shaded smoothly below this angle between triangles."""


@dataclass(frozen=True)
class Placement:
    """How a model becomes a piece."""

    size_m: tuple[float, float, float]
    """Width, depth, height that its bounding box is scaled to."""
    rotation: Floats
    """Shape (3, 3), in the model's own frame (y up), applied first."""
    turn_rad: float = 0.0
    """About the vertical, applied last, so that its front faces -y; a multiple of pi/2."""


def load_model(
    read: Callable[[str], bytes], path: str, key: str, placement: Placement
) -> tuple[MeshPart, ...]:
    """Read a model.

    Args:
        read: Returns the bytes of a file by its path.
        path: Of the OBJ file; materials and pictures lie beside it.
        key: Prefix of texture keys.
        placement: Size and direction.

    Raises:
        ValueError: The model cannot be used; the message does not name the file.
        KeyError, OSError: A file cannot be read.
    """
    model = parse_obj(read(path))
    folder = path.rpartition("/")[0]
    materials: dict[str, ObjMaterial] = {}
    for library in model.libraries:
        data = _optional(read, f"{folder}/{library}")
        materials |= parse_mtl(data) if data is not None else {}
    positions, normals = _placed(model, placement)
    pictures: dict[str, Texture | None] = {}
    parts = []
    for name, corners in model.triangles.items():
        material = materials.get(name, ObjMaterial())
        picture = material.picture if (corners[..., 1] >= 0).all() else ""
        if picture and picture not in pictures:
            pictures[picture] = _texture(read, f"{folder}/{picture}", f"{key}/{picture}")
        finish = _finish(material, pictures[picture] if picture else None)
        part = _part(positions, normals, model.texture_coordinates, corners, finish)
        if part is not None:
            parts.append(part)
    if not parts:
        raise ValueError("no triangles with an area")
    return tuple(parts)


def _optional(read: Callable[[str], bytes], path: str) -> bytes | None:
    """Read a file that a model names, or None where it does not exist (some models do that)."""
    try:
        return read(path)
    except (KeyError, FileNotFoundError):
        return None


def _texture(read: Callable[[str], bytes], path: str, key: str) -> Texture | None:
    data = _optional(read, path)
    if data is None and " " in path:
        # Options may stand before the name, or a name of its author's disk around it.
        data = _optional(read, f"{path.rpartition('/')[0]}/{path.split()[-1]}")
    return None if data is None else Texture(key, read_picture(data))


def read_picture(data: bytes) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Decode a picture and shrink it to MAX_TEXTURE_PX.

    Raises:
        ValueError: Not a picture.
    """
    try:
        with Image.open(io.BytesIO(data)) as opened:
            picture = opened.convert("RGB")
    except (UnidentifiedImageError, OSError) as exc:
        raise ValueError(f"broken texture: {exc}") from exc
    picture.thumbnail((MAX_TEXTURE_PX, MAX_TEXTURE_PX), Image.Resampling.LANCZOS)
    return np.asarray(picture)


def _finish(material: ObjMaterial, texture: Texture | None) -> Finish:
    shine = min(max(material.shininess, 0.0), 900.0) / 900
    roughness = float(np.clip(1 - np.sqrt(shine) * 0.75, 0.2, 0.95)) if shine > 0 else 0.85
    rgb = (1.0, 1.0, 1.0) if texture is not None else material.diffuse
    red, green, blue = (float(np.clip(value, 0, 1)) for value in rgb)
    return Finish(
        (red, green, blue), texture, None, roughness, 0.0, float(np.clip(material.alpha, 0.02, 1))
    )


def _placed(model: ObjMesh, placement: Placement) -> tuple[Floats, Floats]:
    """Return positions and normals in the frame of the piece (z up, bottom centre, metres)."""
    positions = model.positions @ placement.rotation.T
    normals = model.normals @ placement.rotation.T
    used = np.unique(
        np.concatenate([corners[..., 0].ravel() for corners in model.triangles.values()])
    )
    low, high = positions[used].min(0), positions[used].max(0)
    width, depth, height = placement.size_m
    if round(placement.turn_rad / (np.pi / 2)) % 2:
        width, depth = depth, width
    scale = np.array([width, height, depth]) / np.maximum(high - low, 1e-9)
    positions = (positions - (low + high) / 2) * scale
    positions[:, 1] += height / 2
    normals = normals / scale
    upright = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
    turn = rotation_z(placement.turn_rad) @ upright
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
    return positions @ turn.T, normals @ turn.T


def _part(
    positions: Floats, normals: Floats, coordinates: Floats, corners: Corners, finish: Finish
) -> MeshPart | None:
    points = positions[corners[..., 0]]
    flat = np.cross(points[:, 1] - points[:, 0], points[:, 2] - points[:, 0])
    area = np.linalg.norm(flat, axis=1)
    keep = area > MIN_TRIANGLE_M2
    if not keep.any():
        return None
    corners, points = corners[keep], points[keep]
    flat = flat[keep] / area[keep, None]
    shading = creased_normals(corners[..., 0], flat, area[keep])
    given = corners[..., 2] >= 0
    shading[given] = normals[corners[..., 2][given]]
    shading = np.where(np.linalg.norm(shading, axis=2, keepdims=True) < 0.5, flat[:, None], shading)
    # A triangle whose corners run against its own normals is seen from behind: turn it round.
    backwards = np.einsum("fck,fk->f", shading, flat) < 0
    order = np.where(backwards[:, None], [0, 2, 1], [0, 1, 2])
    rows = np.arange(len(corners))[:, None]
    points, shading, corners = points[rows, order], shading[rows, order], corners[rows, order]
    uv = (
        coordinates[corners[..., 1]]
        if finish.texture is not None
        else np.zeros((*points.shape[:2], 2))
    )
    table = np.concatenate([points, shading, uv], axis=2).reshape(-1, 8).astype(np.float32)
    unique, inverse = _unique_rows(table)
    faces = inverse.reshape(-1, 3).astype(np.int32)
    return MeshPart(
        unique[:, :3],
        unique[:, 3:6],
        unique[:, 6:] if finish.texture is not None else None,
        faces,
        finish,
    )


def creased_normals(vertices: NDArray[np.int64], flat: Floats, area: Floats) -> Floats:
    """Return a normal per corner, shape (F, 3, 3): smooth except over edges sharper than a crease.

    Args:
        vertices: Indices of the corners, shape (F, 3).
        flat: Unit normals of the triangles, shape (F, 3).
        area: Of the triangles, shape (F,).
    """
    owners = np.repeat(np.arange(len(vertices)), 3)
    order = np.argsort(vertices.ravel(), kind="stable")
    _, first, valence = np.unique(vertices.ravel()[order], return_index=True, return_counts=True)
    result = np.empty((3 * len(vertices), 3))
    for count in np.unique(valence):
        corners = order[first[valence == count][:, None] + np.arange(count)]
        around = flat[owners[corners]]
        smooth = np.einsum("vik,vjk->vij", around, around) > CREASE_COS
        result[corners] = np.einsum("vij,vj,vjk->vik", smooth, area[owners[corners]], around)
    result /= np.maximum(np.linalg.norm(result, axis=1, keepdims=True), 1e-12)
    return result.reshape(-1, 3, 3)


def _unique_rows(
    table: np.ndarray[tuple[int, ...], np.dtype[np.float32]],
) -> tuple[
    np.ndarray[tuple[int, ...], np.dtype[np.float32]],
    np.ndarray[tuple[int, ...], np.dtype[np.int64]],
]:
    """Merge corners that agree to a hundredth of a millimetre."""
    keys = np.ascontiguousarray(np.round(table * 1e5).astype(np.int64))
    packed = keys.view([("", np.int64)] * keys.shape[1]).ravel()
    _, first, inverse = np.unique(packed, return_index=True, return_inverse=True)
    return table[first], inverse.ravel()


def triangle_count(parts: Sequence[MeshPart]) -> int:
    """Return the number of triangles."""
    return sum(len(part.faces) for part in parts)
