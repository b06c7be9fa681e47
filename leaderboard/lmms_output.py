"""Reading what lmms-eval leaves behind, and believing only what the samples say.

A folder holds, per run, ``DATE_results.json`` and one ``DATE_samples_TASK.jsonl`` per task
(lmms_eval/loggers/evaluation_tracker.py, with --log_samples). lmms-eval exits 0 after a failed
run and counts failed calls as wrong answers, so everything is checked here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.json as paj

from leaderboard import samples as sample_files
from leaderboard.checks import check_claims, check_samples
from leaderboard.means import mean_cells
from sat_tasks.console import UserError
from sat_tasks.protocol import BLIND_SUFFIX, PROTOCOLS

_SAT = pa.struct(
    [
        pa.field("id", pa.string()),
        pa.field("question_type", pa.string()),
        pa.field("scene_id", pa.string()),
        pa.field("origin", pa.string()),
        pa.field("options", pa.list_(pa.string())),
        pa.field("order", pa.list_(pa.int16())),
        pa.field("answer", pa.int16()),
        pa.field("reply", pa.string()),
        pa.field("reading", pa.int16()),
        pa.field("correct", pa.bool_()),
        pa.field("failed", pa.bool_()),
        pa.field("n_options", pa.int16()),
        pa.field("protocol", pa.string()),
        pa.field("prompt_version", pa.int16()),
        pa.field("revision", pa.string()),
    ]
)
_LINE = pa.schema([pa.field("sat", _SAT), pa.field("input", pa.string())])
_SHARED = ("protocol", "revision", "prompt_version")
"""Fields that are the same in all samples of a run."""
LMMS_EVAL_ZONE = timezone(timedelta(hours=8))
_RESULTS = re.compile(r"(?P<date>\d{8}_\d{4,6})_results\.json")
_BLOCK_BYTES = 1 << 24
"""No line may be longer."""


@dataclass(frozen=True)
class TaskOutput:
    """One task of one run: its sorted samples, checked, and what was said of the run."""

    task: str
    date: str
    """ISO 8601."""
    protocol: str
    revision: str
    prompt_version: int
    samples: pa.Table
    """:data:`leaderboard.samples.SCHEMA`."""
    counts: sample_files.Counts
    """Of these samples; lmms-eval printed the same."""
    prompts: pa.Table
    """What was asked, in the same order: :data:`leaderboard.samples.PROMPT_SCHEMA`."""
    settings: Mapping[str, Any]
    """The whole of results.json."""


def read_outputs(folder: Path) -> list[TaskOutput]:
    """Return the newest output of each task and protocol below a folder.

    Raises:
        UserError: There is none, or one is half written, failed or not from SAT Bench.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder; expected one that lmms-eval --output_path wrote")
    results = sorted(
        path for path in folder.rglob("*_results.json") if _RESULTS.fullmatch(path.name)
    )
    _refuse_orphans(folder, results)
    if not results:
        raise UserError(f"{folder} holds no lmms-eval results (DATE_results.json)")
    newest: dict[tuple[str, str, Path], TaskOutput] = {}
    for path in results:
        for output in _read_run(path):
            newest[output.task, output.protocol, path.parent] = output
    return list(newest.values())


def _refuse_orphans(folder: Path, results: Iterable[Path]) -> None:
    known = {path.with_name(path.name.removesuffix("_results.json")) for path in results}
    for path in sorted(folder.rglob("*_samples_*.jsonl")):
        if path.with_name(path.name.split("_samples_")[0]) not in known:
            raise UserError(f"{path} has no results.json beside it: the run did not finish")


def _read_run(path: Path) -> Iterable[TaskOutput]:
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
        tasks = {name: int(counts["effective"]) for name, counts in settings["n-samples"].items()}
        results = settings["results"]
        claims = {
            task: {
                name.split(",")[0]: float(value)
                for name, value in results[task].items()
                if "," in name and "_stderr" not in name and isinstance(value, (int, float))
            }
            for task in tasks
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is no whole lmms-eval result: {error!r}") from error
    if not tasks:
        raise UserError(f"{path} holds no task")
    date = path.name.removesuffix("_results.json")
    for task, count in tasks.items():
        lines = path.with_name(f"{date}_samples_{task}.jsonl")
        yield _read_task(lines, task, count, _iso(date), claims[task], settings)


def _read_task(
    path: Path, task: str, count: int, date: str, claimed: dict[str, float], settings: Any
) -> TaskOutput:
    if not path.is_file():
        raise UserError(f"{path} is missing: run lmms-eval with --log_samples")
    table = _read_lines(path)
    if table.num_rows != count:
        raise UserError(f"{path} has {table.num_rows} samples and its results.json says {count}")
    sat = table["sat"].combine_chunks()
    if not count or sat.null_count:
        raise UserError(f"{path}: {task!r} is no task of SAT Bench (no field 'sat' in its samples)")
    fields = pa.table(dict(zip(sat.type.names, sat.flatten(), strict=True)))
    shared = {name: _only(fields, name, path) for name in _SHARED}
    try:
        _check_orders(fields)
        samples, prompts = split_fields(fields, table["input"])
        questions = sample_files.QuestionScores(samples)
        check_samples(samples, questions, shared["protocol"])
        counts = sample_files.count(samples, questions)
        check_claims(counts, mean_cells(base_task(task), questions), claimed)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from error
    return TaskOutput(
        task=task,
        date=date,
        samples=samples,
        counts=counts,
        prompts=prompts,
        settings=settings,
        **shared,
    )


def split_fields(fields: pa.Table, inputs: pa.ChunkedArray) -> tuple[pa.Table, pa.Table]:
    """Return the sorted samples, and what was asked in the same order.

    Args:
        fields: The fields of ``sat`` as columns (contract in :mod:`sat_tasks.score`).
        inputs: The words of each sample's prompt.
    """
    first = pc.list_element(fields["order"], 0)
    whole = sample_files.in_order(
        fields.drop_columns("order").append_column("order", first).append_column("prompt", inputs)
    )
    prompts = whole.select(sample_files.PROMPT_SCHEMA.names).cast(sample_files.PROMPT_SCHEMA)
    samples = whole.drop_columns("options").rename_columns({"n_options": "options"})
    return samples.select(sample_files.SCHEMA.names).cast(sample_files.SCHEMA), prompts


def _read_lines(path: Path) -> pa.Table:
    try:
        return paj.read_json(
            path,
            read_options=paj.ReadOptions(block_size=_BLOCK_BYTES),
            parse_options=paj.ParseOptions(
                explicit_schema=_LINE, unexpected_field_behavior="ignore"
            ),
        )
    except (OSError, ValueError) as error:
        raise UserError(f"{path} is damaged: {error}") from error


def _only(fields: pa.Table, name: str, path: Path) -> Any:
    """Return the one value that all samples share."""
    values = fields[name].unique().to_pylist()
    if len(values) != 1 or values[0] is None:
        raise UserError(f"{path}: samples of one run have one {name}, not {values[:3]}")
    return values[0]


def _check_orders(fields: pa.Table) -> None:
    """Refuse an order that is no rotation of the options.

    Raises:
        ValueError: There is one.
    """
    orders = fields["order"].combine_chunks()
    sizes = pc.list_value_length(orders).to_numpy(zero_copy_only=False)
    options = fields["n_options"].to_numpy()
    if orders.null_count or not np.array_equal(sizes, options) or not (sizes > 0).all():
        raise ValueError("an order does not name every option")
    flat = orders.flatten().to_numpy()
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    first = np.repeat(pc.list_element(orders, 0).to_numpy(), sizes)
    if not np.array_equal(flat, (first + np.arange(len(flat)) - starts) % np.repeat(sizes, sizes)):
        raise ValueError("an order is no rotation of the options")


def base_task(task: str) -> str:
    """Return a task's name without the protocol that some carry in it.

    >>> base_task("sat_dynamic_blind")
    'sat_dynamic'
    """
    for ending in (BLIND_SUFFIX, *(f"_{name}" for name in PROTOCOLS)):
        task = task.removesuffix(ending)
    return task


def _iso(date: str) -> str:
    """Return the UTC time of lmms-eval's 20261123_0756, which is that of Singapore everywhere."""
    try:
        local = datetime.strptime(date[:13], "%Y%m%d_%H%M").replace(tzinfo=LMMS_EVAL_ZONE)
    except ValueError:
        raise UserError(f"{date}_results.json: {date} is no date of lmms-eval's") from None
    return local.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
