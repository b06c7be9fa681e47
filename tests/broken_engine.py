"""Toy engines that fail in the ways in which real ones do; worker processes open them by name.

The scenes that fail are named in EngineConfig.houses, as numbers with commas.
"""

from __future__ import annotations

import os
import time
from pathlib import Path

from toy_engine import ToyEngine, ToySession

from generation.engines import EngineConfig
from generation.scene import EngineError, SceneKey


class BrokenEngine(ToyEngine):
    """A toy engine that does something else when it loads certain scenes."""

    def __init__(self, config: EngineConfig, failure: str) -> None:
        super().__init__(config)
        scenes, _, self._marker = config.houses.partition(":")
        self._scenes = {int(number) for number in scenes.split(",") if number}
        self._failure = failure

    def load(self, key: SceneKey) -> ToySession:
        """Load a scene or fail."""
        if key.index in self._scenes:
            self._fail(key)
        return super().load(key)

    def _fail(self, key: SceneKey) -> None:
        if self._failure == "abort":
            os.abort()
        if self._failure == "abort once":
            marker = Path(f"{self._marker}-{key.index}")
            if not marker.exists():
                marker.touch()
                os.abort()
        if self._failure == "hang":
            time.sleep(600)
        if self._failure == "bug":
            raise ZeroDivisionError(key.scene_id)
        if self._failure == "no scene":
            raise EngineError("the house has no floor")


def open_aborting(config: EngineConfig) -> BrokenEngine:
    """Scenes kill the process, as a renderer's failed assertion does."""
    return BrokenEngine(config, "abort")


def open_aborting_once(config: EngineConfig) -> BrokenEngine:
    """Scenes kill the process at the first attempt; "NUMBERS:MARKER" says where that is noted."""
    return BrokenEngine(config, "abort once")


def open_hanging(config: EngineConfig) -> BrokenEngine:
    """Scenes never come."""
    return BrokenEngine(config, "hang")


def open_refusing(config: EngineConfig) -> BrokenEngine:
    """Scenes cannot be made."""
    return BrokenEngine(config, "no scene")


def open_buggy(config: EngineConfig) -> BrokenEngine:
    """Scenes raise what nobody expects."""
    return BrokenEngine(config, "bug")


def open_nothing(config: EngineConfig) -> BrokenEngine:
    """The engine itself cannot be opened."""
    raise EngineError("no renderer works here; install libosmesa6")


def die_at_once(config: EngineConfig) -> BrokenEngine:
    """Opening the engine kills the process."""
    os.abort()
