"""Data set folders: what is read, what is refused, and what is left unread."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sat_folder import picture, rows, write_folder

from sat_tasks import data
from sat_tasks.console import UserError
from sat_tasks.tables import find_table


def load_table(name: str) -> tuple[data.DataSet, list[data.Question]]:
    table, part = find_table(name)
    return table.load(part)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "d", rows(60))


def test_questions_are_those_that_were_written(folder: Path) -> None:
    questions = data.read_questions(data.open_data_set(folder), "test")
    written = rows(60)
    assert [question.id for question in questions] == [item.id for item in written]
    assert [q.options[q.answer_index] for q in questions] == [w.correct_answer for w in written]
    assert [q.picture_count for q in questions] == [len(w.images) for w in written]


def test_pictures_are_those_of_the_row(folder: Path) -> None:
    questions = data.read_questions(data.open_data_set(folder), "test")
    for index in (0, 17, 41, 59):  # in several files and row groups
        stored = data.encoded_pictures(questions[index].file, questions[index].row)
        assert stored == rows(60)[index].images
    with pytest.raises(IndexError, match="has no row 99"):
        data.encoded_pictures(questions[0].file, 99)


def test_evidence_is_that_of_the_row_and_none_where_none_is_recorded(folder: Path) -> None:
    (first, *_) = sorted((folder / "data").iterdir())
    assert data.evidence_column(str(first)) == ["{}"] * 40
    table = pq.read_table(first).drop_columns(["evidence"])
    pq.write_table(table, first)
    assert data.evidence_column(str(first)) == [None] * 40


def test_a_picture_is_opened_once_for_all_orders(folder: Path) -> None:
    question = data.read_questions(data.open_data_set(folder), "test")[4]
    first = data.open_pictures(question.file, question.row)
    assert data.open_pictures(question.file, question.row)[0] is first[0]
    assert first[0].size == (48, 48)


def test_revision_changes_with_the_rows(tmp_path: Path) -> None:
    first = data.open_data_set(write_folder(tmp_path / "a", rows(9))).revision
    again = data.open_data_set(write_folder(tmp_path / "b", rows(9))).revision
    other = data.open_data_set(write_folder(tmp_path / "c", rows(10))).revision
    assert first == again != other


def test_not_a_folder(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="nowhere is no folder"):
        data.open_data_set(tmp_path / "nowhere")


def test_not_a_data_set(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"is no data set \(it has no manifest.json\)"):
        data.open_data_set(tmp_path)


def test_half_written(folder: Path) -> None:
    (folder / "manifest.json").unlink()
    with pytest.raises(UserError, match="is half written: generation did not finish"):
        data.open_data_set(folder)


def test_manifest_of_something_else(folder: Path) -> None:
    (folder / "manifest.json").write_text("{}")
    with pytest.raises(UserError, match=r"manifest.json: not a SAT Bench manifest"):
        data.open_data_set(folder)


def test_damaged_file(folder: Path) -> None:
    path = folder / "data" / "test-00001.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match=r"test-00001.parquet is damaged: its checksum"):
        data.open_data_set(folder)


def test_damage_after_the_first_look_is_seen(folder: Path) -> None:
    data.open_data_set(folder)
    (folder / "data" / "test-00000.parquet").write_bytes(b"short")
    with pytest.raises(UserError, match="damaged"):
        data.open_data_set(folder)


def test_missing_file(folder: Path) -> None:
    (folder / "data" / "test-00001.parquet").unlink()
    with pytest.raises(UserError, match="is missing; the manifest names it"):
        data.open_data_set(folder)


def test_no_rows_of_a_split(folder: Path) -> None:
    opened = data.open_data_set(folder)
    with pytest.raises(UserError, match=r"no rows of split 'val'; it has test \(60 rows\)"):
        data.read_questions(opened, "val")


# --- which questions a task gets


def test_parts_divide_the_questions(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAT_DATA", str(folder))
    found = {part: load_table(f"sat.{part}")[1] for part in ("all", "static", "dynamic", "depth")}
    assert len(found["all"]) == 60
    assert {q.id for q in found["static"]} | {q.id for q in found["dynamic"]} == {
        q.id for q in found["all"]
    }
    assert {q.question_type for q in found["depth"]} == {"depth"}


def test_missing_part_says_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only = write_folder(tmp_path / "d", rows(6, ["depth", "relation"]))
    monkeypatch.setenv("SAT_DATA", str(only))
    with pytest.raises(
        UserError, match=r"no dynamic questions in 'test'; it has depth \(3\), relation \(3\)"
    ):
        load_table("sat.dynamic")


def test_split_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    both = write_folder(tmp_path / "d", [*rows(6), *rows(4, split="val")])
    monkeypatch.setenv("SAT_DATA", str(both))
    assert len(load_table("sat.all")[1]) == 6
    monkeypatch.setenv("SAT_SPLIT", "val")
    assert len(load_table("sat.all")[1]) == 4


@pytest.mark.parametrize("name", ["sat.colour", "moon.all"])
def test_unknown_table_or_part(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAT_DATA", str(folder))
    with pytest.raises(UserError, match=r"unknown (table|part) '.*'; known: "):
        load_table(name)


def test_hub_that_cannot_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAT_DATA", raising=False)
    monkeypatch.setenv("SAT_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"cannot download SAT_val.parquet of array/SAT .*SAT_DATA"):
        load_table("sat.dynamic")
    assert list(tmp_path.iterdir()) == []


def test_unknown_type_in_the_data(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    copy = folder.with_name("other")
    shutil.copytree(folder, copy)
    import pyarrow as pa
    import pyarrow.parquet as pq

    from sat_tasks.manifest import sha256_of

    path = copy / "data" / "test-00000.parquet"
    table = pq.read_table(path)
    kinds = pa.array(["colour"] * table.num_rows)
    column = table.schema.get_field_index("question_type")
    pq.write_table(table.set_column(column, "question_type", kinds), path)
    manifest["files"][0]["sha256"] = sha256_of(path)
    (copy / "manifest.json").write_text(json.dumps(manifest))
    monkeypatch.setenv("SAT_DATA", str(copy))
    with pytest.raises(UserError, match="row 0: unknown question type 'colour'; known: "):
        load_table("sat.all")


def test_test_pictures_differ() -> None:
    assert picture(1) != picture(2)
