"""What must hold of samples before anything is counted from them."""

from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from leaderboard.boards import Cell
from leaderboard.samples import Counts, QuestionScores
from sat_tasks.protocol import PROTOCOLS

_TYPE = re.compile(r"[a-z][a-z0-9_]{0,40}")
TOLERANCE = 1e-6
"""A figure is a mean of at most a few thousand numbers, printed in full."""


def check_samples(samples: pa.Table, questions: QuestionScores, protocol_name: str) -> None:
    """Check sorted samples of :data:`leaderboard.samples.SCHEMA` and their scores by question.

    Raises:
        ValueError: They cannot be counted; the message says why.
    """
    for name in samples.column_names:
        if name != "reading" and samples[name].null_count:
            raise ValueError(f"{samples[name].null_count} samples have no {name}")
    for label in samples["question_type"].unique().to_pylist():
        if not _TYPE.fullmatch(label):
            raise ValueError(f"{label!r} is no name of a question type")
    if failed := pc.sum(samples["failed"]).as_py():
        raise ValueError(
            f"{failed} of {samples.num_rows} calls failed: run lmms-eval again; "
            "a failed call is no wrong answer"
        )
    _check_readings(samples)
    _check_orders(samples, questions, protocol_name)


def _check_readings(samples: pa.Table) -> None:
    options = samples["options"].to_numpy()
    answer = samples["answer"].to_numpy()
    reading = pc.fill_null(samples["reading"], -1).to_numpy()
    if not ((answer >= 0) & (answer < options) & (reading < options)).all():
        raise ValueError("an answer or a reading is none of the options")
    wrong = np.flatnonzero(samples["correct"].to_numpy() != (reading == answer))
    if len(wrong):
        sample = samples["id"][int(wrong[0])].as_py()
        raise ValueError(
            f"{len(wrong)} samples are scored unlike their reading, such as {sample!r}"
        )


def _check_orders(samples: pa.Table, questions: QuestionScores, protocol_name: str) -> None:
    if protocol_name not in PROTOCOLS:
        raise ValueError(f"unknown protocol {protocol_name!r}; known: {', '.join(PROTOCOLS)}")
    order = samples["order"].to_numpy()
    repeated = np.flatnonzero((np.diff(order) == 0) & (np.diff(questions.question) == 0))
    if len(repeated):
        sample = samples["id"][int(repeated[0])].as_py()
        raise ValueError(f"{len(repeated)} samples are there twice, such as {sample!r}")
    asked = np.bincount(questions.question)
    expected = questions.options if PROTOCOLS[protocol_name].every_order else np.ones_like(asked)
    wrong = np.flatnonzero(asked != expected)
    if len(wrong):
        sample = questions.ids[int(wrong[0])].as_py()
        raise ValueError(
            f"{len(wrong)} questions were not asked in every order of {protocol_name!r}, "
            f"such as {sample!r} ({asked[wrong[0]]} of {expected[wrong[0]]}); "
            "was the run cut short by --limit?"
        )


def check_claims(counts: Counts, means: Mapping[str, Cell], claimed: Mapping[str, float]) -> None:
    """Check the figures that lmms-eval printed against a count of the samples.

    Args:
        counts: Of the samples.
        means: Averages of the task's own, from the same samples.
        claimed: What was printed, by name of the metric.

    Raises:
        ValueError: One is missing or differs.
    """
    overall = counts.overall
    counted = {name: tally.accuracy for name, tally in counts.by_type.items()}
    counted |= {name: cell.accuracy for name, cell in means.items()}
    counted |= {"overall": overall.accuracy, "all_orders": overall.all_orders / overall.questions}
    for name, value in counted.items():
        if name == "overall" and name not in claimed:
            raise ValueError("results.json has no 'overall' for it")
        if name in claimed and abs(claimed[name] - value) > TOLERANCE:
            raise ValueError(
                f"results.json says {name} is {claimed[name]:.6f}; its samples give {value:.6f}"
            )
