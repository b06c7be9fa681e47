"""How a camera moved between two pictures, found by laying one over the other by depth."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generation.proof.case import Unclear
from generation.proof.picture import NEAREST_M, Floats, Picture

ROUNDS = (
    (16, 30, 0.4), (16, 20, 0.3), (16, 12, 0.2),
    (20, 8, 0.15), (24, 6, 0.15), (32, 4, 0.15), (32, 1, 0.15),
)  # fmt: skip
"""Of each round: rows and columns of pixels that are laid over the other picture, how many of the
movements tried go to the next round, and the difference in depth (metres) that counts in full."""
TURN_RAD, WALK_M = math.radians(6), 0.3
"""Steps of the first guesses; they are halved with every round."""
MAX_TURN_RAD, MAX_WALK_M = math.radians(72), 1.2
MAX_MISFIT = 0.15
"""Above this two pictures do not fit."""
MIN_COMMON_SHARE = 0.15
OUTSIDE_MISFIT = 0.3
"""Of a pixel that leaves the other picture: else movements that lose most of it would win."""


class Movement(NamedTuple):
    """A walk along the level axes of the first camera, and then a turn."""

    turn_left_rad: float
    forward_m: float
    left_m: float


class _Sample(NamedTuple):
    """Points of a picture in its level frame, shape (N, 3), and their labels, shape (N,)."""

    points_m: Floats
    labels: NDArray[np.int32]


def camera_movement(first: Picture, second: Picture) -> Movement:
    """Return the movement under which depths and labels of two pictures agree best.

    Raises:
        Unclear: They do not fit together.
    """
    guesses, steps = _first_guesses(), np.array([TURN_RAD, WALK_M, WALK_M])
    for number, (grid, kept, clip_m) in enumerate(ROUNDS):
        if number:
            steps = steps / 2
            around = (guesses[:, None] + _NEIGHBOURS[None] * steps).reshape(-1, 3)
            guesses = np.unique(np.round(around, 9), axis=0)
        fits = _fits(second, _sample(first, grid), guesses, clip_m)
        best = np.argsort(fits.scores, kind="stable")[:kept]
        guesses = guesses[best]
    # Also where a picture shows nothing at all, and so no number says how well it fits.
    if not fits.misfits[best[0]] <= MAX_MISFIT:
        raise Unclear(f"the pictures do not fit together (misfit {fits.misfits[best[0]]:.2f})")
    turn_left_rad, forward_m, left_m = guesses[0].tolist()
    return Movement(turn_left_rad, forward_m, left_m)


_NEIGHBOURS = np.stack(np.meshgrid(*[(-1.0, 0.0, 1.0)] * 3), axis=-1).reshape(-1, 3)


def _first_guesses() -> Floats:
    """Return movements, shape (N, 3), that cover all that is possible."""
    turns = np.arange(-MAX_TURN_RAD, MAX_TURN_RAD + 1e-6, TURN_RAD)
    walks = np.arange(-MAX_WALK_M, MAX_WALK_M + 1e-6, WALK_M)
    grid = np.stack(np.meshgrid(turns, walks, walks), axis=-1).reshape(-1, 3)
    return np.asarray(grid[np.hypot(grid[:, 1], grid[:, 2]) <= MAX_WALK_M])


def _sample(picture: Picture, steps: int) -> _Sample:
    height, width = picture.labels.shape
    rows = ((np.arange(steps) + 0.5) * height / steps).astype(int)
    columns = ((np.arange(steps) + 0.5) * width / steps).astype(int)
    rows, columns = (grid.ravel() for grid in np.meshgrid(rows, columns, indexing="ij"))
    known = np.isfinite(picture.depth_m[rows, columns])
    rows, columns = rows[known], columns[known]
    return _Sample(picture.level_points_m(rows, columns), picture.labels[rows, columns])


def moved_points_m(points_m: Floats, movement: Movement) -> Floats:
    """Return points of the first level frame, shape (N, 3), in the one after a movement."""
    moved: Floats = _matrices(np.array([movement]))[0] @ _homogeneous(points_m)
    return moved.T


def _matrices(movements: Floats) -> Floats:
    """Return what takes homogeneous points to the frame after each of M movements: (M, 3, 4)."""
    turn_left_rad, forward_m, left_m = movements.T
    cos_turn, sin_turn = np.cos(turn_left_rad), np.sin(turn_left_rad)
    result = np.zeros((len(movements), 3, 4))
    result[:, 0, 0], result[:, 0, 1] = cos_turn, sin_turn
    result[:, 1, 0], result[:, 1, 1] = -sin_turn, cos_turn
    result[:, 2, 2] = 1.0
    result[:, 0, 3] = -forward_m * cos_turn - left_m * sin_turn
    result[:, 1, 3] = forward_m * sin_turn - left_m * cos_turn
    return result


def _homogeneous(points_m: Floats) -> Floats:
    """Return points, shape (N, 3), as columns above a row of ones, shape (4, N)."""
    return np.vstack([points_m.T, np.ones(len(points_m))])


class _Fits(NamedTuple):
    """How badly pictures agree under each of M movements, from 0 to 1, shape (M,)."""

    scores: Floats
    """Over all pixels."""
    misfits: Floats
    """Over those that stay in the other picture."""


def _fits(second: Picture, sample: _Sample, movements: Floats, clip_m: float) -> _Fits:
    height, width = second.labels.shape
    matrices = (second.projection @ _matrices(movements)).astype(np.float32)
    points = _homogeneous(sample.points_m).astype(np.float32)
    row, column, depth_m = (matrices[:, axis] @ points for axis in range(3))
    with np.errstate(divide="ignore", invalid="ignore"):
        row /= depth_m
        column /= depth_m
        inside = (depth_m > NEAREST_M) & (row >= 0) & (row < height)
        inside &= (column >= 0) & (column < width)
        place = row.astype(np.intp) * width + column.astype(np.intp)
    # What lies outside is clipped to some pixel and weighs nothing.
    gaps = np.abs(second.depth_m.take(place, mode="clip") - depth_m)
    gaps = np.minimum(gaps / np.float32(clip_m), 1)
    others = second.labels.take(place, mode="clip") != sample.labels
    badness = ((gaps + others) * inside).sum(axis=1, dtype=np.float64) / 2
    common: Floats = inside.mean(axis=1)
    each: Floats = badness / len(sample.labels)
    misfits: Floats = each / np.maximum(common, 1e-9)
    scores = misfits * common + OUTSIDE_MISFIT * (1 - common)
    return _Fits(np.where(common >= MIN_COMMON_SHARE, scores, 1.0), misfits)
