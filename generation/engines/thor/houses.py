"""Where AI2-THOR's scenes come from: ProcTHOR house files, one house, or iTHOR's own rooms."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from generation.scene import SPLITS, EngineError, SceneKey

HouseJson = dict[str, Any]

ALLOWED = (
    "a houses file (FILE.jsonl.gz, FILE.jsonl or FILE.json), iTHOR scene names (FloorPlan1,...), "
    'or "ithor" for all of them'
)
_SCENE_NAME = re.compile(r"FloorPlan(?:\d+|_(?:Train|Val)\d+_\d+)")
_LFS_POINTER = b"version https://git-lfs"
_ITHOR_ROOMS = {"kitchen": 0, "living room": 200, "bedroom": 300, "bathroom": 400}
_ITHOR_SPLITS = {"train": range(1, 21), "val": range(21, 26), "test": range(26, 31)}
"""The split that the iTHOR papers use, in every kind of room."""


@dataclass(frozen=True)
class HouseRef:
    """One scene for the player."""

    name: str
    """For messages."""
    scene: str | HouseJson
    """A scene of the build, or a house that the player builds."""
    facts: dict[str, Any] = field(default_factory=dict)
    """JSON-able facts for the data card."""


class HouseSource(Protocol):
    """Turns a scene's key into a scene for the player."""

    def house(self, key: SceneKey) -> HouseRef:
        """Return the scene of a key.

        Raises:
            EngineError: There is no such house, or it cannot be read.
        """


def open_houses(houses: str) -> HouseSource:
    """Return the source that ``--houses`` names.

    Raises:
        EngineError: It names nothing that the engine can read.
    """
    if houses == "ithor":
        return SceneNames()
    names = [name.strip() for name in houses.split(",")]
    if all(_SCENE_NAME.fullmatch(name) for name in names):
        return SceneNames(tuple(names))
    path = Path(houses)
    if not path.is_file() or not path.name.endswith((".jsonl.gz", ".jsonl", ".json", ".json.gz")):
        raise EngineError(f"engine thor cannot read houses {houses!r}; it takes {ALLOWED}")
    check_readable(path)
    return HouseFile(path)


def check_readable(path: Path) -> None:
    """Read the first house of a file.

    Raises:
        EngineError: It is a git-lfs pointer, damaged, or holds no house.
    """
    if next(_houses_in(path), None) is None:
        raise EngineError(f"{path.name} holds no house")


class SceneNames:
    """Scenes that are part of AI2-THOR's build."""

    def __init__(self, names: tuple[str, ...] | None = None) -> None:
        self._names = names

    def house(self, key: SceneKey) -> HouseRef:
        """Return the scene of a key; see HouseSource."""
        names = self._names or _ithor_names(key.split)
        if not 0 <= key.index < len(names):
            raise EngineError(f"there are {len(names)} {key.split} scenes, no number {key.index}")
        name = names[key.index]
        return HouseRef(name, name, {"houses": "ithor", "scene": name})


def _ithor_names(split: str) -> tuple[str, ...]:
    numbers = _ITHOR_SPLITS[split]
    return tuple(f"FloorPlan{first + n}" for n in numbers for first in _ITHOR_ROOMS.values())


class HouseFile:
    """A file of houses; a scene's index is the number of its house in the file.

    The file is read forwards and never held in memory: ProcTHOR-10K's train file is 1 GB of JSON.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._split = path.name.split(".")[0]
        self._next = 0
        self._houses = _houses_in(path)

    def house(self, key: SceneKey) -> HouseRef:
        """Return the house of a key; see HouseSource."""
        if self._split in SPLITS and self._split != key.split:
            raise EngineError(
                f"{self._path.name} holds {self._split} houses, asked for split {key.split}: "
                "splits must not share houses"
            )
        house = _checked(self._read(key.index), f"house {key.index} of {self._path.name}")
        facts = {"houses": self._path.name, "house": key.index}
        return HouseRef(f"house {key.index} of {self._path.name}", house, facts)

    def _read(self, index: int) -> Any:
        if index < self._next:
            self._houses = _houses_in(self._path)
            self._next = 0
        for house in self._houses:
            self._next += 1
            if self._next > index:
                return house
        raise EngineError(f"{self._path.name} holds {self._next} houses, no number {index}")


def items_of(house: HouseJson) -> Iterator[Any]:
    """Yield the objects of a house, those that stand on others included."""
    waiting = list(house["objects"])
    while waiting:
        item = waiting.pop()
        yield item
        waiting.extend((item.get("children") or []) if isinstance(item, dict) else [])


def _checked(house: Any, name: str) -> HouseJson:
    if isinstance(house, _Damaged):
        raise EngineError(f"{name} is not JSON: {house.reason}")
    if not isinstance(house, dict) or not house.get("rooms") or "objects" not in house:
        raise EngineError(f"{name} is not a ProcTHOR house: it needs rooms and objects")
    if not all(isinstance(item, dict) and "id" in item for item in items_of(house)):
        raise EngineError(f"{name} has objects without an id")
    return house


@dataclass(frozen=True)
class _Damaged:
    """A line that is not JSON: it costs one house, not the file."""

    reason: str


def _houses_in(path: Path) -> Iterator[Any]:
    """Yield what the file holds, in order.

    Raises:
        EngineError: The file is a git-lfs pointer or its compression is damaged.
    """
    try:
        with _opened(path) as file:
            if path.name.endswith((".json", ".json.gz")):
                content = _parsed(file.read())
                yield from content if isinstance(content, list) else [content]
                return
            for line in file:
                if line.strip():
                    yield _parsed(line)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise EngineError(f"{path.name} is damaged ({error}); fetch it again") from error


def _opened(path: Path) -> BinaryIO | gzip.GzipFile:
    with path.open("rb") as file:
        if file.read(len(_LFS_POINTER)) == _LFS_POINTER:
            raise EngineError(
                f"{path.name} is a git-lfs pointer, not the houses: run `git lfs install` and "
                "`git lfs pull` in its repository"
            )
    return gzip.open(path, "rb") if path.name.endswith(".gz") else path.open("rb")


def _parsed(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        return _Damaged(str(error))
