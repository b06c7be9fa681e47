"""The embedded engine: houses of boxes and meshes, MuJoCo's physics, Filament's pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from generation.engines import EngineConfig

if TYPE_CHECKING:
    from generation.engines.mujoco.engine import MujocoEngine


def open_engine(config: EngineConfig) -> MujocoEngine:
    """Open the engine with a renderer that works on this machine.

    Raises:
        EngineError: No renderer works, or the houses are not there.
    """
    from generation.engines.mujoco.renderer import open_renderer
    from generation.houses import open_house_source

    houses = open_house_source(config.houses)
    # First of all: a classic renderer has a say in how MuJoCo is imported.
    renderer = open_renderer(config.renderer, config.camera)
    from generation.engines.mujoco.engine import MujocoEngine

    return MujocoEngine(config.camera, houses, renderer)
