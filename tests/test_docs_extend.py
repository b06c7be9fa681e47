"""The examples of docs/extend.md run as they stand; the tables are put back afterwards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from generation.assets import FURNITURE_SOURCES, all_pieces
from generation.houses import HOUSE_SOURCES
from generation.proof import SOLVERS
from generation.questions import QUESTION_TYPES, ego_movement
from sat_tasks import taxonomy
from sat_tasks.movements import MOVEMENTS

TEXT = (Path(__file__).parents[1] / "docs" / "extend.md").read_text()
EXAMPLES = dict(re.findall(r"^## (.+?)$(?:(?!^## ).)*?^```python\n(.*?)^```", TEXT, re.M | re.S))
TABLES: tuple[dict[str, Any], ...] = (
    FURNITURE_SOURCES,
    HOUSE_SOURCES,
    SOLVERS,
    QUESTION_TYPES,
    MOVEMENTS,
    taxonomy.QUESTION_TYPES,
)


@pytest.fixture(autouse=True)
def tables_as_before(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(ego_movement, "OPTION_SETS", ego_movement.OPTION_SETS)
    before = [dict(table) for table in TABLES]
    yield
    for table, content in zip(TABLES, before, strict=True):
        table.clear()
        table.update(content)
    all_pieces.cache_clear()


def test_there_is_an_example_for_each_thing_that_can_be_added() -> None:
    wanted = ["A camera action", "A question type", "A furniture source", "A house source"]
    assert list(EXAMPLES) == wanted


@pytest.mark.parametrize("title", EXAMPLES)
def test_example_runs(title: str) -> None:
    exec(compile(EXAMPLES[title], f"docs/extend.md: {title}", "exec"), {"__name__": "example"})
