"""The embedded engine: houses of boxes and meshes, MuJoCo's physics, Filament's pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from generation.engines import EngineConfig
from generation.engines.mujoco.mjcf.files import SceneFolder, open_folder
from generation.houses import HOUSE_SOURCES, open_house_source
from generation.scene import EngineError

if TYPE_CHECKING:
    from generation.engines.mujoco.engine import MujocoEngine


def open_engine(config: EngineConfig) -> MujocoEngine:
    """Open the engine with a renderer that works on this machine.

    Raises:
        EngineError: No renderer works, or the houses are not there.
    """
    from generation.engines.mujoco.renderer import open_renderer

    scenes = mjcf_folder(config.houses)
    houses = open_house_source(config.houses) if scenes is None else None
    # First of all: a classic renderer has a say in how MuJoCo is imported.
    renderer = open_renderer(config.renderer, config.camera)
    from generation.engines.mujoco.engine import MujocoEngine
    from generation.engines.mujoco.mjcf.source import MjcfHouses

    if scenes is not None:
        houses = MjcfHouses(scenes)
    assert houses is not None
    return MujocoEngine(config.camera, houses, renderer)


def mjcf_folder(houses: str) -> SceneFolder | None:
    """Return the folder of MJCF scenes that ``--houses`` names, or None for a house source.

    Raises:
        EngineError: It names neither.
    """
    if houses in HOUSE_SOURCES:
        return None
    if not Path(houses).exists():
        known = ", ".join(HOUSE_SOURCES)
        raise EngineError(
            f"--houses {houses}: no such file or folder; engine mujoco takes a folder of MJCF "
            f"scenes or one of {known}"
        )
    return open_folder(Path(houses))
