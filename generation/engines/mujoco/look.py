"""A house as a renderer's model: meshes, materials and lights. Nothing here collides or falls.

Movable pieces are mocap bodies, so that a pose is shown by writing it down.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from generation.assets.piece import Finish, MeshPart, Texture
from generation.engines.mujoco.lights import add_lights
from generation.engines.mujoco.msh import add_meshes, mesh_name
from generation.engines.mujoco.physics import BodyPose, pose_at
from generation.engines.mujoco.shape import Shape
from generation.houses.house import House, PlacedPiece
from generation.scene import BACKGROUND

OPAQUE_ALPHA = 0.5
"""Surfaces clearer than this throw no shadow."""


@dataclass(frozen=True, eq=False)
class Look:
    """The model of a house and what its geoms stand for."""

    model: mujoco.MjModel
    data: mujoco.MjData
    segmentation_of_geom: NDArray[np.int32]
    """Indexed by 1 + geom number, 0 being nothing: the segmentation id of its object."""
    mocap_of_object: Mapping[str, int]

    def show(self, poses: Mapping[str, BodyPose]) -> None:
        """Put the movable pieces into poses."""
        for object_id, row in self.mocap_of_object.items():
            self.data.mocap_pos[row] = poses[object_id][:3]
            self.data.mocap_quat[row] = poses[object_id][3:]
        mujoco.mj_kinematics(self.model, self.data)


def build_look(
    house: House,
    placed: Sequence[PlacedPiece],
    shapes: Mapping[str, Shape],
    segmentation_ids: Mapping[str, int],
    *,
    photometric: bool,
) -> Look:
    """Build the model of a house.

    Args:
        house: Its building and lights.
        placed: The pieces in it.
        shapes: By piece_id.
        segmentation_ids: By object_id.
        photometric: Whether the renderer takes lights in physical units.
    """
    spec = mujoco.MjSpec()
    spec.compiler.autolimits = True
    # Nothing moves here by its mass, and thin meshes have odd inertias.
    spec.compiler.balanceinertia = True
    materials = _Materials(spec, srgb=photometric)
    add_lights(spec, house, photometric=photometric)
    for slab in house.slabs:
        if not slab.drawn:
            continue
        spec.worldbody.add_geom(
            type=mujoco.mjtGeom.mjGEOM_BOX,
            pos=slab.center_m,
            size=slab.half_size_m,
            quat=slab.quaternion,
            material=materials.name_of(slab.finish),
            castshadow=slab.casts_shadow,
        )
    parts_of = {item.piece.piece_id: shapes[item.piece.piece_id].parts for item in placed}
    parts_of |= {item.piece.piece_id: item.piece.load_parts() for item in house.scenery}
    add_meshes(spec, parts_of)
    for item in (*placed, *house.scenery):
        _add_piece(spec, item, parts_of[item.piece.piece_id], materials)
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_forward(model, data)
    segmentation_of_body = np.full(model.nbody, BACKGROUND, np.int32)
    for item in placed:
        segmentation_of_body[model.body(item.object_id).id] = segmentation_ids[item.object_id]
    return Look(
        model,
        data,
        np.append(np.int32(BACKGROUND), segmentation_of_body[model.geom_bodyid]),
        {
            item.object_id: int(model.body(item.object_id).mocapid[0])
            for item in placed
            if item.piece.movable
        },
    )


class _Materials:
    """Adds every finish and texture to a spec once.

    A classic renderer works in sRGB throughout, so its textures are not to be converted.
    """

    def __init__(self, spec: Any, *, srgb: bool) -> None:
        spaces = mujoco.mjtColorSpace
        self._colorspace = spaces.mjCOLORSPACE_SRGB if srgb else spaces.mjCOLORSPACE_LINEAR
        self._spec = spec
        self._names: dict[Finish, str] = {}
        self._textures: set[str] = set()

    def name_of(self, finish: Finish) -> str:
        """Return the name of the material of a finish."""
        if finish not in self._names:
            self._names[finish] = f"finish {len(self._names)}"
            self._add(self._names[finish], finish)
        return self._names[finish]

    def _add(self, name: str, finish: Finish) -> None:
        material = self._spec.add_material(
            name=name,
            rgba=(*finish.rgb, finish.alpha),
            roughness=finish.roughness,
            metallic=finish.metallic,
            emission=finish.emission,
        )
        if finish.texture is None:
            return
        material.textures[mujoco.mjtTextureRole.mjTEXROLE_RGB] = self._texture(finish.texture)
        if finish.emission:
            material.textures[mujoco.mjtTextureRole.mjTEXROLE_EMISSIVE] = finish.texture.key
        if finish.texture_size_m is not None:
            material.texuniform = True
            # MuJoCo counts repeats over two metres.
            material.texrepeat = (2 / finish.texture_size_m,) * 2

    def _texture(self, texture: Texture) -> str:
        if texture.key not in self._textures:
            self._textures.add(texture.key)
            height, width, channels = texture.pixels.shape
            added = self._spec.add_texture(
                name=texture.key,
                type=mujoco.mjtTexture.mjTEXTURE_2D,
                width=width,
                height=height,
                nchannel=channels,
            )
            added.colorspace = self._colorspace
            added.data = np.ascontiguousarray(texture.pixels).tobytes()
        return texture.key


def _add_piece(
    spec: Any, item: PlacedPiece, parts: Sequence[MeshPart], materials: _Materials
) -> None:
    pose = pose_at(item.position_m, item.yaw_rad)
    body = spec.worldbody.add_body(
        name=item.object_id, pos=pose[:3], quat=pose[3:], mocap=item.piece.movable
    )
    for number, part in enumerate(parts):
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_MESH,
            meshname=mesh_name(item.piece.piece_id, number),
            material=materials.name_of(part.finish),
            contype=0,
            conaffinity=0,
            castshadow=part.finish.alpha > OPAQUE_ALPHA,
        )
