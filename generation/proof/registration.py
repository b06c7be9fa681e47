"""How a camera moved between two pictures, found by laying one over the other by depth."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generation.proof.case import Unclear
from generation.proof.picture import Floats, Picture

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
    if fits.misfits[best[0]] > MAX_MISFIT:
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
    moved: Floats = _moved_m(points_m, np.array([movement]))[0]
    return moved


def _moved_m(points_m: Floats, movements: Floats) -> Floats:
    """Return points, shape (N, 3), after each of M movements, shape (M, N, 3)."""
    cos_turn, sin_turn = np.cos(movements[:, :1]), np.sin(movements[:, :1])
    ahead_m = points_m[:, 0] - movements[:, 1:2]
    left_m = points_m[:, 1] - movements[:, 2:3]
    up_m = np.broadcast_to(points_m[:, 2], ahead_m.shape)
    turned = (ahead_m * cos_turn + left_m * sin_turn, left_m * cos_turn - ahead_m * sin_turn)
    return np.asarray(np.stack([*turned, up_m], axis=-1))


class _Fits(NamedTuple):
    """How badly pictures agree under each of M movements, from 0 to 1, shape (M,)."""

    scores: Floats
    """Over all pixels."""
    misfits: Floats
    """Over those that stay in the other picture."""


def _fits(second: Picture, sample: _Sample, movements: Floats, clip_m: float) -> _Fits:
    height, width = second.labels.shape
    moved_m = _moved_m(sample.points_m, movements)
    rows_columns, depth_m = second.pixels_of(moved_m.reshape(-1, 3))
    with np.errstate(invalid="ignore"):
        within = (rows_columns >= 0) & (rows_columns < (height, width))
    inside = np.asarray(within[:, 0] & within[:, 1])
    rows, columns = np.where(inside[:, None], rows_columns, 0).astype(int).T
    shown_m = np.nan_to_num(second.depth_m[rows, columns], posinf=1e3)
    gaps = np.minimum(np.abs(shown_m - depth_m) / clip_m, 1.0)
    others = np.not_equal(second.labels[rows, columns], np.tile(sample.labels, len(movements)))
    each: Floats = np.where(inside, (gaps + others) / 2, 0.0).reshape(len(movements), -1)
    common: Floats = inside.reshape(len(movements), -1).mean(axis=1)
    misfits: Floats = each.mean(axis=1) / np.maximum(common, 1e-9)
    scores = misfits * common + OUTSIDE_MISFIT * (1 - common)
    return _Fits(np.where(common >= MIN_COMMON_SHARE, scores, 1.0), misfits)
