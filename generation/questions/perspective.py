"""What someone at a marked spot on the floor has on the left, behind, nearer, or hidden."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import count

import numpy as np

from generation.question import Mark, Question, Skip, make_question
from generation.refer import has_unique_name, mark_objects, markable_objects, named_objects
from generation.relations import angle_at_rad, is_clear, is_recognised, nearer_to
from generation.sight import Seen
from generation.spots import Spot, visible_spots
from generation.vantage import (
    BEHIND,
    CLOSER,
    FARTHER,
    FRONT,
    HIDDEN,
    LEFT,
    MIN_REACH_M,
    RIGHT,
    VISIBLE,
    look_from,
    reach_m,
    screens_in,
    verdict_of,
)
from generation.views import Stage

NAME = "perspective"

MIN_CHOICES = 2
"""Every truth must be possible at this many spots."""
MAX_SPOTS = 60
MAX_TRIED_SPOTS = 5
"""What hides a thing whole is rarer than what leaves it whole: more than one spot is tried."""
MAX_HIDDEN_PIXELS = 0
ATTEMPTS_PER_VIEW, ATTEMPTS_PER_KIND = 4, 12
ATTEMPTS_AT_HIDING = 60
"""Few views show something that could hide another thing: all of them are tried."""

OPTIONS: dict[str, tuple[str, str]] = {
    "side": (LEFT, RIGHT),
    "front": (FRONT, BEHIND),
    "approach": (CLOSER, FARTHER),
    "hidden": (VISIBLE, HIDDEN),
}
TEXTS: dict[str, tuple[str, ...]] = {
    "side": (
        "If I stand on the red cross on the floor, facing {f}, where is {x}?",
        "Imagine standing on the red cross and looking towards {f}. On which side is {x}?",
    ),
    "front": (
        "If I stand on the red cross on the floor, facing {f}, where is {x}?",
        "Imagine standing on the red cross and looking towards {f}. Where would {x} be?",
    ),
    "approach": (
        "If I walk from the camera to the red cross, will I be closer to {x} than now?",
        "Once I stand on the red cross, will I be closer to {x} than now or farther away from it?",
    ),
    "hidden": (
        "If I stand on the red cross on the floor and turn to {x}, could I see it?",
        "Imagine standing on the red cross and looking towards {x}. Is it visible from there?",
    ),
    "nearer": (
        "If I stand on the red cross on the floor, which is nearer to me: {list}?",
        "For someone standing on the red cross, which of these is the nearer one: {list}?",
    ),
}


@dataclass(frozen=True, eq=False)
class Elsewhere:
    """A view with a spot in it, and what a camera really put there sees."""

    seen: Seen
    spot: Spot
    kind: str
    object_id: str
    other_id: str | None
    """The object that is faced, or that is compared; None where there is none."""
    from_spot: tuple[Seen, ...]
    """Looking where one faces, or at each object that is compared."""
    drawn: str
    """The option that was drawn, or the object_id of the nearer object."""


def sample(stage: Stage, rng: np.random.Generator) -> Iterator[Elsewhere | Skip]:
    """Draw the objects and the truth, then a visible spot on the floor that makes it true."""
    # Finding spots and names is dear, and the views are few.
    spots_of = cache(lambda index: visible_spots(stage, stage.pool[index]))
    able_of = cache(lambda index, kind: _able(stage.pool[index], kind))
    for plan in count():
        if not stage.pool:
            return
        kind, drawn = list(TEXTS)[rng.integers(len(TEXTS))], int(rng.integers(2))
        found: Elsewhere | Skip = Skip(NAME, "not enough clear objects")
        for attempt in range(ATTEMPTS_AT_HIDING if kind == "hidden" else ATTEMPTS_PER_KIND):
            index = (plan + attempt // ATTEMPTS_PER_VIEW) % len(stage.pool)
            seen = stage.pool[index]
            objects = _draw_objects(able_of(index, kind), kind, rng)
            if objects is not None:
                found = _place(stage, seen, spots_of(index), kind, objects, drawn, rng)
            if isinstance(found, Elsewhere):
                break
        yield found


def _able(seen: Seen, kind: str) -> list[str]:
    """Return the objects that a question of a kind can speak of."""
    if kind == "hidden" and not screens_in(seen):
        return []
    able = markable_objects(seen)
    return able if kind == "nearer" else list(dict.fromkeys([*named_objects(seen), *able]))


def _draw_objects(
    able: list[str], kind: str, rng: np.random.Generator
) -> tuple[str, str | None] | None:
    """Return the object that is asked about and another one, if the kind needs one."""
    needed = 2 if kind in ("side", "front", "nearer") else 1
    if len(able) < needed:
        return None
    chosen = [able[i] for i in rng.permutation(len(able))[:needed]]
    return chosen[0], chosen[1] if needed == 2 else None


def _place(
    stage: Stage,
    seen: Seen,
    visible: list[Spot],
    kind: str,
    objects: tuple[str, str | None],
    drawn: int,
    rng: np.random.Generator,
) -> Elsewhere | Skip:
    """Choose a spot from which the first or second option is true, and look from there."""
    object_id, other_id = objects
    spots = [
        spot
        for spot in visible
        if all(reach_m(seen, spot, key) >= MIN_REACH_M for key in objects if key)
    ]
    verdict = verdict_of(seen, kind, object_id, other_id)
    choices: dict[str, list[Spot]] = {option: [] for option in _options(kind, objects)}
    for index in rng.permutation(len(spots))[:MAX_SPOTS].tolist():
        spot = spots[index]
        truth = verdict(spot)
        if truth is not None:
            choices[truth].append(spot)
    if min(map(len, choices.values())) < MIN_CHOICES:
        return Skip(NAME, f"no spots for both answers: {kind}")
    truth, fitting = list(choices.items())[drawn]
    faced = {"nearer": objects, "side": (other_id,), "front": (other_id,)}.get(kind, (object_id,))
    for index in rng.permutation(len(fitting))[:MAX_TRIED_SPOTS].tolist():
        spot = fitting[index]
        views = tuple(look_from(stage, seen, spot, key) for key in faced if key is not None)
        found = Elsewhere(seen, spot, kind, object_id, other_id, views, truth)
        if _is_confirmed(found):
            return found
    return Skip(NAME, f"no margin from the spot: {kind}")


def _options(kind: str, objects: tuple[str, str | None]) -> tuple[str, ...]:
    first, second = objects
    return (first, second or "") if kind == "nearer" else OPTIONS[kind]


def ask(elsewhere: Elsewhere, rng: np.random.Generator) -> Iterator[Question | Skip]:
    """Ask for what one has where; its truth is what the camera over the spot sees."""
    seen, kind = elsewhere.seen, elsewhere.kind
    cross = Mark(0, "cross", "", elsewhere.spot.pixel, "red")
    truth = elsewhere.drawn if _is_confirmed(elsewhere) else None
    if truth is None:
        yield Skip(NAME, f"no margin from the spot: {kind}")
        return
    keys = [key for key in (elsewhere.object_id, elsewhere.other_id) if key is not None]
    unnamed = [key for key in keys if kind == "nearer" or not has_unique_name(seen, key)]
    marked = mark_objects(seen, unnamed, rng, avoid=[cross.pixels])
    if marked is None:
        yield Skip(NAME, "marks would touch")
        return
    phrases = {key: f"the {seen.object(key).name}" for key in keys}
    template = TEXTS[kind][rng.integers(len(TEXTS[kind]))]
    if kind == "nearer":
        phrases = {key: marked.phrase(key) for key in keys}
        order = [keys[i] for i in rng.permutation(2)]
        text = template.format(list=" or ".join(phrases[key] for key in order))
        answer, wrong = phrases[truth], [phrases[key] for key in keys if key != truth]
    else:
        for key in unnamed:
            phrases[key] = marked.phrase(key, seen.object(key).category)
        text = template.format(x=phrases[keys[0]], f=phrases[keys[-1]])
        answer, wrong = truth, [option for option in OPTIONS[kind] if option != truth]
    yield make_question(
        NAME,
        text,
        answer,
        wrong,
        [seen.observation],
        rng,
        marks=(cross, *marked.marks),
        hidden_frames=[view.observation for view in elsewhere.from_spot],
        evidence=_evidence(elsewhere, phrases),
        topic=f"{kind}:{'|'.join(sorted(keys))}",
    )


def _is_confirmed(elsewhere: Elsewhere) -> bool:
    """Say whether the cameras over the spot see what was drawn."""
    views, key = elsewhere.from_spot, elsewhere.object_id
    if elsewhere.kind == "hidden":
        sight = views[0].sights.get(key)
        if elsewhere.drawn == HIDDEN:
            return sight is None or sight.pixels <= MAX_HIDDEN_PIXELS
        return sight is not None and is_clear(sight)
    if elsewhere.kind == "nearer":
        keys = (key, elsewhere.other_id or "")
        sights = [view.sights.get(k) for view, k in zip(views, keys, strict=True)]
        if any(sight is None or not is_recognised(sight) for sight in sights):
            return False
        distances = [sight.distance_m for sight in sights if sight is not None]
        first_is_nearer = nearer_to(distances[0], distances[1])
        return first_is_nearer is not None and first_is_nearer == (elsewhere.drawn == key)
    if elsewhere.kind == "side":
        return _is_side_confirmed(views[0], key, elsewhere.drawn)
    return True


def _is_side_confirmed(view: Seen, object_id: str, drawn: str) -> bool:
    """An object that the camera over the spot sees must be on the side that was drawn."""
    sight = view.sights.get(object_id)
    if sight is None:
        return True
    middle_px = sight.picture_px[0] / 2
    return (sight.center_px[0] < middle_px) == (drawn == LEFT)


def _evidence(elsewhere: Elsewhere, phrases: dict[str, str]) -> dict[str, object]:
    seen, spot = elsewhere.seen, elsewhere.spot
    keys = {"target": elsewhere.object_id}
    if elsewhere.other_id is not None:
        keys["rival" if elsewhere.kind == "nearer" else "faced"] = elsewhere.other_id
    evidence: dict[str, object] = {
        "kind": elsewhere.kind,
        "objects": keys,
        "spot_m": [float(value) for value in spot.point_m],
        "spot_px": list(spot.pixel),
        "reach_m": {key: reach_m(seen, spot, key) for key in keys.values()},
    }
    if elsewhere.kind == "nearer":
        evidence["phrases"] = phrases
    elif elsewhere.other_id is not None:
        angle = angle_at_rad(
            spot.point_m,
            seen.object(elsewhere.other_id).center_m,
            seen.object(elsewhere.object_id).center_m,
        )
        evidence["angle_left_deg"] = math.degrees(angle)
    return evidence
