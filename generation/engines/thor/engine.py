"""AI2-THOR 5.0.0 as an engine: one player per process, reset between scenes."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ai2thor.platform import CloudRendering

from generation.engines import EngineConfig
from generation.engines.thor.controller import ActionFailed, BoundedController, Timeouts
from generation.engines.thor.facts import object_facts, room_facts
from generation.engines.thor.house_json import held_still, missing_objects, start_of
from generation.engines.thor.houses import HouseRef, open_houses
from generation.engines.thor.installation import engine_version, explain_start_failure
from generation.engines.thor.servers import PlayerLost
from generation.engines.thor.session import SETTLE_STEPS, ThorSession
from generation.engines.thor.table import Table, can_move
from generation.engines.thor.world import GRID_M, World
from generation.pose import Camera
from generation.scene import EngineError, SceneInfo, SceneKey

SERVERS = ("fifo", "wsgi")


@dataclass(frozen=True)
class ThorSettings:
    """How to run the player; each can be set in the environment."""

    executable: Path | None = None
    """A player of your own (SAT_THOR_EXECUTABLE); else the release that ai2thor installs."""
    server: str = "fifo"
    """How to talk to it (SAT_THOR_SERVER): fifo or wsgi."""
    quality: str = "Ultra"
    """One of ai2thor's quality settings (SAT_THOR_QUALITY)."""
    timeouts: Timeouts = field(default_factory=Timeouts)
    """SAT_THOR_START_TIMEOUT_S and SAT_THOR_STEP_TIMEOUT_S."""

    @staticmethod
    def from_environment(environ: Mapping[str, str]) -> ThorSettings:
        """Return the settings of an environment.

        Raises:
            EngineError: A value is not allowed.
        """
        default = ThorSettings()
        executable = environ.get("SAT_THOR_EXECUTABLE")
        server = environ.get("SAT_THOR_SERVER", default.server)
        if server not in SERVERS:
            raise EngineError(f"SAT_THOR_SERVER is {server!r}; known: {', '.join(SERVERS)}")
        if executable and (" " in executable or not os.access(executable, os.X_OK)):
            raise EngineError(
                f"SAT_THOR_EXECUTABLE is {executable!r}; it has to be an executable file, and "
                "ai2thor allows no space in its path"
            )
        return ThorSettings(
            executable=Path(executable) if executable else None,
            server=server,
            quality=environ.get("SAT_THOR_QUALITY", default.quality),
            timeouts=Timeouts(
                _seconds(environ, "SAT_THOR_START_TIMEOUT_S", default.timeouts.start_s),
                _seconds(environ, "SAT_THOR_STEP_TIMEOUT_S", default.timeouts.step_s),
            ),
        )


def _seconds(environ: Mapping[str, str], name: str, default: float) -> float:
    text = environ.get(name, "")
    try:
        value = float(text) if text else default
    except ValueError:
        value = 0.0
    if not value > 0:
        raise EngineError(f"{name} is {text!r}; it takes a number of seconds above 0")
    return value


class ThorEngine:
    """AI2-THOR; see generation.engines.Engine.

    A player that is lost while a scene is loaded or used costs that scene (EngineError); the
    next scene starts a new one.
    """

    name = "thor"

    def __init__(self, config: EngineConfig, settings: ThorSettings) -> None:
        """Open the houses and start the player.

        Raises:
            EngineError: The houses cannot be read, or the player does not start.
        """
        self._camera = config.camera
        self._settings = settings
        self._houses = open_houses(config.houses)
        self.version = engine_version(settings.executable)
        self._controller = _start(config.camera, settings)

    def load(self, key: SceneKey) -> ThorSession:
        """Load the scene of a key; see generation.engines.Engine."""
        house = self._houses.house(key)
        if not self._controller.is_running:
            self._controller.stop()
            self._controller = _start(self._camera, self._settings)
        try:
            self._controller.reset(held_still(house.scene))
        except (ActionFailed, PlayerLost) as error:
            raise EngineError(f"AI2-THOR cannot load the house: {error}") from error
        except ValueError as error:  # what ai2thor raises for a name that it does not know
            raise EngineError(f"AI2-THOR's build has no scene {house.name}") from error
        return self._session(key, house)

    def _session(self, key: SceneKey, house: HouseRef) -> ThorSession:
        world = World(self._controller, self._camera)
        facts = dict(house.facts)
        if isinstance(house.scene, dict):
            facts["missing_objects"] = len(missing_objects(house.scene, world.records()))
            world.put_agent(*start_of(house.scene))
        else:
            world.settle(SETTLE_STEPS)
            world.hold(name for name, record in world.records().items() if can_move(record))
        table = Table(world.records().values(), has_assets=isinstance(house.scene, dict))
        facts["rooms"] = room_facts(house.scene)
        facts["furniture"] = object_facts(table.entries.values(), house.scene)
        return ThorSession(SceneInfo(key, facts), self._camera, world, table)

    def close(self) -> None:
        """Stop the player."""
        self._controller.stop()


def _start(camera: Camera, settings: ThorSettings) -> BoundedController:
    where: dict[str, Any] = {"platform": CloudRendering}
    if settings.executable is not None:
        where = {
            "local_executable_path": str(settings.executable),
            "x_display": os.environ.get("DISPLAY", ":0"),
        }
    try:
        return BoundedController(
            settings.timeouts,
            settings.server,
            scene="Procedural",
            width=camera.width_px,
            height=camera.height_px,
            quality=settings.quality,
            agentMode="default",
            gridSize=GRID_M,
            snapToGrid=False,
            makeAgentsVisible=False,
            renderDepthImage=True,
            renderInstanceSegmentation=True,
            **where,
        )
    except Exception as error:  # boundary: ai2thor raises bare Exception for whatever fails here
        raise EngineError(explain_start_failure(error)) from error
