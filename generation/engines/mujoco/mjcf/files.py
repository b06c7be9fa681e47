"""The scenes of a folder: which there are, in which split, and whether one has changed.

Nothing here reads a scene with a simulator.
"""

from __future__ import annotations

import hashlib
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from generation.engines.mujoco.mjcf.names import NAMES, NameTable, read_names
from generation.scene import SPLITS, EngineError, SceneKey

CEILING = "_ceiling"
"""A file of this ending is the scene of the same name with a ceiling, and is taken instead."""
SPLIT_SHARES = {"train": 0.8, "val": 0.1, "test": 0.1}
"""Of the scenes whose names do not begin with a split's."""
LFS_POINTER = b"version https://git-lfs"
ASSET_FOLDERS = ("meshdir", "texturedir", "assetdir")


@dataclass(frozen=True)
class SceneFile:
    """One scene."""

    name: str
    """Of its file, without ending."""
    path: Path

    def metadata_path(self) -> Path | None:
        """Return the file that says what the bodies are, or None."""
        candidates = (f"{self.name}_metadata.json", f"{self.name}.json")
        return next((p for n in candidates if (p := self.path.parent / n).is_file()), None)

    def digest(self) -> str:
        """Return a hash of all files that make up the scene.

        Raises:
            EngineError: One of them is a git-lfs pointer, or the scene is not XML.
        """
        content = hashlib.sha256()
        beside = [self.metadata_path(), self.path.parent / NAMES]
        files = [*_files_of(self.path), *(path for path in beside if path and path.is_file())]
        for path in dict.fromkeys(files):
            data = path.read_bytes()
            _refuse_pointer(path, data)
            content.update(path.name.encode() + b"\0" + hashlib.sha256(data).digest())
        return content.hexdigest()[:16]


@dataclass(frozen=True)
class SceneFolder:
    """A folder's scenes by split, in the order of their names, and what things are called."""

    path: Path
    scenes: dict[str, tuple[SceneFile, ...]]
    names: NameTable

    def scene(self, key: SceneKey) -> SceneFile:
        """Return the scene of a key: its index counts the scenes of its split.

        Raises:
            EngineError: There are not so many.
        """
        scenes = self.scenes[key.split]
        if not 0 <= key.index < len(scenes):
            raise EngineError(
                f"{self.path} has {len(scenes)} {key.split} scenes, no number {key.index}"
            )
        return scenes[key.index]

    def check(self, split: str, count: int) -> None:
        """Say whether there are as many scenes as are asked for.

        Raises:
            EngineError: There are fewer.
        """
        if count > len(self.scenes[split]):
            counts = ", ".join(f"{len(found)} {name}" for name, found in self.scenes.items())
            raise EngineError(
                f"--scenes {count} of split {split} is more than {self.path} has: {counts}"
            )


def open_folder(folder: Path) -> SceneFolder:
    """List the scenes of a folder.

    Raises:
        EngineError: It has none, or what it has are git-lfs pointers.
    """
    if not folder.is_dir():
        raise EngineError(f"{folder} is not a folder of MJCF scenes (*.xml)")
    found = {path.stem: path for path in folder.glob("*.xml")}
    if not found:
        raise EngineError(f"{folder} holds no MJCF scene (*.xml)")
    first = min(found.values())
    _refuse_pointer(first, first.read_bytes()[: len(LFS_POINTER)])
    names = sorted({stem.removesuffix(CEILING) for stem in found}, key=_natural)
    scenes = [SceneFile(name, found.get(name + CEILING) or found[name]) for name in names]
    return SceneFolder(
        folder,
        {split: tuple(s for s in scenes if split_of(s.name) == split) for split in SPLITS},
        read_names(folder),
    )


def split_of(name: str) -> str:
    """Return the split of a scene, by its name alone, so that adding scenes moves none.

    "train_12" belongs to train, where MolmoSpaces puts it; other names are drawn by their hash.
    """
    first = re.split(r"[_\-.]", name, maxsplit=1)[0]
    if first in SPLITS:
        return first
    share = int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") / 2**32
    for split, size in SPLIT_SHARES.items():
        if share < size:
            return split
        share -= size
    return SPLITS[-1]


def _natural(name: str) -> list[tuple[str, int]]:
    """Return a sort key by which scene_2 comes before scene_10."""
    return [(text, int(number or -1)) for text, number in re.findall(r"(\D*)(\d*)", name)]


def _files_of(path: Path, seen: frozenset[Path] = frozenset()) -> Iterator[Path]:
    """Yield a scene's file and those that it names, as far as they are there."""
    if path in seen:
        return
    yield path
    data = path.read_bytes()
    _refuse_pointer(path, data)
    try:
        root = ET.fromstring(data)
    except ET.ParseError as error:
        raise EngineError(f"{path.name} is not XML: {error}") from error
    folders = [path.parent / (c.get(a) or "") for c in root.iter("compiler") for a in ASSET_FOLDERS]
    for element in root.iter():
        named = element.get("file")
        if not named:
            continue
        places = (folder / named for folder in [path.parent, *folders])
        there = next((place for place in places if place.is_file()), None)
        if there is not None and there.suffix == ".xml":
            yield from _files_of(there, seen | {path})
        elif there is not None:
            yield there


def _refuse_pointer(path: Path, data: bytes) -> None:
    if data.startswith(LFS_POINTER):
        raise EngineError(
            f"{path.name} is a git-lfs pointer, not the file: run `git lfs install` and "
            "`git lfs pull` in its repository"
        )
