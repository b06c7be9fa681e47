"""Protocols: how often and in which orders a question is asked."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sat_tasks.console import UserError
from sat_tasks.protocol import PROTOCOLS, protocol_of, rotations
from sat_tasks.settings import filters_of, generation_of


@given(st.integers(1, 8))
def test_each_option_is_at_each_position_once(count: int) -> None:
    orders = rotations(count)
    assert orders[0] == tuple(range(count))
    for position in range(count):
        assert sorted(order[position] for order in orders) == list(range(count))


def test_only_single_asks_once() -> None:
    asked = {name: len(protocol.orders(3)) for name, protocol in PROTOCOLS.items()}
    assert asked.pop("single") == asked.pop("single_blind") == 1
    assert set(asked.values()) == {3}


def test_environment_decides_where_a_task_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAT_PROTOCOL", raising=False)
    assert protocol_of("").name == "circular"
    monkeypatch.setenv("SAT_PROTOCOL", "cot_blind")
    assert protocol_of("").name == "cot_blind"
    assert protocol_of("single").name == "single"


def test_unknown_protocol_names_the_known(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match="unknown protocol 'square'; known: circular"):
        protocol_of("square")
    monkeypatch.setenv("SAT_PROTOCOL", "square")
    with pytest.raises(SystemExit, match="error: unknown protocol 'square'"):
        from sat_tasks.settings import FILTERS  # noqa: F401


def test_protocol_is_the_name_of_the_filter() -> None:
    for name, protocol in PROTOCOLS.items():
        assert [entry["name"] for entry in filters_of(protocol)] == [name]
        assert generation_of(protocol)["until"] == []
    assert generation_of(PROTOCOLS["cot"])["max_new_tokens"] >= 1024
