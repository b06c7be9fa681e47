"""A model with one mesh per body, to draw labels and depth with: a fifth of the draw calls.

A renderer needs a draw call for each material, and one for each box of a wall; where neither colour
nor light matters, what belongs together is drawn together, and what a wall hides is left out (in a
picture it may still throw a shadow). Silhouettes take the places of the model's own renderables in
its scene, since Filament's context has room for one scene.
"""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from mujoco import mjrf
from numpy.typing import NDArray

from generation.engines.mujoco.occlusion import hidden, screens_of
from generation.pose import BOX_CORNERS

Floats = NDArray[np.float64]
Faces = NDArray[np.uint32]

_BOX, _MESH = int(mujoco.mjtGeom.mjGEOM_BOX), int(mujoco.mjtGeom.mjGEOM_MESH)
_SHOWN_GROUPS = 3
"""Geoms of this group and above are not drawn."""
_SIDES = np.array(
    [
        *((0, 1, 3), (0, 3, 2), (4, 6, 7), (4, 7, 5), (0, 4, 5), (0, 5, 1)),
        *((2, 3, 7), (2, 7, 6), (0, 2, 6), (0, 6, 4), (1, 5, 7), (1, 7, 3)),
    ],
    np.uint32,
)
"""Triangles of a box, counter-clockwise from outside."""


def can_draw(model: mujoco.MjModel) -> bool:
    """Say whether all of a model is boxes and meshes that are to be seen."""
    alpha = model.geom_rgba[:, 3]
    return bool(
        np.isin(model.geom_type, (_BOX, _MESH)).all()
        and (model.geom_group < _SHOWN_GROUPS).all()
        and (alpha > 0).all()
    )


class Silhouettes:
    """Stand in for a model's renderables while they are shown."""

    def __init__(self, context: Any, scene: Any, renderables: Any, model: mujoco.MjModel) -> None:
        geom = mujoco.mjtObj.mjOBJ_GEOM
        self._scene = scene
        self._geoms = [renderables.get_renderable(geom, number) for number in range(model.ngeom)]
        self._bodies: dict[int, Any] = {}
        self._kept: list[Any] = []
        corners_m = []
        for body in range(model.nbody):
            geoms = np.flatnonzero(model.geom_bodyid == body)
            if len(geoms):
                points_m, faces = _merged(model, geoms)
                mesh, data = _uploaded(context, points_m, faces)
                self._kept.append((mesh, data))
                self._bodies[body] = _solid(context, mesh, faces.size, int(geoms[0]) + 1)
                corners_m.append(_box_corners_m(points_m))
        self._own_corners_m = np.reshape(corners_m, (-1, 8, 3))
        self._corners_m = self._own_corners_m
        self._screens = screens_of(model)
        self._shown: set[int] = set()

    def update(self, data: mujoco.MjData) -> None:
        """Move bodies to where they are in the data."""
        places, turns = data.xpos.astype(np.float32), data.xmat.astype(np.float32)
        for body, solid in self._bodies.items():
            solid.set_pose(places[body], turns[body])
        bodies = list(self._bodies)
        turns_of = data.xmat[bodies].reshape(-1, 3, 3)
        self._corners_m = self._own_corners_m @ turns_of.swapaxes(1, 2) + data.xpos[bodies][:, None]

    def show(self, eye_m: Floats) -> None:
        """Put into the scene, in place of the model's renderables, what a camera may see."""
        is_hidden = hidden(self._screens, eye_m, self._corners_m).tolist()
        self._show({body for body, hid in zip(self._bodies, is_hidden, strict=True) if not hid})

    def hide(self) -> None:
        """Put the model's renderables back."""
        self._show(set())

    def close(self) -> None:
        """Leave the scene as it was found: renderables go before the meshes that they show."""
        self.hide()
        self._bodies.clear()
        for _, data in self._kept:
            data.free()
        self._kept.clear()

    def _show(self, bodies: set[int]) -> None:
        if bodies and not self._shown:
            for renderable in self._geoms:
                self._scene.remove_renderable(renderable)
        for body in sorted(self._shown - bodies):
            self._scene.remove_renderable(self._bodies[body])
        for body in sorted(bodies - self._shown):
            self._scene.add_renderable(self._bodies[body])
        if self._shown and not bodies:
            for renderable in self._geoms:
                self._scene.add_renderable(renderable)
        self._shown = bodies


def _box_corners_m(points_m: Floats) -> Floats:
    """Return the corners of the box around points, shape (8, 3)."""
    low_m, high_m = points_m.min(axis=0), points_m.max(axis=0)
    corners_m: Floats = (low_m + high_m) / 2 + BOX_CORNERS * (high_m - low_m) / 2
    return corners_m


def _solid(context: Any, mesh: Any, index_count: int, segmentation_id: int) -> Any:
    """Return a renderable that shows a mesh and bears a number."""
    renderable = context.create_renderable(mjrf.RenderableParams())
    renderable.set_mesh(mesh, 0, index_count)
    renderable.set_size(np.ones(3, np.float32))
    material = renderable.get_material()
    material.segmentation_id = segmentation_id
    renderable.set_material(material)
    return renderable


def _merged(model: mujoco.MjModel, geoms: NDArray[np.intp]) -> tuple[Floats, Faces]:
    """Return corners, shape (V, 3), in the frame of the body, and triangles, shape (T, 3)."""
    corners, faces, count = [], [], 0
    for geom in geoms.tolist():
        own_m, own_faces = _form(model, geom)
        turn = np.zeros(9)
        mujoco.mju_quat2Mat(turn, model.geom_quat[geom])
        corners.append(own_m @ turn.reshape(3, 3).T + model.geom_pos[geom])
        faces.append(own_faces.astype(np.uint32) + np.uint32(count))
        count += len(own_m)
    return np.concatenate(corners), np.concatenate(faces)


def _form(model: mujoco.MjModel, geom: int) -> tuple[Floats, NDArray[Any]]:
    if model.geom_type[geom] == _BOX:
        return BOX_CORNERS * model.geom_size[geom], _SIDES
    mesh = model.geom_dataid[geom]
    first, first_face = model.mesh_vertadr[mesh], model.mesh_faceadr[mesh]
    return (
        model.mesh_vert[first : first + model.mesh_vertnum[mesh]].astype(np.float64),
        model.mesh_face[first_face : first_face + model.mesh_facenum[mesh]],
    )


def _uploaded(context: Any, corners_m: Floats, faces: Faces) -> tuple[Any, Any]:
    usages, types = mjrf.VertexAttributeUsage, mjrf.VertexAttributeType
    config = mjrf.MeshConfig(
        max_vertices=len(corners_m),
        max_indices=faces.size,
        attributes=[
            mjrf.VertexAttribute(
                usages.VERTEX_ATTRIBUTE_USAGE_POSITION, types.VERTEX_ATTRIBUTE_TYPE_FLOAT3
            ),
            # Nothing is lit here, but Filament wants an orientation.
            mjrf.VertexAttribute(
                usages.VERTEX_ATTRIBUTE_USAGE_TANGENTS, types.VERTEX_ATTRIBUTE_TYPE_FLOAT4
            ),
        ],
        interleaved=True,
        index_type=mjrf.IndexType.INDEX_TYPE_U32,
        primitive_type=mjrf.MeshPrimitiveType.MESH_PRIMITIVE_TYPE_TRIANGLES,
    )
    vertices = np.zeros((len(corners_m), 7), np.float32)
    vertices[:, :3], vertices[:, 6] = corners_m, 1.0
    data = mjrf.MeshData()
    data.set_vertices(config, vertices.tobytes())
    data.set_indices(config, np.ascontiguousarray(faces).tobytes())
    data.bounds_min, data.bounds_max = vertices[:, :3].min(axis=0), vertices[:, :3].max(axis=0)
    mesh = context.create_mesh(config)
    mesh.upload(data)
    return mesh, data
