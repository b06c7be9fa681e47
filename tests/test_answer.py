"""How replies are read: a table of real-looking replies, and properties that must always hold."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sat_tasks.answer import read_reply
from sat_tasks.prompt import labels, reply_text
from sat_tasks.protocol import Style

TABLE = yaml.safe_load((Path(__file__).parent / "data" / "replies.yaml").read_text("utf-8"))
CASES = [
    pytest.param(
        reply, group["options"], group.get("style", "letters"), reading, id=f"{kind}-{reply}"
    )
    for group in TABLE
    for kind, reply, reading in group["cases"]
]


def test_the_table_is_large_and_has_every_kind() -> None:
    kinds = {kind for group in TABLE for kind, _, _ in group["cases"]}
    assert len(CASES) >= 250
    assert {
        "refusal",
        "two answers",
        "letter in word",
        "article",
        "thinking",
        "json",
        "empty",
    } <= kinds
    assert sum(case.values[3] is None for case in CASES) >= 60


@pytest.mark.parametrize(("reply", "options", "style", "reading"), CASES)
def test_reading(reply: str, options: list[str], style: Style, reading: int | None) -> None:
    assert read_reply(reply, options, style) == reading


def test_no_reply_at_all_is_no_reading() -> None:
    assert read_reply(None, ["left", "right"]) is None


@pytest.mark.parametrize(
    "reply", ["B", "(B)", "B.", "Answer: B", "The correct answer is B", "**B**"]
)
def test_only_offered_letters_count(reply: str) -> None:
    assert read_reply(reply, ["only one"]) is None


texts = st.text(alphabet="abcdefghij ", min_size=3, max_size=12).map(str.strip).filter(bool)


@given(st.lists(texts, min_size=2, max_size=6, unique=True), st.data())
def test_the_reply_that_a_prompt_asks_for_is_read(options: list[str], data: Any) -> None:
    answer = data.draw(st.integers(0, len(options) - 1))
    for style in ("letters", "reasoning"):
        assert read_reply(reply_text(options, answer, style), options, style) == answer


@given(st.text(max_size=200))
def test_any_text_gives_an_offered_option_or_none(reply: str) -> None:
    assert read_reply(reply, ["left", "right", "above"]) in (0, 1, 2, None)


@given(st.permutations(["moved forward", "rotated left", "rotated right", "did not move"]))
def test_an_option_text_is_read_in_any_order(options: list[str]) -> None:
    for index, option in enumerate(options):
        assert read_reply(f"The camera {option}.", options) == index
        assert read_reply(labels(options)[index], options) == index
