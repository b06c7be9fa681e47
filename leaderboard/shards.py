"""Samples and questions as small scripts that pages load one at a time.

A page opened from a file may load scripts but not fetch data, so each shard is a call of
``satShard`` with its content. A folder of shards is named by what is in it and appears whole:
one that exists is never written again.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

SHARD_SAMPLES = 400
QUESTION_FORMAT = "2"
"""Changes with the columns of questions: what another release wrote is not taken for it."""

Pictures = Mapping[str, Sequence[str]]
"""Addresses of the pictures of each question, by its id, relative to the site."""


def write_shards(folder: Path, columns: Sequence[Mapping[str, Any]]) -> bool:
    """Write one script per shard into a folder that appears whole; return False if it is there."""
    if folder.is_dir():
        return False
    folder.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=".shards-", dir=folder.parent))
    try:
        for index, content in enumerate(columns):
            script = shard_script(folder.name, index, content)
            (temporary / f"{index}.js").write_text(script, encoding="utf-8")
        temporary.chmod(0o755)
        os.replace(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return True


def shard_script(folder: str, index: int, content: Any) -> str:
    """Return the script that hands one shard to the page that asked for it."""
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return f"satShard({json.dumps(folder)},{index},{text});\n"


def sample_columns(samples: pa.Table) -> Iterator[dict[str, Any]]:
    """Yield the shards of a run: what was read, and the reply."""
    readings = samples["reading"].to_pylist()
    replies = samples["reply"].to_pylist()
    for start in range(0, samples.num_rows, SHARD_SAMPLES):
        part = slice(start, start + SHARD_SAMPLES)
        yield {"reading": readings[part], "reply": replies[part]}


def question_columns(prompts: pa.Table, pictures: Pictures) -> Iterator[dict[str, Any]]:
    """Yield the shards of a set of questions: what was asked, in the order of the samples."""
    columns = {
        "id": prompts["id"].to_pylist(),
        "type": prompts["question_type"].to_pylist(),
        "scene": prompts["scene_id"].to_pylist(),
        "options": prompts["options"].to_pylist(),
        "answer": prompts["answer"].to_pylist(),
        "prompt": prompts["prompt"].to_pylist(),
        "order": prompts["order"].to_pylist(),
    }
    asked = Counter(columns["id"])
    columns["orders"] = [asked[name] for name in columns["id"]]
    columns["pictures"] = [list(pictures.get(name, ())) for name in columns["id"]]
    for start in range(0, prompts.num_rows, SHARD_SAMPLES):
        yield {name: values[start : start + SHARD_SAMPLES] for name, values in columns.items()}


def marks(samples: pa.Table) -> str:
    """Return a character per sample: 1 right, 0 wrong, - not read."""
    unread = pc.if_else(pc.is_null(samples["reading"]), "-", "0")
    return "".join(pc.if_else(samples["correct"], "1", unread).to_pylist())


def keep_only(folder: Path, names: set[str]) -> None:
    """Remove what an earlier build left in a folder of the site and nothing points at."""
    if folder.is_dir():
        for path in folder.iterdir():
            if path.name not in names:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
