"""Options are shuffled fairly, and the answer follows them."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import chisquare

from generation.question import make_question


@pytest.mark.parametrize("size", [2, 3, 4])
def test_the_answer_may_stand_anywhere_and_stays_the_answer(size: int) -> None:
    rng = np.random.default_rng(0)
    wrong = [f"wrong {i}" for i in range(size - 1)]
    counts: Counter[int] = Counter()
    for _ in range(3000):
        question = make_question("depth", "Which?", "right", wrong, [], rng)
        assert question.answer == "right"
        assert sorted(question.options) == sorted(["right", *wrong])
        counts[question.answer_index] += 1
    assert chisquare([counts[i] for i in range(size)]).pvalue > 1e-3


@pytest.mark.parametrize("wrong", [["right"], ["a", "a"], []])
def test_options_must_be_several_and_differ(wrong: list[str]) -> None:
    with pytest.raises(ValueError, match="differ"):
        make_question("depth", "Which?", "right", wrong, [], np.random.default_rng(0))
