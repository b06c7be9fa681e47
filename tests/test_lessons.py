"""Lessons: every reply follows from what is known of the pair."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from finetune.data import lesson_places
from finetune.lessons import Lesson, lesson
from finetune.pairs import Pair, Thing, mirrored
from finetune.presets import resolve
from sat_tasks.movements import MOVEMENTS, name_movement

GREY = Image.new("RGB", (64, 64), "grey")
THINGS = (
    Thing("sofa", "sofa", "P", 0.2, 0.7, 1.5),
    Thing("red lamp", "lamp", None, 0.8, 0.3, 4.0),
    Thing(None, "chair", "Q", 0.5, 0.5, 2.5),
)


def pair(turn_left_deg: float = 30.0, forward_m: float = 0.0, left_m: float = 0.0) -> Pair:
    return Pair(
        first=GREY,
        second=GREY,
        marked=Image.new("RGB", (64, 64), "white"),
        depth_m=np.ones((2, 4, 4), np.float32),
        cells=np.zeros((2, 4, 4), np.int64),
        categories=("", "sofa", "lamp", "chair"),
        things=THINGS,
        turn_left_deg=turn_left_deg,
        forward_m=forward_m,
        left_m=left_m,
        pitch_deg=-10.0,
        fovy_deg=75.0,
    )


def turns(conversation: Lesson) -> list[tuple[str, str]]:
    words = [
        "\n".join(part["text"] for part in message["content"] if part["type"] == "text")
        for message in conversation.messages
    ]
    return list(zip(words[0::2], words[1::2], strict=True))


def chosen(question: str, letter: str) -> str:
    (option,) = re.findall(rf"^{letter}\. (.*)$", question, re.MULTILINE)
    return str(option)


def thing_of(phrase: str, things: tuple[Thing, ...]) -> Thing:
    (found,) = [
        thing
        for thing in things
        if phrase == f"the {thing.name}" or phrase.endswith(f"marked {thing.mark}")
    ]
    return found


@pytest.mark.parametrize("seed", range(60))
def test_replies_about_things_are_true(seed: int) -> None:
    conversation = lesson(pair(), 1, np.random.default_rng(seed))
    is_mirrored = np.random.default_rng(seed).random() < 0.5
    things = mirrored(pair()).things if is_mirrored else THINGS
    assert len(conversation.images) == 1
    assert turns(conversation)
    for question, reply in turns(conversation):
        if place := re.match(r"Where is (.*)\?$", question):
            thing = thing_of(place[1], things)
            assert reply == f"{int(10 * thing.u)} {int(10 * thing.v)} {thing.distance_m:.1f}"
        elif side := re.match(r"Is (.*) to the (left|right) of (.*)\?", question):
            one, other = thing_of(side[1], things), thing_of(side[3], things)
            is_left = one.u < other.u
            assert chosen(question, reply) == ("yes" if is_left == (side[2] == "left") else "no")
        elif side := re.match(r"On which side of (.*) is (.*)\?", question):
            one, other = thing_of(side[2], things), thing_of(side[1], things)
            assert chosen(question, reply) == ("left" if one.u < other.u else "right")
        elif near := re.match(
            r"Which is (nearer to|farther from) the camera: (.*) or (.*)\?", question
        ):
            low, high = sorted(
                (thing_of(near[2], things), thing_of(near[3], things)), key=lambda t: t.distance_m
            )
            expected = low if near[1] == "nearer to" else high
            assert thing_of(chosen(question, reply), things) == expected
        elif high := re.match(r"Which is higher in the picture: (.*) or (.*)\?", question):
            both = [thing_of(high[1], things), thing_of(high[2], things)]
            assert thing_of(chosen(question, reply), things) == min(both, key=lambda t: t.v)
        else:
            assert re.match(r"Which is nearer to .*: .* or .*\?", question), question


@pytest.mark.parametrize("seed", range(20))
def test_what_has_no_name_is_asked_for_by_its_mark(seed: int) -> None:
    nameless = replace(pair(), things=tuple(replace(thing, name=None) for thing in THINGS))
    conversation = lesson(nameless, 1, np.random.default_rng(seed))
    assert conversation.images == [nameless.marked]
    asked = [question for question, _ in turns(conversation) if question.startswith("Where")]
    assert {question[-2] for question in asked} == {"P", "Q"}


@pytest.mark.parametrize("movement", MOVEMENTS)
@pytest.mark.parametrize("seed", range(6))
def test_replies_about_movements_are_true(movement: str, seed: int) -> None:
    turn, forward, left = MOVEMENTS[movement]
    moved = pair(33.0 * turn, 0.52 * forward, 0.41 * left)
    is_mirrored = np.random.default_rng(seed).random() < 0.5
    seen = mirrored(moved) if is_mirrored else moved
    conversation = lesson(moved, 2, np.random.default_rng(seed))
    assert len(conversation.images) == 2
    (asked, reply), *measures = turns(conversation)
    assert chosen(asked, reply) == name_movement(seen.turn_left_deg, seen.forward_m, seen.left_m)
    replies = {question.split()[2]: number for question, number in measures}
    assert replies["degrees"] == str(round(seen.turn_left_deg))
    assert replies["decimetres"] == f"{round(10 * seen.forward_m)} {round(10 * seen.left_m)}"


def test_a_mirror_swaps_left_and_right_and_takes_marks_away() -> None:
    seen = mirrored(pair(30.0, 0.5, 0.2))
    assert (seen.turn_left_deg, seen.forward_m, seen.left_m) == (-30.0, 0.5, -0.2)
    assert [thing.u for thing in seen.things] == pytest.approx([0.8, 0.2, 0.5])
    assert {thing.mark for thing in seen.things} == {None}


@pytest.mark.parametrize("share", [0.0, 0.3, 0.5, 0.7])
def test_lessons_come_early_and_make_up_their_share(share: float) -> None:
    preset = resolve("sat-tiny", [f"lesson_share={share}", "sample_count=20000"])
    places = lesson_places(preset, np.random.default_rng(0))
    assert places.mean() == pytest.approx(share, abs=0.02)
    if share:
        assert places[:5000].mean() > places[-5000:].mean() + 0.2
