"""The row format is what plain ``datasets`` reads."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from sat_folder import row, rows, write_folder

from sat_tasks.rows import ROW_GROUP_ROWS, Row, arrow_schema


def test_answer_must_be_an_option() -> None:
    good = row(0, "depth")
    with pytest.raises(ValueError, match="'up' is not among"):
        Row(**{**good.__dict__, "correct_answer": "up"})


def test_datasets_reads_a_folder_and_decodes_its_pictures(tmp_path: Path) -> None:
    from datasets import load_dataset

    folder = write_folder(tmp_path / "data set", rows(5))
    files = {"test": str(folder / "data" / "test-00000.parquet")}
    loaded = load_dataset("parquet", data_files=files, cache_dir=str(tmp_path / "cache"))["test"]
    assert loaded[4]["images"][0].size == (48, 48)
    assert [len(item["images"]) for item in loaded] == [len(item.images) for item in rows(5)]
    assert loaded.column_names == arrow_schema().names


def test_row_groups_are_small(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "d", rows(40))
    metadata = pq.read_metadata(folder / "data" / "test-00000.parquet")
    assert metadata.row_group(0).num_rows <= ROW_GROUP_ROWS
