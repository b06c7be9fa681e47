"""What each question type promises beyond what holds for all of them."""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
from scipy.stats import chisquare
from toy_questions import questions_of, stage_of, views_of

from generation.outcomes import CLOSER, FARTHER, IN_VIEW, LEFT, OUT_OF_VIEW
from generation.pose import wrap_rad
from generation.question import Question, Skip
from generation.questions import count, ego_movement, goal_aiming, object_movement, perspective
from generation.relations import is_clear, is_recognised
from generation.scene import BACKGROUND, SceneObject
from generation.sight import Sight
from generation.vantage import SCREENS, verdict_of

POOL = [seen for index in range(4) for seen in stage_of(index).pool]


def asked(name: str, seeds: int = 3) -> list[Question]:
    return [q for seed in range(seeds) for view in POOL for q in questions_of(name, view, seed)]


def test_relation_height_is_never_asked_by_name() -> None:
    """Names tell what is higher: lamps stand on tables."""
    questions = asked("relation", seeds=1)
    kinds = Counter(question.evidence["kind"] for question in questions)
    assert set(kinds) == {"side", "height", "line"}
    for question in questions:
        if question.evidence["kind"] == "height":
            assert len(question.marks) == 2
            assert "object marked" in question.text
        balanced = question.evidence["kind"] == "line" and not question.marks
        assert (question.balance is not None) == balanced


def test_relation_speaks_of_height_in_the_room() -> None:
    for question in asked("relation", seeds=2):
        if question.evidence["kind"] == "height":
            assert "room" in question.text or question.text.startswith("Compared with")
            assert "camera" not in question.text


def test_relation_asks_yes_and_no_equally() -> None:
    answers = Counter(q.answer for q in asked("relation", seeds=6) if "yes" in q.options)
    assert chisquare([answers["yes"], answers["no"]]).pvalue > 1e-3


def test_depth_is_balanced_where_it_names() -> None:
    questions = asked("depth", seeds=1)
    assert {bool(question.marks) for question in questions} == {True, False}
    assert {len(question.options) for question in questions} == {2, 3, 4}
    for question in questions:
        assert (question.balance is None) == bool(question.marks)
        distances = question.evidence["distance_m"]
        extreme = min if question.evidence["kind"] == "nearest" else max
        assert question.evidence["answer"] == extreme(distances, key=distances.get)


def test_depth_compares_two_and_picks_from_more() -> None:
    for question in asked("depth", seeds=1):
        superlative = any(word in question.text for word in ("closest", "nearest", "farthest"))
        assert superlative == (len(question.options) > 2)


def test_distance_holds_however_it_is_measured() -> None:
    for question in asked("distance", seeds=1):
        distances = question.evidence["distance_m"]
        answer = question.evidence["answer"]
        (other,) = set(distances) - {answer}
        sign = 1 if question.evidence["kind"] == "nearer" else -1
        for a, b in zip(distances[answer], distances[other], strict=True):
            assert sign * (b - a) >= 0.5
        assert len(question.marks) in (2, 3)


def test_count_refuses_what_is_half_seen() -> None:
    rng = np.random.default_rng(0)
    refused = counted = 0
    for seen in POOL:
        results = list(count.ask(seen, rng))
        asked_kinds = {q.evidence["category"] for q in results if isinstance(q, Question)}
        for category in asked_kinds:
            members = [k for k, s in seen.sights.items() if seen.object(k).category == category]
            assert all(is_recognised(seen.sights[key]) for key in members)
            counted += 1
        refused += any(isinstance(r, Skip) and "half hidden" in r.reason for r in results)
    assert counted > 20
    assert refused > 5


def other_than(category: str) -> tuple[SceneObject, Sight]:
    """Return something plain to see that is of another kind."""
    for seen in POOL:
        for key, sight in seen.sights.items():
            if seen.object(key).category != category and is_clear(sight):
                return seen.object(key), sight
    raise AssertionError("nothing is plain to see")


def test_count_refuses_seats_that_look_alike_from_afar() -> None:
    """A sofa from the side, through a door, was taken for a chair."""
    item, sight = other_than("chair")
    sofa = replace(item, category="sofa", size_m=np.array([2.0, 0.9, 0.8]))
    limit_px = int(count.MIN_SEAT_AREA_SHARE * sight.picture_px[0] * sight.picture_px[1])
    chair_m = [np.array([0.5, 0.5, 0.9])]
    small, large = (replace(sight, pixels=limit_px + more) for more in (-50, 50))
    assert count.could_be(sofa, small, "chair", chair_m)
    assert not count.could_be(sofa, large, "chair", chair_m)
    assert not count.could_be(replace(sofa, category="bed"), small, "chair", chair_m)


def test_count_refuses_tiny_things_of_the_same_size() -> None:
    """A photo frame at the other end of a desk was taken for a camera."""
    item, sight = other_than("camera")
    frame = replace(item, category="photo frame", size_m=np.array([0.17, 0.05, 0.2]))
    tiny = replace(sight, pixels=sight.picture_px[0] * sight.picture_px[1] // 1000)
    camera_m = [np.array([0.09, 0.14, 0.11])]
    assert count.could_be(frame, tiny, "camera", camera_m)
    assert not count.could_be(frame, sight, "camera", camera_m)
    assert not count.could_be(replace(frame, size_m=frame.size_m * 5), tiny, "camera", camera_m)


def test_count_refuses_parts_of_furniture() -> None:
    item, sight = other_than("cushion")
    sofa = replace(item, category="sofa")
    assert count.could_be(sofa, sight, "cushion", [])
    assert not count.could_be(sofa, sight, "vase", [])


def test_count_offers_numbers_in_a_row() -> None:
    for question in asked("count", seeds=1):
        numbers = sorted(int(option) for option in question.options)
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert question.balance is not None
        assert set(question.balance.truths) == set(question.options)
        assert numbers != [0, 1]


def test_ego_movements_are_what_they_are_called() -> None:
    for move in views_of("ego_movement"):
        first, second = move.first.observation.pose, move.second.observation.pose
        turn, forward, left = ego_movement.MOVEMENTS[move.drawn]
        offset = second.position_m - first.position_m
        assert bool(np.linalg.norm(offset)) == bool(forward or left)
        assert np.sign(round(-offset @ first.right, 6)) == left
        assert np.sign(round(wrap_rad(second.yaw_rad - first.yaw_rad), 6)) == turn
        moved = move.second.observation.state != move.first.observation.state
        assert moved == (ego_movement.STILL in move.options) == (move.moved_object is not None)


def test_ego_options_never_look_alike() -> None:
    for options in ego_movement.OPTION_SETS:
        assert set(options) <= set(ego_movement.MOVEMENTS)
        for side in ("left", "right"):
            assert not {f"rotated {side}", f"moved sideways to the {side}"} <= set(options)


@pytest.mark.parametrize("module", [ego_movement, object_movement])
def test_truths_are_drawn_evenly_from_what_is_offered(
    module: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the option set, each of its options is drawn equally often."""
    drawn: dict[tuple[str, ...], Counter[str]] = defaultdict(Counter)

    def record(stage: Any, first: Any, options: tuple[str, ...], truth: str, *rest: Any) -> Skip:
        drawn[options][truth] += 1
        return Skip(module.NAME, "only recorded")

    monkeypatch.setattr(module, "_carry_out", record)
    list(islice(module.sample(stage_of(0), np.random.default_rng(0)), 20000))
    assert set(drawn) == set(module.OPTION_SETS)
    for options, counts in drawn.items():
        plans = [counts[option] / module.ATTEMPTS_PER_PLAN for option in options]
        assert chisquare(plans).pvalue > 1e-4


def test_object_movements_are_what_they_are_called() -> None:
    seen = Counter[bool]()
    for move in views_of("object_movement"):
        first, second = move.first.observation, move.second.observation
        still = move.drawn == object_movement.STILL
        assert (first.state == second.state) == still
        assert (first.pose != second.pose) == move.camera_moves
        others = set(second.state.difference(first.state)) - {move.object_id}
        assert not others
        seen[still] += 1
    assert seen


def test_goals_could_be_at_any_angle_that_is_offered() -> None:
    for goal in views_of("goal_aiming"):
        (question,) = questions_of("goal_aiming", goal, 0)
        bearing = question.evidence["bearing_left_deg"]
        errors = sorted(abs(bearing - option) for option in goal.options_deg)
        assert errors[0] <= goal_aiming.MAX_ERROR_DEG
        assert errors[1] >= 10
        side = "left" if bearing > 0 else "right"
        assert f"turn {side}" in question.answer


def test_actions_are_really_done() -> None:
    kinds = Counter[str]()
    for outcome in views_of("action_consequence", 5, 6):
        before, after = outcome.before.observation.pose, outcome.after.observation.pose
        assert after == outcome.action.done_from(before)
        kinds[outcome.kind] += 1
        (question,) = questions_of("action_consequence", outcome, 0)
        distance = question.evidence["distance_m"]
        if question.answer in (CLOSER, FARTHER):
            assert (distance["after"] < distance["before"]) == (question.answer == CLOSER)
        elif question.answer == OUT_OF_VIEW:
            assert not outcome.after.observation.mask(outcome.object_id).any()
        elif question.answer != IN_VIEW:
            columns = np.nonzero(outcome.after.observation.mask(outcome.object_id))[1]
            assert (columns.mean() < 64) == (question.answer == LEFT)
        turn = re.search(r"turn (left|right) by (\d+) degrees", question.text)
        assert turn is not None
        assert int(turn[2]) == abs(outcome.action.turn_left_deg)
    assert len(kinds) >= 3


def test_someone_could_stand_on_the_cross() -> None:
    kinds = Counter[str]()
    for elsewhere in views_of("perspective", 5, 6):
        kinds[elsewhere.kind] += 1
        u, v = (int(value) for value in elsewhere.spot.pixel)
        assert elsewhere.seen.observation.segmentation[v, u] == BACKGROUND
        for view in elsewhere.from_spot:
            pose = view.observation.pose
            assert (pose.x_m, pose.y_m) == pytest.approx(tuple(elsewhere.spot.point_m[:2]))
    assert len(kinds) >= 4


def test_the_side_from_a_spot_is_that_of_the_camera_put_there() -> None:
    """Where the camera over the spot sees the object, it sees it on the side that is right."""
    compared = 0
    for elsewhere in views_of("perspective", 5, 6):
        if elsewhere.kind != "side":
            continue
        mask = elsewhere.from_spot[0].observation.mask(elsewhere.object_id)
        if mask.any():
            is_left = np.nonzero(mask)[1].mean() < mask.shape[1] / 2
            assert is_left == (elsewhere.drawn == perspective.LEFT)
            compared += 1
    assert compared


def test_perspective_is_not_always_that_of_the_picture() -> None:
    """Left of the picture must often be right from the spot, else nobody needs to imagine it."""
    agrees = Counter[bool]()
    for elsewhere in views_of("perspective", 8, 12):
        if elsewhere.kind == "side":
            seen, keys = elsewhere.seen, (elsewhere.object_id, elsewhere.other_id)
            columns = [np.nonzero(seen.observation.mask(key))[1].mean() for key in keys]
            agrees[bool(columns[0] < columns[1]) == (elsewhere.drawn == perspective.LEFT)] += 1
    assert len(agrees) == 2


def test_only_what_the_picture_shows_hides() -> None:
    """The screen is solid and in view; a spot and an object are found that it stands between."""
    checked = 0
    for elsewhere in views_of("perspective", 8, 12):
        if elsewhere.kind != "hidden" or elsewhere.drawn != perspective.HIDDEN:
            continue
        seen, key, spot = elsewhere.seen, elsewhere.object_id, elsewhere.spot
        assert verdict_of(seen, "hidden", key, None)(spot) == perspective.HIDDEN
        screens = {k for k in seen.sights if seen.object(k).category in SCREENS}
        unseen = replace(seen, sights={k: s for k, s in seen.sights.items() if k not in screens})
        assert verdict_of(unseen, "hidden", key, None)(spot) is None
        objects = {
            k: replace(item, category="bunk bed") if k in screens else item
            for k, item in seen.observation.objects.items()
        }
        seen_through = replace(seen, observation=replace(seen.observation, objects=objects))
        assert verdict_of(seen_through, "hidden", key, None)(spot) is None
        checked += 1
    assert checked


def test_a_spot_makes_a_plain_difference() -> None:
    checked = 0
    for elsewhere in views_of("perspective", 8, 12):
        if elsewhere.kind == "approach":
            center_m = elsewhere.seen.object(elsewhere.object_id).center_m
            pose = elsewhere.seen.observation.pose
            eye_m = np.array([*elsewhere.spot.point_m[:2], pose.z_m])
            gaps_m = [np.linalg.norm(center_m - place) for place in (pose.position_m, eye_m)]
            assert max(gaps_m) >= 1.3 * min(gaps_m)
            assert (gaps_m[1] < gaps_m[0]) == (elsewhere.drawn == perspective.CLOSER)
            checked += 1
    assert checked


def test_turning_is_in_degrees_to_the_left() -> None:
    goal = views_of("goal_aiming")[0]
    pose = goal.seen.observation.pose
    faced = replace(pose, yaw_rad=pose.yaw_rad + math.radians(goal.target_deg))
    center = goal.seen.object(goal.object_id).center_m
    offset = center - faced.position_m
    assert wrap_rad(math.atan2(offset[1], offset[0]) - faced.yaw_rad) == pytest.approx(0, abs=0.05)
