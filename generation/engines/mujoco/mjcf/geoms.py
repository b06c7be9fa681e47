"""Geoms of a compiled MJCF model as meshes and boxes in the world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import mujoco
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generation.assets.color import average_rgb
from generation.assets.mesh import Floats, Mesh, cylinder, moved, rounded_box, sphere
from generation.assets.model import MAX_TEXTURE_PX
from generation.assets.piece import Finish, MeshPart, Texture

GEOM = mujoco.mjtGeom
LAST_VISUAL_GROUP = 2
"""MuJoCo's viewers show groups 0 to 2; collision geoms lie in 3 and above."""
LEAST_ALPHA = 0.02
UNSET_RGBA = (0.5, 0.5, 0.5, 1.0)
"""A geom of this colour, MuJoCo's default, takes its material's."""
ROLES = (mujoco.mjtTextureRole.mjTEXROLE_RGB, mujoco.mjtTextureRole.mjTEXROLE_RGBA)
DEFAULT_ROUGHNESS = 0.7
PATTERN_M = 2.0
"""MuJoCo counts repeats of a uniform texture over two metres."""


class Geoms:
    """Reads the geoms of a model in its first pose."""

    def __init__(self, model: mujoco.MjModel, key: str) -> None:
        """Take a model.

        Args:
            model: Of the scene.
            key: Prefix of texture keys, unique to the scene.
        """
        self.model, self._key = model, key
        self.data = mujoco.MjData(model)
        mujoco.mj_kinematics(model, self.data)
        self._textures: dict[int, Texture] = {}

    def is_seen(self, geom: int) -> bool:
        """Say whether a viewer would show a geom."""
        return (
            self.model.geom_group[geom] <= LAST_VISUAL_GROUP
            and self.finish(geom).alpha > LEAST_ALPHA
        )

    def collides(self, geom: int) -> bool:
        """Say whether something can bump into a geom."""
        return bool(self.model.geom_contype[geom] or self.model.geom_conaffinity[geom])

    def is_plane(self, geom: int) -> bool:
        """Say whether a geom is a plane."""
        return bool(self.model.geom_type[geom] == GEOM.mjGEOM_PLANE)

    def pose(self, geom: int) -> tuple[Floats, Floats]:
        """Return position (3,) and rotation (3, 3) in the world."""
        return self.data.geom_xpos[geom].copy(), self.data.geom_xmat[geom].reshape(3, 3).copy()

    def bounds_m(self, geom: int) -> tuple[Floats, Floats]:
        """Return centre and half size, each (3,), of the box around it in its own frame."""
        aabb = self.model.geom_aabb[geom]
        return aabb[:3].copy(), aabb[3:].copy()

    def part(self, geom: int) -> MeshPart | None:
        """Return a geom as a mesh in the world, or None for planes and height fields."""
        finish = self.finish(geom)
        if self.model.geom_type[geom] == GEOM.mjGEOM_MESH:
            mesh = self._mesh(int(self.model.geom_dataid[geom]))
        else:
            solid = _solid(int(self.model.geom_type[geom]), self.model.geom_size[geom])
            if solid is None:
                return None
            mesh = solid._replace(uv_m=solid.uv_m / PATTERN_M)
        if finish.texture is not None and not self._has_coordinates(geom):
            finish = replace(finish, texture=None, rgb=average_rgb(finish))
        position_m, rotation = self.pose(geom)
        placed = moved(mesh, position_m.tolist(), rotation)
        return MeshPart(
            placed.vertices_m.astype(np.float32),
            placed.normals.astype(np.float32),
            self._repeated(geom, placed.uv_m) if finish.texture is not None else None,
            placed.faces.astype(np.int32),
            finish,
        )

    def finish(self, geom: int) -> Finish:
        """Return how a geom's surface looks."""
        model, material = self.model, int(self.model.geom_matid[geom])
        red, green, blue, alpha = (float(value) for value in model.geom_rgba[geom])
        if material < 0:
            return Finish((red, green, blue), roughness=DEFAULT_ROUGHNESS, alpha=alpha)
        if np.allclose(model.geom_rgba[geom], UNSET_RGBA):
            red, green, blue, alpha = (float(value) for value in model.mat_rgba[material])
        roughness = float(model.mat_roughness[material])
        finish = Finish(
            (red, green, blue),
            roughness=roughness if roughness >= 0 else DEFAULT_ROUGHNESS,
            metallic=max(float(model.mat_metallic[material]), 0.0),
            alpha=alpha,
            emission=float(model.mat_emission[material]),
        )
        numbers = [int(model.mat_texid[material, role]) for role in ROLES]
        number = next((number for number in numbers if number >= 0), -1)
        return finish if number < 0 else self._covered(finish, number)

    def _covered(self, finish: Finish, number: int) -> Finish:
        """Cover a finish with a texture; of one that is no flat picture, with its mean colour."""
        covered = replace(finish, texture=self._texture(number))
        if self.model.tex_type[number] == mujoco.mjtTexture.mjTEXTURE_2D:
            return covered
        return replace(finish, rgb=average_rgb(covered))

    def _has_coordinates(self, geom: int) -> bool:
        """Say whether a picture has a place on a geom; meshes need texture coordinates for it."""
        if self.model.geom_type[geom] != GEOM.mjGEOM_MESH:
            return True
        return bool(self.model.mesh_texcoordadr[self.model.geom_dataid[geom]] >= 0)

    def _texture(self, number: int) -> Texture:
        if number not in self._textures:
            model = self.model
            shape = (
                int(model.tex_height[number]),
                int(model.tex_width[number]),
                int(model.tex_nchannel[number]),
            )
            start = int(model.tex_adr[number])
            pixels = model.tex_data[start : start + shape[0] * shape[1] * shape[2]].reshape(shape)
            colors = pixels[..., :3] if shape[2] >= 3 else np.repeat(pixels[..., :1], 3, axis=2)
            picture = Image.fromarray(np.ascontiguousarray(colors))
            picture.thumbnail((MAX_TEXTURE_PX, MAX_TEXTURE_PX), Image.Resampling.LANCZOS)
            self._textures[number] = Texture(f"{self._key}#{number}", np.asarray(picture))
        return self._textures[number]

    def _repeated(self, geom: int, uv: Floats) -> NDArray[np.float32]:
        """Return texture coordinates (v upwards), repeated as the material says."""
        repeat = self.model.mat_texrepeat[self.model.geom_matid[geom]]
        downwards = uv * (1, -1) + (0, 1)
        upwards: NDArray[np.float32] = (downwards * repeat * (1, -1) + (0, 1)).astype(np.float32)
        return upwards

    def _mesh(self, number: int) -> Mesh:
        """Return a mesh in its own frame, one vertex per different corner."""
        model = self.model
        faces = slice(
            model.mesh_faceadr[number], model.mesh_faceadr[number] + model.mesh_facenum[number]
        )
        has_uv = model.mesh_texcoordadr[number] >= 0
        corners = np.stack(
            [
                model.mesh_face[faces].ravel(),
                model.mesh_facenormal[faces].ravel(),
                model.mesh_facetexcoord[faces].ravel()
                if has_uv
                else np.zeros(3 * model.mesh_facenum[number], int),
            ],
            axis=1,
        )
        used, index = np.unique(corners, axis=0, return_inverse=True)
        vertex, normal, coordinate = used.T
        uv = np.zeros((len(used), 2))
        if has_uv:
            uv = model.mesh_texcoord[model.mesh_texcoordadr[number] + coordinate] * (1, -1) + (0, 1)
        return Mesh(
            model.mesh_vert[model.mesh_vertadr[number] + vertex].astype(float),
            model.mesh_normal[model.mesh_normaladr[number] + normal].astype(float),
            uv.astype(float),
            index.reshape(-1, 3),
        )


def _solid(kind: int, size: Floats) -> Mesh | None:
    """Return a primitive around its origin."""
    if kind == GEOM.mjGEOM_BOX:
        return rounded_box(size.tolist(), 0.0)
    if kind == GEOM.mjGEOM_CYLINDER:
        return moved(cylinder(size[0], 2 * size[1]), (0, 0, -size[1]))
    if kind == GEOM.mjGEOM_SPHERE:
        return moved(sphere(size[0]), (0, 0, -size[0]))
    if kind == GEOM.mjGEOM_ELLIPSOID:
        ball = moved(sphere(1.0), (0, 0, -1.0))
        normals = ball.normals / size
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return ball._replace(vertices_m=ball.vertices_m * size, normals=normals)
    if kind == GEOM.mjGEOM_CAPSULE:
        ball = moved(sphere(size[0]), (0, 0, -size[0]))
        away = np.sign(ball.vertices_m[:, 2:]) * (0, 0, size[1])
        return ball._replace(vertices_m=ball.vertices_m + away)
    return None


def corners_m(parts: Sequence[MeshPart]) -> Floats:
    """Return all vertices of parts, shape (V, 3)."""
    return np.concatenate([part.vertices_m for part in parts]).astype(float)
