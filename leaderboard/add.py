"""From lmms-eval output to runs in a store."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from dataclasses import replace as replace_fields
from pathlib import Path
from typing import Any

import pyarrow as pa

from leaderboard import samples as sample_files
from leaderboard.lmms_output import TaskOutput, base_task, read_outputs
from leaderboard.results import Access, ResultRow
from leaderboard.store import Store
from sat_tasks.console import UserError
from sat_tasks.models.journal import Usage
from sat_tasks.models.prices import DEFAULT_TABLE, find_price

_WORKERS = 2
"""Folders that are read at the same time; parsing and hashing leave Python's lock."""
API_ADAPTERS = ("openai_api", "google_api")
_BATCH = 8
"""Folders whose samples are in memory at once."""


@dataclass(frozen=True)
class About:
    """What the output does not say of the model."""

    name: str = ""
    """Display name; the model's own where empty."""
    note: str = ""
    revision: str = ""
    tuned_from: str = ""
    """Display name of the model that it was before tuning."""
    access: Access = "unknown"
    licence: str = ""
    params_b: float | None = None
    source: str = ""
    cost_usd: float | None = None
    """Reckoned from tokens and the price table where None."""


@dataclass(frozen=True)
class Added:
    """What became of a run."""

    row: ResultRow
    new: bool
    """False if it was in the store already."""


_Run = tuple[ResultRow, TaskOutput]


def add(folders: Sequence[Path], store: Store, about: About, replace: bool = False) -> list[Added]:
    """Put all runs below some folders into a store; each folder's are checked before any is kept.

    Raises:
        UserError: A run cannot be used; nothing of its folder or of later ones is kept.
    """
    added: list[Added] = []
    with ThreadPoolExecutor(_WORKERS) as pool:
        for start in range(0, len(folders), _BATCH):
            batch = folders[start : start + _BATCH]
            for runs in pool.map(lambda folder: _read(folder, about), batch):
                added += _keep(runs, store, replace)
    return added


def _keep(runs: Sequence[_Run], store: Store, replace: bool) -> list[Added]:
    for row, _ in runs:
        store.refuse_other(row, replace)
    return [
        Added(row, store.put(row, output.samples, output.prompts, replace)) for row, output in runs
    ]


def _read(folder: Path, about: About) -> list[_Run]:
    runs = [(row_of(output, about), output) for output in read_outputs(folder)]
    keys = [row.key for row, _ in runs]
    twice = next((key for key in keys if keys.count(key) > 1), None)
    if twice:
        raise UserError(f"{folder} holds runs of several models ({twice}); add each by its folder")
    return runs


def row_of(output: TaskOutput, about: About) -> ResultRow:
    """Return the run that a task's output describes.

    Raises:
        UserError: The model is said to be tuned from itself.
    """
    config = output.settings.get("config") or {}
    own_name = str(output.settings.get("model_name") or config.get("model") or "")
    adapter = str(config.get("model") or "unknown")
    model = about.name or own_name.rstrip("/").rsplit("/", 1)[-1] or adapter
    if model == about.tuned_from:
        raise UserError(f"{model!r} cannot be tuned from itself; give the tuned model another name")
    return ResultRow(
        **vars(output.counts),
        model=model,
        adapter=adapter,
        task=base_task(output.task),
        protocol=output.protocol,
        data=sample_files.data_name(output.revision, output.samples),
        data_fingerprint=output.revision,
        prompts_sha256=sample_files.digest(output.prompts),
        date=output.date,
        badge="reproduced",
        note=about.note,
        revision=about.revision,
        tuned_from=about.tuned_from,
        access=about.access,
        licence=about.licence,
        params_b=about.params_b,
        source=about.source,
        cost_usd=_cost_usd(config, output) if about.cost_usd is None else about.cost_usd,
        command=_command(config, output),
        versions=_versions(output),
        seconds=_seconds(output.settings),
        run_replies=sum(int(n["effective"]) for n in output.settings["n-samples"].values()),
        output_tokens=_tokens(output.settings, output.task),
    )


def recount(row: ResultRow, samples: pa.Table) -> ResultRow:
    """Return a run as it should be, given its samples."""
    return replace_fields(row, **vars(sample_files.count(samples)))


def altered_fields(row: ResultRow, samples: pa.Table) -> list[str]:
    """Return the fields of a run that its samples do not bear out."""
    counted = recount(row, samples)
    return [f.name for f in fields(row) if getattr(row, f.name) != getattr(counted, f.name)]


def _command(config: Mapping[str, Any], output: TaskOutput) -> str:
    """Return a command that asks the same again."""
    parts = ["lmms-eval", "--tasks", output.task, "--model", str(config.get("model") or "")]
    for option in ("model_args", "batch_size", "limit"):
        if config.get(option):
            parts += [f"--{option}", _without_folders(str(config[option]))]
    return f"SAT_PROTOCOL={output.protocol} {' '.join(parts)} --log_samples"


def _without_folders(value: str) -> str:
    """Return an option without the folders of absolute paths, which are of one machine only."""
    return re.sub(r"(?<![\w.~])/(?:[^/,\s=]+/)+", "", value)


def _versions(output: TaskOutput) -> dict[str, str]:
    settings = output.settings
    found = {
        "task": settings.get("versions", {}).get(output.task),
        "prompt": output.prompt_version,
        "lmms-eval": settings.get("lmms_eval_version"),
        "transformers": settings.get("transformers_version"),
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def _seconds(settings: Mapping[str, Any]) -> float | None:
    try:
        seconds = float(settings["total_evaluation_time_seconds"])
    except (KeyError, TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) and seconds > 0 else None


def _tokens(settings: Mapping[str, Any], task: str) -> int | None:
    """Return how many tokens were written, if the adapter tells."""
    counted = (settings.get("efficiency") or {}).get("by_task", {}).get(task, {})
    return int(counted["total_output_tokens"]) if counted.get("docs_with_token_counts") else None


def _cost_usd(config: Mapping[str, Any], output: TaskOutput) -> float | None:
    """Return what all answers of an API cost at the price table's prices, if it has the model.

    Attempts that gave no answer are not in it.
    """
    counted = (output.settings.get("efficiency") or {}).get("overall", {})
    arguments = _arguments(config)
    table = Path(arguments["prices"]) if "prices" in arguments else DEFAULT_TABLE
    if config.get("model") not in API_ADAPTERS or not counted.get("docs_with_token_counts"):
        return None
    price = find_price(arguments.get("model", ""), table) if table.is_file() else None
    tokens = Usage(int(counted["total_input_tokens"]), int(counted["total_output_tokens"]))
    return None if price is None else price.of(tokens)


def _arguments(config: Mapping[str, Any]) -> dict[str, str]:
    """Return the adapter's arguments, which lmms-eval keeps as it was given them."""
    given = config.get("model_args") or ""
    if isinstance(given, Mapping):
        return {str(name): str(value) for name, value in given.items()}
    pairs = (pair.partition("=") for pair in str(given).split(","))
    return {name: value for name, _, value in pairs}
