"""What holds for every question type: mirrors, seeds, positions, names, even answers."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy.stats import binomtest, chisquare
from toy_questions import (
    PER_SCENE,
    SCENES,
    all_questions,
    asked_scenes,
    mirror,
    open_toy,
    questions_of,
    swap_sides,
    views_of,
)

from generation.proof import doubt
from generation.question import Question
from generation.questions import QUESTION_TYPES
from generation.sampling import ask_scene
from generation.scene import BACKGROUND
from sat_tasks import taxonomy

UNLIKELY = 1e-4
"""A fair thing looks this unfair once in ten thousand runs; seeds are fixed, so it stays fair."""

every_type = pytest.mark.parametrize("name", QUESTION_TYPES)


def test_the_types_are_those_of_the_taxonomy_in_its_order() -> None:
    assert list(QUESTION_TYPES) == list(taxonomy.QUESTION_TYPES)


@every_type
def test_scenes_give_questions(name: str) -> None:
    assert len(all_questions(name)) >= SCENES * PER_SCENE / len(QUESTION_TYPES) / 2


@every_type
def test_questions_are_well_formed(name: str) -> None:
    for question in all_questions(name):
        assert question.question_type == name
        assert 2 <= len(question.options) <= 4
        assert question.text[0].isupper()
        assert question.text.rstrip("?.") != question.text
        assert "{" not in question.text
        assert len(question.frames) == (2 if name in ("ego_movement", "object_movement") else 1)
        for mark in question.marks:
            assert mark.frame_index == 0


@every_type
def test_a_mirror_swaps_left_and_right_and_nothing_else(name: str) -> None:
    views = views_of(name)[:12]
    compared = 0
    for view in views:
        there = {_about(q): q for q in questions_of(name, view, 1)}
        here = {_about(q): q for q in questions_of(name, mirror(view), 1)}
        for about in there.keys() & here.keys():
            assert _truth(here[about], swapped=False) == _truth(there[about], swapped=True)
            compared += 1
    assert compared >= 8


def _about(question: Question) -> Any:
    """Return what tells the questions of one view apart."""
    if not QUESTION_TYPES[question.question_type].from_pool:
        return None
    objects = () if "answer" in question.evidence else sorted(question.evidence["objects"].items())
    return question.topic, question.evidence["kind"], len(question.options), tuple(objects)


def _truth(question: Question, *, swapped: bool) -> Any:
    """Return what a question says about the scene, whichever way round it asks."""
    evidence = question.evidence
    if question.question_type == "relation":
        return evidence["holds"] != (swapped and evidence["kind"] == "side")
    if "answer" in evidence:
        return evidence["answer"]
    labels = {phrase: key for key, phrase in evidence.get("phrases", {}).items()}
    answer = labels.get(question.answer, question.answer)
    return swap_sides(answer) if swapped else answer


@every_type
def test_the_same_seed_asks_the_same(name: str) -> None:
    first, second = (
        ask_scene(open_toy(6), [name], 4, np.random.default_rng(11)).questions for _ in range(2)
    )
    assert first
    assert [_row(q) for q in first] == [_row(q) for q in second]
    other = ask_scene(open_toy(6), [name], 4, np.random.default_rng(12)).questions
    assert [_row(q) for q in first] != [_row(q) for q in other]


def _row(question: Question) -> Any:
    poses = [frame.pose for frame in question.frames]
    return question.text, question.options, question.answer, poses, question.marks


@every_type
def test_asking_leaves_the_scene_as_it_was(name: str) -> None:
    session = open_toy(2)
    before = session.state()
    ask_scene(session, [name], 3, np.random.default_rng(0))
    assert session.state() == before


@every_type
def test_the_right_option_may_stand_anywhere(name: str) -> None:
    """Ask the same views again and again: positions are even for each number of options."""
    positions: dict[int, Counter[int]] = {}
    for seed in range(30):
        for number, view in enumerate(views_of(name)[:6]):
            for question in questions_of(name, view, 100 * seed + number)[:6]:
                counts = positions.setdefault(len(question.options), Counter())
                counts[question.answer_index] += 1
    for size, counts in positions.items():
        assert chisquare([counts[i] for i in range(size)]).pvalue > UNLIKELY


@every_type
def test_what_is_named_first_tells_nothing(name: str) -> None:
    """The first option that the text mentions is right as often as the others."""
    first = right = 0.0
    for seed in range(30):
        for number, view in enumerate(views_of(name)[:6]):
            for question in questions_of(name, view, 100 * seed + number)[:6]:
                places = [question.text.find(option) for option in question.options]
                if min(places) >= 0:
                    first += question.answer == question.options[int(np.argmin(places))]
                    right += 1 / len(question.options)
    total = 2 * right
    if total:
        assert abs(first - right) < 4 * np.sqrt(total) / 2


@every_type
def test_every_answer_is_proven_twice(name: str) -> None:
    questions = all_questions(name)
    assert [doubt(question) for question in questions] == [None] * len(questions)


@every_type
def test_the_second_proof_rejects_wrong_answers(name: str) -> None:
    """Move the answer to another option: the proof must notice each time."""
    for question in all_questions(name):
        wrong = (question.answer_index + 1) % len(question.options)
        assert doubt(Question(**{**question.__dict__, "answer_index": wrong})) is not None


@every_type
def test_names_fit_one_object_in_view(name: str) -> None:
    for question in all_questions(name):
        frame = question.frames[0]
        seen = {
            item.object_id: item.name
            for item in frame.objects.values()
            if (frame.segmentation == item.segmentation_id).sum() >= 2
        }
        marked = {int(frame.segmentation[_pixel(mark)]) for mark in question.marks} - {BACKGROUND}
        for object_id in _asked_about(question):
            item = frame.objects[object_id]
            if item.segmentation_id not in marked and f"the {item.name}" in question.text:
                assert list(seen.values()).count(item.name) == 1
            elif item.segmentation_id not in marked:
                assert name in ("count", "ego_movement")


def _pixel(mark: Any) -> tuple[int, int]:
    u, v = mark.pixels
    return int(v), int(u)


def _asked_about(question: Question) -> list[str]:
    return list(question.evidence["objects"].values())


@every_type
def test_objects_that_are_asked_about_are_plain_to_see(name: str) -> None:
    """By pixels alone: large enough, and not at the border."""
    if name in ("count", "ego_movement"):
        pytest.skip("speaks of no single object")
    for question in all_questions(name):
        frame = question.frames[0]
        for object_id in _asked_about(question):
            mask = frame.mask(object_id)
            assert mask.sum() >= 0.003 * mask.size
            rim = np.concatenate([mask[[0, -1]].ravel(), mask[:, [0, -1]].ravel()])
            assert not rim.any()


def test_answers_are_even() -> None:
    """Over everything that scenes were asked: yes as often as no, left as often as right."""
    answers = Counter(question.answer for question in all_questions())
    pairs = [
        ("yes", "no"),
        ("left", "right"),
        ("on my left", "on my right"),
        ("to the left", "to the right"),
        ("rotated left", "rotated right"),
        ("still in view", "out of view"),
        ("closer to it", "farther away from it"),
    ]
    for one, other in pairs:
        total = answers[one] + answers[other]
        if total:
            assert binomtest(answers[one], total).pvalue > UNLIKELY, (one, other)


def test_scenes_are_not_asked_the_same_twice() -> None:
    for scene in asked_scenes():
        topics = [(question.question_type, question.topic) for question in scene.result.questions]
        assert len(set(topics)) == len(topics)


def test_questions_share_pictures() -> None:
    """Colours are dear: there are fewer pictures than questions."""
    for scene in asked_scenes():
        frames = {id(frame) for q in scene.result.questions for frame in q.frames}
        assert len(frames) < len(scene.result.questions)
