"""Lessons tell a language model where to look, and it learns to look there."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toy_pairs import toy_pairs
from transformers import TrainingArguments

from finetune import pointing, tiny
from finetune.lessons import Lesson
from finetune.pairs import PairData, matches
from finetune.presets import resolve
from finetune.vision import patch_at
from sat_tasks.console import UserError

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


def test_looks_go_where_the_lesson_says(data: PairData, parts: tuple[Any, Any]) -> None:
    model, processor = parts
    samples = pointing.LessonSamples(data, 60, 6, 0)
    join = pointing.collator(model, processor)
    count = dict.fromkeys(pointing.LOOKS, 0)
    for start in range(0, len(samples), 6):
        lessons = [samples[start + row] for row in range(6)]
        batch = join(lessons)
        ids = batch["input_ids"]
        looks = {kind: rows.tolist() for kind, rows in batch["looks"].items()}
        picture = [np.flatnonzero(row == model.config.image_token_id) for row in ids.numpy()]
        for row, token, place, patch in looks["names"]:
            before = processor.tokenizer.decode(ids[row, : token + 1])
            u, v = lessons[row].places[named_last(before, lessons[row])]
            assert patch_at(u, v, PATCHES) == patch
            assert place == picture[row][patch]
        for row, token, place, patch in looks["matches"]:
            there = int(np.flatnonzero(picture[row] == token)[0]) - PATCHES**2
            assert matches(lessons[row].pair, PATCHES)[patch] == there
            assert place == picture[row][patch]
        for row, token, name in looks["replies"]:
            question = processor.tokenizer.decode(ids[row, name + 1 : token + 1])
            assert question.endswith("ASSISTANT:")
            assert question.count("ASSISTANT:") == 1
            assert name in [other for where, other, *_ in looks["names"] if where == row]
        asked = [message["content"][-1]["text"] for one in lessons for message in one.messages]
        assert len(looks["replies"]) >= sum(text.startswith("Where is ") for text in asked)
        learned = processor.tokenizer.decode(batch["labels"][0][batch["labels"][0] >= 0])
        replies = [m["content"][0]["text"] for m in lessons[0].messages if m["role"] == "assistant"]
        assert learned.replace("</s>", "").split() == " ".join(replies).split()
        for kind, rows in looks.items():
            count[kind] += len(rows)
    assert min(count.values()) > 20


def named_last(text: str, one: Lesson) -> str:
    """Return the longest name that a text ends with."""
    return max((phrase for phrase in one.places if text.endswith(f" {phrase}")), key=len)


def missed(model: Any, processor: Any, data: PairData) -> dict[str, float]:
    """Return how much attention goes elsewhere, by kind of look, over some lessons."""
    join = pointing.collator(model, processor)
    samples = pointing.LessonSamples(data, 60, 6, 1)
    learner = pointing.Pointing(model).eval()
    model.set_attn_implementation("eager")
    found: dict[str, list[float]] = {"name": [], "match": [], "ask": []}
    with torch.no_grad():
        for start in range(0, len(samples), 6):
            parts = learner(**join([samples[start + row] for row in range(6)]))
            for kind, values in found.items():
                values.append(float(parts[kind]))
    model.requires_grad_(True)
    return {kind: float(np.mean(values)) for kind, values in found.items()}


def test_attention_learns_to_go_there(data: PairData, tmp_path: Path) -> None:
    model, processor = tiny.build(CONFIG)
    before = missed(model, processor, data)
    tower = {name: t.clone() for name, t in model.model.vision_tower.state_dict().items()}
    settings = TrainingArguments(str(tmp_path), use_cpu=True, bf16=False, report_to=[])
    pointing.point(model, processor, data, PRESET, tmp_path, settings)
    after = model.model.vision_tower.state_dict()
    assert all(torch.equal(tower[name], after[name]) for name in tower)
    assert all(weight.requires_grad for weight in model.parameters())
    assert {k: v < 0.7 * before[k] for k, v in missed(model, processor, data).items()} == {
        "name": True,
        "match": True,
        "ask": True,
    }

    fresh, _ = tiny.build(CONFIG)
    pointing.point(fresh, processor, data, PRESET, tmp_path, settings)
    wanted, found = model.state_dict(), fresh.state_dict()
    assert all(torch.equal(wanted[name], found[name]) for name in wanted), "taken as it is"


def test_too_few_lessons_are_refused(data: PairData, tmp_path: Path) -> None:
    model, processor = tiny.build(CONFIG)
    settings = TrainingArguments(str(tmp_path), use_cpu=True, bf16=False, report_to=[])
    few = replace(PRESET, pointing_count=5)
    with pytest.raises(UserError, match="5 lessons fill no batch of 6"):
        pointing.point(model, processor, data, few, tmp_path, settings)
