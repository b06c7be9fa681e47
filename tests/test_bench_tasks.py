"""The harness's own cost is measured, for ours and for lmms-eval's task, on the same questions."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from sat_tasks.bench import TARGETS, Cost, report


def test_targets_are_judged() -> None:
    met = Cost(0.5, 0.5, 50, 0, 8000)
    assert report(met, met)[1]
    for name, target in TARGETS.items():
        missed = Cost(**{**met.__dict__, name: target + 1})
        assert not report(missed, met)[1]


@pytest.mark.slow
def test_small_measurement() -> None:
    command = [sys.executable, "-m", "sat_tasks.bench", "--questions", "130", "--json"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout
    found = json.loads(done.stdout)
    assert found["ours"]["calls"] == 260
    assert found["lmms_eval_sat"]["calls"] == 130
    assert found["ours"]["row_groups_read"] == 0
    assert found["ours"]["build_s"] > 0
