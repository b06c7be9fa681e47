"""A question, and the only place that shuffles options."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from generation.scene import Observation


@dataclass(frozen=True)
class Mark:
    """Something drawn on a picture so that the question can speak of it."""

    frame_index: int
    """Which of the question's frames it is drawn on."""
    kind: Literal["dot", "box", "cross"]
    label: str
    """A letter, or empty."""
    pixels: tuple[float, ...]
    """(u, v) of a dot or cross, (u0, v0, u1, v1) of a box."""
    color: str = "red"
    """A name from generation.draw.COLORS."""


@dataclass(frozen=True)
class Skip:
    """A case that gave no question, and why: counted in the manifest, never hidden."""

    question_type: str
    reason: str


@dataclass(frozen=True)
class Balance:
    """What must be evened out before a question is kept.

    A sofa is rarely nearer than a vase in the pictures that show both whole, so the text of such
    a question would tell its answer. It is kept only where other views of the scene make the
    other truths come true, and then so seldom that all truths are equally frequent.
    """

    subject: str
    """What is asked about, the same whichever way round it is asked."""
    truth: str
    """The truth about it in this view, the same whichever way round it is asked."""
    truths: tuple[str, ...]
    """All that it must be possible for views of the scene to show."""


@dataclass(frozen=True)
class Question:
    """One question with the frames that are shown."""

    question_type: str
    text: str
    options: tuple[str, ...]
    answer_index: int
    frames: tuple[Observation, ...]
    """The frames that are shown, in order."""
    marks: tuple[Mark, ...] = ()
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """JSON-able: the numbers that prove the answer."""
    hidden_frames: tuple[Observation, ...] = ()
    """Observations that prove the answer and are not shown (after an action, from a mark)."""
    topic: str = ""
    """What is asked about; a scene is not asked twice about the same."""
    balance: Balance | None = None
    """None where the answer was drawn before the view was chosen."""

    @property
    def answer(self) -> str:
        """The text of the right option."""
        return self.options[self.answer_index]


def make_question(
    question_type: str,
    text: str,
    correct: str,
    wrong: Sequence[str],
    frames: Sequence[Observation],
    rng: np.random.Generator,
    *,
    marks: Sequence[Mark] = (),
    evidence: Mapping[str, Any] | None = None,
    hidden_frames: Sequence[Observation] = (),
    topic: str = "",
    balance: Balance | None = None,
) -> Question:
    """Return a question with its options in random order.

    Raises:
        ValueError: Two options are the same, or there is only one.
    """
    options = [correct, *wrong]
    if len(set(options)) != len(options) or len(options) < 2:
        raise ValueError(f"options must be several and differ, got {options}")
    order = rng.permutation(len(options))
    return Question(
        question_type=question_type,
        text=text,
        options=tuple(options[i] for i in order),
        answer_index=int(np.flatnonzero(order == 0)[0]),
        frames=tuple(frames),
        marks=tuple(marks),
        evidence=dict(evidence or {}),
        hidden_frames=tuple(hidden_frames),
        topic=topic,
        balance=balance,
    )
