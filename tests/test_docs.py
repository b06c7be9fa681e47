"""What lmms-eval sees: documents without pictures, prompts with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from datasets import Dataset, load_dataset
from sat_folder import rows, write_folder

from sat_tasks import data, docs
from sat_tasks.protocol import PROTOCOLS

PLACEHOLDER = Path(docs.__file__).parent / "tasks" / "placeholder.json"


def documents(name: str, cache: Path) -> Dataset:
    files = {"test": str(PLACEHOLDER)}
    start = load_dataset("json", name=name, data_files=files, cache_dir=str(cache))
    return docs.documents(start["test"])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = write_folder(tmp_path / "d", rows(30))
    monkeypatch.setenv("SAT_DATA", str(made))
    monkeypatch.delenv("SAT_PROTOCOL", raising=False)
    return made


def test_each_question_in_each_order_next_to_each_other(folder: Path, tmp_path: Path) -> None:
    found = documents("sat.all", tmp_path)
    assert len(found) == sum(len(row.answers) for row in rows(30))
    first = [doc for doc in found if doc["id"] == "test-00003"]
    assert [doc["order"] for doc in first] == [[0, 1, 2], [1, 2, 0], [2, 0, 1]]
    assert [index for index, doc in enumerate(found) if doc["id"] == "test-00003"] == [6, 7, 8]


def test_task_file_or_environment_names_the_protocol(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(documents("sat.all@single", tmp_path)) == 30
    monkeypatch.setenv("SAT_PROTOCOL", "single")
    assert set(documents("sat.all", tmp_path)["protocol"]) == {"single"}
    assert set(documents("sat.all@cot", tmp_path)["protocol"]) == {"cot"}


def test_nothing_is_decoded_to_build_documents_and_texts(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: Any) -> None:
        raise AssertionError("a picture was read")

    monkeypatch.setattr(data, "_read_pictures", refuse)
    for doc in documents("sat.all", tmp_path):
        docs.doc_to_text(doc)
        docs.doc_to_target(doc)
    with pytest.raises(AssertionError, match="a picture was read"):
        docs.doc_to_visual(doc)


def test_messages_hold_the_pictures_in_order(folder: Path, tmp_path: Path) -> None:
    doc = next(doc for doc in documents("sat.ego_movement", tmp_path))
    (message,) = docs.doc_to_messages(doc)
    assert [part["type"] for part in message["content"]] == [
        "text",
        "image",
        "text",
        "image",
        "text",
    ]
    stored = data.open_pictures(doc["file"], doc["row"])
    assert [part["url"] for part in message["content"] if part["type"] == "image"] == list(stored)


def test_blind_protocols_show_no_picture(folder: Path, tmp_path: Path) -> None:
    sighted = documents("sat.ego_movement", tmp_path)[0]
    blind = documents("sat.ego_movement@circular_blind", tmp_path)[0]
    (message,) = docs.doc_to_messages(blind)
    assert [part["type"] for part in message["content"]] == ["text"]
    assert docs.doc_to_visual(blind) == []
    assert docs.doc_to_text(sighted).endswith(docs.doc_to_text(blind))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_target_is_the_right_option_in_every_order(
    protocol: str, folder: Path, tmp_path: Path
) -> None:
    from sat_tasks.answer import read_reply

    for doc in documents(f"sat.all@{protocol}", tmp_path):
        position = read_reply(docs.doc_to_target(doc), docs.offered(doc), doc["style"])
        assert position is not None
        assert doc["order"][position] == doc["answer_index"]
        assert docs.offered(doc)[position] in docs.doc_to_text(doc)


def test_bad_data_is_one_line_and_a_status(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAT_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(SystemExit) as stopped:
        documents("sat.all", tmp_path)
    message = str(stopped.value.code)
    assert message.startswith("error: ")
    assert "nowhere is no folder" in message
    assert "\n" not in message
