"""What sat-tiny is trained on first: frames with free labels, and questions with their replies.

Frames come from ``python -m generation.frames``, questions from ``sat-generate run``. Pictures are
shrunk once and kept in memory; half of them are shown mirrored, with left and right exchanged in
every label and word.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sat_tasks.console import UserError
from sat_tasks.data import encoded_pictures, open_data_set, read_questions
from sat_tasks.pictures import open_picture

Pixels = NDArray[np.uint8]
Floats = NDArray[np.float32]

POSITION_UNIT = 0.25
"""Shares of the picture are divided by it: targets are then about 1 in size."""
TURN_UNIT_RAD = 0.5
WALK_UNIT_M = 0.5
LOG_DEPTH_UNIT = 0.4
TYPICAL_DEPTH_M = 2.5
_MIRRORED = {"left": "right", "right": "left"}


@dataclass(frozen=True)
class Named:
    """A picture and where its objects are."""

    picture: Pixels
    names: tuple[str, ...]
    points: Floats
    """Shape (N, 3): u and v as shares of the picture, distance of the nearest part in metres."""

    def mirrored(self) -> Named:
        """Return the picture seen in a mirror."""
        points = self.points * (-1, 1, 1) + (1, 0, 0)
        return Named(self.picture[:, ::-1], self.names, points.astype(np.float32))


@dataclass(frozen=True)
class Pair:
    """Two frames of one camera; grids have shape (side, side, ...)."""

    pictures: tuple[Pixels, Pixels]
    depth_m: tuple[Floats, Floats]
    origin: tuple[Floats, Floats]
    """Where a patch lies in the other frame, (u, v) as shares; NaN where it is not seen there."""
    movement: tuple[float, float, float]
    """Turn to the left in radians, walk forward and to the left in metres."""

    def mirrored(self) -> Pair:
        """Return both frames seen in a mirror."""
        first, second = (grid[:, ::-1] * (-1, 1) + (1, 0) for grid in self.origin)
        turn, forward, left = self.movement
        return Pair(
            (self.pictures[0][:, ::-1], self.pictures[1][:, ::-1]),
            (self.depth_m[0][:, ::-1], self.depth_m[1][:, ::-1]),
            (first, second),
            (-turn, forward, -left),
        )

    def reversed(self) -> Pair:
        """Return the second frame first: the camera goes back."""
        turn, forward, left = self.movement
        back = forward * math.cos(turn) + left * math.sin(turn)
        aside = left * math.cos(turn) - forward * math.sin(turn)
        first, second = self.pictures, self.depth_m
        return Pair(first[::-1], second[::-1], self.origin[::-1], (-turn, -back, -aside))


@dataclass(frozen=True)
class Asked:
    """A question with its pictures in memory."""

    question_type: str
    question: str
    options: tuple[str, ...]
    answer_index: int
    pictures: tuple[Pixels, ...]

    def mirrored(self) -> Asked:
        """Return the question about the pictures seen in a mirror."""
        return Asked(
            self.question_type,
            mirror_words(self.question),
            tuple(map(mirror_words, self.options)),
            self.answer_index,
            tuple(picture[:, ::-1] for picture in self.pictures),
        )


def mirror_words(text: str) -> str:
    """Exchange left and right.

    >>> mirror_words("turn left, not right")
    'turn right, not left'
    """
    return re.sub(r"\b(left|right)\b", lambda match: _MIRRORED[match[0]], text)


def load_frames(folder: Path, image_px: int, side: int) -> tuple[list[Pair], list[Named]]:
    """Return the pairs of frames of a folder and its pictures with named objects.

    Args:
        folder: Made by ``python -m generation.frames``.
        image_px: Side that pictures are shrunk to.
        side: Patches per side that labels are wanted for.

    Raises:
        UserError: There are no frames.
    """
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise UserError(f"{folder} has no frames; make them with python -m generation.frames")
    pairs, named = [], []
    for file in files:
        for row in pq.read_table(file).to_pylist():
            views = [_named(row, word, image_px) for word in ("first", "second", "marked")]
            named += [view for view in views if view is not None and view.names]
            assert views[0] is not None
            assert views[1] is not None
            pairs.append(_pair(row, (views[0].picture, views[1].picture), side))
    return pairs, named


def load_questions(folders: Sequence[Path], split: str, image_px: int) -> list[Asked]:
    """Return the questions of data set folders with their pictures shrunk to squares."""
    return [
        Asked(
            item.question_type,
            item.question,
            item.options,
            item.answer_index,
            tuple(shrink(picture, image_px) for picture in encoded_pictures(item.file, item.row)),
        )
        for folder in folders
        for item in read_questions(open_data_set(folder), split)
    ]


def shrink(picture: bytes, image_px: int) -> Pixels:
    """Return an encoded picture as a square of pixels, shape (image_px, image_px, 3)."""
    from PIL import Image

    opened = open_picture(picture).convert("RGB")
    return np.asarray(opened.resize((image_px, image_px), Image.Resampling.BICUBIC))


def grid_shares(side: int) -> Floats:
    """Return the middles of patches as (u, v) shares, shape (side, side, 2)."""
    steps = (np.arange(side, dtype=np.float32) + 0.5) / side
    return np.stack(np.meshgrid(steps, steps, indexing="xy"), axis=-1)


def _named(row: dict[str, Any], word: str, image_px: int) -> Named | None:
    if row[word] is None:
        return None
    points = np.array(row[f"{word}_points"], np.float32).reshape(-1, 3)
    return Named(shrink(row[word], image_px), tuple(row[f"{word}_names"]), points)


def _pair(row: dict[str, Any], pictures: tuple[Pixels, Pixels], side: int) -> Pair:
    depths = [_coarse(np.array(row[f"{word}_depth_m"]), 1, side)[..., 0] for word in _FRAMES]
    origins = [_coarse_origin(np.array(row[f"{word}_origin"]), side) for word in _FRAMES]
    movement = (row["turn_left_rad"], row["forward_m"], row["left_m"])
    return Pair(pictures, (depths[0], depths[1]), (origins[0], origins[1]), movement)


_FRAMES = ("first", "second")


def _coarse(flat: NDArray[Any], channels: int, side: int) -> Floats:
    """Return every n-th value of a finer square grid, shape (side, side, channels)."""
    fine = round(math.sqrt(flat.size / channels))
    chosen = (np.arange(side) * fine + fine // 2) // side
    return flat.astype(np.float32).reshape(fine, fine, channels)[np.ix_(chosen, chosen)]


def _coarse_origin(flat: NDArray[Any], side: int) -> Floats:
    """Return origins on a coarser grid: shifts are taken over, places are its own."""
    fine = round(math.sqrt(flat.size / 2))
    shift = flat.reshape(fine, fine, 2) - grid_shares(fine)
    return _coarse(shift.ravel(), 2, side) + grid_shares(side)
