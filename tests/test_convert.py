"""Published files become data set folders: the same rows, in little memory, whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sat_folder import picture

from sat_tasks import convert, hub
from sat_tasks.console import UserError
from sat_tasks.data import encoded_pictures, open_data_set, read_questions
from sat_tasks.rows import Row
from sat_tasks.tables import TABLES

KINDS = (
    "other",
    "action_sequence",
    "obj_movement",
    "action_consequence",
    "goal_aim",
    "perspective",
)


def record(number: int, kinds: tuple[str, ...] = KINDS) -> dict[str, Any]:
    two = number % 2
    return {
        "image_bytes": [picture(number // 2 * 2 + k) for k in range(1 + two)],
        "question": f"Question {number}?",
        "answers": ["left", "right"],
        "question_type": kinds[number % len(kinds)],
        "correct_answer": ["left", "right"][number % 3 % 2],
    }


def array_sat_file(path: Path, count: int, kinds: tuple[str, ...] = KINDS) -> Path:
    """A file in the shape of array/SAT: nested binaries in one row group."""
    schema = pa.schema(
        [
            ("image_bytes", pa.list_(pa.binary())),
            ("question", pa.string()),
            ("answers", pa.list_(pa.string())),
            ("question_type", pa.string()),
            ("correct_answer", pa.string()),
        ]
    )
    table = pa.Table.from_pylist([record(number, kinds) for number in range(count)], schema)
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=count)
    return path


def array_sat_v2_file(path: Path, count: int) -> Path:
    """A file in the shape of array/SAT-v2: a sequence of images, as ``datasets`` writes it."""
    from datasets import Dataset, Features, Image, List, Value

    features = Features(
        {
            "images": List(Image()),
            "question": Value("string"),
            "answers": List(Value("string")),
            "question_type": Value("string"),
            "correct_answer": Value("string"),
        }
    )
    records = []
    for number in range(count):
        item = record(number)
        item["images"] = [{"bytes": image, "path": None} for image in item.pop("image_bytes")]
        records.append(item)
    path.parent.mkdir(parents=True, exist_ok=True)
    Dataset.from_list(records, features=features).to_parquet(str(path))
    return path


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.mark.parametrize(
    ("write", "name"),
    [(array_sat_file, "SAT_val.parquet"), (array_sat_v2_file, "data/val-00000-of-00001.parquet")],
)
def test_both_published_shapes(write: Any, name: str, tmp_path: Path) -> None:
    source = write(tmp_path / "published" / name, 150)
    made = convert.convert(
        {source: "val"}, convert.sat_rows, tmp_path / "out", name="array/SAT", source_revision="abc"
    )
    questions = read_questions(made, "val")
    assert len(questions) == 150
    for number in (0, 63, 64, 149):
        question, original = questions[number], record(number)
        assert question.question == original["question"]
        assert question.options[question.answer_index] == original["correct_answer"]
        assert list(encoded_pictures(question.file, question.row)) == original["image_bytes"]
    assert {q.question_type for q in questions} >= {"other", "ego_movement", "object_movement"}
    assert made.revision.startswith("abc/")
    metadata = pq.read_metadata(questions[0].file)
    assert max(metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)) == 64


def test_questions_about_one_picture_are_one_scene(tmp_path: Path) -> None:
    source = array_sat_file(tmp_path / "SAT_val.parquet", 10)
    scenes = [row.scene_id for row in convert.sat_rows(source, "val")]
    assert scenes[0] == scenes[1] != scenes[2]


def test_a_local_copy_of_the_hub_is_a_data_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    array_sat_file(tmp_path / "published" / "SAT_val.parquet", 60)
    array_sat_file(tmp_path / "published" / "SAT_test.parquet", 12)
    monkeypatch.setenv("SAT_DATA", str(tmp_path / "published"))
    data, static = TABLES["sat"].load("static")
    assert len(static) == 10
    assert {question.question_type for question in static} == {"other"}
    monkeypatch.setenv("SAT_REAL_DATA", str(tmp_path / "published"))
    assert len(TABLES["sat_real"].load("all")[1]) == 12
    assert TABLES["sat_real"].load("all")[1][0].origin == "photographs"
    assert TABLES["sat"].load("static")[0].folder == data.folder


def test_an_interrupted_conversion_leaves_nothing(tmp_path: Path) -> None:
    source = array_sat_file(tmp_path / "SAT_val.parquet", 100)

    def failing(path: Path, split: str) -> Iterator[Row]:
        for number, row in enumerate(convert.sat_rows(path, split)):
            if number == 70:
                raise KeyboardInterrupt
            yield row

    out = tmp_path / "cache" / "out"
    with pytest.raises(KeyboardInterrupt):
        convert.convert({source: "val"}, failing, out, name="x", source_revision="1")
    assert list((tmp_path / "cache").iterdir()) == []
    made = convert.convert({source: "val"}, convert.sat_rows, out, name="x", source_revision="1")
    assert len(read_questions(made, "val")) == 100


def test_a_finished_conversion_is_not_repeated(tmp_path: Path) -> None:
    source = array_sat_file(tmp_path / "SAT_val.parquet", 5)
    out = tmp_path / "out"
    convert.convert({source: "val"}, convert.sat_rows, out, name="x", source_revision="1")
    source.unlink()
    convert.convert({source: "val"}, convert.sat_rows, out, name="x", source_revision="1")
    assert len(read_questions(open_data_set(out), "val")) == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"question_type": "colour"}, "row 3: unknown question type 'colour'"),
        ({"correct_answer": "up"}, "row 3: .*'up' is not among"),
        ({"image_bytes": [b""]}, "row 3: a picture is missing"),
    ],
)
def test_bad_rows_are_named(change: dict[str, Any], message: str, tmp_path: Path) -> None:
    records = [record(number) for number in range(5)]
    records[3] |= change
    path = tmp_path / "SAT_val.parquet"
    pq.write_table(pa.Table.from_pylist(records), path)
    with pytest.raises(UserError, match=message):
        list(convert.sat_rows(path, "val"))


def test_other_columns_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "SAT_val.parquet"
    pq.write_table(pa.table({"prompt": ["a"]}), path)
    with pytest.raises(UserError, match="not in the shape of array/SAT or array/SAT-v2: no column"):
        list(convert.sat_rows(path, "val"))
    path.write_bytes(b"not parquet")
    with pytest.raises(UserError, match="cannot be read as parquet"):
        list(convert.sat_rows(path, "val"))


@pytest.mark.parametrize(
    ("name", "split"),
    [
        ("SAT_train.parquet", "train"),
        ("SAT_static.parquet", "train"),
        ("SAT_val.parquet", "val"),
        ("test-00000-of-00001.parquet", "test"),
        ("validation-00000-of-00002.parquet", "val"),
    ],
)
def test_split_in_a_file_name(name: str, split: str) -> None:
    assert hub.split_in_name(name) == split


def test_name_without_split() -> None:
    with pytest.raises(UserError, match="names no split"):
        hub.split_in_name("contest.parquet")


_MEASURE = """
import re, sys
from pathlib import Path
from sat_tasks.convert import convert, sat_rows
convert({Path(sys.argv[1]): "val"}, sat_rows, Path(sys.argv[2]), name="x", source_revision="1")
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""
"""Converts, then prints the peak memory in MiB; getrusage would count the parent's."""


def _large_file(path: Path, gigabytes: float) -> None:
    """One row group of nested binaries, larger than an Arrow array of 32-bit offsets may be."""
    import numpy as np

    rng = np.random.default_rng(0)
    per_row = 80_000  # as in array/SAT
    schema = pa.schema(
        [
            ("image_bytes", pa.list_(pa.binary())),
            ("question", pa.string()),
            ("answers", pa.list_(pa.string())),
            ("question_type", pa.string()),
            ("correct_answer", pa.string()),
        ]
    )
    count = int(gigabytes * 1e9 / per_row)
    base = rng.bytes(per_row // 2)

    def chunk(start: int) -> list[dict[str, Any]]:
        return [
            record(number)
            | {"image_bytes": [number.to_bytes(4, "big") + base, base + number.to_bytes(4, "big")]}
            for number in range(start, min(start + 500, count))
        ]

    table = pa.concat_tables(
        [pa.Table.from_pylist(chunk(start), schema) for start in range(0, count, 500)]
    )
    pq.write_table(table, path, row_group_size=count, use_dictionary=False, compression="NONE")
    assert pq.read_metadata(path).num_row_groups == 1


@pytest.mark.optin
@pytest.mark.skipif(not os.environ.get("SAT_TEST_OPTIN"), reason="7 GB of memory; SAT_TEST_OPTIN=1")
def test_a_row_group_over_2_gb_converts_in_less_than_1_gb(tmp_path: Path) -> None:
    source = tmp_path / "SAT_val.parquet"
    _large_file(source, 2.4)
    with pytest.raises(pa.ArrowNotImplementedError):
        pq.read_table(source)  # what ordinary readers do
    command = [sys.executable, "-c", _MEASURE, str(source), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 1024
    made = open_data_set(tmp_path / "out")
    assert made.manifest.files[0].rows == pq.read_metadata(source).num_rows
