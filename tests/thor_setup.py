"""A stand-in player and houses for the tests of AI2-THOR."""

from __future__ import annotations

import contextlib
import gzip
import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import fake_unity
import pytest
from toy_engine import ToyBox, ToyScene, ToySession, make_scene, toy_camera

from generation.engines import EngineConfig
from generation.engines.thor.controller import Timeouts
from generation.engines.thor.engine import ThorEngine, ThorSettings
from generation.engines.thor.session import ThorSession
from generation.pose import Camera, Pose
from generation.scene import SceneInfo, SceneKey

HouseJson = dict[str, Any]
QUICK = Timeouts(start_s=8.0, step_s=4.0)


def make_player(folder: Path) -> Path:
    """Write an executable that becomes the stand-in player."""
    player = folder / "player"
    player.write_text(f'#!/bin/sh\nexec {sys.executable} {Path(fake_unity.__file__)} "$@"\n')
    player.chmod(0o755)
    return player


def quick_settings(player: Path, server: str = "fifo") -> ThorSettings:
    """Return settings for the stand-in player with short timeouts."""
    return ThorSettings(executable=player, server=server, timeouts=QUICK)


def unity(x_m: float, y_m: float, z_m: float) -> dict[str, float]:
    """Return a point of the toy scenes in Unity's frame."""
    return {"x": x_m, "y": z_m, "z": y_m}


def asset_of(box: ToyBox) -> str:
    """Return the stand-in's asset of a toy box."""
    width, depth, height = (round(1000 * edge) for edge in box.size_m)
    return f"{_type(box.category)}_{width}x{height}x{depth}"


def _type(category: str) -> str:
    return "".join(word.capitalize() for word in category.split())


def house_of(scene: ToyScene, same_ids: bool = False, **extra: Any) -> HouseJson:
    """Return a toy scene as a house in ProcTHOR's format, with its ids or the toy engine's."""
    half_x, half_y = scene.size_m[0] / 2, scene.size_m[1] / 2
    corners = [(-half_x, -half_y), (-half_x, half_y), (half_x, half_y), (half_x, -half_y)]
    objects = [
        {
            "id": box.object_id if same_ids else f"{_type(box.category)}|0|{number}",
            "assetId": asset_of(box),
            "position": unity(*(box.low_m + box.high_m) / 2),
            "rotation": {"x": 0.0, "y": 0.0, "z": 0.0},
            "kinematic": False,
        }
        for number, box in enumerate(scene.boxes)
    ]
    x, y = standing_point(scene)
    pose = {"position": unity(x, y, 0.95), "rotation": {"x": 0, "y": 0, "z": 0}, "horizon": 30}
    floor = [unity(x, y, 0.0) for x, y in corners]
    return {
        "rooms": [{"id": "room|0", "roomType": "LivingRoom", "floorPolygon": floor}],
        "walls": [],
        "doors": [],
        "windows": [],
        "objects": objects,
        "proceduralParameters": {},
        "metadata": {"agentPoses": {"default": {**pose, "standing": True}}},
        **extra,
    }


def standing_point(scene: ToyScene) -> tuple[float, float]:
    """Return the first free point of the toy engine's grid."""
    info = SceneInfo(SceneKey("train", 0, 0))
    x, y = ToySession(info, scene, toy_camera()).standing_points_m()[0].tolist()
    return x, y


def toy_houses(count: int, seed: int = 3) -> list[HouseJson]:
    """Return the toy engine's train scenes as houses."""
    return [house_of(make_scene(SceneKey("train", index, seed))) for index in range(count)]


def small_house(**extra: Any) -> HouseJson:
    """Return a house of three things, which loads fast."""
    boxes = (
        ToyBox("table-0", "table", "red", (0.5, 1.2, 0.0), (1.2, 0.8, 0.74)),
        ToyBox("mug-1", "mug", "blue", (0.4, 1.2, 0.74), (0.1, 0.1, 0.12), movable=True),
        ToyBox("basket-2", "basket", "white", (-1.2, 1.0, 0.0), (0.3, 0.3, 0.35), movable=True),
    )
    return house_of(ToyScene((4.0, 3.6, 2.6), boxes), **extra)


def write_houses(path: Path, houses: Iterable[HouseJson]) -> Path:
    """Write houses one per line, compressed if the name says so."""
    text = "".join(json.dumps(house) + "\n" for house in houses).encode()
    path.write_bytes(gzip.compress(text) if path.name.endswith(".gz") else text)
    return path


def child_processes() -> set[int]:
    """Return the ids of this process's children, dead ones that nobody waited for included."""
    tasks = Path("/proc/self/task").glob("*/children")
    found: set[int] = set()
    for task in tasks:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended
            found.update(int(child) for child in task.read_text().split())
    return found


def players_of(folder: Path) -> list[int]:
    """Return the processes of the player that was made in a folder, whoever started them."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it may end while we look
            if f"\0{folder}\0" in file.read_bytes().decode(errors="replace"):
                found.append(int(file.parent.name))
    return found


def wait_until_gone(folder: Path, patience_s: float = 5.0) -> bool:
    """Say whether no player of a folder is left; the kernel may need a moment to end it."""
    end_s = time.monotonic() + patience_s
    while players_of(folder) and time.monotonic() < end_s:
        time.sleep(0.1)
    return not players_of(folder)


FIRST = SceneKey("train", 0, 3)
LOOK = Pose(0.0, -1.2, 1.5, math.pi / 2, -0.4)
"""Shows all of the small house."""
Load = Callable[..., ThorSession]


def away_from_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep away from the user's ~/.ai2thor: make this a fixture that is always used."""
    (tmp_path / "home").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def loading(tmp_path: Path) -> Iterator[Load]:
    """Load the first of some houses in a player of its own: make this a fixture."""
    engines = []

    def load_first(*houses: HouseJson, camera: Camera | None = None) -> ThorSession:
        path = write_houses(tmp_path / "train.jsonl.gz", houses)
        config = EngineConfig(camera or toy_camera(), houses=str(path))
        engines.append(ThorEngine(config, quick_settings(make_player(tmp_path))))
        return engines[-1].load(FIRST)

    yield load_first
    for engine in engines:
        engine.close()


def add(house: HouseJson, **item: Any) -> HouseJson:
    """Return a house with one more object."""
    return {**house, "objects": [*house["objects"], item]}
