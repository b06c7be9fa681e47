"""LLaVA-Instruct files: read in one pass, kept on disk, and every unusable row counted."""

from __future__ import annotations

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from finetune import instruct
from finetune.instruct import MAX_TEXT_BYTES, InstructData
from sat_tasks.console import UserError


def talk(*texts: str, first: str = "human") -> list[dict[str, str]]:
    speakers = ["human", "gpt"] if first == "human" else ["gpt", "human"]
    return [{"from": speakers[i % 2], "value": text} for i, text in enumerate(texts)]


PLAIN = {"id": "t", "conversations": talk("Hi", "Hello")}
SEEN = {"id": "p", "image": "a.png", "conversations": talk("What colour?\n<image>", "Red.")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    Image.new("RGB", (8, 8), "red").save(tmp_path / "a.png")
    return tmp_path


def opened(folder: Path, rows: Any, **how: Any) -> InstructData:
    (folder / "i.json").write_text(json.dumps(rows, **how), encoding="utf-8")
    return InstructData(folder / "i.json", folder)


def texts(data: InstructData, index: int) -> list[str]:
    return [turn["content"][-1]["text"] for turn in data.conversation(index)["messages"]]


def test_pictures_come_first_and_texts_need_none(folder: Path) -> None:
    data = opened(folder, [PLAIN, SEEN])
    assert [data.picture_count(index) for index in range(2)] == [0, 1]
    assert data.conversation(0)["images"] == []
    seen = data.conversation(1)
    assert seen["messages"][0]["content"] == [
        {"type": "image"},
        {"type": "text", "text": "What colour?"},
    ]
    assert seen["images"][0].getpixel((0, 0)) == (255, 0, 0)


@pytest.mark.parametrize(
    ("row", "fault"),
    [
        (SEEN | {"image": "b.png"}, "missing picture"),
        (SEEN | {"video": "v"}, "unknown column 'video'"),
        ({"id": "1"}, "no conversation"),
        ("text", "no conversation"),
        (PLAIN | {"conversations": []}, "no conversation"),
        (PLAIN | {"conversations": talk("Hi")}, "no conversation"),
        (PLAIN | {"conversations": [*talk("a", "b"), *talk("c", "d", first="gpt")]}, "alternate"),
        (PLAIN | {"conversations": talk("Hi", " ")}, "empty turn"),
        (PLAIN | {"conversations": talk("<image>", "Red")}, "empty turn"),
        (PLAIN | {"conversations": talk("<image> a", "Red")}, "pictures and placeholders differ"),
        (SEEN | {"conversations": talk("What?", "Red")}, "pictures and placeholders differ"),
        (PLAIN | {"conversations": talk("Hi", "x" * MAX_TEXT_BYTES)}, "too long"),
    ],
)
def test_an_unusable_row_is_counted_by_its_reason(folder: Path, row: Any, fault: str) -> None:
    data = opened(folder, [PLAIN, row, SEEN])
    assert len(data) == 2
    ((found, count),) = data.faults.items()
    assert fault in found
    assert count == 1
    assert texts(data, 1) == ["What colour?", "Red."]


def test_a_talk_begins_with_a_question_and_ends_with_a_reply_in_time(folder: Path) -> None:
    late = talk("Welcome.", "Hi", "Hello", "Bye", first="gpt")
    long = talk("One?", "Yes.", "Two?", "ü" * (MAX_TEXT_BYTES // 2))
    data = opened(folder, [PLAIN | {"conversations": late}, PLAIN | {"conversations": long}])
    assert texts(data, 0) == ["Hi", "Hello"]
    assert texts(data, 1) == ["One?", "Yes."]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.text(min_size=1), st.text(min_size=1)), max_size=6),
    st.booleans(),
    st.sampled_from([None, 0, 3]),
    st.integers(1, 64),
)
def test_any_text_is_found_again_whatever_the_chunks(
    tmp_path_factory: pytest.TempPathFactory,
    pairs: list[tuple[str, str]],
    ascii_only: bool,
    indent: int | None,
    chunk: int,
) -> None:
    pairs = [
        (question, reply)
        for question, reply in pairs
        if question.strip() and reply.strip() and question.isprintable() and reply.isprintable()
    ]
    rows = [PLAIN | {"conversations": talk(*pair)} for pair in pairs]
    before, instruct._CHUNK_BYTES = instruct._CHUNK_BYTES, chunk
    try:
        folder = tmp_path_factory.mktemp("any")
        data = opened(folder, rows, ensure_ascii=ascii_only, indent=indent)
    finally:
        instruct._CHUNK_BYTES = before
    assert [texts(data, index) for index in range(len(data))] == [
        [text.replace("<image>", "").strip() for text in pair] for pair in pairs
    ]


@pytest.mark.parametrize(
    "content",
    ['{"a": 1}', "", "[", '[{"id": 1}', '[{"id": 1},]', '[{"id": 1} {"id": 2}]', "[]x", "\xff"],
)
def test_what_is_no_list_is_refused(folder: Path, content: str) -> None:
    (folder / "i.json").write_bytes(content.encode("latin-1"))
    with pytest.raises(UserError, match=r"i\.json is no"):
        InstructData(folder / "i.json", folder)


def test_memory_does_not_grow_with_the_text(folder: Path) -> None:
    """20 MB of conversations take up a few bytes each."""
    row = json.dumps(PLAIN | {"conversations": talk("Why? " * 100, "Because. " * 700)})
    count = 3000
    (folder / "big.json").write_text("[" + ",\n".join([row] * count) + "]")
    tracemalloc.start()
    data = InstructData(folder / "big.json", folder)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(data) == count
    assert kept < 200_000
    assert peak < 8_000_000
    assert texts(data, count - 1)[0].startswith("Why? Why?")


def test_the_revision_is_that_of_every_byte(folder: Path) -> None:
    first = opened(folder, [PLAIN, SEEN]).revision
    assert opened(folder, [PLAIN, SEEN]).revision == first
    assert opened(folder, [PLAIN, SEEN], indent=1).revision != first
