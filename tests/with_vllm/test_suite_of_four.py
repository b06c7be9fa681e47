"""A suite of two API models, a vLLM model and a transformers model, killed twice.

Runs where vLLM is installed (make test-vllm) and is skipped elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("vllm")

from fault_server import FaultServer
from four import SuiteOfFour
from suite_runs import answers, kill_suite, run_suite, table

pytestmark = pytest.mark.timeout(3600)


def test_it_ends_with_the_table_of_an_undisturbed_one(
    calm: SuiteOfFour, server: FaultServer, tmp_path: Path
) -> None:
    server.forget()
    server.behaviour.plan = {"*": ["429", "500", "truncated"]}
    rough = calm.write(tmp_path / "rough")
    kill_suite(rough, lambda: answers(rough) >= 15)
    kill_suite(rough, lambda: _has_vllm_begun(rough))
    done = run_suite(rough)
    assert "4 of 4 models done" in done.stdout
    assert table(rough) == table(calm.path)
    assert len(table(rough)) == 8


def _has_vllm_begun(path: Path) -> bool:
    """Say whether the engine's own process is up and was given questions."""
    found = (path.parent / "out").glob("on-vllm*/log.txt")
    return any("Model Responding" in log.read_text() for log in found)
