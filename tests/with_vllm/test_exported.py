"""A model that sat-finetune tuned and exported: vLLM loads it and reads as transformers does.

Runs where vLLM is installed (make test-vllm) and is skipped elsewhere.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

pytest.importorskip("vllm")

from evaluating import evaluate
from looking import mirrored, questions, train
from sat_folder import write_folder

from finetune.cli import main
from finetune.export import export
from sat_tasks.models.vllm_presets import PRESETS, Use, model_args

pytestmark = pytest.mark.timeout(1800)

ON_CPU = "dtype=float32,gpu_memory_utilization=0.2,enforce_eager=True"


def test_vllm_and_transformers_read_the_same_from_it(tmp_path: Path) -> None:
    asked = questions()
    train(asked, tmp_path / "base")
    taught = [replace(one, split="train") for one in mirrored(asked)]
    write_folder(tmp_path / "data", [*asked, *taught])
    settings = {
        "model": tmp_path / "base",
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

    before = evaluate(tmp_path, "llava", f"pretrained={tmp_path / 'base'},dtype=float32")
    after = evaluate(tmp_path, "llava", f"pretrained={exported.folder},dtype=float32")
    changed = sum(after[key] != reading for key, reading in before.items())
    assert changed > len(before) / 4, "tuning taught other answers"
    arguments = model_args(PRESETS["llava-1.5"], Use(model=str(exported.folder)))
    assert evaluate(tmp_path, "vllm", f"{arguments},{ON_CPU}") == after
