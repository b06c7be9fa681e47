"""Where one object lies relative to another: left or right, above or below, in front or behind."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

import numpy as np

from generation.question import Balance, Question, Skip, make_question
from generation.refer import Marked, clear_objects, has_unique_name, mark_objects, markable_objects
from generation.relations import above, in_front_of, left_of
from generation.sight import Seen

NAME = "relation"
RELATIONS = {"side": left_of, "height": above, "line": in_front_of}

WORDS = {
    "side": ("to the left of", "to the right of"),
    "height": ("higher up than", "lower down than"),
    "line": ("in front of", "behind"),
}
"""What is said where the relation holds of (first, second), and where it does not."""

CHOICES: dict[str, tuple[tuple[str, tuple[str, str]], ...]] = {
    "side": (
        ("Is {a} to the left or to the right of {b} in this image?", ("left", "right")),
        ("As seen here, on which side of {b} is {a}?", ("the left side", "the right side")),
        ("Where is {a} compared with {b} in this image?", ("to the left", "to the right")),
    ),
    "height": (
        ("Is {a} higher up or lower down in the room than {b}?", ("higher up", "lower down")),
        ("Compared with {b}, is {a} higher up or lower down?", ("higher up", "lower down")),
    ),
    "line": (
        ("Is {a} in front of {b} or behind it, as seen from the camera?", ("in front", "behind")),
        ("Seen from the camera, where is {a} relative to {b}?", ("in front of it", "behind it")),
    ),
}
YES_NO = (
    "Is {a} {words} {b}, as seen from the camera?",
    "Looking at this image, is {a} {words} {b}?",
)
YES_NO_HEIGHT = (
    "Is {a} {words} {b} in this room?",
    "Looking at this room, is {a} {words} {b}?",
)
"""Height is that in the room, wherever one looks from."""
YES_NO_SHARE = 0.35


def ask(seen: Seen, rng: np.random.Generator) -> Iterator[Question | Skip]:
    """Ask about every pair of clear objects."""
    clear = clear_objects(seen)
    if len(clear) < 2:
        yield Skip(NAME, "fewer than two clear objects")
    for pair in combinations(clear, 2):
        for kind in RELATIONS:
            yield _ask_pair(seen, kind, pair, rng)


def _ask_pair(
    seen: Seen, kind: str, pair: tuple[str, str], rng: np.random.Generator
) -> Question | Skip:
    # Which object comes first, and what is asked for, is settled before the truth is known.
    first, second = pair if rng.random() < 0.5 else pair[::-1]
    asks_yes_no, negated = rng.random() < YES_NO_SHARE, bool(rng.random() < 0.5)
    holds = RELATIONS[kind](seen.sights[first], seen.sights[second])
    if holds is None:
        return Skip(NAME, f"no margin: {kind}")
    marked = _marks(seen, kind, (first, second), rng)
    if isinstance(marked, Skip):
        return marked
    phrases = _phrases(seen, kind, first, second, marked)
    if asks_yes_no:
        texts = YES_NO_HEIGHT if kind == "height" else YES_NO
        template = texts[rng.integers(len(texts))]
        text = template.format(a=phrases[0], b=phrases[1], words=WORDS[kind][negated])
        options = ("yes", "no") if holds != negated else ("no", "yes")
    else:
        template, words = CHOICES[kind][rng.integers(len(CHOICES[kind]))]
        text = template.format(a=phrases[0], b=phrases[1])
        options = words if holds else words[::-1]
    return make_question(
        NAME, text, options[0], options[1:], [seen.observation], rng,
        marks=marked.marks if marked else (),
        evidence=_evidence(seen, kind, first, second, holds),
        topic=f"{kind}:{'|'.join(sorted(pair))}",
        balance=_balance(kind, pair, pair[0] if (first == pair[0]) == holds else pair[1])
        if marked is None
        else None,
    )  # fmt: skip


def _balance(kind: str, pair: tuple[str, str], truth: str) -> Balance | None:
    """Left and right are even by symmetry; names tell what tends to be in front."""
    if kind == "side":
        return None
    return Balance(f"{NAME}:{kind}:{'|'.join(sorted(pair))}", truth, tuple(sorted(pair)))


def _marks(
    seen: Seen, kind: str, pair: tuple[str, str], rng: np.random.Generator
) -> Marked | Skip | None:
    """Return marks where names will not do: shared ones, or ones that tell what is higher."""
    named = all(has_unique_name(seen, key) for key in pair)
    if named and kind != "height" and (kind == "side" or rng.random() < 0.5):
        return None
    if not set(pair) <= set(markable_objects(seen)):
        return Skip(NAME, "no unique name and too small for a mark")
    marked = mark_objects(seen, pair, rng)
    return marked if marked is not None else Skip(NAME, "marks would touch")


def _phrases(
    seen: Seen, kind: str, first: str, second: str, marked: Marked | None
) -> tuple[str, str]:
    if marked is None:
        return f"the {seen.object(first).name}", f"the {seen.object(second).name}"
    nouns = [seen.object(key).category if kind == "side" else "object" for key in (first, second)]
    return marked.phrase(first, nouns[0]), marked.phrase(second, nouns[1])


def _evidence(seen: Seen, kind: str, first: str, second: str, holds: bool) -> dict[str, Any]:
    a, b = seen.sights[first], seen.sights[second]
    return {
        "kind": kind,
        "objects": {"first": first, "second": second},
        "holds": holds,
        "pixels": {"first": a.pixels, "second": b.pixels},
        "center_px": {"first": list(a.center_px), "second": list(b.center_px)},
        "distance_m": {"first": a.distance_m, "second": b.distance_m},
        "height_m": {"first": float(a.center_m[2]), "second": float(b.center_m[2])},
    }
