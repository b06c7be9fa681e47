"""Where the marks of questions are, from the evidence that sat-generate records with each row."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sat_tasks.data import Question, evidence_column

Places = dict[str, tuple[float, float]]
"""What a mark is called -> its place as shares of the first picture (u, v)."""


def marked_places(questions: Sequence[Question]) -> list[tuple[Places, bool]]:
    """Return for each question where the marks of its first picture are, and if all have marks.

    Questions without evidence, such as those of the published data, have no places.
    """
    files = sorted({question.file for question in questions})
    marks = {file: [_marks(evidence) for evidence in evidence_column(file)] for file in files}
    return [marks[question.file][question.row] for question in questions]


def _marks(evidence: str | None) -> tuple[Places, bool]:
    found = json.loads(evidence or "{}")
    if "marks" not in found:
        return {}, False
    width_px, height_px = (found["camera"][side] for side in ("width_px", "height_px"))
    places: Places = {}
    for mark in found["marks"]:
        if mark["frame_index"] == 0:
            name = "the red cross" if mark["kind"] == "cross" else f"marked {mark['label']}"
            places[name] = (mark["pixels"][0] / width_px, mark["pixels"][1] / height_px)
    dots = sum(name.startswith("marked") for name in places)
    return places, dots == len(found["objects"])
