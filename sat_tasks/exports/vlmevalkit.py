"""A TSV file for VLMEvalKit: put it into $LMUData and run it under its name.

Columns as its documentation has them: index, image (base64, or a list of them), question, A, B,
..., answer, category; and image_path, which it wants for rows of several pictures.
"""

from __future__ import annotations

import base64
import csv
import string
from collections.abc import Iterator
from pathlib import Path

from sat_tasks.exports import Exported, picture_suffix

MOST_OPTIONS = 8


def write(rows: Iterator[Exported], name: str, folder: Path) -> int:
    """Write NAME.tsv and return the number of rows."""
    options = string.ascii_uppercase[:MOST_OPTIONS]
    columns = ["index", "image", "image_path", "question", *options, "answer", "category"]
    columns += ["id", "scene_id"]
    count = 0
    with (folder / f"{name}.tsv").open("w", encoding="utf-8", newline="") as file:
        table = csv.DictWriter(file, columns, delimiter="\t", lineterminator="\n")
        table.writeheader()
        for count, row in enumerate(rows, start=1):
            encoded = [base64.b64encode(picture).decode("ascii") for picture in row.pictures]
            paths = [
                f"{count}_{number}{picture_suffix(picture)}"
                for number, picture in enumerate(row.pictures)
            ]
            table.writerow(
                {
                    "index": count,
                    "image": encoded[0] if len(encoded) == 1 else str(encoded),
                    "image_path": paths[0] if len(paths) == 1 else str(paths),
                    "question": row.question,
                    **dict(zip(options, row.options, strict=False)),
                    "answer": options[row.answer_index],
                    "category": row.category,
                    "id": row.id,
                    "scene_id": row.scene_id,
                }
            )
    return count
