"""Runs of lmms-eval in tests, in this process or as a command of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from argparse import Namespace
from collections import defaultdict
from pathlib import Path
from typing import Any

from sat_tasks.plugin import TASK_FOLDER
from sat_tasks.stats import chance_level

COMMAND = Path(sys.executable).with_name("lmms-eval")


def evaluate(tasks: list[str], model: str, **arguments: Any) -> dict[str, Any]:
    """Return lmms-eval's results and samples, without its scan of thousands of task files."""
    from lmms_eval import evaluator
    from lmms_eval.tasks import TaskManager

    manager = TaskManager(
        "ERROR", include_path=str(TASK_FOLDER), include_defaults=False, model_name=model
    )
    options = Namespace(process_with_media=False, reasoning_tags=None)
    found: dict[str, Any] = evaluator.simple_evaluate(
        model=model,
        model_args=arguments.pop("model_args", ""),
        tasks=tasks,
        task_manager=manager,
        log_samples=True,
        cli_args=options,
        bootstrap_iters=0,
        **arguments,
    )
    return found


def run_command(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run ``lmms-eval`` as a user does."""
    return subprocess.run(
        [str(COMMAND), *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
        timeout=400,
    )


def read_samples(path: Path) -> list[dict[str, Any]]:
    """Return the ``sat`` records of a samples file."""
    return [json.loads(line)["sat"] for line in path.read_text("utf-8").splitlines()]


def recompute(samples: list[dict[str, Any]]) -> dict[str, float]:
    """Return the metrics of a task from its samples alone, by other code than the task's."""
    replies = [sample for sample in samples if not sample["failed"]]
    questions = defaultdict(list)
    for sample in replies:
        questions[sample["id"]].append(sample)
    means = {
        key: sum(s["reading"] == s["answer"] for s in group) / len(group)
        for key, group in questions.items()
    }
    by_type = defaultdict(list)
    for key, group in questions.items():
        by_type[group[0]["question_type"]].append(means[key])
    counts = [group[0]["n_options"] for group in questions.values()]
    chance = chance_level(counts)
    return {
        "overall": sum(means.values()) / len(means),
        "all_orders": sum(value == 1 for value in means.values()) / len(means),
        "single_order": sum(s["correct"] for s in replies if s["order"] == sorted(s["order"]))
        / len(means),
        "unparsed": sum(s["reading"] is None for s in replies) / len(replies),
        "failed": sum(s["failed"] for s in samples) / len(samples),
        "chance": chance,
        "adjusted": (sum(means.values()) / len(means) - chance) / (1 - chance),
    } | {
        kind: sum(values) / len(values)
        for kind, values in by_type.items()
        if len(by_type) > 1  # a task of one type shows it as overall
    }
