"""Published parquet files to a data set folder, streamed.

array/SAT stores thousands of rows with nested binaries in one row group, which ordinary readers
cannot read. Read in small batches without buffering the row group, it converts in little memory.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from sat_tasks.console import UserError
from sat_tasks.data import DataSet, open_data_set
from sat_tasks.manifest import MANIFEST_NAME, Manifest, ShardFile, sha256_of
from sat_tasks.rows import ROW_GROUP_ROWS, Row, arrow_schema
from sat_tasks.taxonomy import canonical_type

CACHE_VARIABLE = "SAT_CACHE"
_BATCH_ROWS = 20
_BUFFER_BYTES = 1 << 20

Reader = Callable[[Path, str], Iterator[Row]]
"""Yields the rows of a file of a split."""


def cache_folder() -> Path:
    """Return where converted data sets are kept: SAT_CACHE, or a folder of the user's cache."""
    if folder := os.environ.get(CACHE_VARIABLE):
        return Path(folder)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sat_bench"


def stream_records(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the records of a parquet file of any row group size, a few at a time.

    Raises:
        UserError: It is no parquet file.
    """
    try:
        with pq.ParquetFile(path, pre_buffer=False, buffer_size=_BUFFER_BYTES) as file:
            for batch in file.iter_batches(batch_size=_BATCH_ROWS):
                yield from batch.to_pylist()
    except (OSError, pa.ArrowInvalid) as error:
        raise UserError(f"{path} cannot be read as parquet: {error}") from error


def sat_rows(path: Path, split: str) -> Iterator[Row]:
    """Yield the rows of a file of array/SAT (``image_bytes``) or array/SAT-v2 (``images``).

    Questions about the same first picture form a scene, since the files name none.

    Raises:
        UserError: The file has other columns, an unknown question type, or a wrong answer.
    """
    for index, record in enumerate(stream_records(path)):
        try:
            images = tuple(_encoded(image) for image in _pictures_of(record))
            first = hashlib.sha256(images[0] if images else record["question"].encode())
            yield Row(
                images=images,
                question=record["question"],
                answers=tuple(record["answers"]),
                correct_answer=record["correct_answer"],
                question_type=canonical_type(record["question_type"]),
                id=f"{path.stem}-{index:06d}",
                scene_id=f"picture-{first.hexdigest()[:16]}",
                engine="photographs" if split == "test" else "ai2thor",
                seed=0,
                split=split,
                evidence="{}",
            )
        except KeyError as error:
            raise UserError(
                f"{path} is not in the shape of array/SAT or array/SAT-v2: no column {error}"
            ) from error
        except ValueError as error:
            raise UserError(f"{path} row {index}: {error}") from error


def convert(
    sources: Mapping[Path, str],
    reader: Reader,
    out: Path,
    *,
    name: str,
    source_revision: str,
) -> DataSet:
    """Convert files into a data set folder, whole or not at all, and return it.

    Args:
        sources: The split of each file.
        reader: Yields the rows of one of them.
        out: The folder; if it is there already it is returned as it is.
        name: What the data set is called.
        source_revision: Which version of it this is.

    Raises:
        UserError: A file cannot be read, or the folder cannot be written.
    """
    if (out / MANIFEST_NAME).is_file():
        return open_data_set(out)
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        (temporary / "data").mkdir(parents=True)
        files: list[ShardFile] = []
        counts: dict[str, dict[str, int]] = {}
        scenes: dict[str, set[str]] = {}
        for number, (source, split) in enumerate(sources.items()):
            relative = f"data/{split}-{number:05d}.parquet"
            rows = _counted(
                reader(source, split), counts.setdefault(split, {}), scenes.setdefault(split, set())
            )
            written = _write(temporary / relative, tqdm(rows, desc=f"converting {source.name}"))
            files.append(ShardFile(relative, split, written, sha256_of(temporary / relative)))
        manifest = Manifest(
            engine=name,
            engine_version="published",
            seed=0,
            files=tuple(files),
            counts=counts,
            skips={},
            scenes={split: len(found) for split, found in scenes.items()},
            settings={"source": name, "source_revision": source_revision},
        )
        (temporary / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
        _move(temporary, out)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return open_data_set(out)


def _pictures_of(record: dict[str, Any]) -> Iterable[Any]:
    cell = record["image_bytes"] if "image_bytes" in record else record["images"]
    return cell or ()


def _encoded(image: Any) -> bytes:
    encoded = image if isinstance(image, bytes) else (image or {}).get("bytes")
    if not encoded:
        raise ValueError("a picture is missing")
    return bytes(encoded)


def _counted(rows: Iterator[Row], counts: dict[str, int], scenes: set[str]) -> Iterator[Row]:
    for row in rows:
        counts[row.question_type] = counts.get(row.question_type, 0) + 1
        scenes.add(row.scene_id)
        yield row


def _write(path: Path, rows: Iterable[Row]) -> int:
    """Write rows in small row groups, pictures as they are, and return their number."""
    schema, count, group = arrow_schema(), 0, list[dict[str, Any]]()
    with pq.ParquetWriter(path, schema, compression="NONE", use_dictionary=False) as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_pylist(group, schema), row_group_size=ROW_GROUP_ROWS)
            group.clear()

        for row in rows:
            group.append(row.to_record())
            count += 1
            if len(group) == ROW_GROUP_ROWS:
                flush()
        if group:
            flush()
    return count


def _move(temporary: Path, out: Path) -> None:
    """Move a finished folder into place, unless another process was first."""
    try:
        os.replace(temporary, out)
    except OSError:
        if not (out / MANIFEST_NAME).is_file():
            raise
