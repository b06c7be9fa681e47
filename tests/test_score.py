"""Scores of known replies, and that nothing is lost or counted twice."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from lmms_eval.api.metrics import clustered_stderr

from sat_tasks import metrics, score, stats
from sat_tasks.replies import FAILED, REFUSED, no_reply

LISTS = (
    score.PLAIN_METRICS,
    score.STATIC_METRICS,
    score.DYNAMIC_METRICS,
    score.CV_BENCH_METRICS,
    score.BLINK_METRICS,
    score.VSR_METRICS,
)


def doc(
    question: str,
    order: tuple[int, ...] = (0, 1),
    answer: int = 0,
    kind: str = "depth",
    scene: str = "s",
    protocol: str = "circular",
) -> dict[str, Any]:
    options = ["left", "right", "above", "below"][: len(order)]
    return {
        "id": question,
        "scene_id": scene,
        "question_type": kind,
        "origin": "toy",
        "question": "Which?",
        "options": options,
        "order": list(order),
        "answer_index": answer,
        "picture_count": 1,
        "file": "f",
        "row": 0,
        "protocol": protocol,
        "style": "letters",
        "revision": "r",
    }


def evaluate(calls: list[tuple[dict[str, Any], str]]) -> dict[str, float | None]:
    results = [score.static_results(item, [reply]) for item, reply in calls]
    return {
        entry["metric"]: entry["aggregation"]([result[entry["metric"]] for result in results])
        for entry in score.STATIC_METRICS
    }


def test_a_sample_can_be_recomputed_from_its_record() -> None:
    result = score.static_results(doc("q", (1, 0), answer=0, kind="count"), ["The answer is B."])
    assert json.loads(json.dumps(result))["sat"] == {
        "id": "q",
        "question_type": "count",
        "scene_id": "s",
        "origin": "toy",
        "options": ["left", "right"],
        "order": [1, 0],
        "answer": 0,
        "reply": "The answer is B.",
        "reading": 0,
        "correct": True,
        "failed": False,
        "n_options": 2,
        "protocol": "circular",
        "prompt_version": 1,
        "revision": "r",
    }


def test_orders_are_averaged_within_a_question_first() -> None:
    found = evaluate(
        [
            (doc("two", (0, 1)), "A"),
            (doc("two", (1, 0)), "A"),
            *(
                (doc("four", order, kind="count"), "A")
                for order in score.PROTOCOLS["circular"].orders(4)
            ),
        ]
    )
    assert found["overall"] == pytest.approx((1 / 2 + 1 / 4) / 2)
    assert found["single_order"] == 1
    assert found["all_orders"] == 0
    assert found["depth"] == pytest.approx(1 / 2)
    assert found["count"] == pytest.approx(1 / 4)
    assert found["relation"] is None
    assert found["chance"] == pytest.approx((1 / 2 + 1 / 4) / 2)
    assert found["adjusted"] == pytest.approx(0)


def test_right_in_all_orders() -> None:
    found = evaluate([(doc("q", (0, 1)), "A"), (doc("q", (1, 0)), "B")])
    assert (found["overall"], found["all_orders"], found["adjusted"]) == (1, 1, 1)


def test_unparsed_replies_are_wrong_and_counted() -> None:
    found = evaluate([(doc("q", (0, 1)), "A"), (doc("q", (1, 0)), "no idea")])
    assert (found["overall"], found["unparsed"], found["failed"]) == (0.5, 0.5, 0)
    assert found["refused"] == 0


def test_failed_calls_are_neither_right_nor_wrong() -> None:
    failed = no_reply(FAILED, "server on fire (A)")
    found = evaluate(
        [(doc("a"), "A"), (doc("b"), failed), (doc("c"), "[LMMS_EVAL_REQUEST_FAILED] A")]
    )
    assert found["overall"] == 1
    assert found["failed"] == pytest.approx(2 / 3)
    assert found["unparsed"] == 0
    sample = score.static_results(doc("b"), [failed])["sat"]
    assert (sample["failed"], sample["correct"], sample["reading"]) == (True, False, None)


def test_refusals_are_wrong_and_unparsed() -> None:
    found = evaluate([(doc("a"), no_reply(REFUSED, "A"))])
    assert (found["overall"], found["unparsed"], found["failed"]) == (0, 1, 0)
    assert found["refused"] == 1


def test_everything_failed() -> None:
    found = evaluate([(doc("a"), no_reply(FAILED, "x"))])
    assert found["failed"] == 1
    assert {
        found[name] for name in ("overall", "low", "chance", "adjusted", "detectable", "type_mean")
    } == {None}


@pytest.mark.parametrize("replies", [[], [""], ["None"], [None], ["\ud83d"], [["A"]]])
def test_no_reply_whatever_raises(replies: list[Any]) -> None:
    assert score.dynamic_results(doc("q"), replies)["sat"]["failed"] is False


def test_incomplete_orders_do_not_count_as_all_orders() -> None:
    found = evaluate([(doc("a", (0, 1)), "A"), (doc("b", (0, 1)), "A"), (doc("b", (1, 0)), "B")])
    assert found["all_orders"] == 1
    assert evaluate([(doc("a", (0, 1)), "A")])["all_orders"] is None


def test_every_metric_has_an_item_for_every_sample() -> None:
    for results, listed in (
        (score.static_results, score.STATIC_METRICS),
        (score.dynamic_results, score.DYNAMIC_METRICS),
        (score.plain_results, score.PLAIN_METRICS),
        (score.cv_bench_results, score.CV_BENCH_METRICS),
        (score.blink_results, score.BLINK_METRICS),
        (score.vsr_results, score.VSR_METRICS),
    ):
        names = {entry["metric"] for entry in listed}
        for reply in ("A", "?", no_reply(FAILED, "x")):
            assert set(results(doc("q"), [reply])) == names | {"sat"}


def test_no_metric_name_is_part_of_another() -> None:
    for listed in LISTS:
        names = [entry["metric"] for entry in listed]
        for headline in ("overall", "unparsed", "failed"):
            assert [name for name in names if headline in name] == [headline]


def test_errors_that_lmms_eval_shows_are_clustered_by_scene() -> None:
    rng = np.random.default_rng(0)
    calls = []
    for number in range(60):
        for order in ((0, 1), (1, 0)):
            reply = "A" if rng.random() < 0.6 else "B"
            calls.append((doc(f"q{number}", order, scene=f"s{number // 4}"), reply))
    items = [score.static_results(item, [reply])["overall"] for item, reply in calls]
    shown = clustered_stderr([i["score"] for i in items], [i["scene"] for i in items])
    questions = metrics.questions_of(items)
    ours = stats.clustered_se([q.score for q in questions], [q.scene for q in questions])
    assert shown == pytest.approx(ours, rel=0.05)
