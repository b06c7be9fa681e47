"""The second proof: registration of pictures, who is who in a text, independence of the first."""

from __future__ import annotations

import ast
import math
from pathlib import Path

import numpy as np
import pytest
from toy_questions import all_questions, stage_of

import generation.proof
from generation.proof import Case, Unclear, doubt
from generation.proof.case import case_of
from generation.proof.picture import picture_of
from generation.proof.registration import camera_movement, moved_points_m
from generation.question import Question
from generation.views import fault

FIRST_PATH = (
    "relations",
    "sight",
    "views",
    "spots",
    "visible_moves",
    "outcomes",
    "vantage",
    "refer",
    "questions",
)


def test_it_shares_nothing_with_the_first_proof() -> None:
    """No module of the first path is imported, nor anything of an object but who it is."""
    for path in Path(generation.proof.__file__).parent.glob("*.py"):
        tree = ast.parse(path.read_text())
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module:
                parts = node.module.split(".")
                assert not (parts[0] == "generation" and parts[1] in FIRST_PATH), path
            if isinstance(node, ast.Attribute):
                banned = ("center_m", "size_m", "surface_points_m", "evidence", "yaw_rad", "x_m")
                assert node.attr not in banned, path
                assert node.attr not in ("project", "unproject", "position_m"), path


@pytest.mark.parametrize(
    ("turn_deg", "forward_m", "left_m"),
    [(0, 0, 0), (30, 0, 0), (-45, 0, 0), (0, 0.6, 0), (0, 0, -0.5), (25, 0.4, 0), (-10, 0.1, 0.3)],
)
def test_movements_are_found(turn_deg: float, forward_m: float, left_m: float) -> None:
    errors = []
    for index in range(4):
        stage = stage_of(index)
        for seen in stage.pool[:3]:
            pose = seen.observation.pose.moved(forward_m, left_m, math.radians(turn_deg))
            if not stage.is_path_free(seen.observation.pose, pose):
                continue
            second = stage.look(pose)
            if fault(second, min_recognised=2) is not None:
                continue
            found = camera_movement(picture_of(seen.observation), picture_of(second.observation))
            errors.append(
                max(
                    abs(math.degrees(found.turn_left_rad) - turn_deg) / 3,
                    abs(found.forward_m - forward_m) / 0.06,
                    abs(found.left_m - left_m) / 0.06,
                )
            )
    assert len(errors) >= 3
    assert np.mean(np.array(errors) < 1) >= 0.9


def test_pictures_of_different_places_do_not_fit() -> None:
    first, second = (stage_of(index).pool[0].observation for index in (0, 1))
    with pytest.raises(Unclear, match="fit"):
        camera_movement(picture_of(first), picture_of(second))


def test_movements_move_points_the_other_way() -> None:
    from generation.proof.registration import Movement

    point = np.array([[2.0, 0.0, 0.5]])
    assert moved_points_m(point, Movement(0, 0.5, 0))[0] == pytest.approx([1.5, 0, 0.5])
    turned = moved_points_m(point, Movement(math.pi / 2, 0, 0))[0]
    assert turned == pytest.approx([0, -2, 0.5], abs=1e-9)


def test_points_and_pixels_lead_back() -> None:
    picture = picture_of(stage_of(0).pool[0].observation)
    rows, columns = np.array([10, 64, 100]), np.array([5, 64, 120])
    pixels, depths = picture.pixels_of(picture.level_points_m(rows, columns))
    assert pixels == pytest.approx(np.stack([rows, columns], 1) + 0.5, abs=1e-3)
    assert depths == pytest.approx(picture.depth_m[rows, columns], rel=1e-4)


def _case(text: str, *options: str) -> Case:
    question = next(q for q in all_questions("relation") if not q.marks)
    case = case_of(question)
    return Case(text, options, case.frames, (), (), case.names)


def test_names_must_be_in_view_and_marks_must_exist() -> None:
    with pytest.raises(Unclear, match="0 objects"):
        _case("Where is it?").one("the unicorn")
    with pytest.raises(Unclear, match="0 marks"):
        _case("Is the object marked P above the chair?").mentions()


def test_an_option_is_picked_only_if_it_is_the_only_one() -> None:
    case = _case("?", "to the left", "to the right")
    assert case.pick("left") == "to the left"
    for words in (("left", "right"), ("above",)):
        with pytest.raises(Unclear):
            case.pick(*words)


def test_garbled_questions_are_doubted() -> None:
    for question in all_questions():
        if question.question_type not in ("ego_movement", "perspective"):
            garbled = Question(**{**question.__dict__, "text": "Blah?"})
            if question.question_type != "depth":
                assert doubt(garbled) is not None
