"""Scenes are asked evenly, and answers are evened out where names would tell them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from toy_questions import asked_scenes, open_toy

from generation.question import Balance, Question
from generation.questions import QUESTION_TYPES
from generation.sampling import MAX_PER_FRAME, _chance_to_keep, _quotas, ask_scene


def test_quotas_are_even_and_what_is_left_over_rotates() -> None:
    types = list(QUESTION_TYPES)
    totals: Counter[str] = Counter()
    for seed in range(300):
        quotas = _quotas(types, 12, np.random.default_rng(seed), {})
        assert sum(quotas.values()) == 12
        assert set(quotas.values()) <= {1, 2}
        totals.update(quotas)
    assert max(totals.values()) - min(totals.values()) < 80


def test_weights_move_quotas() -> None:
    rng = np.random.default_rng(0)
    quotas = _quotas(["depth", "count"], 12, rng, {"count": 3.0})
    assert quotas == {"depth": 3, "count": 9}
    assert _quotas(["depth", "count"], 12, rng, {"count": 0.0}) == {"depth": 12, "count": 0}
    assert _quotas(["depth"], 4, rng, {"depth": 0.0}) == {}


@pytest.mark.parametrize("count", [0, 1, 5])
def test_no_more_than_was_asked_for(count: int) -> None:
    result = ask_scene(open_toy(1), list(QUESTION_TYPES), count, np.random.default_rng(0))
    assert len(result.questions) <= count
    assert bool(result.questions) == bool(count)


def test_types_are_spread_over_scenes() -> None:
    totals: Counter[str] = Counter()
    for scene in asked_scenes():
        totals.update(question.question_type for question in scene.result.questions)
    even = sum(totals.values()) / len(QUESTION_TYPES)
    assert min(totals.values()) > 0.6 * even
    assert max(totals.values()) < 1.5 * even


def test_questions_come_in_the_order_of_the_table() -> None:
    order = list(QUESTION_TYPES)
    for scene in asked_scenes():
        places = [order.index(question.question_type) for question in scene.result.questions]
        assert places == sorted(places)


def test_one_picture_is_not_asked_to_death() -> None:
    for scene in asked_scenes():
        pooled = [q for q in scene.result.questions if QUESTION_TYPES[q.question_type].from_pool]
        uses = Counter(id(question.frames[0]) for question in pooled)
        assert max(uses.values(), default=0) <= MAX_PER_FRAME


def test_every_skip_says_why() -> None:
    for scene in asked_scenes():
        for skip in scene.result.skips:
            assert skip.question_type in (*QUESTION_TYPES, "view")
            assert skip.reason
            assert not any(letter.isdigit() for letter in skip.reason)


def _question(subject: str, truth: str, truths: tuple[str, ...] = ("near", "far")) -> Question:
    balance = Balance(subject, truth, truths)
    return Question("depth", "Which?", ("a", "b"), 0, (), balance=balance)


def test_truths_are_kept_equally_often() -> None:
    found = [_question("sofa", "near")] * 30 + [_question("sofa", "far")] * 10
    truths = Counter((q.balance.subject, q.balance.truth) for q in found if q.balance)
    kept = Counter[str]()
    for question in found:
        assert question.balance is not None
        kept[question.balance.truth] += _chance_to_keep(question, truths)  # type: ignore[assignment]
    assert kept["near"] == pytest.approx(kept["far"])
    assert kept["far"] == pytest.approx(10)


def test_a_subject_with_one_truth_is_never_asked() -> None:
    question = _question("sofa", "near")
    assert _chance_to_keep(question, Counter({("sofa", "near"): 5})) == 0
    three = _question("sofa", "near", ("near", "far", "level"))
    truths = Counter({("sofa", "near"): 5, ("sofa", "far"): 5})
    assert _chance_to_keep(three, truths) == 0


def test_what_was_drawn_beforehand_is_always_kept() -> None:
    assert _chance_to_keep(Question("depth", "Which?", ("a", "b"), 0, ()), Counter()) == 1
