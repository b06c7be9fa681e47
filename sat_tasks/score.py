"""Scores: the hooks that the task files name for results.

Every sample that lmms-eval writes carries the field ``sat``, from which anything can be
recomputed. Its keys are a contract with whoever reads results:

    id              of the question
    question_type   canonical name, or a type of another benchmark
    scene_id        questions of one scene are not independent
    origin          what made the pictures
    options         their texts, in the order of the data
    order           original option indices in the order in which they were offered
    answer          original index of the right option
    reply           what the model said
    reading         original index of the option that the reply chose, or null
    correct         whether reading is answer
    failed          whether the call failed; such a sample is no answer, neither right nor wrong
    n_options       how many options there were
    protocol        name of the protocol
    prompt_version  wording of the prompt
    revision        of the data

A question is asked once per order; the samples with one id belong together.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sat_tasks.answer import read_reply
from sat_tasks.docs import Doc, offered
from sat_tasks.metrics import (
    COMMON,
    Aggregation,
    Call,
    Item,
    accuracy,
    average_2d,
    average_3d,
    cv_bench_official,
    cv_bench_paper,
    f1_of_first,
    metric_list,
    type_mean,
)
from sat_tasks.prompt import PROMPT_VERSION
from sat_tasks.protocol import PROTOCOLS
from sat_tasks.replies import FAILED, REFUSED, read_no_reply
from sat_tasks.taxonomy import DYNAMIC, STATIC, UNSPECIFIED_STATIC, types_in

Results = dict[str, Any]

STATIC_TYPES = (*types_in(STATIC), UNSPECIFIED_STATIC)
DYNAMIC_TYPES = types_in(DYNAMIC)
CV_BENCH_TYPES = ("count", "relation", "depth", "distance")
BLINK_TYPES = ("multi_view", "relative_depth", "spatial_relation")


def _metrics(types: Sequence[str], more: Mapping[str, Aggregation]) -> list[dict[str, Any]]:
    own: dict[str, Aggregation] = dict.fromkeys(types, accuracy)
    return metric_list(own | dict(more))


PLAIN_METRICS = _metrics((), {})
STATIC_METRICS = _metrics(STATIC_TYPES, {"type_mean": type_mean})
DYNAMIC_METRICS = _metrics(DYNAMIC_TYPES, {"type_mean": type_mean})
_CV_BENCH: dict[str, Aggregation] = {
    "average_2d": average_2d,
    "average_3d": average_3d,
    "official": cv_bench_official,
    "paper": cv_bench_paper,
    "type_mean": type_mean,
}
CV_BENCH_METRICS = _metrics(CV_BENCH_TYPES, _CV_BENCH)
BLINK_METRICS = _metrics(BLINK_TYPES, {"type_mean": type_mean})
VSR_METRICS = _metrics((), {"f1": f1_of_first})


def plain_results(doc: Doc, replies: Sequence[str]) -> Results:
    """Return the items of a sample of a task with one question type."""
    return results_of(doc, replies)


def static_results(doc: Doc, replies: Sequence[str]) -> Results:
    """Return the items of a sample of a task with the static types."""
    return results_of(doc, replies, STATIC_TYPES, ("type_mean",))


def dynamic_results(doc: Doc, replies: Sequence[str]) -> Results:
    """Return the items of a sample of a task with the dynamic types."""
    return results_of(doc, replies, DYNAMIC_TYPES, ("type_mean",))


def cv_bench_results(doc: Doc, replies: Sequence[str]) -> Results:
    """Return the items of a sample of CV-Bench."""
    return results_of(doc, replies, CV_BENCH_TYPES, tuple(_CV_BENCH))


def blink_results(doc: Doc, replies: Sequence[str]) -> Results:
    """Return the items of a sample of BLINK's spatial subsets."""
    return results_of(doc, replies, BLINK_TYPES, ("type_mean",))


def vsr_results(doc: Doc, replies: Sequence[str]) -> Results:
    """Return the items of a sample of VSR."""
    results = results_of(doc, replies)
    sample = results["sat"]
    spoken = {"reading": sample["reading"], "answer": sample["answer"]}
    return results | {"f1": {} if sample["failed"] else spoken}


def record(doc: Doc, reply: str) -> dict[str, Any]:
    """Return the ``sat`` field of a sample."""
    none = read_no_reply(reply)
    failed = none is not None and none.kind == FAILED
    position = None if none else read_reply(reply, offered(doc), doc["style"])
    reading = None if position is None else int(doc["order"][position])
    return {
        "id": doc["id"],
        "question_type": doc["question_type"],
        "scene_id": doc["scene_id"],
        "origin": doc["origin"],
        "options": list(doc["options"]),
        "order": [int(index) for index in doc["order"]],
        "answer": int(doc["answer_index"]),
        "reply": reply,
        "reading": reading,
        "correct": reading == doc["answer_index"],
        "failed": failed,
        "n_options": len(doc["options"]),
        "protocol": doc["protocol"],
        "prompt_version": PROMPT_VERSION,
        "revision": doc["revision"],
    }


def results_of(
    doc: Doc, replies: Sequence[str], types: Sequence[str] = (), more: Sequence[str] = ()
) -> Results:
    """Return a sample's record and its items for every metric; raises nothing.

    Args:
        doc: The document.
        replies: The model's reply, alone in a list.
        types: The question types that have metrics of their own.
        more: Metrics of the task over all its calls.
    """
    sample = record(doc, str(replies[0]) if replies else "")
    call = Call(
        id=sample["id"],
        scene=sample["scene_id"],
        kind=sample["question_type"],
        origin=sample["origin"],
        options=sample["n_options"],
        orders=len(PROTOCOLS[sample["protocol"]].orders(sample["n_options"])),
        right=None if sample["failed"] else float(sample["correct"]),
    )
    shown: Item = {"score": call.right, "scene": call.scene, "call": call}
    if call.right is None:  # without a score lmms-eval leaves it out of its standard errors
        shown = call
    unread = {"score": float(sample["reading"] is None)}
    none = read_no_reply(sample["reply"])
    refused = {"score": float(none is not None and none.kind == REFUSED)}
    special = {
        "overall": shown,
        "single_order": shown if sample["order"][0] == 0 else {},
        "unparsed": {} if sample["failed"] else unread,
        "failed": {"score": float(sample["failed"])},
        "refused": {} if sample["failed"] else refused,
    }
    return {
        "sat": sample,
        **dict.fromkeys((*COMMON, *more), call),
        **special,
        **{name: shown if call.kind == name else {} for name in types},
    }
