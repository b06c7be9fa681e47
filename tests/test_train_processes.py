"""Training in two processes: the same samples and the same losses as in one, and resumed alike."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import tiny_families
from safetensors.torch import load_file
from sat_folder import rows, write_folder

from finetune.cli import main
from finetune.train import step_losses

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1500)]

COMMON = ("precision=fp32", "lora_dropout=0", "lora_rank=8", "lora_alpha=16", "learning_rate=1e-3")
SETTINGS = (*COMMON, "sample_count=60", "batch_size=2", "sat_share=1")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("runs")
    write_folder(root / "data", rows(60, split="train") + rows(27, split="val"))
    tiny_families.save("llava", root / "base")
    return root


def words(folder: Path, name: str, *settings: str) -> list[str]:
    chosen = [f"--set={setting}" for setting in (f"model={folder / 'base'}", *SETTINGS, *settings)]
    return [
        *("train", "llava-1.5-13b-sat", "--data", str(folder / "data")),
        *("--held-out", str(folder / "data"), "--out", str(folder / name), *chosen),
        *("--report-to", "none", "--log-steps", "1", "--eval-steps", "5", "--save-steps", "5"),
    ]


def in_two_processes(folder: Path, name: str, *settings: str) -> subprocess.CompletedProcess[str]:
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    return subprocess.run(
        [sys.executable, *launch, "-m", "finetune.cli", *words(folder, name, *settings)],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def newest(run: Path) -> Path:
    return max((run / "checkpoints").glob("checkpoint-*"), key=lambda path: int(path.name[11:]))


def evaluations(run: Path) -> list[dict[str, float]]:
    history = json.loads((newest(run) / "trainer_state.json").read_text())["log_history"]
    return [entry for entry in history if "eval_all_loss" in entry]


@pytest.fixture(scope="module")
def whole(folder: Path) -> Path:
    done = in_two_processes(folder, "two")
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout.count("Trained model") == 1
    return folder / "two"


def test_two_processes_learn_what_one_learns(folder: Path, whole: Path) -> None:
    """Were a sample seen twice, left out or weighed otherwise, losses and weights would differ."""
    assert main(words(folder, "one", "accumulation_steps=2")) == 0
    one, two = step_losses(folder / "one"), step_losses(whole)
    assert len(one) > 10
    assert [step for step, _ in one] == [step for step, _ in two]
    assert [loss for _, loss in two] == pytest.approx([loss for _, loss in one], rel=1e-3)
    ours, theirs = (
        load_file(run / "model" / "adapter_model.safetensors") for run in (folder / "one", whole)
    )
    assert ours.keys() == theirs.keys()
    assert all(float((ours[name] - theirs[name]).abs().max()) < 1e-3 for name in ours)


def test_every_held_out_question_is_counted_once(folder: Path, whole: Path) -> None:
    alone = evaluations(folder / "one")
    for found, expected in zip(evaluations(whole), alone, strict=True):
        keys = [
            key for key in expected if key.endswith(("_accuracy", "_loss")) and key[5:9] != "mean"
        ]
        assert len(keys) > 18
        for key in keys:
            assert found[key] == pytest.approx(expected[key], rel=1e-3, abs=1e-6), key


def test_a_stopped_run_goes_on_in_two_processes(folder: Path, whole: Path) -> None:
    shutil.copytree(whole, folder / "stopped")
    shutil.rmtree(folder / "stopped" / "model")
    shutil.rmtree(newest(folder / "stopped"))
    done = in_two_processes(folder, "stopped")
    assert done.returncode == 0, done.stderr[-3000:]
    assert step_losses(folder / "stopped") == step_losses(whole)
    assert (folder / "stopped" / "model" / "adapter_config.json").is_file()


def test_a_run_goes_on_with_as_many_processes_as_it_began_with(
    folder: Path, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(folder, "two")) == 2
    assert "devices differ" in capsys.readouterr().err
