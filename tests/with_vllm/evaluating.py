"""What a model answers in lmms-eval, question by question."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

BIN = Path(sys.executable).parent
Readings = dict[tuple[str, tuple[int, ...]], int | None]


def evaluate(folder: Path, model: str, arguments: str) -> Readings:
    """Run lmms-eval and return what was read, by question and order of options."""
    out = Path(tempfile.mkdtemp(dir=folder))
    command = [str(BIN / "lmms-eval"), "--model", model, "--model_args", arguments]
    command += ["--tasks", "sat_static,sat_dynamic", "--batch_size", "16"]
    command += ["--log_samples", "--output_path", str(out)]
    environment = os.environ | {"SAT_DATA": str(folder / "data")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    files = list(out.rglob("*_samples_*.jsonl"))
    assert len(files) == 2, done.stdout[-4000:] + done.stderr[-4000:]
    samples = [json.loads(line)["sat"] for file in files for line in file.read_text().splitlines()]
    assert not any(sample["failed"] for sample in samples)
    return {(sample["id"], tuple(sample["order"])): sample["reading"] for sample in samples}
