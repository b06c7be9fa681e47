"""How a question speaks of an object: by a name that fits nothing else in view, or by a mark."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from generation.assets.color import alike
from generation.draw import dot_radius_px
from generation.houses.naming import PARTS, color_and_noun, words_for
from generation.question import Mark
from generation.relations import MIN_MARK_GAP_RADII, MIN_MARKED_AREA_SHARE, is_clear, is_seen
from generation.scene import SceneObject
from generation.sight import Seen

LABELS = ("P", "Q", "R", "S")
"""Letters of marks; A to D are left to the options."""
LABEL_COLORS: dict[str, str] = {"P": "red", "Q": "blue", "R": "green", "S": "magenta"}


OWN_WORDS = frozenset(
    ("camera", "cross", "floor", "frame", "image", "object", "photo", "picture", "room", "video")
)
"""Words that questions use themselves: an object of that name is marked instead."""


def fits_name(named: SceneObject, other: SceneObject) -> bool:
    """Say whether the name of one object could be taken for another."""
    color, noun = color_and_noun(named.name)
    other_color, other_noun = color_and_noun(other.name)
    if noun in PARTS.get(other.category, ()):
        return True
    if noun not in words_for(other.category) | words_for(other_noun):
        return False
    return alike(color, other_color)


def has_unique_name(seen: Seen, object_id: str) -> bool:
    """Say whether an object's name fits nothing else that can be seen."""
    item = seen.object(object_id)
    return item.name not in OWN_WORDS and not any(
        fits_name(item, seen.object(other))
        for other, sight in seen.sights.items()
        if other != object_id and is_seen(sight)
    )


def clear_objects(seen: Seen) -> list[str]:
    """Return the objects that may be asked about, in a fixed order."""
    return [
        key for key, sight in seen.sights.items() if is_clear(sight) and seen.object(key).askable
    ]


def named_objects(seen: Seen) -> list[str]:
    """Return the clear objects whose names are unique in view."""
    return [key for key in clear_objects(seen) if has_unique_name(seen, key)]


def markable_objects(seen: Seen) -> list[str]:
    """Return the clear objects that are large enough to carry a dot."""
    return [
        key for key in clear_objects(seen) if seen.sights[key].area_share >= MIN_MARKED_AREA_SHARE
    ]


@dataclass(frozen=True)
class Marked:
    """Objects with dots."""

    marks: tuple[Mark, ...]
    labels: Mapping[str, str]
    """By object_id."""

    def phrase(self, object_id: str, noun: str = "object") -> str:
        """Return "the object marked P"."""
        return f"the {noun} marked {self.labels[object_id]}"


def mark_objects(
    seen: Seen,
    object_ids: Sequence[str],
    rng: np.random.Generator,
    avoid: Sequence[tuple[float, ...]] = (),
) -> Marked | None:
    """Mark objects in the first frame; which gets which letter is random.

    Args:
        seen: The first frame.
        object_ids: At most as many as there are letters.
        rng: Deals the letters.
        avoid: Pixels of other marks.

    Returns:
        None where marks would touch each other.
    """
    labels = [LABELS[i] for i in rng.permutation(len(object_ids))]
    pixels = [seen.middle_px(key) for key in object_ids]
    height, width = seen.observation.segmentation.shape
    gap_px = MIN_MARK_GAP_RADII * dot_radius_px(height, width)
    placed = [*avoid, *pixels]
    if any(math.dist(first, second) < gap_px for first, second in combinations(placed, 2)):
        return None
    marks = tuple(
        Mark(0, "dot", label, pixel, LABEL_COLORS[label])
        for label, pixel in zip(labels, pixels, strict=True)
    )
    return Marked(marks, dict(zip(object_ids, labels, strict=True)))


@dataclass(frozen=True)
class Reference:
    """How one object is called."""

    phrase: str
    marks: tuple[Mark, ...] = ()


def refer_to(seen: Seen, object_id: str, rng: np.random.Generator) -> Reference | None:
    """Return the name of a clear object, or its kind and a mark where the name is not unique.

    Returns:
        None where it is not clear, or needs a mark that it is too small for.
    """
    if object_id not in clear_objects(seen):
        return None
    if has_unique_name(seen, object_id):
        return Reference(f"the {seen.object(object_id).name}")
    if object_id not in markable_objects(seen):
        return None
    marked = mark_objects(seen, [object_id], rng)
    if marked is None:
        return None
    return Reference(marked.phrase(object_id, seen.object(object_id).category), marked.marks)
