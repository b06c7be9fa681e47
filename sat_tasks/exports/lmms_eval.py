"""A task folder for lmms-eval that needs nothing of SAT Bench installed.

    lmms-eval --include_path DIR --tasks NAME --model ...

It carries a copy of the modules that word a question and read a reply, so that its scores are
those of this release.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sat_tasks.exports import Exported
from sat_tasks.rows import IMAGE

PACKAGE = Path(__file__).parent.parent
READER_MODULES = ("answer", "clauses", "console", "phrases", "prompt", "protocol", "wording")
ROWS_PER_GROUP = 64

_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("scene_id", pa.string()),
        pa.field("category", pa.string()),
        pa.field("question", pa.string()),
        pa.field("options", pa.list_(pa.string())),
        pa.field("answer_index", pa.int64()),
        pa.field("images", pa.list_(IMAGE)),
    ]
)
_STRING = {"dtype": "string", "_type": "Value"}
_FEATURES = {
    **dict.fromkeys(("id", "scene_id", "category", "question"), _STRING),
    "options": {"feature": _STRING, "_type": "List"},
    "answer_index": {"dtype": "int64", "_type": "Value"},
    "images": {"feature": {"_type": "Image"}, "_type": "List"},
}

_TASK = """# Spatial questions of SAT Bench: lmms-eval --include_path THIS_FOLDER --tasks {name}
task: {name}
dataset_path: parquet
dataset_kwargs:
  data_files:
    test: data.parquet
test_split: test
output_type: generate_until
doc_to_visual: !function utils.doc_to_visual
doc_to_text: !function utils.doc_to_text
doc_to_messages: !function utils.doc_to_messages
doc_to_target: !function utils.doc_to_target
process_results: !function utils.process_results
generation_kwargs: {{max_new_tokens: 32, temperature: 0, do_sample: false, until: []}}
cluster_key: scene
score_key: score
metric_list:
{metrics}metadata:
  version: 1.0
"""
_METRIC = """  - metric: {metric}
    aggregation: !function utils.mean
    higher_is_better: {better}
"""


def write(rows: Iterator[Exported], name: str, folder: Path) -> int:
    """Write NAME.yaml, utils.py, the reader and data.parquet; return the number of rows."""
    categories: set[str] = set()
    count = 0
    features = json.dumps({"info": {"features": _FEATURES}})
    schema = _SCHEMA.with_metadata({"huggingface": features})
    path = folder / "data.parquet"
    with pq.ParquetWriter(path, schema, compression="NONE") as writer:
        while batch := list(itertools.islice(rows, ROWS_PER_GROUP)):
            records = [_record(row) for row in batch]
            writer.write_table(pa.Table.from_pylist(records, schema))
            categories.update(row.category for row in batch)
            count += len(batch)
    metrics = {"accuracy": True, **dict.fromkeys(sorted(categories), True), "unparsed": False}
    listed = "".join(
        _METRIC.format(metric=metric, better=str(better).lower())
        for metric, better in metrics.items()
    )
    task = _TASK.format(name=name, metrics=listed)
    (folder / f"{name}.yaml").write_text(task, encoding="utf-8")
    _copy_reader(folder, f"{name}_reader", sorted(categories))
    return count


def _record(row: Exported) -> dict[str, object]:
    return {
        "id": row.id,
        "scene_id": row.scene_id,
        "category": row.category,
        "question": row.question,
        "options": list(row.options),
        "answer_index": row.answer_index,
        "images": [{"bytes": picture, "path": None} for picture in row.pictures],
    }


def _copy_reader(folder: Path, package: str, categories: list[str]) -> None:
    """Copy the reader under a name of its own, so that two exports do not share one."""
    (folder / package).mkdir()
    (folder / package / "__init__.py").write_text('"""From SAT Bench."""\n', encoding="utf-8")
    for module in READER_MODULES:
        source = (PACKAGE / f"{module}.py").read_text(encoding="utf-8")
        renamed = source.replace("from sat_tasks", f"from {package}")
        (folder / package / f"{module}.py").write_text(renamed, encoding="utf-8")
    hooks = (Path(__file__).parent / "lmms_eval_hooks.py").read_text(encoding="utf-8")
    hooks = hooks.replace("from sat_tasks", f"from {package}")
    hooks = hooks.replace("CATEGORIES: list[str] = []", f"CATEGORIES = {categories!r}")
    (folder / "utils.py").write_text(hooks, encoding="utf-8")
