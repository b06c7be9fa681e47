"""MuJoCo's classic OpenGL renderer: plainer pictures, the same geometry, labels and depth."""

from __future__ import annotations

import atexit
import math
import os
from importlib import import_module
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from generation.engines.mujoco.renderer import FAR_M, NEAR_M, Labels, metric_depth_m
from generation.pose import Camera, Pose

MAX_GEOMS = 20_000
FONT_SCALE = 150


class ClassicRenderer:
    """Draws with OpenGL, on a graphics card (egl) or on the processor (osmesa)."""

    is_photometric = False

    def __init__(self, camera: Camera, name: str) -> None:
        self.name = name
        self._camera = camera
        # MuJoCo looks up OpenGL by this name when it makes the first context.
        os.environ["MUJOCO_GL"] = name
        self._gl = import_module(f"mujoco.{name}").GLContext(camera.width_px, camera.height_px)
        self._gl.make_current()
        self._rectangle = mujoco.MjrRect(0, 0, camera.width_px, camera.height_px)
        self._bytes = np.zeros((camera.height_px, camera.width_px, 3), np.uint8)
        self._floats = np.zeros((camera.height_px, camera.width_px), np.float32)
        self._model: Any = None
        self._data: Any = None
        self._scene: Any = None
        self._context: Any = None
        # Drivers cannot be called any more once the interpreter shuts down.
        atexit.register(self.close)

    def load(self, model: mujoco.MjModel) -> None:
        """Take over a model."""
        self.unload()
        self._gl.make_current()
        model.vis.global_.offwidth = self._camera.width_px
        model.vis.global_.offheight = self._camera.height_px
        # Clipping planes are given in units of the extent.
        model.stat.extent, model.vis.map.znear, model.vis.map.zfar = 1.0, NEAR_M, FAR_M
        model.vis.global_.fovy = math.degrees(self._camera.fovy_rad)
        self._model = model
        self._scene = mujoco.MjvScene(model, MAX_GEOMS)
        self._context = mujoco.MjrContext(model, FONT_SCALE)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._context.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR

    def update(self, data: mujoco.MjData) -> None:
        """Move things to where they are in the data."""
        self._data = data

    def labels(self, pose: Pose) -> Labels:
        """Draw geom numbers and depth."""
        self._draw(pose, as_labels=True)
        mujoco.mjr_readPixels(self._bytes, self._floats, self._rectangle, self._context)
        red, green, blue = np.moveaxis(np.flipud(self._bytes).astype(np.int32), -1, 0)
        geom_of_drawn = np.zeros(self._scene.ngeom + 1, np.int32)
        for drawn in self._scene.geoms[: self._scene.ngeom]:
            if drawn.segid >= 0 and drawn.objtype == mujoco.mjtObj.mjOBJ_GEOM:
                geom_of_drawn[drawn.segid + 1] = drawn.objid + 1
        geoms = geom_of_drawn[red | green << 8 | blue << 16]
        return Labels(geoms, metric_depth_m(np.flipud(self._floats)))

    def colors(self, pose: Pose) -> NDArray[np.uint8]:
        """Draw the picture."""
        self._draw(pose, as_labels=False)
        mujoco.mjr_readPixels(self._bytes, None, self._rectangle, self._context)
        return np.flipud(self._bytes).copy()

    def unload(self) -> None:
        """Release the model."""
        if self._context is not None:
            self._gl.make_current()
            self._context.free()
        self._context = self._scene = self._data = self._model = None

    def close(self) -> None:
        """Release the model and the drawing surface."""
        self.unload()
        if self._gl is not None:
            self._gl.free()
            self._gl = None

    def _draw(self, pose: Pose, *, as_labels: bool) -> None:
        self._gl.make_current()
        camera = mujoco.MjvCamera()
        camera.type = mujoco.mjtCamera.mjCAMERA_FREE
        # A free camera looks at a point from a distance; with 1 m its place is the pose's.
        camera.distance = 1.0
        camera.lookat[:] = pose.position_m + pose.forward
        camera.azimuth = math.degrees(pose.yaw_rad)
        camera.elevation = math.degrees(pose.pitch_rad)
        mujoco.mjv_updateScene(
            self._model,
            self._data,
            mujoco.MjvOption(),
            None,
            camera,
            mujoco.mjtCatBit.mjCAT_ALL,
            self._scene,
        )
        flags = self._scene.flags
        flags[mujoco.mjtRndFlag.mjRND_SEGMENT] = as_labels
        flags[mujoco.mjtRndFlag.mjRND_IDCOLOR] = as_labels
        mujoco.mjr_render(self._rectangle, self._scene, self._context)
