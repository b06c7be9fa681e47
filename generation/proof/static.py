"""Answers about one picture, from its pixels."""

from __future__ import annotations

import re

import numpy as np

from generation.proof.case import Case, Unclear


def solve_relation(case: Case) -> str:
    """Compare two objects by column, by height, or by how far away they are."""
    mentions = case.mentions()
    if len(mentions) != 2:
        raise Unclear(f"{len(mentions)} objects are spoken of")
    first, second = mentions[0].label, mentions[1].label
    if "on which side of" in case.text or case.text.startswith("Compared with"):
        first, second = second, first
    words = " ".join((*case.options, case.text))
    is_left, is_above, is_front = (
        _median_column(case, first) < _median_column(case, second),
        _median_height_m(case, first) > _median_height_m(case, second),
        _median_range_m(case, first) < _median_range_m(case, second),
    )
    positive: tuple[str, ...]
    negative: tuple[str, ...]
    if re.search(r"\b(left|right)\b", words):
        holds, positive, negative = is_left, ("left",), ("right",)
    elif re.search(r"\b(higher|above|lower|below)\b", words):
        holds, positive, negative = is_above, ("higher", "above"), ("lower", "below")
    elif re.search(r"\bbehind\b|\bin front\b", words):
        holds, positive, negative = is_front, ("in front",), ("behind",)
    else:
        raise Unclear("no relation is spoken of")
    if set(case.options) == {"yes", "no"}:
        asked = any(re.search(rf"\b{word}\b", case.text) for word in positive)
        return "yes" if holds == asked else "no"
    return case.pick(*(positive if holds else negative))


def _median_column(case: Case, label: int) -> float:
    return float(np.median(case.frames[0].rows_columns(label)[1]))


def _median_height_m(case: Case, label: int) -> float:
    return float(np.median(case.frames[0].points_of(label)[:, 2]))


def _median_range_m(case: Case, label: int) -> float:
    return float(np.median(np.linalg.norm(case.frames[0].points_of(label), axis=1)))


def solve_depth(case: Case) -> str:
    """Compare the objects that the options name by how far away they are."""
    ranges_m = {option: _median_range_m(case, case.one(option)) for option in case.options}
    wants_far = _wants(
        case.text, ("farther", "farthest"), ("closer", "closest", "nearer", "nearest")
    )
    return (max if wants_far else min)(ranges_m, key=lambda option: ranges_m[option])


def _wants(text: str, first: tuple[str, ...], second: tuple[str, ...]) -> bool:
    """Say whether a text speaks of the first kind of words rather than the second.

    Raises:
        Unclear: It speaks of neither or both.
    """
    found = [any(re.search(rf"\b{word}\b", text) for word in words) for words in (first, second)]
    if found[0] == found[1]:
        raise Unclear("it is not clear which way round it is asked")
    return found[0]


def solve_distance(case: Case) -> str:
    """Compare the objects that the options name by how far they are from a third."""
    labels = {option: case.one(option) for option in case.options}
    anchors = {mention.label for mention in case.mentions()} - set(labels.values())
    if len(anchors) != 1:
        raise Unclear(f"{len(anchors)} objects to measure from")
    picture = case.frames[0]
    anchor_m = picture.middle_of(anchors.pop())
    gaps_m = {
        option: float(np.linalg.norm(picture.middle_of(label) - anchor_m))
        for option, label in labels.items()
    }
    wants_far = _wants(case.text, ("farther", "longer"), ("closer", "nearer", "shorter"))
    return (max if wants_far else min)(gaps_m, key=lambda option: gaps_m[option])


def solve_count(case: Case) -> str:
    """Count the values of the segmentation that are of the kind asked for."""
    kinds = {plural: category for _, category, plural in case.names.values()}
    asked = [p for p in kinds if re.search(rf"(?<!\w)(?<!-){re.escape(p)}\b", case.text)]
    if not asked:
        raise Unclear("nothing to count is spoken of")
    category = kinds[max(asked, key=len)]
    shown = set(np.unique(case.frames[0].labels).tolist())
    count = sum(label in shown for label, words in case.names.items() if words[1] == category)
    if str(count) not in case.options:
        raise Unclear(f"{count} are visible, which is no option")
    return str(count)
