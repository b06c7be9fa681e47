"""Baselines answer what a chance level predicts."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from sat_folder import rows

from sat_tasks.models.baselines import AlwaysFirst, RandomChoice
from sat_tasks.protocol import PROTOCOLS


def ask(
    model: Any, count: int = 300, protocol: str = "circular"
) -> list[tuple[dict[str, Any], str]]:
    docs = [
        {
            "id": row.id,
            "options": list(row.answers),
            "order": list(order),
            "protocol": protocol,
            "style": PROTOCOLS[protocol].style,
        }
        for row in rows(count)
        for order in PROTOCOLS[protocol].orders(len(row.answers))
    ]
    model.task_dict = {"t": {"test": docs}}
    requests = [
        SimpleNamespace(args=("", None, {}, index, "t", "test")) for index in range(len(docs))
    ]
    return list(zip(docs, model.generate_until(requests), strict=True))


def test_always_first() -> None:
    assert {reply for _, reply in ask(AlwaysFirst())} == {"A"}
    assert {
        reply == doc["options"][doc["order"][0]]
        for doc, reply in ask(AlwaysFirst(), protocol="text_choice")
    } == {True}


def test_random_choice_is_uniform() -> None:
    replies = Counter(reply for doc, reply in ask(RandomChoice(), 2000) if len(doc["order"]) == 2)
    total = sum(replies.values())
    assert set(replies) == {"A", "B"}
    assert abs(replies["A"] / total - 0.5) < 4 * (0.25 / total) ** 0.5


def test_random_choice_depends_on_seed_and_question_alone() -> None:
    first = [reply for _, reply in ask(RandomChoice(seed=1))]
    assert [reply for _, reply in ask(RandomChoice(seed="1"))] == first
    assert [reply for _, reply in ask(RandomChoice(seed=2))] != first
    assert [reply for _, reply in ask(RandomChoice(seed=1), 30)] == first[
        : len(ask(AlwaysFirst(), 30))
    ]


def test_other_tasks_are_refused_in_one_line() -> None:
    model = AlwaysFirst()
    model.task_dict = {"other": {"test": [{"question": "?"}]}}
    with pytest.raises(SystemExit, match="error: AlwaysFirst answers SAT Bench tasks, not other"):
        model.generate_until([SimpleNamespace(args=("", None, {}, 0, "other", "test"))])
