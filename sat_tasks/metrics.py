"""Metrics: from the calls of a task to its numbers.

lmms-eval hands each metric one item per call. A question is asked once per option order; its
orders are averaged first, so that a question with many options does not weigh more. A metric is
None, shown as N/A, where there is nothing to tell.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from sat_tasks import stats


class Call(NamedTuple):
    """What the metrics need of one call; a list in the samples."""

    id: str
    scene: str
    kind: str
    """The question type."""
    origin: str
    options: int
    """How many there were."""
    orders: int
    """In how many orders the question is asked."""
    right: float | None
    """1 or 0; None if the call failed."""


Item = Call | dict[str, Any]
"""A call, alone or as {"score", "scene", "call"} where lmms-eval is to show a standard error.

An empty dict is a call that does not belong to the metric: lmms-eval weighs a task by the number
of items of its last metric, so every metric gets an item for every call.
"""
Aggregation = Callable[[Iterable[Any]], float | None]


class Asked(NamedTuple):
    """A question with its mean score over the orders that were answered."""

    score: float
    scene: str
    kind: str
    origin: str
    options: int


def questions_of(items: Iterable[Item]) -> list[Asked]:
    """Return the questions that were answered at all, once each."""
    return [
        Asked(
            math.fsum(call.right or 0.0 for call in calls) / len(calls),
            calls[0].scene,
            calls[0].kind,
            calls[0].origin,
            calls[0].options,
        )
        for calls in _by_question(items).values()
    ]


def accuracy(items: Iterable[Item]) -> float | None:
    """Return the mean over questions of their mean over orders."""
    return _mean(question.score for question in questions_of(items))


def low(items: Iterable[Item]) -> float | None:
    """Return the lower end of the accuracy's 95% interval, clustered by scene."""
    questions = questions_of(items)
    return _interval(questions).low if questions else None


def high(items: Iterable[Item]) -> float | None:
    """Return the upper end of the accuracy's 95% interval, clustered by scene."""
    questions = questions_of(items)
    return _interval(questions).high if questions else None


def all_orders(items: Iterable[Item]) -> float | None:
    """Return the share of questions that are right in every order, of those so answered."""
    groups = _by_question(items).values()
    whole = [calls for calls in groups if len(calls) == calls[0].orders]
    return _mean(float(all(call.right for call in calls)) for calls in whole)


def type_mean(items: Iterable[Item]) -> float | None:
    """Return the mean of the accuracies of the question types, as the SAT paper averages."""
    return _mean_of_groups(questions_of(items), lambda question: question.kind)


def chance(items: Iterable[Item]) -> float | None:
    """Return the accuracy of choosing at random."""
    counts = [question.options for question in questions_of(items)]
    return stats.chance_level(counts) if counts else None


def adjusted(items: Iterable[Item]) -> float | None:
    """Return the accuracy rescaled so that chance is 0 and all right is 1."""
    questions = questions_of(items)
    if not questions:
        return None
    return stats.chance_adjusted([q.score for q in questions], [q.options for q in questions])


def detectable(items: Iterable[Item]) -> float | None:
    """Return the smallest difference to another run that is mostly found (95%, power 80%).

    None where every question went the same way, so that nothing is known of the spread.
    """
    questions = questions_of(items)
    error = stats.clustered_se([q.score for q in questions], [q.scene for q in questions])
    return stats.minimum_detectable_difference(error) if error > 0 else None


def share(items: Iterable[dict[str, float]]) -> float | None:
    """Return the mean over calls."""
    return _mean(item["score"] for item in items if "score" in item)


def average_2d(items: Iterable[Item]) -> float | None:
    """Return the accuracy over CV-Bench's 2D questions."""
    return _mean(q.score for q in questions_of(items) if q.kind in CV_BENCH_2D)


def average_3d(items: Iterable[Item]) -> float | None:
    """Return the accuracy over CV-Bench's 3D questions."""
    return _mean(q.score for q in questions_of(items) if q.kind not in CV_BENCH_2D)


def cv_bench_official(items: Iterable[Item]) -> float | None:
    """Return CV-Bench's own overall: the mean of 2D, itself a mean over two sources, and 3D."""
    calls = list(items)
    flat = [q for q in questions_of(calls) if q.kind in CV_BENCH_2D]
    sources, deep = _mean_of_groups(flat, lambda question: question.origin), average_3d(calls)
    return None if sources is None or deep is None else (sources + deep) / 2


def cv_bench_paper(items: Iterable[Item]) -> float | None:
    """Return the SAT paper's average (version 3): the mean of 2D and 3D.

    That it is this one was found from the paper's rows: it gives their averages from their parts.
    """
    calls = list(items)
    flat, deep = average_2d(calls), average_3d(calls)
    return None if flat is None or deep is None else (flat + deep) / 2


def f1_of_first(items: Iterable[dict[str, int | None]]) -> float | None:
    """Return the F1 score of saying the first option, such as "true"; unread is not saying it."""
    pairs = [(item["reading"] == 0, item["answer"] == 0) for item in items if "answer" in item]
    hits = sum(said and true for said, true in pairs)
    total = sum(said for said, _ in pairs) + sum(true for _, true in pairs)
    return 2 * hits / total if total else None


CV_BENCH_2D = ("count", "relation")

COMMON: dict[str, Aggregation] = {
    "overall": accuracy,
    "low": low,
    "high": high,
    "single_order": accuracy,
    "all_orders": all_orders,
    "chance": chance,
    "adjusted": adjusted,
    "detectable": detectable,
    "unparsed": share,
    "failed": share,
    "refused": share,
}
"""What every task reports."""
_BETTER_LOW = ("unparsed", "failed", "refused", "detectable")


def metric_list(own: dict[str, Aggregation]) -> list[dict[str, Any]]:
    """Return a task's metric list as lmms-eval has it: what every task reports, and its own."""
    return [
        {"metric": name, "aggregation": function, "higher_is_better": name not in _BETTER_LOW}
        for name, function in (COMMON | own).items()
    ]


def _interval(questions: list[Asked]) -> stats.Interval:
    return stats.clustered_wilson([q.score for q in questions], [q.scene for q in questions])


def _by_question(items: Iterable[Item]) -> dict[str, list[Call]]:
    """Return the calls that did not fail, by question."""
    found: dict[str, list[Call]] = {}
    for item in items:
        call = item.get("call") if isinstance(item, dict) else item
        if call is not None and call.right is not None:
            found.setdefault(call.id, []).append(call)
    return found


def _mean_of_groups(questions: Iterable[Asked], key: Callable[[Asked], str]) -> float | None:
    """Return the mean of the groups' means."""
    scores: dict[str, list[float]] = {}
    for question in questions:
        scores.setdefault(key(question), []).append(question.score)
    return _mean(math.fsum(values) / len(values) for values in scores.values())


def _mean(values: Iterable[float]) -> float | None:
    kept = list(values)
    return math.fsum(kept) / len(kept) if kept else None
