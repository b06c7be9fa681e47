"""A model that sat-finetune tuned and exported: vLLM loads it and reads as transformers does.

Runs where vLLM is installed (make test-vllm) and is skipped elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("vllm")

from evaluating import ON_CPU, PRESET, evaluate, evaluate_here
from looking import mirrored, questions
from sat_folder import write_folder

from finetune import sat_tiny
from finetune.cli import main
from finetune.export import export
from sat_tasks.models.vllm_presets import TEMPLATES, Use, engine_arguments

pytestmark = pytest.mark.timeout(2400)


def test_vllm_and_transformers_read_the_same_from_it(folder: Path, tmp_path: Path) -> None:
    asked = questions()
    taught = [replace(one, split="train") for one in mirrored(asked)]
    write_folder(tmp_path / "data", [*asked, *taught])
    settings = {
        "model": folder / "model",
        "method": "lora",
        "precision": "fp32",
        "lesson_share": 0,
        "lora_rank": 16,
        "lora_alpha": 32,
        "learning_rate": 3e-3,
        "sample_count": 1600,
        "batch_size": 16,
    }
    words = [f"--set={name}={value}" for name, value in settings.items()]
    run = ["--data", str(tmp_path / "data"), "--out", str(tmp_path / "run"), "--report-to", "none"]
    assert main(["train", "sat-tiny", *run, *words]) == 0
    exported = export(tmp_path / "run", tmp_path / "tuned")
    assert exported.vllm == "loaded"

    before = evaluate_here("llava", pretrained=folder / "model", dtype="float32")
    after = evaluate_here("llava", pretrained=exported.folder, dtype="float32")
    changed = sum(after[key] != reading for key, reading in before.items())
    assert changed > len(before) / 4, "tuning taught other answers"
    arguments = {**engine_arguments(PRESET, Use(model=str(exported.folder))), **ON_CPU}
    template = TEMPLATES / str(PRESET.template)
    more = {"max_new_tokens": 1, "chat_template": template}
    assert evaluate(tmp_path, "vllm", **arguments, **more) == after


def test_vllm_reads_the_same_from_the_weights_that_ship(folder: Path, tmp_path: Path) -> None:
    sat_tiny.write(tmp_path / "sat-tiny")
    ours = evaluate_here("llava", pretrained=tmp_path / "sat-tiny", dtype="float32")
    arguments = {**engine_arguments(PRESET, Use(model=str(tmp_path / "sat-tiny"))), **ON_CPU}
    template = TEMPLATES / str(PRESET.template)
    more = {"max_new_tokens": 1, "chat_template": template, "max_model_len": 2048}
    theirs = evaluate(tmp_path, "vllm", **arguments | more)
    assert ours.keys() == theirs.keys()
    assert None not in theirs.values()
    same = sum(theirs[key] == reading for key, reading in ours.items())
    assert same >= 0.95 * len(ours), "all but what is nearly even between two options"
