"""What identifies samples: the same values are the same, however they lie in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leaderboard import samples
from leaderboard.samples import digest

SCHEMA = pa.schema(
    [("id", pa.string()), ("reading", pa.int16()), ("correct", pa.bool_()),
     ("options", pa.list_(pa.string()))]
)  # fmt: skip
rows = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.text(max_size=6),
            "reading": st.none() | st.integers(0, 9),
            "correct": st.booleans(),
            "options": st.lists(st.text(max_size=4), max_size=3),
        }
    ),
    min_size=1,
    max_size=20,
)


def table_of(content: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(content, SCHEMA)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(content=rows, cut=st.integers(0, 20))
def test_a_digest_is_of_the_values_alone(
    content: list[dict[str, Any]], cut: int, tmp_path: Path
) -> None:
    table = table_of(content)
    name = digest(table)
    chunked = pa.concat_tables([table.slice(0, cut), table.slice(cut)])
    sliced = pa.concat_tables([table, table]).combine_chunks().slice(table.num_rows)
    samples.write(table, tmp_path / "t.parquet")
    for other in (chunked, sliced, samples.read(tmp_path / "t.parquet")):
        assert digest(other.select(SCHEMA.names)) == name


@given(one=rows, two=rows)
@settings(max_examples=80, deadline=None)
def test_other_values_have_another_digest(
    one: list[dict[str, Any]], two: list[dict[str, Any]]
) -> None:
    assert (digest(table_of(one)) == digest(table_of(two))) == (one == two)


def test_what_lies_under_a_null_does_not_count() -> None:
    mask = pa.array([True, False, False]).buffers()[1].to_pybytes()
    valid = pa.py_buffer(bytes([~mask[0] & 0xFF]))
    hidden = [
        pa.Array.from_buffers(pa.int16(), 3, [valid, pa.array(v, pa.int16()).buffers()[1]])
        for v in ([7, 1, 2], [0, 1, 2])
    ]
    assert hidden[0].to_pylist() == hidden[1].to_pylist() == [None, 1, 2]
    first, second = (digest(pa.table({"reading": array})) for array in hidden)
    assert first == second


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ([{"id": "ab", "options": ["c"]}], [{"id": "a", "options": ["bc"]}]),
        ([{"id": "a", "options": ["b", "c"]}], [{"id": "a", "options": ["bc"]}]),
        ([{"id": None}], [{"id": ""}]),
        ([{"reading": None}], [{"reading": 0}]),
    ],
)
def test_values_that_run_together_are_told_apart(
    one: list[dict[str, Any]], two: list[dict[str, Any]]
) -> None:
    assert digest(table_of(one)) != digest(table_of(two))
