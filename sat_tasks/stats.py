"""The statistics of a score: intervals, paired tests, chance level.

Questions about one scene are not independent, so errors are clustered by scene. Scores are
numbers between 0 and 1, one per question (the mean over its option orders).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Scores = Sequence[float] | npt.NDArray[np.float64]
Clusters = Sequence[str] | npt.NDArray[np.int64]
"""The scene of each question, by name or by number."""
Counts = Sequence[int] | npt.NDArray[np.int64]

LEVEL = 0.95
POWER = 0.80


class Interval(NamedTuple):
    """A confidence interval."""

    low: float
    high: float


class Difference(NamedTuple):
    """How much higher the second of two runs scores than the first."""

    mean: float
    low: float
    high: float


def wilson(successes: float, trials: float, level: float = LEVEL) -> Interval:
    """Return the Wilson score interval of a proportion.

    Args:
        successes: k; need not be whole, see :func:`clustered_wilson`.
        trials: n.
        level: Confidence level.

    Raises:
        ValueError: k is not between 0 and n, or n is not positive.
    """
    if not 0 <= successes <= trials or trials <= 0:
        raise ValueError(f"no proportion: {successes} of {trials}")
    z = NormalDist().inv_cdf((1 + level) / 2)
    p = successes / trials
    center = (p + z * z / (2 * trials)) / (1 + z * z / trials)
    spread = z / (1 + z * z / trials) * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials**2))
    low = 0.0 if successes == 0 else center - spread
    high = 1.0 if successes == trials else center + spread
    return Interval(max(0.0, low), min(1.0, high))


def clustered_se(scores: Scores, clusters: Clusters) -> float:
    """Return the cluster-robust standard error of the mean; NaN for fewer than two clusters.

    The sandwich estimator with the factor G / (G - 1) for G clusters.
    """
    values = np.asarray(scores, dtype=float)
    sums = _cluster_sums(values - values.mean(), clusters) if len(values) else values
    if len(sums) < 2:
        return math.nan
    correction = len(sums) / (len(sums) - 1)
    return float(math.sqrt(correction * np.sum(sums**2)) / len(values))


def clustered_wilson(scores: Scores, clusters: Clusters, level: float = LEVEL) -> Interval:
    """Return the Wilson interval at the effective sample size that the clusters leave.

    The effective size is that at which a binomial mean has the clustered standard error, at most
    the number of questions. Where the error is zero (all right or all wrong) it is the number of
    clusters.
    """
    if not len(scores):
        return Interval(0.0, 1.0)
    mean = float(np.mean(np.asarray(scores, dtype=float)))
    error = clustered_se(scores, clusters)
    if math.isnan(error) or error == 0:
        effective = float(len(set(clusters)))
    else:
        effective = min(mean * (1 - mean) / error**2, float(len(scores)))
    return wilson(mean * effective, effective, level)


def mcnemar_exact(only_first: int, only_second: int) -> float:
    """Return the two-sided exact p-value that two runs are equally often right.

    Args:
        only_first: Questions that only the first run has right.
        only_second: Questions that only the second run has right.
    """
    discordant = only_first + only_second
    if discordant == 0:
        return 1.0
    tail = sum(math.comb(discordant, k) for k in range(min(only_first, only_second) + 1))
    return min(1.0, float(2 * tail / 2**discordant))


def paired_bootstrap(
    first: Scores,
    second: Scores,
    clusters: Clusters,
    rng: np.random.Generator,
    draws: int = 10_000,
    level: float = LEVEL,
) -> Difference:
    """Return the difference of two runs on the same questions, whole clusters being drawn anew.

    Args:
        first: Scores of one run.
        second: Scores of the other, in the same order of questions.
        clusters: The scene of each question.
        rng: Decides the draws.
        draws: How many.
        level: Confidence level of the percentile interval.

    Raises:
        ValueError: The lengths differ or are zero.
    """
    if not len(first) == len(second) == len(clusters) > 0:
        raise ValueError(
            f"not the same questions: {len(first)}, {len(second)}, {len(clusters)} values"
        )
    difference = np.asarray(second, dtype=float) - np.asarray(first, dtype=float)
    sums = _cluster_sums(difference, clusters)
    sizes = _cluster_sums(np.ones(len(difference)), clusters)
    means = np.empty(draws)
    for start in range(0, draws, 500):  # all at once would take draws x clusters of memory
        stop = min(start + 500, draws)
        picks = rng.integers(len(sums), size=(stop - start, len(sums)))
        means[start:stop] = sums[picks].sum(axis=1) / sizes[picks].sum(axis=1)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Difference(float(difference.mean()), float(low), float(high))


def chance_level(option_counts: Counts) -> float:
    """Return the expected accuracy of choosing at random."""
    return sum(1 / count for count in option_counts) / len(option_counts)


def chance_adjusted(scores: Scores, option_counts: Counts) -> float:
    """Return the score rescaled so that chance is 0 and all right is 1.

    Sum of (score - 1/n) over sum of (1 - 1/n), for n options each.
    """
    gained = sum(score - 1 / n for score, n in zip(scores, option_counts, strict=True))
    possible = sum(1 - 1 / n for n in option_counts)
    return gained / possible if possible else math.nan


def minimum_detectable_difference(
    standard_error: float, level: float = LEVEL, power: float = POWER
) -> float:
    """Return the smallest true difference that two runs of this precision would mostly show.

    For two independent runs with the given standard error each, a two-sided test at the level,
    found with the power. Pairing the questions can only make it smaller.
    """
    normal = NormalDist()
    factor = normal.inv_cdf((1 + level) / 2) + normal.inv_cdf(power)
    return factor * math.sqrt(2) * standard_error


def _cluster_sums(values: npt.NDArray[np.float64], clusters: Clusters) -> npt.NDArray[np.float64]:
    if len(values) != len(clusters):
        raise ValueError(f"{len(values)} values in {len(clusters)} clusters")
    _, index = np.unique(np.asarray(clusters), return_inverse=True)
    sums: npt.NDArray[np.float64] = np.bincount(index, weights=values).astype(np.float64)
    return sums
