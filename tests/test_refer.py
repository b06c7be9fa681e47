"""Names that fit one object only, and marks where none does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toy_questions import stage_of

from generation.refer import (
    clear_objects,
    fits_name,
    has_unique_name,
    mark_objects,
    markable_objects,
    refer_to,
)
from generation.scene import SceneObject
from generation.sight import Seen


def thing(name: str, category: str) -> SceneObject:
    zero = np.zeros(3)
    return SceneObject(name, name, category, zero, zero, zero[None], 1)


@pytest.mark.parametrize(
    ("named", "other", "fits"),
    [
        (thing("chair", "chair"), thing("chair", "chair"), True),
        (thing("chair", "chair"), thing("red chair", "chair"), True),
        (thing("red chair", "chair"), thing("chair", "chair"), True),
        (thing("red chair", "chair"), thing("blue chair", "chair"), False),
        (thing("red chair", "chair"), thing("orange chair", "chair"), True),
        (thing("red chair", "chair"), thing("red sofa", "sofa"), False),
        (thing("chair", "chair"), thing("armchair", "armchair"), True),
        (thing("armchair", "armchair"), thing("chair", "chair"), False),
        (thing("table", "table"), thing("coffee table", "coffee table"), True),
        (thing("table", "dining table"), thing("table", "side table"), True),
        (thing("vase", "vase"), thing("mug", "mug"), False),
        (thing("cushion", "cushion"), thing("sofa", "sofa"), True),
        (thing("black cushion", "cushion"), thing("green sofa", "sofa"), True),
        (thing("sofa", "sofa"), thing("cushion", "cushion"), False),
        (
            thing("pair of black shoes", "pair of shoes"),
            thing("pair of white shoes", "pair of shoes"),
            False,
        ),
        (
            thing("pair of black shoes", "pair of shoes"),
            thing("pair of shoes", "pair of shoes"),
            True,
        ),
    ],
)
def test_what_a_name_could_be_taken_for(named: SceneObject, other: SceneObject, fits: bool) -> None:
    assert fits_name(named, other) == fits


def pool() -> list[Seen]:
    return [seen for index in range(4) for seen in stage_of(index).pool]


def test_a_second_object_of_the_same_name_takes_the_name_away() -> None:
    checked = 0
    for seen in pool():
        clear = clear_objects(seen)
        named = [key for key in clear if has_unique_name(seen, key)]
        if len(clear) < 2 or not named:
            continue
        twin = next(key for key in clear if key != named[0])
        objects = {
            **seen.observation.objects,
            twin: replace(seen.object(twin), **{
                field: getattr(seen.object(named[0]), field) for field in ("name", "category")
            }),
        }  # fmt: skip
        twins = replace(seen, observation=replace(seen.observation, objects=objects))
        assert not has_unique_name(twins, named[0])
        checked += 1
    assert checked > 5


def test_marks_lie_on_their_objects_and_letters_are_dealt_at_random() -> None:
    rng = np.random.default_rng(0)
    letters = set()
    for seen in pool():
        keys = markable_objects(seen)[:2]
        marked = mark_objects(seen, keys, rng) if len(keys) == 2 else None
        if marked is None:
            continue
        for key, mark in zip(keys, marked.marks, strict=True):
            u, v = mark.pixels
            assert seen.observation.mask(key)[int(v), int(u)]
            assert marked.labels[key] == mark.label
        letters.add(marked.labels[keys[0]])
    assert letters == {"P", "Q"}


def test_marks_that_would_touch_are_refused() -> None:
    seen = next(seen for seen in pool() if markable_objects(seen))
    key = markable_objects(seen)[0]
    rng = np.random.default_rng(0)
    assert mark_objects(seen, [key], rng) is not None
    assert mark_objects(seen, [key], rng, avoid=[seen.middle_px(key)]) is None


def test_what_has_no_unique_name_is_marked() -> None:
    rng = np.random.default_rng(0)
    kinds = set()
    for seen in pool():
        for key in clear_objects(seen):
            reference = refer_to(seen, key, rng)
            if reference is None:
                assert not has_unique_name(seen, key)
            else:
                assert bool(reference.marks) != has_unique_name(seen, key)
                assert ("marked" in reference.phrase) == bool(reference.marks)
                kinds.add(bool(reference.marks))
    assert kinds == {True, False}


def test_a_camera_on_a_shelf_is_not_the_camera() -> None:
    seen = next(seen for seen in pool() if clear_objects(seen))
    key = clear_objects(seen)[0]
    objects = {**seen.observation.objects, key: replace(seen.object(key), name="camera")}
    on_shelf = replace(seen, observation=replace(seen.observation, objects=objects))
    assert not has_unique_name(on_shelf, key)
