"""Where rows come from, read without decoding or even loading a picture that nobody asks for.

A data set folder (layout in :mod:`sat_tasks.manifest`) is checked once against its manifest and
read as a slim table of :class:`Question`. Pictures are fetched later, row group by row group.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from PIL import Image

from sat_tasks.console import UserError
from sat_tasks.manifest import MANIFEST_NAME, SHARD_RECORDS, Manifest, parse_manifest, sha256_of
from sat_tasks.pictures import open_picture

_PICTURE_PATH = "images.list.element.path"
"""A leaf column: reading it alone tells how many pictures a row has, and loads none."""
_PICTURE_BYTES = "images.list.element.bytes"
_TEXT_COLUMNS = (
    "id",
    "scene_id",
    "question_type",
    "engine",
    "question",
    "answers",
    "correct_answer",
)


@dataclass(frozen=True)
class DataSet:
    """A data set folder whose files are those that its manifest names."""

    folder: Path
    manifest: Manifest
    revision: str
    """Changes when any row does; part of every result."""


@dataclass(frozen=True)
class Question:
    """One row without its pictures, and where those are."""

    id: str
    scene_id: str
    question_type: str
    origin: str
    """What made the pictures: an engine, or where photographs come from."""
    question: str
    options: tuple[str, ...]
    answer_index: int
    picture_count: int
    file: str
    row: int
    """Within the file."""


def open_data_set(folder: Path) -> DataSet:
    """Return a data set folder after checking every file against the manifest.

    Raises:
        UserError: It is no data set, half written, or damaged.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; expected a data set made by sat-generate")
    path = folder / MANIFEST_NAME
    if not path.is_file():
        half = (folder / SHARD_RECORDS).is_dir() or (folder / "data").is_dir()
        problem = "is half written: generation did not finish" if half else "is no data set"
        raise UserError(f"{folder} {problem} (it has no {MANIFEST_NAME})")
    try:
        manifest = parse_manifest(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise UserError(f"{path}: {error}") from error
    for file in manifest.files:
        _check_file(folder / file.path, file.sha256)
    return DataSet(folder, manifest, _revision(manifest))


def read_questions(
    data: DataSet, split: str, left_out: Counter[str] | None = None
) -> list[Question]:
    """Return the questions of a split in the order of the files.

    Args:
        data: The data set.
        split: Of it.
        left_out: Counts rows that cannot be used, by reason; without it such a row is an error.

    Raises:
        UserError: There are none; the message says which splits there are.
    """
    files = [file for file in data.manifest.files if file.split == split]
    rows = [
        question for file in files for question in _read_file(data.folder / file.path, left_out)
    ]
    if not rows:
        totals: dict[str, int] = {}
        for file in data.manifest.files:
            totals[file.split] = totals.get(file.split, 0) + file.rows
        has = ", ".join(f"{name} ({count} rows)" for name, count in sorted(totals.items()))
        raise UserError(f"{data.folder} has no rows of split {split!r}; it has {has or 'none'}")
    return rows


def encoded_pictures(file: str, row: int) -> tuple[bytes, ...]:
    """Return the pictures of a row as the files that they are stored as."""
    for group, first, rows in _row_groups(file):
        if first <= row < first + rows:
            return _read_pictures(file, group)[row - first]
    raise IndexError(f"{file} has no row {row}")


def rows_without_picture(file: str) -> Iterator[int]:
    """Yield the rows of a file that lack the bytes of a picture; reads only where some may."""
    metadata = pq.read_metadata(file)
    columns = [metadata.schema.column(index).path for index in range(metadata.num_columns)]
    column = columns.index(_PICTURE_BYTES)
    for group, first, _ in _row_groups(file):
        statistics = metadata.row_group(group).column(column).statistics
        if statistics is None or not statistics.has_null_count or statistics.null_count:
            for row, pictures in enumerate(_read_pictures(file, group), first):
                if not all(pictures):
                    yield row


def evidence_column(file: str) -> list[str | None]:
    """Return what each row of a file records of its truth, as JSON; None where it records none."""
    if "evidence" not in pq.read_schema(file).names:
        return [None] * int(pq.read_metadata(file).num_rows)
    evidence: list[str | None] = pq.read_table(file, columns=["evidence"])["evidence"].to_pylist()
    return evidence


@lru_cache(maxsize=32)
def open_pictures(file: str, row: int) -> tuple[Image.Image, ...]:
    """Return the pictures of a row, decoded at first use; shared by callers, so not to be changed.

    The cache is as large as a batch: a picture is decoded once for all orders of its question.
    """
    return tuple(open_picture(picture) for picture in encoded_pictures(file, row))


def _read_file(path: Path, left_out: Counter[str] | None = None) -> Iterator[Question]:
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            table = file.read(columns=[*_TEXT_COLUMNS, _PICTURE_PATH])
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read as parquet: {error}") from error
    columns: dict[str, list[Any]] = {name: table[name].to_pylist() for name in table.column_names}
    for row in range(table.num_rows):
        options, correct = tuple(columns["answers"][row]), columns["correct_answer"][row]
        if correct not in options:
            if left_out is None:
                raise UserError(f"{path} row {row}: answer {correct!r} is not among {options}")
            left_out["answer not among the options"] += 1
            continue
        yield Question(
            id=columns["id"][row],
            scene_id=columns["scene_id"][row],
            question_type=columns["question_type"][row],
            origin=columns["engine"][row],
            question=columns["question"][row],
            options=options,
            answer_index=options.index(correct),
            picture_count=len(columns["images"][row] or ()),
            file=str(path),
            row=row,
        )


@lru_cache(maxsize=64)
def _row_groups(file: str) -> tuple[tuple[int, int, int], ...]:
    """Return (row group, its first row, its number of rows) for each row group."""
    metadata = pq.read_metadata(file)
    groups, first = [], 0
    for group in range(metadata.num_row_groups):
        rows = metadata.row_group(group).num_rows
        groups.append((group, first, rows))
        first += rows
    return tuple(groups)


@lru_cache(maxsize=4)
def _read_pictures(file: str, group: int) -> tuple[tuple[bytes, ...], ...]:
    with pq.ParquetFile(file) as parquet:
        cells = parquet.read_row_group(group, columns=["images"])["images"].to_pylist()
    return tuple(tuple(picture["bytes"] for picture in cell or ()) for cell in cells)


def _check_file(path: Path, sha256: str) -> None:
    try:
        stat = path.stat()
        actual = _sha256_at(path, stat.st_size, stat.st_mtime_ns)
    except OSError as error:
        raise UserError(f"{path} is missing; the manifest names it") from error
    if actual != sha256:
        raise UserError(f"{path} is damaged: its checksum is not the manifest's")


@lru_cache(maxsize=1024)
def _sha256_at(path: Path, size: int, mtime_ns: int) -> str:
    """Hash a file once per state, since every task opens the same data set again."""
    return sha256_of(path)


def _revision(manifest: Manifest) -> str:
    source = manifest.settings.get("source_revision")
    digest = hashlib.sha256("".join(sorted(f.sha256 for f in manifest.files)).encode())
    return f"{source}/{digest.hexdigest()[:12]}" if source else digest.hexdigest()[:12]
