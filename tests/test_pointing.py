"""Lessons and questions tell a language model where to look, and it learns to look there."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toy_pairs import toy_run
from transformers import TrainingArguments

from finetune import looks, pointing, tiny
from finetune.data import Sources, open_sources
from finetune.lessons import Lesson
from finetune.marks import marked_places
from finetune.pairs import matches
from finetune.presets import resolve
from finetune.vision import patch_at
from sat_tasks.console import UserError
from sat_tasks.data import open_pictures

CONFIG = replace(
    tiny.SAT_TINY, patch_px=32, vision_width=64, vision_layers=1, text_width=64, text_layers=5
)
PATCHES = CONFIG.image_px // CONFIG.patch_px
PRESET = resolve("sat-tiny", ["precision=fp32", "batch_size=6", "pointing_count=360"])


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Sources:
    folder = tmp_path_factory.mktemp("toy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_DATASETS_CACHE", str(folder / "cache"))
        return open_sources([toy_run(folder / "data")], PRESET)


@pytest.fixture(scope="module")
def parts() -> tuple[Any, Any]:
    return tiny.build(CONFIG)


def batches(sources: Sources, count: int, seed: int = 0) -> list[list[Lesson]]:
    preset = replace(PRESET, pointing_count=count, seed=seed)
    samples = pointing.PointingSamples(sources, preset)
    return [[samples[at + row] for row in range(6)] for at in range(0, len(samples), 6)]


def test_looks_go_where_the_conversation_says(sources: Sources, parts: tuple[Any, Any]) -> None:
    model, processor = parts
    join, decode = looks.collator(model, processor), processor.tokenizer.decode
    counts = {kind: {"lesson": 0, "question": 0} for kind in looks.LOOKS}
    for lessons in batches(sources, 120):
        batch = join(lessons)
        ids = batch["input_ids"]
        picture = [np.flatnonzero(row == model.config.image_token_id) for row in ids.numpy()]
        found = {kind: rows.tolist() for kind, rows in batch["looks"].items()}
        for row, token, place, patch in found["names"]:
            u, v = lessons[row].places[named_last(decode(ids[row, : token + 1]), lessons[row])]
            assert patch_at(u, v, PATCHES) == patch
            assert place == picture[row][patch]
        for row, token, place, patch in found["matches"]:
            there = int(np.flatnonzero(picture[row] == token)[0]) - PATCHES**2
            pair = lessons[row].pair
            assert pair is not None
            assert matches(pair, PATCHES)[patch] == there
            assert place == picture[row][patch]
        names = {(row, token) for row, token, *_ in found["names"]}
        for kind in ("first", "second"):
            for row, token, name in found[kind]:
                before, after = decode(ids[row, :name]), decode(ids[row, name + 1 : token + 1])
                assert after.endswith("ASSISTANT:")
                assert after.count("ASSISTANT:") == 1
                assert "\nA." not in before.rpartition("ASSISTANT:")[2], "in the question itself"
                assert (row, name) in names
        for row, token, place in found["moved"]:
            assert place in picture[row][PATCHES**2 :]
            assert decode(ids[row, : token + 1]).endswith("ASSISTANT:")
        for row, token, place, letter in found["right"]:
            asked = decode(ids[row, : token + 1]).rpartition("USER:")[2]
            reply = decode(ids[row, token + 1 : token + 2]).strip()
            option = decode(ids[row, : place + 1]).rpartition("\n")[2]
            assert option.startswith(f"{reply}. ")
            assert decode(ids[row, letter : place + 1]) == option
            assert f"\n{option}\n" in asked
        asked = [
            message["content"][-1]["text"]
            for one in lessons
            for message in one.messages
            if message["role"] == "user"
        ]
        assert len(found["right"]) == sum("\nA. " in text for text in asked)
        for kind, rows in found.items():
            for row, *_ in rows:
                counts[kind]["lesson" if lessons[row].pair is not None else "question"] += 1
    assert all(kinds["lesson"] > 10 for kinds in counts.values()), counts
    in_questions = {kind for kind, kinds in counts.items() if kinds["question"]}
    assert in_questions == {"names", "letters", "first", "second", "right"}


def named_last(text: str, one: Lesson) -> str:
    """Return the longest name that a text ends with."""
    return max((phrase for phrase in one.places if text.endswith(f" {phrase}")), key=len)


MARK_COLORS = {
    "marked P": (0, 1),
    "marked Q": (2, 0),
    "marked R": (1, 0),
    "marked S": (0, 1),
    "the red cross": (0, 1),
}
"""A channel that is bright there, and one that is dark."""


def test_marks_are_where_their_colour_is(sources: Sources) -> None:
    checked = dict.fromkeys(MARK_COLORS, 0)
    for question, (places, _) in zip(sources.sat, marked_places(sources.sat), strict=True):
        (picture, *_) = open_pictures(question.file, question.row)
        pixels = np.asarray(picture.convert("RGB")).astype(int)
        for name, (u, v) in places.items():
            assert name in question.question
            around = pixels[int(v * picture.height) - 4 :, int(u * picture.width) - 4 :][:9, :9]
            bright, dark = MARK_COLORS[name]
            assert (around[..., bright] - around[..., dark]).max() > 100, (question.question, name)
            checked[name] += 1
    assert min(checked[name] for name in ("marked P", "marked Q", "the red cross")) > 1, checked


def missed(model: Any, processor: Any, sources: Sources) -> dict[str, float]:
    """Return each part of the loss over some samples; heads that tell begin anew."""
    join = looks.collator(model, processor)
    learner = pointing.Pointing(model).eval()
    model.set_attn_implementation("eager")
    found: dict[str, list[float]] = {}
    with torch.no_grad():
        for lessons in batches(sources, 60, seed=1):
            for kind, value in learner(**join(lessons)).items():
                found.setdefault(kind, []).append(float(value))
    model.requires_grad_(True)
    return {kind: float(np.mean(values)) for kind, values in found.items()}


def logged(run: Path) -> list[dict[str, float]]:
    """Return what the newest checkpoint of a run says was logged with a loss."""
    newest = max(run.glob("checkpoint-*"), key=lambda path: int(path.name[11:]))
    history = json.loads((newest / "trainer_state.json").read_text())["log_history"]
    return [entry for entry in history if "loss" in entry]


def test_attention_learns_to_go_there(sources: Sources, tmp_path: Path) -> None:
    model, processor = tiny.build(CONFIG)
    before = missed(model, processor, sources)
    tower = {name: t.clone() for name, t in model.model.vision_tower.state_dict().items()}
    settings = TrainingArguments(
        str(tmp_path), use_cpu=True, bf16=False, report_to=[], logging_steps=6
    )
    pointing.point(model, processor, sources, PRESET, tmp_path, settings)
    after = model.model.vision_tower.state_dict()
    assert all(torch.equal(tower[name], after[name]) for name in tower)
    assert all(weight.requires_grad for weight in model.parameters())
    share = {kind: loss / before[kind] for kind, loss in missed(model, processor, sources).items()}
    kinds = {*looks.LOOKS, "choice", "reply"} - {"moved"}
    assert all(share[kind] < 0.8 for kind in kinds), share
    assert share["moved"] < 0.9, "looks at many patches alike: its logarithm stays large"

    first, *_, last = logged(tmp_path)
    for entry in (first, last):
        parts = [value for name, value in entry.items() if name.endswith("_loss")]
        assert len(parts) == len(looks.LOOKS) + 6
        assert entry["loss"] == pytest.approx(sum(parts), rel=0.01)
    told = ("patch_told_2_loss", "patch_told_3_loss", "option_letter_loss", "reply_letter_loss")
    assert all(last[name] < 0.9 * first[name] for name in told), (first, last)

    fresh, _ = tiny.build(CONFIG)
    pointing.point(fresh, processor, sources, PRESET, tmp_path, settings)
    wanted, found = model.state_dict(), fresh.state_dict()
    assert all(torch.equal(wanted[name], found[name]) for name in wanted), "taken as it is"


def test_too_few_lessons_are_refused(sources: Sources, tmp_path: Path) -> None:
    model, processor = tiny.build(CONFIG)
    settings = TrainingArguments(str(tmp_path), use_cpu=True, bf16=False, report_to=[])
    few = replace(PRESET, pointing_count=5)
    with pytest.raises(UserError, match="5 lessons fill no batch of 6"):
        pointing.point(model, processor, sources, few, tmp_path, settings)
