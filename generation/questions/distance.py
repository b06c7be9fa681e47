"""Which of two or three objects is nearer to another, in the room."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from generation.question import Question, Skip, make_question
from generation.refer import clear_objects, has_unique_name, mark_objects, markable_objects
from generation.relations import nearer_to
from generation.sight import Seen

NAME = "distance"
MIN_GAP_M = 0.05
"""What touches is too easy."""

NEARER = (
    "Which is closer to {anchor}: {list}?",
    "Measured in the room, which one is nearer to {anchor}: {list}?",
    "Which of these has the shorter distance to {anchor}: {list}?",
)
FARTHER = (
    "Which is farther from {anchor}: {list}?",
    "Measured in the room, which one is farther away from {anchor}: {list}?",
    "Which of these has the longer distance to {anchor}: {list}?",
)


def ask(seen: Seen, rng: np.random.Generator) -> Iterator[Question | Skip]:
    """Ask about every pair of marked objects and every anchor.

    How far apart things stand is the same from everywhere, and names tell much of it (a chair and
    its table): the candidates are always marked.
    """
    clear, markable = clear_objects(seen), markable_objects(seen)
    if len(clear) < 3:
        yield Skip(NAME, "fewer than three clear objects")
    for anchor in clear:
        others = [key for key in markable if key != anchor]
        for pair in combinations(others, 2):
            yield _ask(seen, anchor, pair, rng)


def _ask(
    seen: Seen, anchor: str, pair: tuple[str, str], rng: np.random.Generator
) -> Question | Skip:
    wants_nearer = bool(rng.random() < 0.5)
    first, second = pair if rng.random() < 0.5 else pair[::-1]
    template = (NEARER if wants_nearer else FARTHER)[rng.integers(len(NEARER))]
    distances = {key: _distances_m(seen, anchor, key) for key in (first, second)}
    verdicts = {nearer_to(a, b) for a, b in zip(distances[first], distances[second], strict=True)}
    if len(verdicts) > 1 or None in verdicts:
        return Skip(NAME, "no margin")
    if min(distances[key][-1] for key in (first, second)) < MIN_GAP_M:
        return Skip(NAME, "one stands on the other or touches it")
    is_named = has_unique_name(seen, anchor)
    marked = mark_objects(seen, (first, second) if is_named else (first, second, anchor), rng)
    if marked is None:
        return Skip(NAME, "marks would touch")
    phrases = {key: marked.phrase(key) for key in (first, second)}
    phrases[anchor] = f"the {seen.object(anchor).name}" if is_named else marked.phrase(anchor)
    answer, other = (first, second) if verdicts == {wants_nearer} else (second, first)
    return make_question(
        NAME,
        template.format(anchor=phrases[anchor], list=f"{phrases[first]} or {phrases[second]}"),
        phrases[answer],
        [phrases[other]],
        [seen.observation],
        rng,
        marks=marked.marks,
        evidence={
            "kind": "nearer" if wants_nearer else "farther",
            "objects": {"anchor": anchor, "first": first, "second": second},
            "answer": answer,
            "phrases": phrases,
            "distance_m": {key: list(value) for key, value in distances.items()},
        },
        topic=f"{anchor}:{'|'.join(sorted(pair))}",
    )


def _distances_m(seen: Seen, anchor: str, other: str) -> tuple[float, float, float]:
    """Return the distance between what is seen, between middles, and between surfaces.

    People differ in which of these they mean; a question is asked only where they agree.
    """
    a, b = seen.object(anchor), seen.object(other)
    seen_m = np.linalg.norm(seen.sights[anchor].center_m - seen.sights[other].center_m)
    middle_m = np.linalg.norm(a.center_m - b.center_m)
    gap_m = np.maximum(np.abs(a.center_m - b.center_m) - (a.size_m + b.size_m) / 2, 0)
    return float(seen_m), float(middle_m), float(np.linalg.norm(gap_m))
