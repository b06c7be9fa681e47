"""Finds the answer to a question a second time, from its text and its pictures' pixels alone.

Nothing here uses what made the answer: not the geometry of generation.relations and its users, not
the places and sizes in the object table, not where the cameras stood. What a picture shows is put
into the frame of its own camera by depth, and movements of the camera are found by laying one
picture over the other.
"""

from __future__ import annotations

from collections.abc import Callable

from generation.proof.case import Case, Unclear, case_of
from generation.proof.dynamic import (
    solve_action_consequence,
    solve_ego_movement,
    solve_goal_aiming,
    solve_object_movement,
)
from generation.proof.elsewhere import solve_perspective
from generation.proof.static import solve_count, solve_depth, solve_distance, solve_relation
from generation.question import Question

SOLVERS: dict[str, Callable[[Case], str]] = {
    "relation": solve_relation,
    "depth": solve_depth,
    "distance": solve_distance,
    "count": solve_count,
    "ego_movement": solve_ego_movement,
    "object_movement": solve_object_movement,
    "action_consequence": solve_action_consequence,
    "goal_aiming": solve_goal_aiming,
    "perspective": solve_perspective,
}
"""By canonical question type; each returns one of the options or raises Unclear."""

DISAGREES = "the second proof disagrees"
UNCLEAR = "the second proof is unclear"


def doubt(question: Question) -> str | None:
    """Return why a question that was just made must not be kept, or None if it is proven."""
    try:
        proven = SOLVERS[question.question_type](case_of(question))
    except Unclear:
        return UNCLEAR
    return None if proven == question.answer else DISAGREES


__all__ = ["DISAGREES", "SOLVERS", "UNCLEAR", "Case", "Unclear", "doubt"]
