"""Loads houses, one at a time."""

from __future__ import annotations

import mujoco

from generation.engines.mujoco.msh import keep_compiled_meshes
from generation.engines.mujoco.renderer import Renderer
from generation.engines.mujoco.session import MujocoSession
from generation.houses import HouseSource
from generation.pose import Camera
from generation.scene import EngineError, SceneKey


class MujocoEngine:
    """MuJoCo with a house source and a renderer."""

    name = "mujoco"

    def __init__(self, camera: Camera, houses: HouseSource, renderer: Renderer) -> None:
        self._camera = camera
        self._houses = houses
        self._renderer = renderer
        self._session: MujocoSession | None = None
        keep_compiled_meshes()

    @property
    def version(self) -> str:
        """MuJoCo's version and the renderer's name: both change pictures."""
        return f"{mujoco.__version__}+{self._renderer.name}"

    def load(self, key: SceneKey) -> MujocoSession:
        """Load a house and close the one before.

        Raises:
            EngineError: The house cannot be made.
        """
        house = self._houses.house(key)
        self._close_session()
        try:
            self._session = MujocoSession(key, house, self._camera, self._renderer)
        except ValueError as error:
            # MuJoCo's compiler says so of meshes and boxes that it does not take.
            raise EngineError(f"house {key.scene_id} cannot be built: {error}") from error
        return self._session

    def close(self) -> None:
        """Release the scene and the renderer."""
        self._close_session()
        self._renderer.close()

    def _close_session(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None
