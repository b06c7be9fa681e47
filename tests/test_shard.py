"""Shards: what is written is what is read, and only whole files count."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import datasets
import pyarrow.parquet as pq
import pytest

from generation import shard
from generation.scene import SceneKey
from generation.shard import ShardPlan, ShardRecord
from sat_tasks.console import UserError
from sat_tasks.data import open_data_set
from sat_tasks.manifest import Manifest, sha256_of
from sat_tasks.rows import ROW_GROUP_ROWS, Row

PLAN = ShardPlan("test", 3, 48, 16)


def make_rows(count: int, picture_bytes: int = 100) -> list[Row]:
    return [
        Row(
            images=(bytes([i % 256]) * picture_bytes,) * (1 + i % 2),
            question=f"Question {i}, with “quotes”?",
            answers=("left", "right"),
            correct_answer="left",
            question_type="relation",
            id=f"row-{i}",
            scene_id=f"scene-{i // 10}",
            engine="toy",
            seed=7,
            split="test",
            evidence='{"gap_m": 0.5}',
        )
        for i in range(count)
    ]


def make_record(folder: Path, rows: int) -> ShardRecord:
    path = folder / "data" / f"{PLAN.name}.parquet"
    return ShardRecord(
        plan=PLAN,
        settings_digest="d1",
        engine="toy",
        engine_version="1",
        rows=rows,
        sha256=sha256_of(path),
        counts={"relation": rows},
        skips={"relation": {"too small": 2}},
        houses={"scene-0": {"size_m": [5.0, 4.0]}},
    )


def write_shard(folder: Path, rows: int = 130) -> ShardRecord:
    shard.write_parquet(folder / "data" / f"{PLAN.name}.parquet", make_rows(rows))
    record = make_record(folder, rows)
    shard.write_record(folder, record)
    return record


def test_plans_cover_every_scene_once() -> None:
    plans = shard.plan_shards("test", 37, 16)
    assert [plan.scene_count for plan in plans] == [16, 16, 5]
    keys = [key for plan in plans for key in plan.keys(seed=4)]
    assert keys == [SceneKey("test", index, 4) for index in range(37)]
    assert shard.plan_shards("test", 0, 16) == []


def test_a_shard_does_not_depend_on_how_many_there_are() -> None:
    assert shard.plan_shards("val", 100, 16)[:3] == shard.plan_shards("val", 48, 16)


def test_rows_come_back_as_they_were(tmp_path: Path) -> None:
    rows = make_rows(150)
    path = tmp_path / "rows.parquet"
    assert shard.write_parquet(path, iter(rows)) == 150
    assert list(shard.read_rows(path)) == rows


def test_row_groups_are_small_and_pictures_are_not_compressed_again(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    shard.write_parquet(path, make_rows(150))
    metadata = pq.read_metadata(path)
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    assert [group.num_rows for group in groups] == [ROW_GROUP_ROWS, ROW_GROUP_ROWS, 22]
    columns = {groups[0].column(i).path_in_schema: groups[0].column(i) for i in range(12)}
    assert columns[shard.PICTURE_COLUMN].compression == "UNCOMPRESSED"
    assert columns["evidence"].compression == "ZSTD"


def test_a_picture_in_several_questions_is_stored_once(tmp_path: Path) -> None:
    picture = bytes(range(256)) * 400
    rows = [replace(row, images=(picture,)) for row in make_rows(40)]
    path = tmp_path / "rows.parquet"
    shard.write_parquet(path, rows)
    assert path.stat().st_size < 2 * len(picture)
    assert list(shard.read_rows(path)) == rows


def test_plain_datasets_reads_a_shard(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    shard.write_parquet(path, make_rows(70))
    loaded = datasets.Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "cache"))
    undecoded = loaded.cast_column("images", datasets.List(datasets.Image(decode=False)))
    assert loaded.features["images"] == datasets.List(datasets.Image())
    assert [len(row["images"]) for row in undecoded] == [1 + i % 2 for i in range(70)]
    assert undecoded[3]["images"][0]["bytes"] == bytes([3]) * 100


def test_an_empty_shard_is_a_file_without_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    assert shard.write_parquet(path, []) == 0
    assert list(shard.read_rows(path)) == []


def test_a_record_counts_only_with_its_file_and_its_plan(tmp_path: Path) -> None:
    record = write_shard(tmp_path)
    assert shard.load_record(tmp_path, PLAN) == record
    assert shard.load_record(tmp_path, replace(PLAN, scene_count=8)) is None
    (tmp_path / record.file.path).unlink()
    assert shard.load_record(tmp_path, PLAN) is None


def test_an_interrupted_write_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    shard.write_parquet(path, make_rows(3))

    def broken() -> list[Row]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        shard.write_parquet(path, (row for _ in range(1) for row in broken()))
    assert list(shard.read_rows(path)) == make_rows(3)
    assert [file.name for file in tmp_path.iterdir()] == ["rows.parquet"]


def test_a_write_that_the_system_refuses_is_one_line_and_leaves_nothing(tmp_path: Path) -> None:
    """The limit on file size stands for a full disk: the same call fails in the same way."""
    code = (
        "import signal, resource; from pathlib import Path; from generation import shard\n"
        "from test_shard import make_rows\n"
        "from sat_tasks.console import UserError\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try: shard.write_parquet(Path('rows.parquet'), make_rows(200, 2000))\n"
        "except UserError as error: print(error)\n"
    )
    paths = [str(Path(__file__).parent), str(Path(__file__).parents[1])]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {paths}\n{code}"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.startswith("cannot write rows.parquet: ")
    assert "too large" in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_finished_data_set_gives_rows_and_records(tmp_path: Path) -> None:
    record = write_shard(tmp_path)
    manifest = Manifest("toy", "1", 7, (record.file,), {"test": record.counts}, {}, {"test": 16})
    shard.write_text(tmp_path / "manifest.json", manifest.to_json())
    data = open_data_set(tmp_path)
    assert list(shard.data_set_rows(data)) == make_rows(130)
    assert shard.load_records(data) == [record]

    path = shard.record_path(tmp_path, PLAN)
    path.write_text("{}")
    with pytest.raises(UserError, match="damaged"):
        shard.load_records(data)
    path.unlink()
    with pytest.raises(UserError, match="missing"):
        shard.load_records(data)
