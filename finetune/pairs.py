"""Pairs of pictures with dense labels, as ``sat-generate run --pairs-per-scene N`` writes them."""

from __future__ import annotations

import io
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sat_tasks.console import UserError

PAIRS_FOLDER = "pairs"
VIEWS = 2
MATCHING_DEPTH = 0.15
"""A point of the first view is seen in the second where depths agree to this share."""

Floats = NDArray[np.float32]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Thing:
    """An object that is clear in the first view."""

    name: str | None
    """None where it is not unique."""
    category: str
    mark: str | None
    """The letter of its dot in the marked picture."""
    u: float
    """Of its middle, as a share of the picture's width."""
    v: float
    distance_m: float


@dataclass(frozen=True, eq=False)
class Pair:
    """Two views: before and after a movement of the camera."""

    first: Image.Image
    second: Image.Image
    marked: Image.Image
    """The first view with dots on some objects."""
    depth_m: Floats
    """Shape (2, G, G): median depth of each cell; inf where nothing is."""
    cells: Ints
    """Shape (2, G, G): index into categories."""
    categories: tuple[str, ...]
    things: tuple[Thing, ...]
    turn_left_deg: float
    forward_m: float
    left_m: float
    pitch_deg: float
    fovy_deg: float


class PairData:
    """The pairs of some data set folders; pictures are read when asked for.

    Raises:
        UserError: There are none.
    """

    def __init__(self, folders: Sequence[Path], split: str = "train") -> None:
        from datasets import Dataset, disable_progress_bars

        files = sorted(
            str(path) for folder in folders for path in (folder / PAIRS_FOLDER).glob(f"{split}-*")
        )
        if not files:
            raise UserError(
                "the data holds no pairs of pictures to pre-train on: make it with `sat-generate "
                "run --pairs-per-scene 16`, or train without (--set pair_count=0 --set "
                "pointing_count=0 --set lesson_share=0)"
            )
        disable_progress_bars()
        self._rows = Dataset.from_parquet(files)
        self._objects: list[str] = list(self._rows["objects"])

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, index: int) -> Pair:
        return _pair(self._rows[index])

    def has_things(self, index: int) -> bool:
        """Say whether something in the first view can be asked for, by name or by mark."""
        return any(thing["name"] or thing["mark"] for thing in json.loads(self._objects[index]))

    def categories(self) -> tuple[str, ...]:
        """Return all categories, the background first."""
        return tuple(sorted({name for row in self._rows["categories"] for name in row}))

    def words(self) -> tuple[str, ...]:
        """Return the words of all names."""
        names = (
            thing["name"] or thing["category"] for row in self._objects for thing in json.loads(row)
        )
        return tuple(sorted({word for name in names for word in name.lower().split()}))


def _pair(row: dict[str, Any]) -> Pair:
    pictures = {
        name: Image.open(io.BytesIO(row[name])).convert("RGB")
        for name in ("first", "second", "marked")
    }
    cells = np.frombuffer(row["cells"], np.uint8)
    side = math.isqrt(len(cells) // VIEWS)
    shape = (VIEWS, side, side)
    camera, movement = json.loads(row["camera"]), json.loads(row["movement"])
    return Pair(
        **pictures,
        depth_m=np.frombuffer(row["depth_m"], np.float16).astype(np.float32).reshape(shape),
        cells=cells.astype(np.int64).reshape(shape),
        categories=tuple(row["categories"]),
        things=tuple(Thing(**thing) for thing in json.loads(row["objects"])),
        turn_left_deg=movement["turn_left_deg"],
        forward_m=movement["forward_m"],
        left_m=movement["left_m"],
        pitch_deg=camera["pitch_deg"],
        fovy_deg=camera["fovy_deg"],
    )


def matches(pair: Pair, patches: int) -> Ints:
    """Return where the second view shows what the middle of each patch of the first shows.

    Args:
        pair: The pair; its pictures are square.
        patches: Along each side of a picture.

    Returns:
        Shape (patches * patches,): number of the patch in the second view, row by row, or -1 where
        it is out of view, hidden, or nothing is there.
    """
    side = pair.depth_m.shape[1]
    middles = (np.arange(patches) + 0.5) / patches
    v, u = (grid.ravel() for grid in np.meshgrid(middles, middles, indexing="ij"))
    depth_m = pair.depth_m[0, (v * side).astype(int), (u * side).astype(int)]
    known = np.isfinite(depth_m)
    u2, v2, depth2_m = _seen_after(pair, u, v, np.where(known, depth_m, 1.0))
    inside = known & (depth2_m > 0) & (u2 >= 0) & (u2 < 1) & (v2 >= 0) & (v2 < 1)
    u2, v2 = np.where(inside, u2, 0.0), np.where(inside, v2, 0.0)
    there_m = pair.depth_m[1, (v2 * side).astype(int), (u2 * side).astype(int)]
    with np.errstate(invalid="ignore"):
        same = inside & (np.abs(there_m - depth2_m) < MATCHING_DEPTH * depth2_m)
    number = (v2 * patches).astype(int) * patches + (u2 * patches).astype(int)
    result: Ints = np.where(same, number, -1).astype(np.int64)
    return result


def _seen_after(
    pair: Pair, u: NDArray[Any], v: NDArray[Any], depth_m: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Return places (shares of the picture) and depths in the second view."""
    half = math.tan(math.radians(pair.fovy_deg) / 2)
    pitch, turn = math.radians(pair.pitch_deg), math.radians(pair.turn_left_deg)
    right_m, down_m = (2 * u - 1) * half * depth_m, (2 * v - 1) * half * depth_m
    # Level axes of the first camera: ahead, left, up.
    ahead_m = depth_m * math.cos(pitch) + down_m * math.sin(pitch) - pair.forward_m
    up_m = depth_m * math.sin(pitch) - down_m * math.cos(pitch)
    left_m = -right_m - pair.left_m
    ahead2_m = ahead_m * math.cos(turn) + left_m * math.sin(turn)
    left2_m = -ahead_m * math.sin(turn) + left_m * math.cos(turn)
    depth2_m = ahead2_m * math.cos(pitch) + up_m * math.sin(pitch)
    down2_m = ahead2_m * math.sin(pitch) - up_m * math.cos(pitch)
    with np.errstate(divide="ignore", invalid="ignore"):
        u2 = (1 - left2_m / (depth2_m * half)) / 2
        v2 = (1 + down2_m / (depth2_m * half)) / 2
    return u2, v2, depth2_m


def mirrored(pair: Pair) -> Pair:
    """Return a pair as a mirror shows it; it has no marks, since letters would be mirrored too."""
    flip = Image.Transpose.FLIP_LEFT_RIGHT
    first, second = pair.first.transpose(flip), pair.second.transpose(flip)
    things = tuple(
        Thing(thing.name, thing.category, None, 1 - thing.u, thing.v, thing.distance_m)
        for thing in pair.things
    )
    return Pair(
        first=first,
        second=second,
        marked=first,
        depth_m=pair.depth_m[:, :, ::-1].copy(),
        cells=pair.cells[:, :, ::-1].copy(),
        categories=pair.categories,
        things=things,
        turn_left_deg=-pair.turn_left_deg,
        forward_m=pair.forward_m,
        left_m=-pair.left_m,
        pitch_deg=pair.pitch_deg,
        fovy_deg=pair.fovy_deg,
    )


def endless(count: int, rng: np.random.Generator) -> Iterator[int]:
    """Yield indices in a new random order each time all were seen."""
    while True:
        yield from map(int, rng.permutation(count))
