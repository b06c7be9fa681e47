"""Shards: the parquet files of a data set, each with a record that says it is whole.

A shard is a fixed range of scenes. Its file is written first and its record last, both under a
temporary name and then moved, so a record's presence means that its file is complete.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq

from generation.frames import SCHEMA as PAIR_SCHEMA
from generation.frames import FramePair
from generation.scene import SceneKey
from sat_tasks.console import UserError
from sat_tasks.data import DataSet
from sat_tasks.manifest import SHARD_RECORDS, ShardFile
from sat_tasks.rows import ROW_GROUP_ROWS, Row, arrow_schema

DATA_FOLDER = "data"
PAIRS_FOLDER = "pairs"
"""Of pairs of pictures with dense labels, beside the data that `load_dataset` reads."""
PICTURE_COLUMN = "images.list.element.bytes"
TEMPORARY_SUFFIX = ".part"

_Item = TypeVar("_Item")

_TEXT_COLUMNS = (
    "images.list.element.path",
    "question",
    "answers.list.element",
    "correct_answer",
    "question_type",
    "id",
    "scene_id",
    "engine",
    "seed",
    "split",
    "evidence",
)
_DICTIONARY_BYTES = 64 << 20
"""Large enough that a picture shown in several questions of a row group is stored once."""


@dataclass(frozen=True)
class ShardPlan:
    """A range of scenes that make one file."""

    split: str
    index: int
    first_scene: int
    scene_count: int

    @property
    def name(self) -> str:
        """Stem of the shard's files."""
        return f"{self.split}-{self.index:05d}"

    def keys(self, seed: int) -> list[SceneKey]:
        """Return the shard's scenes in order."""
        scenes = range(self.first_scene, self.first_scene + self.scene_count)
        return [SceneKey(self.split, index, seed) for index in scenes]


def plan_shards(split: str, scenes: int, scenes_per_shard: int) -> list[ShardPlan]:
    """Cut a split into shards; only the last may hold fewer scenes than the others."""
    return [
        ShardPlan(split, index, first, min(scenes_per_shard, scenes - first))
        for index, first in enumerate(range(0, scenes, scenes_per_shard))
    ]


@dataclass(frozen=True)
class ShardRecord:
    """What a finished shard holds."""

    plan: ShardPlan
    settings_digest: str
    """Of the settings that made it; another digest means another run."""
    engine: str
    engine_version: str
    rows: int
    sha256: str
    counts: dict[str, int]
    """Rows by question type."""
    skips: dict[str, dict[str, int]]
    """Cases without a question, by question type (or "scene") and reason."""
    houses: dict[str, dict[str, Any]]
    """What the engine told of each scene that gave rows, by scene_id."""

    @property
    def file(self) -> ShardFile:
        """The entry of the manifest."""
        path = f"{DATA_FOLDER}/{self.plan.name}.parquet"
        return ShardFile(path=path, split=self.plan.split, rows=self.rows, sha256=self.sha256)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside a file and move it over the file when all went well.

    Raises:
        UserError: The disk is full or the folder cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, path)
    except OSError as error:
        raise UserError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write a file at once or not at all."""
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_parquet(path: Path, rows: Iterable[Row]) -> int:
    """Write rows in small row groups and return their number; pictures are stored as they are."""
    schema = arrow_schema()
    count = 0
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(
            temporary,
            schema,
            compression={PICTURE_COLUMN: "NONE"} | dict.fromkeys(_TEXT_COLUMNS, "ZSTD"),
            dictionary_pagesize_limit=_DICTIONARY_BYTES,
            write_page_index=True,
        ) as writer,
    ):
        for group in _batches(rows, ROW_GROUP_ROWS):
            records = [row.to_record() for row in group]
            writer.write_table(pa.Table.from_pylist(records, schema), row_group_size=len(group))
            count += len(group)
    return count


def write_pairs(path: Path, pairs: Iterable[FramePair]) -> None:
    """Write pairs of pictures with their labels in row groups of a scene or so."""
    with (
        replacing(path) as temporary,
        pq.ParquetWriter(temporary, PAIR_SCHEMA, compression="ZSTD") as writer,
    ):
        for group in _batches(pairs, ROW_GROUP_ROWS):
            records = [pair.to_record() for pair in group]
            writer.write_table(pa.Table.from_pylist(records, PAIR_SCHEMA))


def read_rows(path: Path) -> Iterator[Row]:
    """Yield the rows of a shard, a row group at a time."""
    with pq.ParquetFile(path) as file:
        for group in range(file.num_row_groups):
            for record in file.read_row_group(group).to_pylist():
                images = tuple(image["bytes"] for image in record.pop("images"))
                answers = tuple(record.pop("answers"))
                yield Row(images=images, answers=answers, **record)


def record_path(folder: Path, plan: ShardPlan) -> Path:
    """Return where a shard's record lies."""
    return folder / SHARD_RECORDS / f"{plan.name}.json"


def write_record(folder: Path, record: ShardRecord) -> None:
    """Write a shard's record; its parquet file must be there."""
    text = json.dumps(asdict(record), indent=1, sort_keys=True) + "\n"
    write_text(record_path(folder, record.plan), text)


def load_record(folder: Path, plan: ShardPlan) -> ShardRecord | None:
    """Return the record of a finished shard, or None if it must be made (again)."""
    path = record_path(folder, plan)
    if not path.is_file():
        return None
    record = _read_record(path)
    whole = record.plan == plan and (folder / record.file.path).is_file()
    return record if whole else None


def load_records(data: DataSet) -> list[ShardRecord]:
    """Return the records of all shards of a finished data set.

    Raises:
        UserError: The data set was not written by sat-generate.
    """
    records = []
    for file in data.manifest.files:
        path = data.folder / SHARD_RECORDS / f"{Path(file.path).stem}.json"
        if not path.is_file():
            raise UserError(f"{path} is missing: it tells how {file.path} was made")
        records.append(_read_record(path))
    return records


def data_set_rows(data: DataSet) -> Iterator[Row]:
    """Yield all rows of a finished data set, in the order of its files."""
    for file in data.manifest.files:
        yield from read_rows(data.folder / file.path)


def merged_counts(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Add up counts, keys sorted."""
    total: dict[str, int] = {}
    for part in counts:
        for key, number in part.items():
            total[key] = total.get(key, 0) + number
    return dict(sorted(total.items()))


def _read_record(path: Path) -> ShardRecord:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
        return ShardRecord(plan=ShardPlan(**raw.pop("plan")), **raw)
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path} is damaged ({error}); remove it to make the shard again") from None


def _batches(rows: Iterable[_Item], size: int) -> Iterator[list[_Item]]:
    batch: list[_Item] = []
    for row in rows:
        batch.append(row)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
