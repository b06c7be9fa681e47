"""What lmms-eval wrote: found, checked, and told in one table."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sat_tasks import stats
from sat_tasks.console import UserError


@dataclass(frozen=True)
class TaskRun:
    """The samples of one task of one run."""

    task: str
    model: str
    protocol: str
    samples: tuple[dict[str, Any], ...]
    """The ``sat`` records; see :mod:`sat_tasks.score`."""

    @property
    def failed(self) -> int:
        """How many calls failed."""
        return sum(bool(sample["failed"]) for sample in self.samples)


@dataclass(frozen=True)
class Line:
    """A line of the table: the accuracy over some questions."""

    name: str
    questions: int
    accuracy: float
    interval: stats.Interval
    chance: float
    all_orders: float
    unparsed: float
    detectable: float
    """Smallest difference to another run that is mostly found; NaN if nothing varies."""


def newest_results(folder: Path) -> Path:
    """Return the newest results file below a folder.

    Raises:
        UserError: There is none.
    """
    try:
        found = sorted(folder.rglob("*_results.json"), key=lambda path: path.stat().st_mtime_ns)
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error})") from error
    if not found:
        raise UserError(f"{folder} has no *_results.json; expected an --output_path of lmms-eval")
    return found[-1]


def read_run(results: Path) -> list[TaskRun]:
    """Return the runs of our tasks in a results file, from the samples beside it.

    Raises:
        UserError: The file or its samples cannot be read, or no task is ours.
    """
    try:
        content = json.loads(results.read_text("utf-8"))
        model = str(content["config"]["model"])
        tasks = list(content["configs"])
    except (OSError, ValueError, KeyError) as error:
        raise UserError(f"{results} is no results file of lmms-eval ({error})") from error
    stem = results.name.removesuffix("_results.json")
    paths = {task: results.with_name(f"{stem}_samples_{task}.jsonl") for task in tasks}
    missing = [task for task, path in paths.items() if not path.is_file()]
    if missing:
        raise UserError(f"{results} has no samples of {missing[0]}; run with --log_samples")
    runs = [run for task, path in paths.items() if (run := _read_samples(task, model, path))]
    if not runs:
        raise UserError(f"{results} has no task of SAT Bench")
    return runs


def lines_of(run: TaskRun) -> list[Line]:
    """Return the lines of a task: overall, and one for each question type if there are several."""
    kinds = sorted({sample["question_type"] for sample in run.samples})
    lines = [_line(run.task, run.samples)]
    if len(kinds) > 1:
        for kind in kinds:
            part = [sample for sample in run.samples if sample["question_type"] == kind]
            lines.append(_line(f"  {kind}", part))
    return lines


def table(runs: Sequence[TaskRun]) -> str:
    """Return runs as a table for a terminal."""
    header = (
        f"{'':28}{'questions':>9} {'accuracy':>9}  {'95% interval':14} {'chance':>6}"
        f" {'all orders':>10} {'unparsed':>8} {'detectable':>10}"
    )
    parts = []
    for run in runs:
        parts.append(f"{run.model}, protocol {run.protocol}\n{header}")
        parts += [_format(line) for line in lines_of(run)]
        if run.failed:
            parts.append(f"  {run.failed} of {len(run.samples)} calls failed: not a valid result")
    return "\n".join(parts)


def _format(line: Line) -> str:
    low, high = line.interval
    detectable = "" if math.isnan(line.detectable) else f"{100 * line.detectable:.1f}"
    return (
        f"{line.name:28}{line.questions:9d} {100 * line.accuracy:9.1f}"
        f"  {f'{100 * low:.1f} - {100 * high:.1f}':14} {100 * line.chance:6.1f}"
        f" {100 * line.all_orders:10.1f} {100 * line.unparsed:8.1f} {detectable:>10}"
    )


def _line(name: str, samples: Sequence[dict[str, Any]]) -> Line:
    questions: dict[str, list[dict[str, Any]]] = {}
    for sample in samples:
        if not sample["failed"]:
            questions.setdefault(sample["id"], []).append(sample)
    groups = list(questions.values())
    if not groups:
        nan = math.nan
        return Line(name, 0, nan, stats.Interval(0.0, 1.0), nan, nan, nan, nan)
    scores = [sum(bool(s["correct"]) for s in group) / len(group) for group in groups]
    scenes = [group[0]["scene_id"] for group in groups]
    replies = [sample for group in groups for sample in group]
    error = stats.clustered_se(scores, scenes)
    return Line(
        name=name,
        questions=len(groups),
        accuracy=sum(scores) / len(scores),
        interval=stats.clustered_wilson(scores, scenes),
        chance=stats.chance_level([group[0]["n_options"] for group in groups]),
        all_orders=sum(score == 1 for score in scores) / len(scores),
        unparsed=sum(sample["reading"] is None for sample in replies) / len(replies),
        detectable=stats.minimum_detectable_difference(error) if error > 0 else math.nan,
    )


def _read_samples(task: str, model: str, path: Path) -> TaskRun | None:
    samples = []
    try:
        with path.open(encoding="utf-8") as file:
            for line in file:
                record = json.loads(line).get("sat")
                if record is None:
                    return None
                samples.append(record)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} cannot be read ({error})") from error
    if not samples:
        return None
    return TaskRun(task, model, samples[0]["protocol"], tuple(samples))
