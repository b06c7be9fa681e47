"""Averages that a benchmark or a paper defines otherwise than as the mean over all questions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from leaderboard.boards import Cell
from leaderboard.samples import QuestionScores
from sat_tasks import stats
from sat_tasks.metrics import CV_BENCH_2D

Group = tuple[float, npt.NDArray[np.bool_]]
"""The weight of a group's mean, and the group's questions, of shape (questions,)."""

DRAWS = 2000
SEED = 0
"""Of the bootstrap; all models of a board are drawn alike."""


@dataclass(frozen=True)
class Mean:
    """A weighted mean of means over groups of questions."""

    key: str
    """Name of the same metric in sat_tasks."""
    label: str
    about: str
    groups: Callable[[QuestionScores], list[Group]]


def _flat(questions: QuestionScores) -> npt.NDArray[np.bool_]:
    return np.isin(questions.types.astype(str), CV_BENCH_2D)


def _official(questions: QuestionScores) -> list[Group]:
    flat = _flat(questions)
    sources = np.unique(questions.origin[flat])
    deep = [(0.5, ~flat)]
    return deep + [(0.5 / len(sources), flat & (questions.origin == name)) for name in sources]


def _two_halves(questions: QuestionScores) -> list[Group]:
    flat = _flat(questions)
    return [(0.5, flat), (0.5, ~flat)]


def _by_type(questions: QuestionScores) -> list[Group]:
    names = sorted(set(questions.types))
    return [(1 / len(names), questions.types == name) for name in names]


_TYPES = Mean(
    "type_mean", "Mean of types", "mean over question types, as the SAT paper averages", _by_type
)
MEANS: dict[str, tuple[Mean, ...]] = {
    "sat_cv_bench": (
        Mean(
            "official",
            "CV-Bench's own",
            "mean of 2D and 3D, 2D being the mean of ADE20K and COCO, as CV-Bench defines it",
            _official,
        ),
        Mean("paper", "SAT paper's", "mean of 2D and 3D, as the SAT paper averages", _two_halves),
        Mean("average_2d", "2D", "counts and relations", lambda q: [(1.0, _flat(q))]),
        Mean("average_3d", "3D", "depth and distance", lambda q: [(1.0, ~_flat(q))]),
    ),
    "sat_blink": (_TYPES,),
    "sat_real": (_TYPES,),
}
"""By task."""


def mean_cells(task: str, questions: QuestionScores) -> dict[str, Cell]:
    """Return the averages of a task's own, with bootstrap intervals over scenes.

    One whose groups were not all asked about is left out.
    """
    cells = {mean.key: _cell(mean.groups(questions), questions) for mean in MEANS.get(task, ())}
    return {key: cell for key, cell in cells.items() if cell is not None}


def _cell(groups: Sequence[Group], questions: QuestionScores) -> Cell | None:
    if any(not chosen.any() for _, chosen in groups):
        return None
    total = np.zeros(len(questions.score), dtype=bool)
    for _, chosen in groups:
        total |= chosen
    accuracy = sum(weight * float(questions.score[chosen].mean()) for weight, chosen in groups)
    luck = 1 / questions.options
    low, high = _interval(groups, questions, accuracy)
    return Cell(
        accuracy=accuracy,
        questions=int(total.sum()),
        low=low,
        high=high,
        chance=sum(weight * float(luck[chosen].mean()) for weight, chosen in groups),
    )


def _interval(
    groups: Sequence[Group], questions: QuestionScores, accuracy: float
) -> tuple[float, float]:
    """Return the bootstrap's 95% interval; Wilson's over scenes where nothing varies."""
    scenes = np.unique(questions.scene, return_inverse=True)[1]
    count = int(scenes.max()) + 1
    drawn = _times_drawn(count)
    means = np.zeros(DRAWS)
    for weight, chosen in groups:
        points = drawn @ np.bincount(scenes[chosen], questions.score[chosen], count)
        sizes = drawn @ np.bincount(scenes[chosen], minlength=count)
        with np.errstate(invalid="ignore"):  # a draw without this group: few scenes
            means += weight * points / sizes
    means = means[~np.isnan(means)]
    if len(means) < DRAWS / 2 or np.ptp(means) == 0:
        low, high = stats.wilson(min(accuracy, 1.0) * count, count)
        return low, high
    tail = (1 - stats.LEVEL) / 2
    ends = np.quantile(means, [tail, 1 - tail])
    return float(ends[0]), float(ends[1])


@lru_cache(maxsize=2)
def _times_drawn(scenes: int) -> npt.NDArray[np.float64]:
    """Return how often each draw holds each scene, of shape (draws, scenes)."""
    rng = np.random.default_rng(SEED)
    even = np.full(scenes, 1 / scenes)
    return rng.multinomial(scenes, even, size=DRAWS).astype(float)
