"""A vision tower learns from dense labels of the engine, and goes on after a stop."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toy_pairs import toy_pairs, toy_run
from transformers import TrainingArguments

from finetune import tiny, vision
from finetune.beginning import LANGUAGE_RUN, START, TOWER_RUN
from finetune.cli import main
from finetune.pairs import PairData, mirrored
from finetune.presets import Preset, resolve
from finetune.tiny import SAT_TINY

CONFIG = replace(
    SAT_TINY, patch_px=32, vision_width=64, vision_layers=2, text_width=32, text_layers=1
)
PATCHES = CONFIG.image_px // CONFIG.patch_px


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> PairData:
    return toy_pairs(tmp_path_factory.mktemp("pairs"))


def preset(count: int) -> Preset:
    words = [f"pair_count={count}", "pair_batch_size=6", "precision=fp32", "pretraining_rate=3e-3"]
    return resolve("sat-tiny", words)


def pretrain(data: PairData, count: int, out: Path) -> dict[str, torch.Tensor]:
    model, processor = tiny.build(CONFIG)
    settings = TrainingArguments(
        str(out), logging_steps=5, use_cpu=True, bf16=False, report_to=["tensorboard"]
    )
    vision.pretrain_tower(model, processor, data, preset(count), out, settings)
    tower: dict[str, torch.Tensor] = model.model.vision_tower.state_dict()
    return tower


def test_labels_say_what_the_pair_says(data: PairData) -> None:
    vocabulary = vision.Vocabulary(data.categories(), data.words())
    marks = 0
    for index in range(len(data)):
        pair = data[index]
        labels = vision.pair_labels(pair, vocabulary, PATCHES, is_marked=True)
        named = {vocabulary.categories[n] for n in labels["category"][0].ravel()}
        assert named == {pair.categories[n] for n in pair.cells[0].ravel()}
        assert np.nanmin(np.exp(labels["depth"])) == pytest.approx(np.min(pair.depth_m), rel=1e-3)
        for thing in pair.things:
            patch = vision.patch_at(thing.u, thing.v, PATCHES)
            assert labels["word_known"][0, patch]
            words = {vocabulary.words[n] for n in np.flatnonzero(labels["word"][0, patch])}
            assert set((thing.name or thing.category).lower().split()) <= words
            marks += thing.mark is not None
        plain = vision.pair_labels(mirrored(pair), vocabulary, PATCHES, is_marked=False)
        assert not plain["mark"].any()
        assert (labels["mark"] > 0).sum() <= sum(thing.mark is not None for thing in pair.things)
    assert marks


def test_the_same_seed_gives_the_same_plan() -> None:
    first, second = (vision.plan_pairs(50, 7, np.random.default_rng(3)) for _ in range(2))
    assert first == second
    assert {sample.index for sample in first} == set(range(7))


def test_a_tower_learns(data: PairData, tmp_path: Path) -> None:
    pretrain(data, 360, tmp_path)
    *_, state = sorted(tmp_path.glob("checkpoint-*/trainer_state.json"))
    losses = [entry["loss"] for entry in json.loads(state.read_text())["log_history"][:-1]]
    assert losses[-1] < 0.75 * losses[0]


def columns_told(tower: torch.nn.Module, data: PairData, processor: Any) -> float:
    """Return of how many patches of unseen pictures a linear map tells the column."""
    pictures = [data[index].first for index in range(len(data))]
    pixels = processor.image_processor(pictures, return_tensors="pt")["pixel_values"]
    with torch.no_grad():
        states = tower(pixel_values=pixels).last_hidden_state[:, 1:].double()
    states = torch.nn.functional.layer_norm(states, states.shape[-1:])
    states = torch.cat([states, torch.ones_like(states[..., :1])], dim=-1)
    truth = torch.eye(PATCHES).double().repeat(PATCHES, 1)
    seen, unseen = states.chunk(2)
    known = seen.flatten(0, 1)
    ridge = known.T @ known + 0.1 * torch.eye(known.shape[1]).double()
    told = unseen @ torch.linalg.solve(ridge, known.T @ truth.repeat(len(seen), 1))
    return float((told.argmax(-1) == truth.argmax(-1)).double().mean())


def test_patches_keep_their_places(data: PairData, tmp_path: Path) -> None:
    told = {}
    for position_std in (0.02, SAT_TINY.position_std):
        model, processor = tiny.build(replace(CONFIG, position_std=position_std))
        out = tmp_path / str(position_std)
        settings = TrainingArguments(str(out), use_cpu=True, bf16=False, report_to=[])
        recipe = replace(preset(900), pretraining_rate=1e-3)
        vision.pretrain_tower(model, processor, data, recipe, out, settings)
        told[position_std] = columns_told(model.model.vision_tower, data, processor)
    assert told[SAT_TINY.position_std] > 0.75
    assert told[0.02] < 0.6


def test_a_finished_tower_is_taken_as_it_is(data: PairData, tmp_path: Path) -> None:
    first = pretrain(data, 12, tmp_path)
    again = pretrain(data, 12, tmp_path)
    assert all(torch.equal(first[name], again[name]) for name in first)
    fresh = tiny.build(CONFIG)[0].model.vision_tower.state_dict()
    assert not all(torch.equal(first[name], fresh[name]) for name in first)


def test_a_stopped_tower_ends_as_an_undisturbed_one(data: PairData, tmp_path: Path) -> None:
    whole = pretrain(data, 120, tmp_path)
    (tmp_path / vision.TOWER).unlink()
    earlier, last = sorted(tmp_path.glob("checkpoint-*"))
    shutil.rmtree(last)
    resumed = pretrain(data, 120, tmp_path)
    assert {earlier, last} == set(tmp_path.glob("checkpoint-*"))
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


@pytest.fixture(scope="module")
def toy_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_run(tmp_path_factory.mktemp("toy") / "data")


def command(data: Path, run: Path) -> list[str]:
    counts = {
        "pair_count": 12,
        "pair_batch_size": 3,
        "pointing_count": 8,
        "sample_count": 24,
        "batch_size": 4,
    }
    words = [f"--set={name}={value}" for name, value in counts.items()]
    words += ["--set=lesson_share=0.5", "--set=precision=fp32", "--report-to", "none"]
    words += ["--log-steps", "1"]
    return ["train", "sat-tiny", "--data", str(data), "--out", str(run), *words]


@pytest.mark.slow
def test_two_processes_make_one_new_model(toy_data: Path, tmp_path: Path) -> None:
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    done = subprocess.run(
        [sys.executable, *launch, "-m", "finetune.cli", *command(toy_data, tmp_path / "run")],
        env=os.environ | {"OMP_NUM_THREADS": "1", "HF_DATASETS_CACHE": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
        timeout=400,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    state = tmp_path / "run" / TOWER_RUN / "checkpoint-2" / "trainer_state.json"
    assert json.loads(state.read_text())["global_step"] == 2, "12 pairs, 3 in each of 2 processes"
    (state,) = (tmp_path / "run" / LANGUAGE_RUN).glob("checkpoint-*/trainer_state.json")
    for entry in json.loads(state.read_text())["log_history"]:
        if "loss" in entry:  # the parts are the first process's own, the loss is that of both
            parts = [value for name, value in entry.items() if name.endswith("_loss")]
            assert 0.7 < entry["loss"] / sum(parts) < 1.4
    assert (tmp_path / "run" / "model" / "model.safetensors").is_file()


@pytest.mark.slow
def test_a_new_model_is_taught_by_pairs_lessons_and_questions(
    toy_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One command, from data of sat-generate; the same command again finds it done."""
    from safetensors.torch import load_file

    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    run = tmp_path / "run"
    words = command(toy_data, run)
    assert main(words) == 0
    types = json.loads((run / "run.json").read_text())["data"]["by_type"]
    assert set(types) == {"lesson", "relation", "depth", "perspective", "ego_movement"}
    assert sum(types.values()) <= 24
    tower = load_file(run / TOWER_RUN / vision.TOWER)
    start = load_file(run / START / "model.safetensors")
    trained = load_file(run / "model" / "model.safetensors")
    key = "encoder.layers.0.mlp.fc1.weight"
    (name,) = [name for name in start if name.endswith(key) and "vision" in name]
    (own,) = [name for name in tower if name.endswith(key)]
    assert torch.equal(tower[own], start[name])
    assert not any(torch.equal(trained[n], start[name]) for n in trained if n.endswith(key))
    before = (run / "model" / "model.safetensors").stat().st_mtime_ns
    assert main(words) == 0
    assert (run / "model" / "model.safetensors").stat().st_mtime_ns == before
