"""The question types of SAT, their split, and the labels other data sets use for them.

Source: SAT (arXiv:2412.07755), section 3; array/SAT and array/SAT-v2 on the Hugging Face hub.
"""

from __future__ import annotations

from dataclasses import dataclass

STATIC = "static"
DYNAMIC = "dynamic"
SPLITS = (STATIC, DYNAMIC)


@dataclass(frozen=True)
class QuestionTypeInfo:
    """What is known of a question type before any question of it is seen."""

    name: str
    split: str
    asks: str
    """One line for tables and documentation."""
    aliases: tuple[str, ...] = ()
    """Labels that other data sets use for this type."""
    paper_column: str | None = None
    """Column of the SAT paper's tables."""


_INFOS = (
    QuestionTypeInfo("relation", STATIC, "where one object lies relative to another, as seen"),
    QuestionTypeInfo("depth", STATIC, "which of two objects is nearer to the camera"),
    QuestionTypeInfo("distance", STATIC, "which of two objects is nearer to a third"),
    QuestionTypeInfo("count", STATIC, "how many objects of a kind are visible"),
    QuestionTypeInfo("ego_movement", DYNAMIC, "how the camera moved", ("action_sequence",), "EgoM"),
    QuestionTypeInfo(
        "object_movement", DYNAMIC, "which object moved and how", ("obj_movement",), "ObjM"
    ),
    QuestionTypeInfo(
        "action_consequence",
        DYNAMIC,
        "what an action does to an object's distance or side",
        ("action_conseq",),
        "EgoAct",
    ),
    QuestionTypeInfo(
        "goal_aiming", DYNAMIC, "which way to turn towards an object", ("goal_aim",), "GoalAim"
    ),
    QuestionTypeInfo("perspective", DYNAMIC, "what someone at a marked spot sees", (), "Pers"),
)

QUESTION_TYPES: dict[str, QuestionTypeInfo] = {info.name: info for info in _INFOS}

UNSPECIFIED_STATIC = "other"
"""array/SAT gives every static question this one label."""

_CANONICAL = {alias: info.name for info in _INFOS for alias in (info.name, *info.aliases)}
_CANONICAL[UNSPECIFIED_STATIC] = UNSPECIFIED_STATIC


def canonical_type(label: str) -> str:
    """Return the canonical name of a question type label.

    Raises:
        ValueError: The label is not known; the message names those that are.
    """
    try:
        return _CANONICAL[label]
    except KeyError:
        known = ", ".join(sorted(_CANONICAL))
        raise ValueError(f"unknown question type {label!r}; known: {known}") from None


def split_of(question_type: str) -> str:
    """Return "static" or "dynamic" for a canonical type or a known label."""
    name = canonical_type(question_type)
    return STATIC if name == UNSPECIFIED_STATIC else QUESTION_TYPES[name].split


def types_in(split: str) -> tuple[str, ...]:
    """Return the canonical types of a split, in table order."""
    if split not in SPLITS:
        raise ValueError(f"unknown split {split!r}; known: {', '.join(SPLITS)}")
    return tuple(info.name for info in _INFOS if info.split == split)
