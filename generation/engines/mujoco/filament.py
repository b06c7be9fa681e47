"""MuJoCo's Filament renderer (Vulkan): physically based pictures, exact labels and depth.

Errors inside Filament end the process, so probe.py must have said that it works here. All calls
go through one context per process; a render call takes exactly one read request.
"""

from __future__ import annotations

import ctypes
import math
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import mujoco
import mujoco.studio.window  # brings the shaders and materials
import numpy as np
from mujoco import mjrf
from numpy.typing import NDArray

from generation.engines.mujoco.renderer import FAR_M, NEAR_M, Labels, metric_depth_m
from generation.engines.mujoco.silhouettes import Silhouettes, can_draw
from generation.pose import Camera, Pose


@cache
def _context() -> Any:
    """Return the context of this process: making several leaks memory."""
    config = mjrf.ContextConfig()
    config.graphics_api = mjrf.GraphicsApi.GRAPHICS_API_VULKAN
    with _silent_stdout():
        context = mjrf.Context(config)
    context.set_clear_color([0, 0, 0])
    return context


@contextmanager
def _silent_stdout() -> Iterator[None]:
    """Keep Filament's chatter about devices out of what programs may read."""
    sys.stdout.flush()
    kept = os.dup(1)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        os.dup2(kept, 1)
        os.close(nowhere)
        os.close(kept)


def _give_memory_back() -> None:
    """Return what was freed to the system: glibc would keep some 10 MB per scene."""
    with suppress(OSError, AttributeError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)


class FilamentRenderer:
    """Draws with Filament.

    Labels hold for each pixel a geom of the body that is seen, its first one where bodies are drawn
    whole.
    """

    name = "filament"
    is_photometric = True

    def __init__(self, camera: Camera) -> None:
        self._camera = camera
        self._context = _context()
        shape = (camera.height_px, camera.width_px)
        formats = mjrf.PixelFormat
        self._bytes = np.zeros((*shape, 3), np.uint8)
        self._numbers = np.zeros(shape, np.dtype("<u4"))
        self._floats = np.zeros(shape, np.float32)
        self._color_target = self._target(formats.PIXEL_FORMAT_RGB8)
        self._label_target = self._target(formats.PIXEL_FORMAT_RGBA8)
        self._depth_target = self._target(formats.PIXEL_FORMAT_R32F)
        self._scene: Any = None
        self._resources: Any = None
        self._lights: Any = None
        self._renderables: Any = None
        self._silhouettes: Silhouettes | None = None
        self._has_drawn = False

    def load(self, model: mujoco.MjModel) -> None:
        """Take over a model."""
        self.unload()
        # Compiling a large house leaves 200 MB that the driver would take on top.
        _give_memory_back()
        self._scene = self._context.create_scene(mjrf.SceneParams())
        self._resources = mjrf.ModelResources(self._context, model)
        self._scene.configure_from_model(model)
        self._lights = mjrf.ModelLights(self._scene, self._resources)
        self._renderables = mjrf.ModelRenderables(self._scene, self._resources)
        if can_draw(model):
            self._silhouettes = Silhouettes(self._context, self._scene, self._renderables, model)
        self._has_drawn = False

    def update(self, data: mujoco.MjData) -> None:
        """Move things to where they are in the data."""
        self._lights.update(data)
        self._renderables.update(data)
        if self._silhouettes is not None:
            self._silhouettes.update(data)

    def labels(self, pose: Pose) -> Labels:
        """Draw geom numbers and depth."""
        modes = mjrf.DrawMode
        if self._silhouettes is not None:
            self._silhouettes.show(pose.position_m)
        texels = self._numbers.view(np.uint8).reshape(*self._numbers.shape, 4)
        self._draw(pose, self._label_target, texels, modes.DRAW_MODE_SEGMENTATION_BY_ID)
        self._draw(pose, self._depth_target, self._floats, modes.DRAW_MODE_DEPTH)
        # Red, green and blue are the bytes of a number, alpha is none of it.
        geoms = (self._numbers & 0xFFFFFF).astype(np.int32)
        return Labels(geoms, metric_depth_m(self._floats))

    def colors(self, pose: Pose) -> NDArray[np.uint8]:
        """Draw the picture."""
        if self._silhouettes is not None:
            self._silhouettes.hide()
        self._draw(pose, self._color_target, self._bytes, mjrf.DrawMode.DRAW_MODE_DEFAULT)
        return self._bytes.copy()

    def unload(self) -> None:
        """Release the model: what refers to others goes first."""
        if self._scene is None:
            return
        if not self._has_drawn:
            # Filament crashes when a model goes of which it has not drawn anything yet.
            self._draw(
                Pose(0, 0, 0, 0), self._depth_target, self._floats, mjrf.DrawMode.DRAW_MODE_DEPTH
            )
        if self._silhouettes is not None:
            self._silhouettes.close()
        self._silhouettes = None
        self._renderables = None
        self._lights = None
        self._resources = None
        self._scene = None
        _give_memory_back()

    def close(self) -> None:
        """Release the model; the context stays for the next renderer of this process."""
        self.unload()

    def _target(self, color_format: Any) -> Any:
        config = mjrf.RenderTargetConfig()
        config.width, config.height = self._camera.width_px, self._camera.height_px
        config.color_format = color_format
        config.depth_format = mjrf.PixelFormat.PIXEL_FORMAT_DEPTH32F
        target = self._context.create_render_target(config)
        target.resize(config.width, config.height)
        return target

    def _draw(self, pose: Pose, target: Any, buffer: NDArray[Any], mode: Any) -> None:
        request = mjrf.RenderRequest()
        request.scene, request.target, request.draw_mode = self._scene, target, mode
        request.camera = _frustum(self._camera, pose)
        request.viewport.left = request.viewport.bottom = 0
        request.viewport.width = self._camera.width_px
        request.viewport.height = self._camera.height_px
        is_color = mode == mjrf.DrawMode.DRAW_MODE_DEFAULT
        request.post_processing = request.shadows = is_color
        request.reflections = request.skybox = is_color
        request.haze = request.headlight = False
        read = mjrf.ReadRequest(target=target)
        read.set_buffer(buffer)
        self._context.wait_for_frame(self._context.render([request], [read]))
        self._has_drawn = True


def _frustum(camera: Camera, pose: Pose) -> Any:
    half_height = NEAR_M * math.tan(camera.fovy_rad / 2)
    frustum = mjrf.Camera(
        pos=pose.position_m.astype(np.float32),
        forward=pose.forward.astype(np.float32),
        up=pose.up.astype(np.float32),
        frustum_bottom=-half_height,
        frustum_top=half_height,
        frustum_near=NEAR_M,
        frustum_far=FAR_M,
    )
    frustum.frustum_center = 0.0
    # This is half the width, unlike what its name says.
    frustum.frustum_width = half_height * camera.width_px / camera.height_px
    return frustum
