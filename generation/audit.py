"""The blind test: how well the questions can be answered without their pictures.

Guessers see a part of the data with its answers and answer the rest from text alone. Test is
answered by what was learnt from train where a data set has both; otherwise scenes are held out in
turn. A guesser finds a leak if it beats chance by more than 3 points and by more than luck would:
95% intervals, clustered by scene, that hold for all guessers and types together.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from generation.reports import AUDIT, read_report, write_report
from sat_tasks.console import UserError
from sat_tasks.data import DataSet, Question, read_questions
from sat_tasks.stats import LEVEL, chance_level, clustered_wilson

MARGIN = 0.03
"""How far above chance a guesser may be whatever the number of questions."""
FOLDS = 5

Floats = NDArray[np.float64]
Questions = Sequence[Question]
Guesser = Callable[[Questions, Questions], list[Floats]]
"""Learns from the first questions, returns a score of each option of the second ones."""


@dataclass(frozen=True)
class Finding:
    """How well one guesser does on one type."""

    question_type: str
    guesser: str
    questions: int
    chance: float
    accuracy: float
    """Ties between options count in part."""
    low: float
    high: float
    """Interval that holds for all findings of an audit together."""
    leak: bool


class Fold(NamedTuple):
    """Questions to learn from and questions to answer."""

    known: list[Question]
    asked: list[Question]


def audit(data: DataSet) -> list[Finding]:
    """Return the findings of all guessers on all types.

    Raises:
        UserError: There are too few scenes to hold some out.
    """
    folds = make_folds(data)
    types = sorted({question.question_type for fold in folds for question in fold.asked})
    level = 1 - (1 - LEVEL) / (len(types) * len(GUESSERS))
    return [
        _finding(question_type, name, folds, level) for question_type in types for name in GUESSERS
    ]


def as_json(findings: Sequence[Finding]) -> str:
    """Return findings as JSON text."""
    return json.dumps([asdict(finding) for finding in findings], indent=1)


def table(findings: Sequence[Finding]) -> str:
    """Return findings as a table for people."""
    lines = [f"{'type':20}{'guesser':17}{'questions':>9}  accuracy  interval       chance"]
    for found in findings:
        interval = f"{found.low:.1%} to {found.high:.1%}"
        lines.append(
            f"{found.question_type:20}{found.guesser:17}{found.questions:9}"
            f"{found.accuracy:10.1%}  {interval:15}{found.chance:6.1%}"
            f"{'  LEAK' if found.leak else ''}"
        )
    leaks = sum(found.leak for found in findings)
    lines.append(f"{leaks} leaks." if leaks else "No leak.")
    return "\n".join(lines)


def write_audit(data: DataSet, findings: Sequence[Finding]) -> None:
    """Keep the findings in the data set folder, where the data set card takes them from."""
    write_report(data, AUDIT, [asdict(finding) for finding in findings])


def read_audit(data: DataSet) -> list[Finding]:
    """Return the findings of the last audit of these rows; none if there was none."""
    return [Finding(**record) for record in read_report(data, AUDIT) or ()]


def make_folds(data: DataSet) -> list[Fold]:
    """Return train against test, or each fifth of the scenes against the others."""
    splits = {split: read_questions(data, split) for split, n in data.manifest.scenes.items() if n}
    if "train" in splits and "test" in splits:
        return [Fold(splits["train"], splits["test"])]
    questions = [question for part in splits.values() for question in part]
    scenes = sorted({question.scene_id for question in questions})
    if len(scenes) < FOLDS:
        raise UserError(f"an audit needs at least {FOLDS} scenes; {data.folder} has {len(scenes)}")
    order = np.random.default_rng(0).permutation(len(scenes))
    fold_of = {scenes[scene]: number % FOLDS for number, scene in enumerate(order)}
    return [
        Fold(
            known=[question for question in questions if fold_of[question.scene_id] != fold],
            asked=[question for question in questions if fold_of[question.scene_id] == fold],
        )
        for fold in range(FOLDS)
    ]


def _finding(question_type: str, name: str, folds: Sequence[Fold], level: float) -> Finding:
    asked: list[Question] = []
    scores: list[float] = []
    for fold in folds:
        known, test = (
            [question for question in part if question.question_type == question_type]
            for part in fold
        )
        if not known or not test:
            continue
        asked += test
        guesses = GUESSERS[name](known, test)
        scores += [credit(guess, q.answer_index) for guess, q in zip(guesses, test, strict=True)]
    if not asked:
        return Finding(question_type, name, 0, float("nan"), float("nan"), 0.0, 1.0, leak=False)
    chance = chance_level([len(question.options) for question in asked])
    accuracy = float(np.mean(scores))
    low, high = clustered_wilson(scores, [question.scene_id for question in asked], level)
    leak = accuracy > chance + MARGIN and low > chance
    return Finding(question_type, name, len(asked), chance, accuracy, low, high, leak)


def credit(guess: Floats, answer_index: int) -> float:
    """Return 1 if the answer alone has the highest score, a share of 1 if others have it too."""
    best = np.isclose(guess, guess.max())
    return float(best[answer_index] / best.sum())


def by_answer(known: Questions, asked: Questions) -> list[Floats]:
    """Score an option by how often its text was right when it was offered."""
    return _by_habit(known, asked, lambda question, option: question.options[option])


def by_position(known: Questions, asked: Questions) -> list[Floats]:
    """Score an option by how often its place was right."""
    return _by_habit(known, asked, lambda question, option: (len(question.options), option))


def by_length(known: Questions, asked: Questions) -> list[Floats]:
    """Score an option by how often its rank among the lengths of its question was right."""
    return _by_habit(known, asked, _length_rank)


def by_text(known: Questions, asked: Questions) -> list[Floats]:
    """Score an option by logistic regression on the words of question and option.

    Words of the option are crossed with those of the question, so that "sofa" can speak for
    "left" in a question about a lamp.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    pairs = [text for question in known for text in pair_words(question)]
    right = [i == q.answer_index for q in known for i in range(len(q.options))]
    model = make_pipeline(
        TfidfVectorizer(analyzer=str.split, min_df=2 if len(known) > 50 else 1),
        LogisticRegression(max_iter=2000, class_weight="balanced"),
    )
    model.fit(pairs, right)
    return [model.decision_function(pair_words(question)) for question in asked]


GUESSERS: dict[str, Guesser] = {
    "majority answer": by_answer,
    "position": by_position,
    "answer length": by_length,
    "text classifier": by_text,
}


def pair_words(question: Question) -> list[str]:
    """Return, for each option, the tokens of the question, of the option, and of both crossed."""
    asked = _words(question.question)
    texts = []
    for option in question.options:
        offered = _words(option)
        crossed = [f"{a}&{b}" for a in asked for b in offered]
        pairs = [f"{a}_{b}" for a, b in pairwise(offered)]
        texts.append(" ".join([*(f"q:{word}" for word in asked), *offered, *pairs, *crossed]))
    return texts


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def _length_rank(question: Question, option: int) -> tuple[int, int]:
    lengths = sorted({len(text) for text in question.options})
    return len(lengths), lengths.index(len(question.options[option]))


def _by_habit(
    known: Questions, asked: Questions, habit_of: Callable[[Question, int], object]
) -> list[Floats]:
    """Score options by the smoothed share of right ones among the known of the same habit."""
    offered: dict[object, int] = defaultdict(int)
    right: dict[object, int] = defaultdict(int)
    for question in known:
        for option in range(len(question.options)):
            habit = habit_of(question, option)
            offered[habit] += 1
            right[habit] += option == question.answer_index
    prior = len(known) / sum(offered.values())
    return [
        np.array(
            [
                (right[habit] + prior) / (offered[habit] + 1)
                for option in range(len(question.options))
                for habit in [habit_of(question, option)]
            ]
        )
        for question in asked
    ]
