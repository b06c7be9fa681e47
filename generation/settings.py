"""What decides the rows of a run, and the file in which a data set folder keeps it."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

from generation.engines import EngineConfig, engine_path
from generation.pose import Camera
from generation.scene import SPLITS
from generation.shard import ShardPlan, plan_shards, write_text
from generation.worker import SceneJob
from sat_tasks.console import UserError

RUN_NAME = "run.json"
FOVY_DEG = 75.0


@dataclass(frozen=True)
class RunSettings:
    """Equal settings make equal rows; the number of scenes only says how many of them."""

    types: tuple[str, ...]
    seed: int = 0
    engine: str = "mujoco"
    houses: str = "procedural"
    renderer: str = "auto"
    size_px: int = 512
    questions_per_scene: int = 12
    weights: Mapping[str, float] = field(default_factory=dict)
    """How many times its even share of questions a type gets; 1 where absent."""
    pairs_per_scene: int = 0
    """Pairs of pictures with dense labels (generation.frames)."""
    scenes_per_shard: int = 16
    release: str = version("sat-bench")

    @property
    def digest(self) -> str:
        """A hash of everything above."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()[:16]

    def job(self) -> SceneJob:
        """Return what a worker must know."""
        camera = Camera(self.size_px, self.size_px, math.radians(FOVY_DEG))
        return SceneJob(
            engine_path=engine_path(self.engine),
            config=EngineConfig(camera, houses=self.houses, renderer=self.renderer),
            types=self.types,
            questions_per_scene=self.questions_per_scene,
            weights=self.weights,
            pairs_per_scene=self.pairs_per_scene,
        )


@dataclass(frozen=True)
class Run:
    """A data set as it was asked for."""

    settings: RunSettings
    scenes: Mapping[str, int]
    """Scenes by split."""

    def plans(self) -> list[ShardPlan]:
        """Return all shards in order."""
        return [
            plan
            for split in SPLITS
            for plan in plan_shards(
                split, self.scenes.get(split, 0), self.settings.scenes_per_shard
            )
        ]


def join_run(folder: Path, run: Run) -> Run:
    """Write what is asked for into the folder, on top of what it was asked for before.

    Returns:
        The run with the folder's other splits.

    Raises:
        UserError: The folder holds a run of other settings, or more scenes than asked for now.
    """
    path = folder / RUN_NAME
    if path.is_file():
        before = load_run(folder)
        _refuse_other_settings(folder, asdict(before.settings), asdict(run.settings))
        fewer = [split for split in run.scenes if run.scenes[split] < before.scenes.get(split, 0)]
        if fewer:
            raise UserError(
                f"{folder} holds {before.scenes[fewer[0]]} {fewer[0]} scenes, more than the "
                f"{run.scenes[fewer[0]]} asked for; choose another folder"
            )
        run = Run(run.settings, {**before.scenes, **run.scenes})
    write_text(path, json.dumps(asdict(run), indent=1, sort_keys=True) + "\n")
    return run


def load_run(folder: Path) -> Run:
    """Return what a data set folder was asked for.

    Raises:
        UserError: The folder was not written by sat-generate, or by another version.
    """
    path = folder / RUN_NAME
    try:
        raw: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        settings = raw["settings"] | {"types": tuple(raw["settings"]["types"])}
        return Run(RunSettings(**settings), raw["scenes"])
    except OSError:
        raise UserError(f"{folder} has no {RUN_NAME}: it was not made by sat-generate") from None
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} cannot be read ({error}); choose another folder") from error


def _refuse_other_settings(folder: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    for name in now:
        if before[name] != now[name]:
            raise UserError(
                f"{folder} holds a run with {name} {before[name]!r}, not {now[name]!r}; "
                "use the same settings to go on with it or choose another folder"
            )
