"""Ranks that tests support: models that no test tells apart share one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from leaderboard.samples import QuestionScores
from sat_tasks import stats

Z = NormalDist().inv_cdf((1 + stats.LEVEL) / 2)


@dataclass(frozen=True)
class Standing:
    """Where an entry stands."""

    index: int
    """Of the entry, in the order given to :func:`rank`."""
    rank: int
    """1 is best; shared by entries that do not differ from the first of them."""
    tied: bool


def rank(accuracies: Sequence[float], differs: Callable[[int, int], bool]) -> list[Standing]:
    """Return the standings, best first.

    An entry shares the rank of the best one above it that it does not differ from; the next rank
    counts everyone before it (1, 1, 3).

    Args:
        accuracies: One per entry.
        differs: Tells whether two entries differ by more than chance explains.
    """
    order = sorted(range(len(accuracies)), key=lambda i: (-accuracies[i], i))
    ranks: list[int] = []
    leader = 0
    for place, index in enumerate(order):
        if place and differs(order[leader], index):
            leader = place
        ranks.append(leader + 1)
    return [
        Standing(index, own, ranks.count(own) > 1) for index, own in zip(order, ranks, strict=True)
    ]


def paired_differs(first: QuestionScores, second: QuestionScores) -> bool:
    """Tell whether two runs on the same questions differ: paired, clustered by scene, at 95%."""
    low, high = paired_difference(first, second)[1:]
    return low > 0 or high < 0


def paired_difference(first: QuestionScores, second: QuestionScores) -> stats.Difference:
    """Return how much higher the second run scores, with its scene-clustered 95% interval.

    The interval is (-1, 1) where the questions are of one scene, which tells nothing.
    """
    difference = second.score - first.score
    mean, error = float(difference.mean()), stats.clustered_se(difference, first.scene)
    if math.isnan(error):
        return stats.Difference(mean, -1.0, 1.0)
    return stats.Difference(mean, mean - Z * error, mean + Z * error)


def unpaired_differs(
    first: float, second: float, first_questions: int, second_questions: int
) -> bool:
    """Tell whether two proportions of separate counts differ, at 95% (pooled z test)."""
    total = first_questions + second_questions
    pooled = (first * first_questions + second * second_questions) / total
    variance = pooled * (1 - pooled) * (1 / first_questions + 1 / second_questions)
    return abs(first - second) > Z * math.sqrt(variance)


def detectable(runs: Sequence[QuestionScores]) -> float:
    """Return the difference that two runs mostly show, for the noisiest run to be expected.

    That is the noisiest of these, or one that answers half of the questions rightly and each in
    all of its orders alike, whichever is noisier.
    """
    errors = [stats.clustered_se(run.score, run.scene) for run in runs]
    known = [error for error in errors if not math.isnan(error)]
    return max(
        [detectable_of(max(len(run.score) for run in runs))]
        + [stats.minimum_detectable_difference(error) for error in known]
    )


def detectable_of(questions: int) -> float:
    """Return the same for independent questions, half of which are answered rightly."""
    return stats.minimum_detectable_difference(float(np.sqrt(0.25 / questions)))
