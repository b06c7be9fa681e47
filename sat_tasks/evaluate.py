"""lmms-eval as a function: its models, tasks and output files without its start-up.

lmms-eval's command reads thousands of task files at every start and exits 0 after a failure.
This calls its Python interface with our task folder alone.
"""

from __future__ import annotations

import os
from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from sat_tasks.console import UserError
from sat_tasks.plugin import TASK_FOLDER


def evaluate(
    tasks: Sequence[str],
    model: str,
    model_args: str,
    batch_size: int | str,
    limit: int | None,
    out: Path,
) -> Path:
    """Evaluate a model and return the results file, written as lmms-eval writes it.

    Args:
        tasks: Tasks or groups of ours.
        model: A model id of lmms-eval.
        model_args: As on its command line.
        batch_size: Questions at once.
        limit: Only so many calls per task.
        out: Where results and samples go.

    Raises:
        UserError: A task or model is unknown, or the results cannot be written.
    """
    known = sorted(path.stem for path in TASK_FOLDER.glob("*.yaml") if path.stem[0] != "_")
    for task in tasks:
        if task not in known:
            raise UserError(f"unknown task {task!r}; python -m sat_tasks list names them")
    _check_writable(out)
    from lmms_eval import evaluator
    from lmms_eval.loggers import EvaluationTracker
    from lmms_eval.models import MODEL_REGISTRY_V2
    from lmms_eval.tasks import TaskManager
    from lmms_eval.utils import get_datetime_str

    if model not in MODEL_REGISTRY_V2.list_model_names():
        raise UserError(f"unknown model {model!r}; known: {', '.join(known_models())} and others")
    tracker = EvaluationTracker(output_path=str(out))
    results = evaluator.simple_evaluate(
        model=model,
        model_args=model_args,
        tasks=list(tasks),
        batch_size=batch_size,
        limit=limit,
        log_samples=True,
        evaluation_tracker=tracker,
        task_manager=TaskManager(
            "ERROR", include_path=str(TASK_FOLDER), include_defaults=False, model_name=model
        ),
        cli_args=Namespace(process_with_media=False, reasoning_tags=None, output_path=str(out)),
        bootstrap_iters=0,
        datetime_str=(started := get_datetime_str()),
    )
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples, datetime_str=started)
    for task in results["configs"]:
        tracker.save_results_samples(task_name=task, samples=samples[task])
    written = list(out.rglob(f"{started}_results.json"))
    if not written:
        raise UserError(f"lmms-eval wrote no results into {out}")
    return written[0]


def known_models() -> list[str]:
    """Return the ids of our models."""
    from sat_tasks.plugin import MODELS

    return list(MODELS)


def _check_writable(folder: Path) -> None:
    """Check that results can be written before hours are spent on making them."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"cannot write {folder}: {error.strerror or error}") from error
    if not os.access(folder, os.W_OK):
        raise UserError(f"cannot write {folder}: permission denied")
