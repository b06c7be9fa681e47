"""The question types. A type is a file here and a line in QUESTION_TYPES."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from generation.question import Question, Skip
from generation.questions import (
    action_consequence,
    count,
    depth,
    distance,
    ego_movement,
    goal_aiming,
    object_movement,
    perspective,
    relation,
)
from generation.views import Stage, pool_views


@dataclass(frozen=True)
class QuestionType:
    """How views of a type are found, and how a view is asked about."""

    sample: Callable[[Stage, np.random.Generator], Iterator[Any]]
    """Yields views (of a type that `ask` takes), or Skips where none could be had.

    Endless where views are made to order; bounded by whoever draws from it.
    """
    ask: Callable[[Any, np.random.Generator], Iterator[Question | Skip]]
    """Pure: the same view and generator give the same questions."""
    from_pool: bool = False
    """Asks about the pool's views as they are; all its questions are seen before one is kept."""
    aims: bool = False
    """Turns the camera to its own purpose: asked first, so that others can share its pictures."""


QUESTION_TYPES: dict[str, QuestionType] = {
    relation.NAME: QuestionType(pool_views, relation.ask, from_pool=True),
    depth.NAME: QuestionType(pool_views, depth.ask, from_pool=True),
    distance.NAME: QuestionType(pool_views, distance.ask, from_pool=True),
    count.NAME: QuestionType(count.sample, count.ask, from_pool=True),
    ego_movement.NAME: QuestionType(ego_movement.sample, ego_movement.ask),
    object_movement.NAME: QuestionType(object_movement.sample, object_movement.ask),
    action_consequence.NAME: QuestionType(
        action_consequence.sample, action_consequence.ask, aims=True
    ),
    goal_aiming.NAME: QuestionType(goal_aiming.sample, goal_aiming.ask, aims=True),
    perspective.NAME: QuestionType(perspective.sample, perspective.ask),
}
"""By canonical name (sat_tasks.taxonomy), in the order of its table."""
