"""What the tests with vLLM share: one trained model, and one undisturbed run of a suite of four."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from evaluating import ON_CPU, PRESET, TASKS
from fault_server import Behaviour, FaultServer, running
from four import SuiteOfFour
from looking import mirrored, questions, train, train_adapter
from sat_folder import write_folder
from suite_runs import run_suite, two_apis, write_suite

from sat_tasks.models.vllm_presets import TEMPLATES, Use, engine_arguments


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a folder with a data set, which is SAT_DATA, and models that have learned it."""
    out = tmp_path_factory.mktemp("vllm")
    rows = questions()
    write_folder(out / "data", rows)
    train(rows, out / "model")
    train_adapter(mirrored(rows), out / "model", out / "adapter", out / "merged")
    before = os.environ.get("SAT_DATA")
    os.environ["SAT_DATA"] = str(out / "data")
    yield out
    os.environ.pop("SAT_DATA") if before is None else os.environ.update(SAT_DATA=before)


@pytest.fixture(scope="session")
def server() -> Iterator[FaultServer]:
    with running(FaultServer(behaviour=Behaviour(delay_s=0.05))) as server:
        yield server


@pytest.fixture(scope="session")
def calm(folder: Path, server: FaultServer) -> SuiteOfFour:
    """Run a suite of a vLLM model, a transformers model and two models behind APIs."""
    model = str(folder / "model")
    arguments = {**engine_arguments(PRESET, Use(model=model)), **ON_CPU, "max_new_tokens": 1}
    assert PRESET.template is not None
    arguments["chat_template"] = str(TEMPLATES / PRESET.template)
    models = [
        {"name": "on vLLM", "adapter": "vllm", "arguments": arguments},
        {"name": "on transformers", "adapter": "llava", "arguments": {"pretrained": model}},
        *two_apis(server),
    ]
    suite = write_suite(folder / "calm", folder / "data", TASKS, models)
    run_suite(suite)
    return SuiteOfFour(suite, models)
