"""Models that trimesh reads (glTF, GLB, OBJ and more), as mesh parts in metres."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import trimesh
from PIL import Image

from generation.assets.mesh import Floats, rotation_z
from generation.assets.model import MAX_TEXTURE_PX
from generation.assets.piece import Finish, MeshPart, Rgb, Texture

READER_ERRORS = (
    AssertionError,
    AttributeError,
    IndexError,
    KeyError,
    NotImplementedError,
    OSError,
    TypeError,
    ValueError,
    struct.error,
)
"""What trimesh's readers were seen to raise on broken files: they check little themselves."""
Y_UP = np.array([[1.0, 0, 0], [0, 0, -1.0], [0, 1.0, 0]])
"""Takes y up to z up, and a front towards +z to -y."""


def load_scene(
    path: Path, key: str, size_m: tuple[float, float, float] | None, up: str, turn_rad: float
) -> tuple[MeshPart, ...]:
    """Read a model, stand it on the floor and scale it.

    Args:
        path: Of the model.
        key: Prefix of texture keys.
        size_m: Width, depth and height after turning; None keeps the model's own.
        up: "y" or "z": which axis of the model points up.
        turn_rad: About the vertical, so that its front faces -y; a multiple of pi/2.

    Raises:
        ValueError: The model cannot be read or is empty.
    """
    meshes = _meshes(path)
    turn = rotation_z(turn_rad) @ (Y_UP if up == "y" else np.eye(3))
    points = [np.asarray(mesh.vertices, float) @ turn.T for mesh in meshes]
    low = np.min([cloud.min(0) for cloud in points], axis=0)
    high = np.max([cloud.max(0) for cloud in points], axis=0)
    scale = np.ones(3) if size_m is None else np.array(size_m) / np.maximum(high - low, 1e-9)
    origin = np.array([*(low + high)[:2] / 2, low[2]])
    parts = []
    for number, (mesh, cloud) in enumerate(zip(meshes, points, strict=True)):
        normals = np.asarray(mesh.vertex_normals, float) @ turn.T / scale
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        finish, uv = _appearance(mesh, f"{key}#{number}")
        parts.append(
            MeshPart(
                ((cloud - origin) * scale).astype(np.float32),
                normals.astype(np.float32),
                uv,
                np.asarray(mesh.faces, np.int32),
                finish,
            )
        )
    return tuple(parts)


def _meshes(path: Path) -> list[Any]:
    """Return the triangle meshes of a file in their places."""
    try:
        scene = trimesh.load_scene(path)
        dumped = scene.dump()
    except READER_ERRORS as exc:
        raise ValueError(f"cannot be read: {exc or type(exc).__name__}") from exc
    meshes = [mesh for mesh in dumped if isinstance(mesh, trimesh.Trimesh) and len(mesh.faces)]
    if not meshes:
        raise ValueError("holds no triangles")
    return meshes


def _appearance(mesh: Any, key: str) -> tuple[Finish, np.ndarray[Any, np.dtype[np.float32]] | None]:
    """Return the finish of a mesh and its texture coordinates, if it has a picture."""
    visual = mesh.visual
    if not isinstance(visual, trimesh.visual.TextureVisuals):
        return Finish(_rgb(visual.main_color)), None
    material = visual.material
    if not isinstance(material, trimesh.visual.material.PBRMaterial):
        material = material.to_pbr()
    roughness = 0.8 if material.roughnessFactor is None else float(material.roughnessFactor)
    metallic = 0.0 if material.metallicFactor is None else float(material.metallicFactor)
    color = material.baseColorFactor
    rgb = (1.0, 1.0, 1.0) if color is None else _rgb(color)
    alpha = 1.0 if color is None or len(color) < 4 else float(color[3]) / 255
    picture, uv = material.baseColorTexture, visual.uv
    if picture is None or uv is None:
        return Finish(rgb, None, None, roughness, metallic, alpha), None
    small = picture.convert("RGB")
    small.thumbnail((MAX_TEXTURE_PX, MAX_TEXTURE_PX), Image.Resampling.LANCZOS)
    texture = Texture(key, np.asarray(small))
    finish = Finish(rgb, texture, None, roughness, metallic, alpha)
    return finish, np.asarray(uv, np.float32)


def _rgb(color: Floats) -> Rgb:
    red, green, blue = (float(value) / 255 for value in np.asarray(color)[:3])
    return red, green, blue
