"""Lessons tell a language model where to look, and it learns to look there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toy_pairs import toy_pairs
from transformers import TrainingArguments

from finetune import pointing, tiny
from finetune.pairs import PairData, matches
from finetune.presets import resolve
from finetune.vision import patch_at

CONFIG = replace(
    tiny.SAT_TINY, patch_px=32, vision_width=64, vision_layers=1, text_width=64, text_layers=4
)
PATCHES = CONFIG.image_px // CONFIG.patch_px
PRESET = resolve("sat-tiny", ["precision=fp32", "batch_size=6", "pointing_count=360"])


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> PairData:
    return toy_pairs(tmp_path_factory.mktemp("pairs"))


@pytest.fixture(scope="module")
def parts() -> tuple[Any, Any]:
    return tiny.build(CONFIG)


def test_names_look_at_the_patches_that_show_them(data: PairData, parts: tuple[Any, Any]) -> None:
    model, processor = parts
    samples = pointing.LessonSamples(data, 60, 6, 0)
    join = pointing.collator(model, processor)
    seen = {1: 0, 2: 0}
    for start in range(0, 60, 6):
        lessons = [samples[start + row] for row in range(6)]
        batch = join(lessons)
        ids, looks = batch["input_ids"], batch["looks"]
        picture = [np.flatnonzero(row == model.config.image_token_id) for row in ids.numpy()]
        for row, token, place, patch in looks["names"].tolist():
            phrase = next(
                phrase
                for phrase, (u, v) in lessons[row].places.items()
                if patch_at(u, v, PATCHES) == patch
                and processor.tokenizer.decode(ids[row, : token + 1]).endswith(f" {phrase}")
            )
            assert phrase
            assert place == picture[row][patch]
        for row, token, place, patch in looks["matches"].tolist():
            there = int(np.flatnonzero(picture[row] == token)[0]) - PATCHES**2
            assert matches(lessons[row].pair, PATCHES)[patch] == there
            assert place == picture[row][patch]
        for row, token, name in looks["replies"].tolist():
            question = processor.tokenizer.decode(ids[row, name + 1 : token + 1])
            assert question.endswith("ASSISTANT:")
            assert question.count("ASSISTANT:") == 1
            assert any(
                name == other for where, other, *_ in looks["names"].tolist() if where == row
            )
        for one in lessons:
            seen[len(one.images)] += 1
        learned = processor.tokenizer.decode(batch["labels"][0][batch["labels"][0] >= 0])
        replies = [m["content"][0]["text"] for m in lessons[0].messages if m["role"] == "assistant"]
        assert learned.replace("</s>", "").split() == " ".join(replies).split()
    assert min(seen.values()) > 0


def test_attention_learns_to_go_there(data: PairData, tmp_path: Path) -> None:
    model, processor = tiny.build(CONFIG)
    tower = {name: t.clone() for name, t in model.model.vision_tower.state_dict().items()}
    settings = TrainingArguments(
        str(tmp_path), logging_steps=1, use_cpu=True, bf16=False, report_to=[]
    )
    pointing.point(model, processor, data, PRESET, tmp_path, settings)
    after = model.model.vision_tower.state_dict()
    assert all(torch.equal(tower[name], after[name]) for name in tower)
    assert all(weight.requires_grad for weight in model.parameters())
    *_, state = sorted(
        tmp_path.glob("checkpoint-*/trainer_state.json"), key=lambda path: path.stat().st_mtime
    )
    losses = [entry["loss"] for entry in json.loads(state.read_text())["log_history"][:-1]]
    assert np.mean(losses[-5:]) < 0.7 * np.mean(losses[:5])

    fresh, _ = tiny.build(CONFIG)
    pointing.point(fresh, processor, data, PRESET, tmp_path, settings)
    wanted, found = model.state_dict(), fresh.state_dict()
    assert all(torch.equal(wanted[name], found[name]) for name in wanted), "taken as it is"
