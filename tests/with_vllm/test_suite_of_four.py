"""A suite of two API models, a vLLM model and a transformers model, killed twice.

Runs where vLLM is installed (make test-vllm) and is skipped elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("vllm")

from fault_server import Behaviour, FaultServer, running
from looking import questions, train
from sat_folder import write_folder
from suite_runs import answers, kill_suite, run_suite, table, two_apis, write_suite

from sat_tasks.models.vllm_presets import PRESETS, TEMPLATES, Use, engine_arguments

pytestmark = pytest.mark.timeout(2400)

PRESET = PRESETS["llava-1.5"]
ON_CPU = {
    "max_new_tokens": 1,
    "dtype": "float32",
    "gpu_memory_utilization": 0.2,
    "enforce_eager": True,
}


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with running(FaultServer(behaviour=Behaviour(delay_s=0.05))) as server:
        yield server


def test_it_ends_with_the_table_of_an_undisturbed_one(server: FaultServer, tmp_path: Path) -> None:
    rows, model = questions(), tmp_path / "model"
    data = write_folder(tmp_path / "data", rows)
    train(rows, model)
    arguments = {**engine_arguments(PRESET, Use(model=str(model))), **ON_CPU}
    if PRESET.template is not None:
        arguments["chat_template"] = str(TEMPLATES / PRESET.template)
    models = [
        {"name": "on vLLM", "adapter": "vllm", "arguments": arguments},
        {"name": "on transformers", "adapter": "llava", "arguments": {"pretrained": str(model)}},
        *two_apis(server),
    ]
    tasks = ["sat_static", "sat_dynamic"]
    calm = write_suite(tmp_path / "calm", data, tasks, models)
    run_suite(calm)

    server.forget()
    server.behaviour.plan = {"*": ["429", "500", "truncated"]}
    rough = write_suite(tmp_path / "rough", data, tasks, models)
    kill_suite(rough, lambda: answers(rough) >= 15)
    kill_suite(rough, lambda: _has_vllm_begun(rough))
    done = run_suite(rough)
    assert "4 of 4 models done" in done.stdout
    assert table(rough) == table(calm)
    assert len(table(calm)) == 8
    by_vllm, by_transformers = (
        {task: counts for (name, task), counts in table(calm).items() if name == model_name}
        for model_name in ("on vLLM", "on transformers")
    )
    assert by_vllm == by_transformers


def _has_vllm_begun(path: Path) -> bool:
    """Say whether the engine's own process is up and was given questions."""
    found = (path.parent / "out").glob("on-vllm*/log.txt")
    return any("Model Responding" in log.read_text() for log in found)
