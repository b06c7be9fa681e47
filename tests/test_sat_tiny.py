"""The weights that ship: whole, small, loaded by others, and better than guessing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from harness import evaluate, recompute
from transformers import AutoModelForImageTextToText

from finetune import sat_tiny
from finetune.sat_tiny.__main__ import main
from sat_tasks.console import UserError
from sat_tasks.stats import wilson

MAX_BYTES = 40_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("models") / "sat-tiny"
    assert main(["--out", str(out)]) == 0
    return out


def test_every_weight_is_there_and_finite(folder: Path) -> None:
    model, found = AutoModelForImageTextToText.from_pretrained(folder, output_loading_info=True)
    assert not any(found[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert all(bool(torch.isfinite(weight).all()) for weight in model.parameters())
    assert sum(weight.numel() for weight in model.parameters()) < 20_000_000
    assert sum(path.stat().st_size for path in folder.iterdir()) < MAX_BYTES
    assert not list(folder.glob("*.py"))


def test_it_is_written_whole_over_a_checkpoint_only(folder: Path, tmp_path: Path) -> None:
    sat_tiny.write(tmp_path / "again")
    (tmp_path / "again" / "model.safetensors").write_bytes(b"old")
    sat_tiny.write(tmp_path / "again")
    assert (tmp_path / "again" / "model.safetensors").stat().st_size > 1_000_000
    (tmp_path / "thesis").mkdir()
    with pytest.raises(UserError, match="exists and is no checkpoint"):
        sat_tiny.write(tmp_path / "thesis")
    assert {path.name for path in tmp_path.iterdir()} == {"again", "thesis"}


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_it_sees_how_the_camera_moved(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = subprocess.run(
        [
            *(sys.executable, "-m", "generation.cli", "run", "--out", str(tmp_path / "data")),
            *("--split", "test", "--scenes", "6", "--size", "128", "--seed", "4"),
            *("--types", "ego_movement", "--questions-per-scene", "8", "--workers", "1"),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr[-2000:]
    monkeypatch.setenv("SAT_DATA", str(tmp_path / "data"))
    task = "sat_dynamic_ego_movement"
    found = evaluate([task], "llava", model_args=f"pretrained={folder}", batch_size=16)
    samples = [sample["sat"] for sample in found["samples"][task]]
    told = recompute(samples)
    count = len({sample["id"] for sample in samples})
    assert count > 30
    assert told["failed"] == told["unparsed"] == 0
    assert wilson(told["overall"] * count, count).low > told["chance"] + 0.1
