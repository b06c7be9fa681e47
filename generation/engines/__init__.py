"""What a simulator must be able to do, and the simulators that can.

An engine is a file (or folder) here and a line in ENGINES. Only these files import a simulator,
and only when their engine is opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from generation.pose import Camera, Pose
from generation.scene import (
    EngineError,
    Observation,
    SceneInfo,
    SceneKey,
    SceneObject,
    SceneState,
)


class Session(Protocol):
    """One loaded scene."""

    @property
    def info(self) -> SceneInfo:
        """What scene this is."""

    @property
    def camera(self) -> Camera:
        """The camera of every observation."""

    def state(self) -> SceneState:
        """Return where the movable objects are now."""

    def restore(self, state: SceneState) -> None:
        """Put the movable objects where they were; nothing settles or collides."""

    def objects(self) -> Mapping[str, SceneObject]:
        """Return all objects in the present state, by object_id."""

    def standing_points_m(self) -> NDArray[np.float64]:
        """Return floor points, shape (N, 2), where an upright person has room."""

    def is_standing_free(self, x_m: float, y_m: float) -> bool:
        """Say whether an upright person (0.2 m radius) has room at a floor point."""

    def distances_m(
        self, origin_m: NDArray[np.float64], directions: NDArray[np.float64]
    ) -> NDArray[np.float64] | None:
        """Return roughly how far it is to the first thing along unit vectors, shape (N, 3).

        Things may count as the boxes around their parts; inf where there is nothing. It serves to
        pass over views that are not worth a look. None where it would take a look to tell.
        """

    def observe(self, pose: Pose) -> Observation:
        """Return segmentation and depth from a pose in the present state."""

    def render(self, observation: Observation) -> NDArray[np.uint8]:
        """Return the colour picture of an observation, shape (height, width, 3), sRGB.

        The scene is put into the observation's state for it; the present state is kept.
        """

    def place(self, object_id: str, x_m: float, y_m: float, z_m: float) -> bool:
        """Put a movable object with its bounding box's bottom centre at a point and let it settle.

        Returns:
            True if it settled upright near the point without disturbing anything else. False
            otherwise; the state is then as before the call.
        """

    def close(self) -> None:
        """Release the scene."""


class Engine(Protocol):
    """A simulator, opened once per process."""

    name: str
    version: str

    def load(self, key: SceneKey) -> Session:
        """Load a scene; at most one is loaded at a time.

        Raises:
            EngineError: The scene cannot be made.
        """

    def close(self) -> None:
        """Release the simulator."""


@dataclass(frozen=True)
class EngineConfig:
    """How to open an engine."""

    camera: Camera
    houses: str = "procedural"
    """A house source: "procedural", or the path of a houses file or folder."""
    renderer: str = "auto"
    """For mujoco: "auto", "filament", "egl" or "osmesa"."""


ENGINES: dict[str, str] = {
    "mujoco": "generation.engines.mujoco:open_engine",
    "thor": "generation.engines.thor:open_engine",
}
"""Name -> "module:function"; the function takes an EngineConfig and returns an Engine."""


def engine_path(name: str) -> str:
    """Return the "module:function" of an engine.

    Raises:
        EngineError: Unknown.
    """
    if name not in ENGINES:
        raise EngineError(f"unknown engine {name!r}; known: {', '.join(ENGINES)}")
    return ENGINES[name]


def open_at(path: str, config: EngineConfig) -> Engine:
    """Open the engine of a "module:function"; workers are sent the path, not the table.

    Raises:
        EngineError: What the engine needs is not installed.
    """
    module, function = path.split(":")
    engine: Engine = getattr(import_module(module), function)(config)
    return engine


def open_engine(name: str, config: EngineConfig) -> Engine:
    """Open an engine.

    Raises:
        EngineError: Unknown, or what it needs is not installed.
    """
    return open_at(engine_path(name), config)
