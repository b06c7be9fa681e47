"""A question as a reader has it: text, options, marked pictures; and who is who in them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from generation.proof.picture import Picture
from generation.question import Mark, Question
from generation.scene import Observation, SceneObject

MARKED = re.compile(r"\bthe [\w\- ]+? marked ([P-S])\b")
QUESTION_WORDS = {
    "camera", "cross", "floor", "frame", "image", "object", "photo", "picture", "room", "video",
}  # fmt: skip
"""In a question "the camera" is the one that took the picture."""
NOTICED_SHARE = 1e-4
"""What covers less of a picture is not taken for what a name means."""


class Unclear(Exception):
    """The pictures do not settle the question; the message says why."""


@dataclass(frozen=True)
class Mention:
    """An object that the text speaks of."""

    start: int
    end: int
    label: int
    """Its value in the segmentation."""


@dataclass(frozen=True, eq=False)
class Case:
    """What a solver is given."""

    text: str
    options: tuple[str, ...]
    frames: tuple[Picture, ...]
    hidden: tuple[Picture, ...]
    marks: tuple[Mark, ...]
    names: Mapping[int, tuple[str, str, str]]
    """Name, category and plural of each value of the segmentation: who is who, not where."""

    def mentions(self, text: str | None = None) -> list[Mention]:
        """Return the objects that a text speaks of, in its order; the question's by default.

        Raises:
            Unclear: A name or a mark fits no object, or several.
        """
        text = self.text if text is None else text
        found = [
            Mention(match.start(), match.end(), self._marked(match.group(1)))
            for match in MARKED.finditer(text)
        ]
        seen = self._seen_labels()
        names = {self.names[label][0] for label in seen} - QUESTION_WORDS
        for name in sorted(names, key=len, reverse=True):
            for match in re.finditer(rf"\bthe {re.escape(name)}\b", text):
                if all(match.end() <= m.start or match.start() >= m.end for m in found):
                    found.append(Mention(match.start(), match.end(), self._named(name, seen)))
        return sorted(found, key=lambda mention: mention.start)

    def one(self, text: str) -> int:
        """Return the object that a text speaks of.

        Raises:
            Unclear: It speaks of none or of several.
        """
        found = self.mentions(text)
        if len(found) != 1:
            raise Unclear(f"{text!r} speaks of {len(found)} objects")
        return found[0].label

    def pick(self, *words: str) -> str:
        """Return the one option that contains any of some words.

        Raises:
            Unclear: None does, or several do.
        """
        found = [
            option
            for option in self.options
            if any(re.search(rf"\b{re.escape(word)}\b", option) for word in words)
        ]
        if len(found) != 1:
            raise Unclear(f"{len(found)} options say {' or '.join(words)}")
        return found[0]

    def _seen_labels(self) -> list[int]:
        labels, counts = np.unique(self.frames[0].labels, return_counts=True)
        least = max(1, NOTICED_SHARE * self.frames[0].labels.size)
        return [label for label in labels[counts >= least].tolist() if label in self.names]

    def _marked(self, letter: str) -> int:
        dots = [mark for mark in self.marks if mark.label == letter and mark.frame_index == 0]
        if len(dots) != 1:
            raise Unclear(f"{len(dots)} marks are called {letter}")
        u, v = dots[0].pixels
        label = int(self.frames[0].labels[int(v), int(u)])
        if label not in self.names:
            raise Unclear(f"the mark {letter} lies on no object")
        return label

    def _named(self, name: str, seen: Sequence[int]) -> int:
        fitting = [label for label in seen if self.names[label][0] == name]
        if len(fitting) != 1:
            raise Unclear(f"{len(fitting)} objects in view are called {name!r}")
        return fitting[0]


def case_of(question: Question) -> Case:
    """Return a question that was just asked as its reader has it."""
    from generation.proof.picture import picture_of

    return Case(
        text=question.text,
        options=question.options,
        frames=tuple(picture_of(frame) for frame in question.frames),
        hidden=tuple(picture_of(frame) for frame in question.hidden_frames),
        marks=question.marks,
        names=names_of(question.frames[0]),
    )


def names_of(observation: Observation) -> dict[int, tuple[str, str, str]]:
    """Return who is who in a segmentation."""

    def words(item: SceneObject) -> tuple[str, str, str]:
        return item.name, item.category, item.plural or f"{item.category}s"

    return {item.segmentation_id: words(item) for item in observation.objects.values()}
