"""The blind test finds planted leaks and leaves clean questions alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sat_folder import picture, write_folder

from generation import audit
from sat_tasks.console import UserError
from sat_tasks.data import open_data_set
from sat_tasks.rows import Row

NOUNS = ("sofa", "lamp", "table", "chair", "mug", "vase", "desk", "stool")
SCENES = 80
Planted = Callable[[np.random.Generator, list[str]], tuple[list[str], str]]
"""Takes two nouns that the question names, returns options and answer."""


def clean(rng: np.random.Generator, nouns: list[str]) -> tuple[list[str], str]:
    return list(rng.permutation(nouns)), nouns[int(rng.integers(2))]


def first_is_right(rng: np.random.Generator, nouns: list[str]) -> tuple[list[str], str]:
    options, answer = clean(rng, nouns)
    if rng.random() < 0.7:
        answer = options[0]
    return options, answer


def longer_is_right(rng: np.random.Generator, nouns: list[str]) -> tuple[list[str], str]:
    options, answer = clean(rng, nouns)
    return ([noun + " with a longer name" if noun == answer else noun for noun in options]), (
        answer + " with a longer name"
    )


def sofa_is_right(rng: np.random.Generator, nouns: list[str]) -> tuple[list[str], str]:
    options, answer = clean(rng, nouns)
    return options, "sofa" if "sofa" in options else answer


def sofa_says_left(rng: np.random.Generator, nouns: list[str]) -> tuple[list[str], str]:
    """No option is right more often than the other; only the question's noun tells."""
    options = list(rng.permutation(["left", "right"]))
    first_half = NOUNS.index(nouns[0]) < len(NOUNS) // 2
    return options, "left" if first_half == (rng.random() < 0.9) else "right"


def make_rows(planted: Planted, split: str = "test", seed: int = 0) -> list[Row]:
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(SCENES * 6):
        nouns = [str(noun) for noun in rng.choice(NOUNS, 2, replace=False)]
        options, answer = planted(rng, nouns)
        row = Row(
            images=(picture(0, 8),),
            question=f"Is the {nouns[0]} or the {nouns[1]} nearer?",
            answers=tuple(str(option) for option in options),
            correct_answer=str(answer),
            question_type="depth",
            id=f"{split}-{number}",
            scene_id=f"{split}-scene-{number // 6}",
            engine="toy",
            seed=0,
            split=split,
            evidence="{}",
        )
        rows.append(row)
    return rows


def leaks(folder: Path) -> set[str]:
    return {finding.guesser for finding in audit.audit(open_data_set(folder)) if finding.leak}


def test_clean_questions_pass(tmp_path: Path) -> None:
    write_folder(tmp_path / "data", make_rows(clean))
    findings = audit.audit(open_data_set(tmp_path / "data"))
    assert [finding.guesser for finding in findings] == list(audit.GUESSERS)
    assert all(finding.chance == 0.5 and finding.questions == SCENES * 6 for finding in findings)
    assert all(finding.low <= finding.accuracy <= finding.high for finding in findings)
    assert not any(finding.leak for finding in findings)


@pytest.mark.parametrize(
    ("planted", "guesser"),
    [
        (first_is_right, "position"),
        (longer_is_right, "answer length"),
        (sofa_is_right, "majority answer"),
        (sofa_is_right, "text classifier"),
        (sofa_says_left, "text classifier"),
    ],
)
def test_a_planted_leak_is_found(tmp_path: Path, planted: Planted, guesser: str) -> None:
    write_folder(tmp_path / "data", make_rows(planted))
    assert guesser in leaks(tmp_path / "data")


def test_only_the_classifier_sees_what_the_question_gives_away(tmp_path: Path) -> None:
    write_folder(tmp_path / "data", make_rows(sofa_says_left))
    assert leaks(tmp_path / "data") == {"text classifier"}


def test_test_questions_are_answered_by_what_train_teaches(tmp_path: Path) -> None:
    rows = make_rows(sofa_is_right, "train", 1) + make_rows(clean, "test", 2)
    write_folder(tmp_path / "data", rows)
    (fold,) = audit.make_folds(open_data_set(tmp_path / "data"))
    assert {question.scene_id.split("-")[0] for question in fold.known} == {"train"}
    assert {question.scene_id.split("-")[0] for question in fold.asked} == {"test"}
    assert leaks(tmp_path / "data") == set()


def test_no_scene_is_both_known_and_asked(tmp_path: Path) -> None:
    write_folder(tmp_path / "data", make_rows(clean))
    folds = audit.make_folds(open_data_set(tmp_path / "data"))
    for fold in folds:
        known = {question.scene_id for question in fold.known}
        assert known.isdisjoint(question.scene_id for question in fold.asked)
    assert sum(len(fold.asked) for fold in folds) == SCENES * 6


def test_ties_count_in_part() -> None:
    assert audit.credit(np.array([0.5, 0.5]), 0) == 0.5
    assert audit.credit(np.array([0.4, 0.6]), 0) == 0.0
    assert audit.credit(np.array([0.2, 0.4, 0.4]), 2) == 0.5


def test_an_audit_is_kept_until_the_rows_change(tmp_path: Path) -> None:
    data = open_data_set(write_folder(tmp_path / "data", make_rows(clean)))
    assert audit.read_audit(data) == []
    findings = audit.audit(data)
    audit.write_audit(data, findings)
    assert audit.read_audit(data) == findings
    assert audit.read_audit(replace(data, revision="another")) == []


def test_too_few_scenes_are_refused(tmp_path: Path) -> None:
    write_folder(tmp_path / "data", make_rows(clean)[:20])
    with pytest.raises(UserError, match="at least 5 scenes"):
        audit.audit(open_data_set(tmp_path / "data"))
