"""Answers about a marked spot, from the shown picture and the one taken from the spot."""

from __future__ import annotations

import numpy as np

from generation.proof.case import Case, Unclear
from generation.proof.picture import Floats


def solve_perspective(case: Case) -> str:
    """Tell by the options what is asked, and measure it from the cross on the floor."""
    spot_m = _spot_m(case)
    offered = " ".join(case.options)
    labels = [mention.label for mention in case.mentions()]
    if "hidden" in offered:
        return _hidden(case, labels[0])
    if "marked" in offered:
        return _nearer(case, spot_m)
    if "closer to it" in offered:
        return _approach(case, spot_m, labels[0])
    if len(labels) != 2:
        raise Unclear(f"{len(labels)} objects are spoken of")
    faced, target = (case.frames[0].middle_of(label)[:2] - spot_m[:2] for label in labels)
    if "behind" in offered:
        return case.pick("in front" if float(np.dot(faced, target)) > 0 else "behind")
    turn = float(faced[0] * target[1] - faced[1] * target[0])
    return case.pick("left" if turn > 0 else "right")


def _spot_m(case: Case) -> Floats:
    """Return what the picture shows under the cross, in its level frame."""
    crosses = [mark for mark in case.marks if mark.kind == "cross"]
    if len(crosses) != 1:
        raise Unclear(f"{len(crosses)} crosses")
    column, row = (int(value) for value in crosses[0].pixels)
    picture = case.frames[0]
    if int(picture.labels[row, column]) in case.names:
        raise Unclear("the cross lies on an object")
    return np.asarray(picture.level_points_m(np.array([row]), np.array([column]))[0])


def _hidden(case: Case, label: int) -> str:
    pixels = int((case.hidden[0].labels == label).sum())
    return case.pick("hidden") if pixels == 0 else case.pick("could see")


def _nearer(case: Case, spot_m: Floats) -> str:
    gaps_m = {
        option: float(np.linalg.norm(case.frames[0].middle_of(case.one(option))[:2] - spot_m[:2]))
        for option in case.options
    }
    return min(gaps_m, key=lambda option: gaps_m[option])


def _approach(case: Case, spot_m: Floats, label: int) -> str:
    """Compare the distances from the camera and from its height over the spot."""
    points_m = case.frames[0].points_of(label)
    eye_m = np.array([spot_m[0], spot_m[1], 0.0])
    now_m = np.median(np.linalg.norm(points_m, axis=1))
    then_m = np.median(np.linalg.norm(points_m - eye_m, axis=1))
    return case.pick("closer" if then_m < now_m else "farther")
