"""Which of several objects is nearest to the camera, or farthest from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from generation.question import Balance, Question, Skip, make_question
from generation.refer import clear_objects, mark_objects, markable_objects, named_objects
from generation.relations import nearer
from generation.sight import Seen

NAME = "depth"

NEARER = (
    "Which is closer to the camera: {list}?",
    "Which of these is nearer to the camera: {list}?",
    "Of {and_list}, which one is closer to where this photo was taken from?",
)
FARTHER = (
    "Which is farther away from the camera: {list}?",
    "Which of these is farther from the camera: {list}?",
    "Of {and_list}, which one is farther from where this photo was taken from?",
)
"""Of two things."""
NEAREST = (
    "Which is closest to the camera: {list}?",
    "Which of these is nearest to the camera: {list}?",
    "Of {and_list}, which one is the closest to where this photo was taken from?",
)
FARTHEST = (
    "Which is farthest away from the camera: {list}?",
    "Which of these is farthest from the camera: {list}?",
    "Of {and_list}, which one is the farthest from where this photo was taken from?",
)
"""Of more."""
MAX_MARKED_GROUPS = 20


def ask(seen: Seen, rng: np.random.Generator) -> Iterator[Question | Skip]:
    """Ask about pairs by name or by mark, and about marked groups of three and four."""
    if len(clear_objects(seen)) < 2:
        yield Skip(NAME, "fewer than two clear objects")
        return
    named, markable = named_objects(seen), markable_objects(seen)
    for pair in combinations(named, 2):
        yield _ask(seen, pair, rng, by_name=True)
    for size in (2, 3, 4):
        groups = list(combinations(markable, size))
        for index in rng.permutation(len(groups))[:MAX_MARKED_GROUPS].tolist():
            yield _ask(seen, groups[index], rng, by_name=False)


def _ask(
    seen: Seen, group: Sequence[str], rng: np.random.Generator, *, by_name: bool
) -> Question | Skip:
    wants_nearest = bool(rng.random() < 0.5)
    order = [group[i] for i in rng.permutation(len(group))]
    nearest, farthest = (NEARER, FARTHER) if len(group) == 2 else (NEAREST, FARTHEST)
    template = (nearest if wants_nearest else farthest)[rng.integers(len(nearest))]
    answer = _extreme(seen, order, wants_nearest)
    if answer is None:
        return Skip(NAME, "no margin")
    marked = None if by_name else mark_objects(seen, order, rng)
    if marked is None and not by_name:
        return Skip(NAME, "marks would touch")
    phrases = {
        key: marked.phrase(key) if marked else f"the {seen.object(key).name}" for key in order
    }
    *head, last = phrases.values()
    subject = f"{NAME}:{'|'.join(sorted(group))}"
    truth = answer if wants_nearest else next(key for key in group if key != answer)
    return make_question(
        NAME,
        template.format(
            list=f"{', '.join(head)} or {last}", and_list=f"{', '.join(head)} and {last}"
        ),
        phrases[answer],
        [phrases[key] for key in order if key != answer],
        [seen.observation],
        rng,
        marks=marked.marks if marked else (),
        evidence={
            "kind": "nearest" if wants_nearest else "farthest",
            "objects": {str(number): key for number, key in enumerate(order)},
            "answer": answer,
            "phrases": phrases,
            "distance_m": {key: seen.sights[key].distance_m for key in order},
            "pixels": {key: seen.sights[key].pixels for key in order},
        },
        topic=subject,
        balance=Balance(subject, truth, tuple(sorted(group))) if by_name else None,
    )


def _extreme(seen: Seen, group: Sequence[str], wants_nearest: bool) -> str | None:
    """Return the nearest or farthest of a group, or None without a margin to all others."""
    ordered = sorted(group, key=lambda key: seen.sights[key].distance_m)
    answer = ordered[0] if wants_nearest else ordered[-1]
    for other in group:
        if other != answer:
            verdict = nearer(seen.sights[answer], seen.sights[other])
            if verdict is not wants_nearest:
                return None
    return answer
