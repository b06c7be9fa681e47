"""What a model answers in lmms-eval, question by question."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sat_tasks.models.vllm_presets import PRESETS

PRESET = PRESETS["llava-1.5"]
Readings = dict[tuple[str, tuple[int, ...]], int | None]
TASKS = ("sat_static", "sat_dynamic")
ON_CPU: Mapping[str, Any] = {
    "dtype": "float32",
    "gpu_memory_utilization": 0.2,
    "enforce_eager": True,
    "skip_mm_profiling": True,
}
"""How vLLM starts on a machine without a GPU, in little memory and time."""


@contextmanager
def started(
    command: list[str], log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command that ends, with the engine processes of vLLM, with this block or test run."""
    guard = [sys.executable, "-m", "leaderboard.suite.child", str(os.getpid()), *command]
    with log.open("wb") as output:
        process = subprocess.Popen(
            guard,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **(environment or {})},
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


def evaluate_here(model: str, /, **arguments: object) -> Readings:
    """Evaluate in this process; imports of lmms-eval take longer than the small model does."""
    from lmms_eval.evaluator import simple_evaluate

    results = simple_evaluate(model, _text(arguments), tasks=list(TASKS), batch_size=16)
    return _readings(sample["sat"] for task in TASKS for sample in results["samples"][task])


def evaluate(folder: Path, model: str, /, **arguments: object) -> Readings:
    """Evaluate with the command line, in a process that leaves nothing behind."""
    out = Path(tempfile.mkdtemp(dir=folder))
    command = [sys.executable, "-m", "lmms_eval", "--model", model, "--model_args"]
    command += [_text(arguments), "--tasks", ",".join(TASKS), "--batch_size", "16"]
    command += ["--log_samples", "--output_path", str(out)]
    with started(command, out / "log.txt") as process:
        code = process.wait()
    assert code == 0, (out / "log.txt").read_text()[-4000:]
    return readings_of(out)


def readings_of(results: Path) -> Readings:
    """Return what was read in a run that lmms-eval left in a folder."""
    files = list(results.rglob("*_samples_*.jsonl"))
    assert len(files) == len(TASKS), [path.name for path in results.rglob("*")]
    lines = (line for file in files for line in file.read_text().splitlines())
    return _readings(json.loads(line)["sat"] for line in lines)


def _readings(samples: Iterable[Mapping[str, Any]]) -> Readings:
    found = {}
    for sample in samples:
        assert not sample["failed"]
        found[sample["id"], tuple(sample["order"])] = sample["reading"]
    return found


def _text(arguments: Mapping[str, object]) -> str:
    def text(value: object) -> str:
        return json.dumps(value) if isinstance(value, dict) else str(value)

    return ",".join(f"{name}={text(value)}" for name, value in arguments.items())
