"""A JSON data set with pictures and a task file for inspect_ai.

inspect eval DIR/NAME.py --model ...
"""

from __future__ import annotations

import hashlib
import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sat_tasks.exports import Exported, picture_suffix

_TASK = '''"""Spatial questions of SAT Bench for inspect_ai: inspect eval {name}.py --model MODEL"""

from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import accuracy, choice, grouped, stderr
from inspect_ai.solver import multiple_choice


@task
def {name}() -> Task:
    """Multiple choice, with errors clustered by scene and an accuracy per question type."""
    return Task(
        dataset=json_dataset(str(Path(__file__).parent / "{name}.jsonl")),
        solver=multiple_choice(),
        scorer=choice(),
        metrics=[grouped(accuracy(), "question_type"), stderr(cluster="scene_id")],
    )
'''


def write(rows: Iterator[Exported], name: str, folder: Path) -> int:
    """Write NAME.jsonl, images/ and NAME.py, and return the number of rows."""
    (folder / "images").mkdir()
    (folder / f"{name}.py").write_text(_TASK.format(name=name), encoding="utf-8")
    count = 0
    with (folder / f"{name}.jsonl").open("w", encoding="utf-8") as file:
        for row in rows:
            file.write(json.dumps(_sample(row, folder), ensure_ascii=False) + "\n")
            count += 1
    return count


def _sample(row: Exported, folder: Path) -> dict[str, Any]:
    content: list[dict[str, str]] = []
    for number, picture in enumerate(row.pictures, start=1):
        if len(row.pictures) > 1:
            content.append({"type": "text", "text": f"Image {number}:"})
        content.append({"type": "image", "image": _store(picture, folder)})
    content.append({"type": "text", "text": row.question})
    return {
        "id": row.id,
        "input": [{"role": "user", "content": content}],
        "choices": list(row.options),
        "target": string.ascii_uppercase[row.answer_index],
        "metadata": {"question_type": row.category, "scene_id": row.scene_id},
    }


def _store(picture: bytes, folder: Path) -> str:
    """Write a picture once, however many questions show it, and return its relative path."""
    path = f"images/{hashlib.sha256(picture).hexdigest()[:20]}{picture_suffix(picture)}"
    if not (folder / path).exists():
        (folder / path).write_bytes(picture)
    return path
