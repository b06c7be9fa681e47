"""The training benchmark: two real trainings that take turns, and its report."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from finetune.bench import table
from finetune.stopwatch import Measured


def test_the_table_has_the_ratio() -> None:
    text = table(Measured(3.0, 1.0), Measured(2.0, 2.0))
    assert "| ours | 3.00 | 1.00 GB |" in text
    assert "| ratio | 1.50 | 0.50 |" in text


def test_a_size_for_gpus_needs_one() -> None:
    command = [sys.executable, "-m", "finetune.bench", "--size", "13b"]
    without = os.environ | {"CUDA_VISIBLE_DEVICES": ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=without)
    assert done.returncode == 2
    assert done.stderr.strip().endswith("needs a CUDA GPU; allowed here: small")


@pytest.mark.slow
def test_both_sides_train() -> None:
    command = [sys.executable, "-m", "finetune.bench", "--steps", "2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    found = json.loads(done.stdout[done.stdout.index('{\n "case"') :])
    for side in ("ours", "plain"):
        assert found[side]["samples_per_s"] > 0
        assert 0.3 < found[side]["memory_gb"] < 8
