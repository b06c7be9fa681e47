"""Two models on the same questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from leaderboard.boards import OVERALL, Board, Entry
from leaderboard.run_boards import joined_scores
from leaderboard.samples import QuestionScores
from leaderboard.store import Store
from sat_tasks import stats
from sat_tasks.console import UserError
from sat_tasks.protocol import PROTOCOLS

SEED = 0
"""Of the bootstrap, so that the same pair always gives the same interval."""


@dataclass(frozen=True)
class Part:
    """A comparison over all questions, or those of one type."""

    name: str
    questions: int
    first: float
    """Accuracy of the first model, in [0, 1]."""
    second: float
    difference: stats.Difference
    """How much higher the second scores; whole scenes were drawn anew."""
    better_first: int
    """Questions on which the first does better: with one order, those that only it has right."""
    better_second: int
    p_value: float
    """Exact McNemar on those two counts; with several orders, the sign test that McNemar's is
    with one."""

    @property
    def p_text(self) -> str:
        """The p-value as it is shown; one below all that a float holds is not called 0."""
        return f"{self.p_value:.2g}" if self.p_value else "< 1e-300"

    @property
    def p_words(self) -> str:
        """The p-value within a sentence."""
        return f"p = {self.p_text}" if self.p_value else f"p {self.p_text}"

    @property
    def differs(self) -> bool:
        """Whether the interval of the difference leaves out 0."""
        return self.difference.low > 0 or self.difference.high < 0


@dataclass(frozen=True)
class Comparison:
    """Two models on one board."""

    board: Board
    first: Entry
    second: Entry
    parts: tuple[Part, ...]
    """The first is over all questions."""

    @property
    def is_tuning(self) -> bool:
        """Whether the second is the first after tuning."""
        return self.second.tuned_from == self.first.model

    @property
    def overall(self) -> Part:
        """The comparison over all questions."""
        return self.parts[0]

    @property
    def test(self) -> str:
        """Name of the test behind the p-values."""
        protocol = PROTOCOLS.get(self.board.protocol)
        return "exact sign test" if protocol and protocol.every_order else "exact McNemar"


def compare_on(store: Store, board: Board, first: Entry, second: Entry) -> Comparison:
    """Compare two entries of a board that were asked the same questions.

    Raises:
        UserError: They were not.
    """
    one, two = joined_scores(store, first.rows), joined_scores(store, second.rows)
    if not one.pairs_with(two):
        raise UserError(f"{first.model} and {second.model} were not asked the same questions")
    everything = np.ones(len(one.score), dtype=bool)
    parts = [_part(OVERALL, one, two, everything)]
    types = one.types
    if len(set(types)) > 1:
        known = [column.key for column in board.columns if column.key in set(types)]
        parts += [_part(name, one, two, types == name) for name in known]
    return Comparison(board, first, second, tuple(parts))


def compare_models(
    store: Store, boards: Sequence[Board], first: str, second: str
) -> list[Comparison]:
    """Compare two models on every board that has replies of both.

    Raises:
        UserError: A model is not known, or they share no board.
    """
    with_replies = [
        (board, {entry.model: entry for entry in board.entries if entry.rows}) for board in boards
    ]
    known = sorted({model for _, entries in with_replies for model in entries})
    for model in (first, second):
        if model not in known:
            raise UserError(f"no replies of {model!r}; models with replies: {', '.join(known)}")
    shared = [
        compare_on(store, board, entries[first], entries[second])
        for board, entries in with_replies
        if first in entries and second in entries and _same_tasks(entries[first], entries[second])
    ]
    if not shared:
        raise UserError(f"{first!r} and {second!r} share no board: other data or protocols")
    return shared


def _same_tasks(first: Entry, second: Entry) -> bool:
    return [row.questions_sha256 for row in first.rows] == [
        row.questions_sha256 for row in second.rows
    ]


def _part(
    name: str, first: QuestionScores, second: QuestionScores, chosen: npt.NDArray[np.bool_]
) -> Part:
    one, two = first.score[chosen], second.score[chosen]
    better_first, better_second = int((one > two).sum()), int((two > one).sum())
    return Part(
        name=name,
        questions=len(one),
        first=float(one.mean()),
        second=float(two.mean()),
        difference=stats.paired_bootstrap(
            one, two, first.scene[chosen], np.random.default_rng(SEED)
        ),
        better_first=better_first,
        better_second=better_second,
        p_value=stats.mcnemar_exact(better_first, better_second),
    )


def questions_that_differ(store: Store, comparison: Comparison) -> pd.DataFrame:
    """Return the questions on which one model does better, sorted by id.

    Its columns: id, question_type, and the score of the first and the second model in [0, 1].
    """
    one, two = (joined_scores(store, e.rows) for e in (comparison.first, comparison.second))
    frame = pd.DataFrame(
        {
            "id": one.ids.to_pylist(),
            "question_type": one.types,
            "first": one.score,
            "second": two.score,
        }
    )
    return frame[frame["first"] != frame["second"]]


def to_record(comparison: Comparison, differing: pd.DataFrame) -> dict[str, Any]:
    """Return a comparison and the questions that differ for other programs."""
    return {
        "board": comparison.board.key,
        "first": comparison.first.model,
        "second": comparison.second.model,
        "test": comparison.test,
        "parts": [
            asdict(part) | {"difference": part.difference._asdict()} for part in comparison.parts
        ],
        "differing": differing.to_dict("records"),
    }


def describe(comparison: Comparison, differing: pd.DataFrame, shown: int = 5) -> str:
    """Return a comparison as text for a terminal, with some of the questions that differ."""
    board = comparison.board
    lines = [f"{board.benchmark}: {board.title}, protocol {board.protocol}"]
    names = (comparison.first.model, comparison.second.model)
    lines.append(f"{'':20}{names[0][:16]:>16} {names[1][:16]:>16}  difference, 95% interval")
    for part in comparison.parts:
        low, high = 100 * part.difference.low, 100 * part.difference.high
        lines.append(
            f"{part.name:20}{100 * part.first:16.1f} {100 * part.second:16.1f}  "
            f"{100 * part.difference.mean:+.1f} [{low:+.1f}, {high:+.1f}]  "
            f"better on {part.better_first}, {part.better_second} of {part.questions}, "
            f"{comparison.test} {part.p_words}"
        )
    ahead = {
        names[0]: differing[differing["first"] > differing["second"]],
        names[1]: differing[differing["first"] < differing["second"]],
    }
    for name, questions in ahead.items():
        if len(questions):
            more = ", ..." if len(questions) > shown else ""
            lines.append(f"{name} does better on: {', '.join(questions['id'][:shown])}{more}")
    return "\n".join(lines)
