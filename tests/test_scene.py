"""Scene states and keys."""

from __future__ import annotations

import numpy as np
import pytest

from generation.scene import SceneKey, SceneState


def test_a_difference_leads_back() -> None:
    start = SceneState({"mug": (0.0, 0, 0, 1, 0, 0, 0), "box": (1.0, 0, 0, 1, 0, 0, 0)})
    after = SceneState({**start.poses, "mug": (0.5, 0, 0, 1, 0, 0, 0)})
    moved = after.difference(start)
    assert moved == {"mug": [0.5, 0, 0, 1, 0, 0, 0]}
    assert start.updated(moved) == after
    assert start.difference(start) == {}


def test_a_key_names_its_scene() -> None:
    assert SceneKey("val", 12, 3).scene_id == "val-3-000012"


def test_generators_depend_on_split_index_seed_and_purpose_alone() -> None:
    def draw(*key: object, purpose: str = "house") -> int:
        return int(SceneKey(*key).rng(purpose).integers(1 << 62))  # type: ignore[arg-type]

    base = draw("train", 1, 0)
    assert base == draw("train", 1, 0)
    others = {draw("val", 1, 0), draw("train", 2, 0), draw("train", 1, 1)}
    others.add(draw("train", 1, 0, purpose="views"))
    assert len(others | {base}) == 5


def test_an_unknown_split_names_the_known() -> None:
    with pytest.raises(ValueError, match="train, val, test"):
        SceneKey("dev", 0, 0).rng("house")


def test_seeds_of_many_scenes_do_not_collide() -> None:
    draws = {SceneKey("train", i, 0).rng("house").integers(1 << 62) for i in range(2000)}
    assert len(draws) == 2000
    assert isinstance(SceneKey("train", 0, 0).rng("x"), np.random.Generator)
