"""What a renderer must do, and the choice of one that works on this machine."""

from __future__ import annotations

import sys
from typing import Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from generation.engines.mujoco import probe
from generation.pose import Camera, Pose
from generation.scene import EngineError

NEAR_M = 0.05
FAR_M = 60.0

DEPTH_STEP_M = 2.0**-12
"""Depth is rounded to this: below it, drawing the same frame twice gives rounding noise."""

FIX = "apt-get install libvulkan1 mesa-vulkan-drivers"
FALLBACK_FIX = "apt-get install libegl1 libosmesa6"


class Labels(NamedTuple):
    """What is at each pixel."""

    geoms: NDArray[np.int32]
    """Shape (height, width): 1 + a geom's number in the model; 0 where nothing is.

    The geom is one of the body that is seen, not always the very one.
    """
    depth_m: NDArray[np.float32]
    """Shape (height, width): along the optical axis; inf where nothing is."""


def metric_depth_m(nearness: NDArray[np.float32]) -> NDArray[np.float32]:
    """Turn a depth buffer in which 0 is far away into metres; inf where nothing is."""
    steps = nearness * np.float32(FAR_M - NEAR_M)
    steps += np.float32(NEAR_M)
    np.divide(np.float32(NEAR_M * FAR_M / DEPTH_STEP_M), steps, out=steps)
    np.rint(steps, out=steps)
    steps *= np.float32(DEPTH_STEP_M)
    steps[nearness <= 0] = np.inf
    return steps


class Renderer(Protocol):
    """Draws one model at a time; the same object serves many models."""

    name: str

    @property
    def is_photometric(self) -> bool:
        """Whether it takes lights in candela and lux and light from all around."""

    def load(self, model: Any) -> None:
        """Take over an mjModel; the one before is released."""

    def update(self, data: Any) -> None:
        """Move things to where they are in an mjData."""

    def labels(self, pose: Pose) -> Labels:
        """Draw who is where, and depth."""

    def colors(self, pose: Pose) -> NDArray[np.uint8]:
        """Draw the picture, shape (height, width, 3), sRGB."""

    def unload(self) -> None:
        """Release the model."""

    def close(self) -> None:
        """Release everything."""


def open_renderer(name: str, camera: Camera) -> Renderer:
    """Open a renderer that works.

    Args:
        name: "filament", "egl", "osmesa", or "auto" for the first of them that works. A fallback
            is reported once on stderr.
        camera: Of all pictures.

    Raises:
        EngineError: Unknown, or none works; the message names what to install.
    """
    if name not in RENDERERS:
        raise EngineError(f"unknown renderer {name!r}; known: {', '.join(RENDERERS)}")
    tried: list[str] = []
    for candidate in RENDERERS[name]:
        trouble = probe.trouble_with(candidate)
        if not trouble:
            if tried:
                print(
                    f"mujoco: {'; '.join(tried)}; using the plainer {candidate} renderer"
                    f" (for the better one: {FIX})",
                    file=sys.stderr,
                )
            return open_untested(candidate, camera)
        tried.append(trouble)
    fix = FALLBACK_FIX if name in ("egl", "osmesa") else FIX
    raise EngineError(f"mujoco cannot draw: {'; '.join(tried)}; install a driver: {fix}")


RENDERERS = {
    "auto": ("filament", "egl", "osmesa"),
    "filament": ("filament",),
    "egl": ("egl",),
    "osmesa": ("osmesa",),
}
"""Allowed names -> the renderers to try, best first."""


def open_untested(name: str, camera: Camera) -> Renderer:
    """Open a renderer without asking whether it works; one that does not may end the process."""
    if name == "filament":
        from generation.engines.mujoco.filament import FilamentRenderer

        return FilamentRenderer(camera)
    from generation.engines.mujoco.classic import ClassicRenderer

    return ClassicRenderer(camera, name)
