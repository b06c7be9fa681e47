"""Small data set folders for tests: real parquet, real pictures, questions with known answers."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image, ImageDraw

from sat_tasks.manifest import MANIFEST_NAME, Manifest, ShardFile, sha256_of
from sat_tasks.rows import Row, arrow_schema
from sat_tasks.taxonomy import QUESTION_TYPES, split_of

OPTIONS = {
    "count": ("1", "2", "3"),
    "ego_movement": ("moved forward", "rotated left", "rotated right", "did not move"),
}
TWO_PICTURES = ("ego_movement", "object_movement")


def picture(number: int, side_px: int = 48, form: str = "JPEG") -> bytes:
    """Return an encoded picture that differs by number."""
    image = Image.new("RGB", (side_px, side_px), ((number * 53) % 256, 120, 160))
    left = 4 + (number * 7) % (side_px // 2)
    ImageDraw.Draw(image).rectangle((left, 10, left + 12, 30), fill=(200, (number * 31) % 256, 40))
    buffer = io.BytesIO()
    image.save(buffer, form)
    return buffer.getvalue()


def row(number: int, question_type: str, split: str = "test") -> Row:
    """Return a question; three questions in a row share a scene."""
    options = OPTIONS.get(question_type, ("left", "right"))
    pictures = 2 if question_type in TWO_PICTURES else 1
    return Row(
        images=tuple(picture(number * 2 + k) for k in range(pictures)),
        question=f"Question {number}: {QUESTION_TYPES[question_type].asks}?",
        answers=options,
        correct_answer=options[number % len(options)],
        question_type=question_type,
        id=f"{split}-{number:05d}",
        scene_id=f"scene-{number // 3}",
        engine="toy",
        seed=0,
        split=split,
        evidence="{}",
    )


def rows(
    count: int, types: Sequence[str] = tuple(QUESTION_TYPES), split: str = "test"
) -> list[Row]:
    """Return questions that go through the types in turn."""
    return [row(number, types[number % len(types)], split) for number in range(count)]


def write_folder(folder: Path, content: Iterable[Row], rows_per_file: int = 40) -> Path:
    """Write a data set folder as sat-generate lays it out, with one file or more per split."""
    (folder / "data").mkdir(parents=True)
    (folder / "shards").mkdir()
    by_split: dict[str, list[Row]] = {}
    for item in content:
        by_split.setdefault(item.split, []).append(item)
    files: list[ShardFile] = []
    counts: dict[str, dict[str, int]] = {}
    for split, items in by_split.items():
        for start in range(0, len(items), rows_per_file):
            part = items[start : start + rows_per_file]
            path = f"data/{split}-{start // rows_per_file:05d}.parquet"
            table = pa.Table.from_pylist([item.to_record() for item in part], arrow_schema())
            pq.write_table(table, folder / path, row_group_size=16)
            files.append(ShardFile(path, split, len(part), sha256_of(folder / path)))
        kinds = [item.question_type for item in items]
        counts[split] = {kind: kinds.count(kind) for kind in sorted(set(kinds))}
    manifest = Manifest(
        engine="toy",
        engine_version="1",
        seed=0,
        files=tuple(files),
        counts=counts,
        skips={},
        scenes={split: len({item.scene_id for item in items}) for split, items in by_split.items()},
    )
    (folder / MANIFEST_NAME).write_text(manifest.to_json(), encoding="utf-8")
    return folder


def count_of(content: Iterable[Row], half: str) -> int:
    """Return how many questions are static or dynamic."""
    return sum(split_of(item.question_type) == half for item in content)
