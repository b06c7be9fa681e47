"""Moving things in AI2-THOR: only what was asked for moves, and all of it can be undone."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("ai2thor", reason="needs the extra thor")

import thor_setup
from thor_setup import LOOK, Load, add, small_house, unity

from generation.scene import EngineError, Observation

home = pytest.fixture(autouse=True)(thor_setup.away_from_home)
load = pytest.fixture(thor_setup.loading)


def same(first: Observation, second: Observation) -> bool:
    return np.array_equal(first.segmentation, second.segmentation) and np.array_equal(
        first.depth_m, second.depth_m
    )


def test_placing_moves_one_thing_and_restoring_brings_it_back(load: Load) -> None:
    session = load(small_house())
    before, start = session.observe(LOOK), session.state()
    assert session.place("Mug|0|1", 0.8, 1.0, 0.74)
    moved = session.state()
    assert list(moved.difference(start)) == ["Mug|0|1"]
    mug = session.objects()["Mug|0|1"]
    assert mug.center_m == pytest.approx((0.8, 1.0, 0.8), abs=0.01)
    assert np.all(np.abs(mug.surface_points_m - mug.center_m) <= mug.size_m / 2 + 1e-3)
    after = session.observe(LOOK)
    assert not same(before, after)
    assert not np.array_equal(session.render(before), session.render(after))
    assert session.state() == moved
    session.restore(start)
    assert session.state() == start
    assert same(before, session.observe(LOOK))
    session.restore(moved)
    assert same(after, session.observe(LOOK))


def test_a_recorded_state_can_be_restored_in_a_fresh_session(load: Load) -> None:
    session = load(small_house(), small_house())
    start = session.state()
    assert session.place("Basket|0|2", -0.5, -0.5, 0.0)
    record = session.state().difference(start)
    seen, basket = session.observe(LOOK), session.objects()["Basket|0|2"]
    fresh = load(small_house())
    fresh.restore(fresh.state().updated(record))
    assert same(seen, fresh.observe(LOOK))
    again = fresh.objects()["Basket|0|2"]
    assert again.center_m == pytest.approx(basket.center_m, abs=1e-6)
    assert again.surface_points_m == pytest.approx(basket.surface_points_m, abs=1e-6)


@pytest.mark.parametrize("fault", ["shove", "slide", "topple", "bump", "refuse"])
def test_a_placing_that_goes_wrong_changes_nothing(load: Load, fault: str) -> None:
    """The real player reports success for some of these, and moves things when it refuses."""
    session = load(small_house(fault=f"{fault}:PlaceObjectAtPoint"))
    before, start = session.observe(LOOK), session.state()
    assert not session.place("Mug|0|1", 0.8, 1.0, 0.74)
    assert session.state() == start
    assert same(before, session.observe(LOOK))


def test_what_carries_something_is_not_moved(load: Load) -> None:
    house = add(
        small_house(),
        id="Stool|0|9",
        assetId="Stool_400x500x400",
        position=unity(1.2, -0.8, 0.25),
        rotation={"x": 0, "y": 0, "z": 0},
    )
    session = load(house)
    assert session.place("Mug|0|1", 1.2, -0.8, 0.5)
    start = session.state()
    assert not session.place("Stool|0|9", -0.5, -0.8, 0.0)
    assert session.state() == start
    assert not session.place("Table|0|0", -0.5, -0.8, 0.0), "a table is no handy thing"


def test_the_agent_is_not_in_the_way_of_a_thing(load: Load) -> None:
    session = load(small_house())
    assert session.is_standing_free(-0.5, -0.5)
    assert session.place("Basket|0|2", -0.5, -0.5, 0.0)
    assert not session.is_standing_free(-0.5, -0.5)
    assert session.is_standing_free(0.3, -0.5)


def test_one_cannot_stand_outside(load: Load) -> None:
    session = load(small_house())
    assert not session.is_standing_free(3.0, 0.0)
    assert not session.is_standing_free(0.5, 1.2), "there is a table"


def test_what_cannot_be_moved_is_named(load: Load) -> None:
    session = load(small_house())
    with pytest.raises(EngineError, match=r"train-3-000000: 'Lamp' cannot be moved"):
        session.restore(session.state().updated({"Lamp": [0, 0, 0, 1, 0, 0, 0]}))
