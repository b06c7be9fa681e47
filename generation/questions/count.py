"""How many objects of a kind are visible."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np

from generation.houses.naming import PARTS, words_for
from generation.pose import Array
from generation.question import Balance, Question, Skip, make_question
from generation.relations import (
    MIN_CLEAR_AREA_SHARE,
    MIN_RECOGNISED_AREA_SHARE,
    is_recognised,
    is_seen,
)
from generation.scene import SceneObject
from generation.sight import Seen, Sight
from generation.views import Stage, fault

NAME = "count"

TEXTS = (
    "How many {plural} can you see in this image?",
    "Count the {plural} in this image. How many are there?",
    "What is the number of {plural} that are visible here?",
)
MAX_COUNT = 8
AIMED_VIEWS = 4
TURNS_DEG = (-48, -40, -32, -24, -16, 16, 24, 32, 40, 48)
MIN_RECOGNISED = 3
OPTION_COUNTS = (2, 3, 4)
MIN_UNOCCLUDED_SHARE = 0.6
SEATS = frozenset(
    (
        "armchair", "beanbag", "chair", "corner sofa", "high chair", "lounge chair",
        "office chair", "sofa", "wheelchair",
    )
)  # fmt: skip
MIN_SEAT_AREA_SHARE = 0.03
"""From the side, or far away, a sofa looks like a chair: other seats than those that are counted
cover this much of the picture or nobody counts."""
MAX_SIZE_RATIO = 2.0
"""What is too small to be recognised may be anything of about its size."""


def sample(stage: Stage, rng: np.random.Generator) -> Iterator[Seen]:
    """Yield the pool's views, what was looked at for other questions, and views made to order.

    Those turn some of several instances out of the picture, so that other numbers come true.
    """
    known = {id(seen) for seen in stage.pool}
    others = [seen for seen in stage.looks if id(seen) not in known]
    views = [*stage.pool, *(seen for seen in others if fault(seen, MIN_RECOGNISED) is None)]
    yield from views
    several: dict[str, list[tuple[Seen, list[str]]]] = defaultdict(list)
    for seen in views:
        for category, shown in _counted(seen).items():
            if not isinstance(shown, Skip) and len(shown) > 1:
                several[category].append((seen, shown))
    aimed = 0
    for category in [sorted(several)[i] for i in rng.permutation(len(several))]:
        seen, shown = several[category][rng.integers(len(several[category]))]
        turns_rad = _turns_that_leave_some(seen, shown)
        if turns_rad and aimed < AIMED_VIEWS:
            aimed += 1
            turn_rad = turns_rad[rng.integers(len(turns_rad))]
            turned = stage.look(seen.observation.pose.moved(turn_left_rad=turn_rad))
            if fault(turned, MIN_RECOGNISED) is None:
                yield turned


def _turns_that_leave_some(seen: Seen, shown: list[str]) -> list[float]:
    """Return turns to the left after which some of the objects are whole, and none is cut."""
    observation = seen.observation
    size_px = (observation.camera.width_px, observation.camera.height_px)
    result = []
    for turn_deg in TURNS_DEG:
        turn_rad = math.radians(turn_deg)
        pose, whole, cut = observation.pose.moved(turn_left_rad=turn_rad), 0, 0
        for key in shown:
            points_px, _ = observation.camera.project(pose, seen.object(key).surface_points_m)
            with np.errstate(invalid="ignore"):
                inside = ((points_px >= 0) & (points_px < size_px)).all(axis=1)
            whole += bool(inside.all())
            cut += bool(inside.any() and not inside.all())
        if 0 < whole < len(shown) and not cut:
            result.append(turn_rad)
    return result


def ask(seen: Seen, rng: np.random.Generator) -> Iterator[Question | Skip]:
    """Ask for the number of every kind, with every run of numbers around it as options.

    A kind's name tells much of its usual number. So every run of numbers is a subject of its own,
    kept only where views of the scene show all of its numbers, and all equally often.
    """
    counted = _counted(seen)
    if not counted:
        yield Skip(NAME, "nothing to count")
    for category, shown in counted.items():
        if isinstance(shown, Skip):
            yield shown
            continue
        for size in OPTION_COUNTS:
            # "0 or 1" would only ask whether there is one.
            least = 1 if size == 2 else 0
            for low in range(max(least, len(shown) - size + 1), len(shown) + 1):
                yield _ask(seen, category, shown, range(low, low + size), rng)


def _counted(seen: Seen) -> dict[str, list[str] | Skip]:
    """Return the visible instances of every kind, or why it cannot be counted."""
    items = seen.observation.objects.values()
    sizes_m: dict[str, list[Array]] = defaultdict(list)
    for item in items:
        sizes_m[item.category].append(item.size_m)
    shown: dict[str, list[str]] = defaultdict(list)
    for key in seen.sights:
        shown[seen.object(key).category].append(key)
    visible = [(seen.object(key), sight) for key, sight in seen.sights.items() if is_seen(sight)]
    return {
        kind: _instances(seen, kind, shown.get(kind, []), visible, sizes_m[kind])
        for kind in sorted({item.category for item in items if item.askable})
    }


def _instances(
    seen: Seen,
    category: str,
    shown: list[str],
    visible: Sequence[tuple[SceneObject, Sight]],
    sizes_m: list[Array],
) -> list[str] | Skip:
    """Return the instances that are shown; none may be half seen or of a doubtful kind."""
    if not all(_is_plain(seen.sights[key]) for key in shown):
        return Skip(NAME, "an instance is half hidden, cut or tiny")
    if len(shown) > MAX_COUNT:
        return Skip(NAME, "too many to count")
    for item, sight in visible:
        if item.category != category and could_be(item, sight, category, sizes_m):
            return Skip(NAME, "something alike is in view")
    return shown


def _is_plain(sight: Sight) -> bool:
    """Say whether nobody could overlook an instance: stricter than to recognise it at all."""
    return (
        is_recognised(sight)
        and sight.area_share >= MIN_CLEAR_AREA_SHARE
        and sight.unoccluded_share >= MIN_UNOCCLUDED_SHARE
    )


def could_be(item: SceneObject, sight: Sight, category: str, sizes_m: list[Array]) -> bool:
    """Say whether something of another kind could be counted among a kind."""
    if category in words_for(item.category) or item.category in words_for(category):
        return True
    if category in PARTS.get(item.category, ()):
        return True
    if {item.category, category} <= SEATS and sight.area_share < MIN_SEAT_AREA_SHARE:
        return True
    return sight.area_share < MIN_RECOGNISED_AREA_SHARE and any(
        _as_large(item.size_m, size_m) for size_m in sizes_m
    )


def _as_large(first_m: Array, second_m: Array) -> bool:
    """Say whether two things have about the same size, however they are turned."""
    sides_m = zip(sorted(first_m.tolist()), sorted(second_m.tolist()), strict=True)
    return all(1 / MAX_SIZE_RATIO < a / max(b, 1e-3) < MAX_SIZE_RATIO for a, b in sides_m)


def _ask(
    seen: Seen, category: str, shown: list[str], options: range, rng: np.random.Generator
) -> Question:
    items = seen.observation.objects.values()
    plurals = (item.plural for item in items if item.category == category and item.plural)
    plural = next(plurals, f"{category}s")
    texts = [str(number) for number in options]
    answer = str(len(shown))
    return make_question(
        NAME,
        TEXTS[rng.integers(len(TEXTS))].format(plural=plural),
        answer,
        [text for text in texts if text != answer],
        [seen.observation],
        rng,
        evidence={
            "kind": "count",
            "category": category,
            "objects": {str(number): key for number, key in enumerate(shown)},
            "pixels": {key: seen.sights[key].pixels for key in shown},
        },
        topic=f"{category}:{answer}",
        balance=Balance(f"{NAME}:{category}:{'|'.join(texts)}", answer, tuple(texts)),
    )
