"""Short conversations about pairs of pictures, for a model that starts from nothing.

They ask for what a spatial question rests on: where things are, how far, what lies between two
views. Several turns about one picture teach more than one question would, and their truth comes
from the engine like that of all questions. Relations are asked only beyond the margins below.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
from PIL import Image

from finetune.pairs import Pair, Thing, mirrored
from sat_tasks.movements import MOVEMENTS, name_movement
from sat_tasks.prompt import build_prompt, reply_text

MAX_PLACES = 3
MAX_CHOICES = 4
MAX_THINGS_COMPARED = 6
MIN_SIDE_GAP = 0.1
"""Share of the picture's width or height."""
MIN_RATIO = 1.25
MIN_GAP_M = 0.4
MARKED_SHARE, MIRRORED_SHARE = 0.5, 0.5

Turn = tuple[str, str]
"""What is asked, and the reply."""


@dataclass(frozen=True, eq=False)
class Lesson:
    """A conversation about pictures, and where what it is about can be seen."""

    messages: list[dict[str, Any]]
    images: list[Image.Image]
    pair: Pair | None
    """As it is shown: mirrored or not; None where it is about something else."""
    places: dict[str, tuple[float, float]]
    """Where things of which is spoken are, by what they are called: shares of the first picture
    (u, v)."""
    are_all_placed: bool = True
    """Whether all things of which is spoken have places."""


def lesson(pair: Pair, picture_count: int, rng: np.random.Generator) -> Lesson:
    """Return a conversation.

    Args:
        pair: What it is about.
        picture_count: 1: where the things of the first view are, some of which must have names or
            marks. 2: how the camera moved.
        rng: Draws what is asked.
    """
    # Marks cannot be mirrored: what has no names is shown as it is.
    may_mirror = picture_count == 2 or any(thing.name for thing in pair.things)
    pair = mirrored(pair) if rng.random() < MIRRORED_SHARE and may_mirror else pair
    places: dict[str, tuple[float, float]] = {}
    if picture_count == 2:
        pictures, turns = _about_movement(pair, rng)
    else:
        pictures, turns, places = _about_things(pair, rng)
    first = ["Image 1:", None, "Image 2:", None] if picture_count == 2 else [None]
    opening = [{"type": "image"} if text is None else _text(text) for text in first]
    messages = []
    for number, (question, reply) in enumerate(turns):
        content = [*(opening if number == 0 else []), _text(question)]
        messages.append({"role": "user", "content": content})
        messages.append({"role": "assistant", "content": [_text(reply)]})
    return Lesson(messages, pictures, pair, places)


def _text(text: str) -> dict[str, str]:
    return {"type": "text", "text": text}


def _about_things(
    pair: Pair, rng: np.random.Generator
) -> tuple[list[Image.Image], list[Turn], dict[str, tuple[float, float]]]:
    has_marks = any(thing.mark for thing in pair.things)
    has_names = any(thing.name for thing in pair.things)
    is_marked = has_marks and (rng.random() < MARKED_SHARE or not has_names)
    named = [(thing, phrase) for thing in pair.things if (phrase := _phrase(thing, is_marked, rng))]
    named = [named[i] for i in rng.permutation(len(named))]
    choices = list(_comparisons(pair, named[:MAX_THINGS_COMPARED], rng))
    # Choices come first: places in the words before them would tell without a look.
    turns = [choices[i] for i in rng.permutation(len(choices))[:MAX_CHOICES]]
    turns += [_place(*item, rng) for item in named[:MAX_PLACES]]
    picture = pair.marked if is_marked else pair.first
    return [picture], turns, {phrase: (thing.u, thing.v) for thing, phrase in named}


def _phrase(thing: Thing, is_marked: bool, rng: np.random.Generator) -> str | None:
    if is_marked and thing.mark and (thing.name is None or rng.random() < 0.7):
        noun = "object" if rng.random() < 0.7 else thing.category
        return f"the {noun} marked {thing.mark}"
    return None if thing.name is None else f"the {thing.name}"


def _place(thing: Thing, phrase: str, rng: np.random.Generator) -> Turn:
    """Ask for tenths of the picture from the left and from the top, and metres."""
    column, row = (min(int(10 * share), 9) for share in (thing.u, thing.v))
    return (f"Where is {phrase}?", f"{column} {row} {thing.distance_m:.1f}")


def _comparisons(
    pair: Pair, named: Sequence[tuple[Thing, str]], rng: np.random.Generator
) -> Iterator[Turn]:
    for (one, its_name), (other, other_name) in permutations(named, 2):
        for make in (_left_of, _nearer, _higher):
            turn = make(one, its_name, other, other_name, rng)
            if turn is not None:
                yield turn
    for (one, its_name), (other, other_name), (third, name) in permutations(named, 3):
        gaps_m = [_gap_m(pair, thing, third) for thing in (one, other)]
        if _is_clear(*gaps_m):
            nearer, farther = sorted(((gaps_m[0], its_name), (gaps_m[1], other_name)))
            yield _choice(
                f"Which is nearer to {name}: {its_name} or {other_name}?",
                nearer[1],
                [farther[1]],
                rng,
            )


def _left_of(
    one: Thing, its_name: str, other: Thing, other_name: str, rng: np.random.Generator
) -> Turn | None:
    if abs(one.u - other.u) < MIN_SIDE_GAP:
        return None
    asks_left = bool(rng.random() < 0.5)
    side = "left" if asks_left else "right"
    truth = (one.u < other.u) == asks_left
    if rng.random() < 0.5:
        words = ("yes", "no") if truth else ("no", "yes")
        return _choice(f"Is {its_name} to the {side} of {other_name}?", words[0], [words[1]], rng)
    right, wrong = ("left", "right") if one.u < other.u else ("right", "left")
    return _choice(f"On which side of {other_name} is {its_name}?", right, [wrong], rng)


def _nearer(
    one: Thing, its_name: str, other: Thing, other_name: str, rng: np.random.Generator
) -> Turn | None:
    if not _is_clear(one.distance_m, other.distance_m):
        return None
    asks_nearer = bool(rng.random() < 0.5)
    one_is_it = (one.distance_m < other.distance_m) == asks_nearer
    right, wrong = (its_name, other_name) if one_is_it else (other_name, its_name)
    word = "nearer to" if asks_nearer else "farther from"
    return _choice(f"Which is {word} the camera: {its_name} or {other_name}?", right, [wrong], rng)


def _higher(
    one: Thing, its_name: str, other: Thing, other_name: str, rng: np.random.Generator
) -> Turn | None:
    if abs(one.v - other.v) < MIN_SIDE_GAP:
        return None
    right, wrong = (its_name, other_name) if one.v < other.v else (other_name, its_name)
    return _choice(
        f"Which is higher in the picture: {its_name} or {other_name}?", right, [wrong], rng
    )


def _is_clear(one_m: float, other_m: float) -> bool:
    low, high = sorted((one_m, other_m))
    return high - low > MIN_GAP_M and high > MIN_RATIO * low


def _gap_m(pair: Pair, one: Thing, other: Thing) -> float:
    half = math.tan(math.radians(pair.fovy_deg) / 2)
    points = []
    for thing in (one, other):
        ray = np.array([(2 * thing.u - 1) * half, (2 * thing.v - 1) * half, 1.0])
        points.append(ray / np.linalg.norm(ray) * thing.distance_m)
    return float(np.linalg.norm(points[0] - points[1]))


def _choice(question: str, right: str, wrong: Sequence[str], rng: np.random.Generator) -> Turn:
    options = [right, *wrong]
    options = [options[i] for i in rng.permutation(len(options))]
    parts = build_prompt(question, options, 1)
    return str(parts[-1]), reply_text(options, options.index(right))


def _about_movement(pair: Pair, rng: np.random.Generator) -> tuple[list[Image.Image], list[Turn]]:
    measures = [
        ("How many degrees did the camera turn to the left?", f"{round(pair.turn_left_deg)}"),
        (
            "How many decimetres did the camera move ahead, and to the left?",
            f"{round(10 * pair.forward_m)} {round(10 * pair.left_m)}",
        ),
    ]
    turns = [measures[i] for i in rng.permutation(len(measures))]
    truth = name_movement(pair.turn_left_deg, pair.forward_m, pair.left_m)
    if truth is not None:
        others = [name for name in MOVEMENTS if name != truth and not _look_alike(name, truth)]
        count = int(rng.integers(1, 4))
        wrong = [others[i] for i in rng.permutation(len(others))[:count]]
        turns.insert(0, _choice("How did the camera move?", truth, wrong, rng))
    return [pair.first, pair.second], turns


def _look_alike(name: str, other: str) -> bool:
    """Say whether one turns and the other steps to the same side: too alike in small pictures."""
    (turn, _, left), (other_turn, _, other_left) = MOVEMENTS[name], MOVEMENTS[other]
    return bool((turn and turn == other_left) or (left and left == other_turn))
