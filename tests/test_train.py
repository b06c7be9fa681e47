"""Training on tiny models: what is learned from, exact resume, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from sat_folder import rows, write_folder

from finetune.data import Sources, conversation, make_plan, open_sources
from finetune.presets import PRESETS, Preset, resolve
from sat_tasks.console import UserError
from sat_tasks.prompt import labels


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = rows(60, split="train") + rows(30, split="val")
    return write_folder(tmp_path_factory.mktemp("data") / "sat", content)


WITHOUT_PAIRS = ("pair_count=0", "lesson_share=0", "precision=fp32")


def small(*settings: str) -> Preset:
    return resolve("sat-tiny", ["sample_count=64", "batch_size=4", *WITHOUT_PAIRS, *settings])


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_can_be_asked_for_and_changed(name: str) -> None:
    assert resolve(name) == PRESETS[name]
    assert resolve(name, ["learning_rate=3e-5", "sample_count=1e3"]).sample_count == 1000


@pytest.mark.parametrize(
    ("name", "setting", "says"),
    [
        ("llava", "seed=1", "known: llava-1.5-13b-sat"),
        ("sat-tiny", "speed=1", "known: accumulation_steps"),
        ("sat-tiny", "seed", "field=value"),
        ("sat-tiny", "batch_size=many", "takes a number"),
        ("sat-tiny", "method=sgd", "known: lora, qlora, full"),
        ("sat-tiny", "sat_share=0", "must be in"),
    ],
)
def test_bad_settings_name_what_is_allowed(name: str, setting: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        resolve(name, [setting])


def test_the_paper_recipe_is_the_papers() -> None:
    paper = PRESETS["llava-1.5-13b-sat"]
    assert (paper.lora_rank, paper.lora_alpha, paper.learning_rate) == (256, 512, 2e-6)
    assert (paper.sat_share, paper.sample_count, paper.batch_size) == (0.6, 100_000, 1)


def test_a_plan_is_reproducible_and_batches_have_one_picture_count(folder: Path) -> None:
    preset = small()
    sources = open_sources([folder], preset)
    plan = make_plan(sources, preset)
    assert plan == make_plan(sources, preset)
    assert plan != make_plan(sources, small("seed=1"))
    for start in range(0, len(plan), preset.batch_size):
        block = plan[start : start + preset.batch_size]
        assert len({sample.picture_count for sample in block}) == 1
    assert len(plan) > preset.sample_count - 2 * preset.batch_size


def test_a_conversation_teaches_the_right_letter_in_its_order(folder: Path) -> None:
    preset = small()
    sources = open_sources([folder], preset)
    for reference in make_plan(sources, preset)[:40]:
        question = sources.sat[reference.index]
        sample = conversation(sources, reference, preset)
        asked, told = sample["messages"]
        options = [question.options[i] for i in reference.order]
        letter = told["content"][0]["text"]
        assert options[labels(options).index(letter)] == question.options[question.answer_index]
        placeholders = [part for part in asked["content"] if part["type"] == "image"]
        assert len(placeholders) == len(sample["images"]) == reference.picture_count


def _collated(preset: Preset, sources: Sources) -> tuple[str, str]:
    """Return the text of a whole batch row and the text that its loss is taken on."""
    from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

    from finetune.train import load_model

    _, processor = load_model(preset)
    plan = make_plan(sources, preset)
    collate = DataCollatorForVisionLanguageModeling(processor, assistant_only_loss=True)
    batch = collate([conversation(sources, reference, preset) for reference in plan[:4]])
    ids, label = batch["input_ids"][0], batch["labels"][0]
    learned = processor.tokenizer.decode(label[label != -100])
    return processor.tokenizer.decode(ids), learned


def test_only_the_answer_and_the_end_are_learned(folder: Path) -> None:
    preset = small()
    whole, learned = _collated(preset, open_sources([folder], preset))
    assert whole.startswith("<s>USER:")
    assert learned.strip() in {"A</s>", "B</s>", "C</s>", "D</s>", "E</s>"}


def test_instruct_rows_are_checked_and_counted(folder: Path, tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (32, 32), "red").save(tmp_path / "a.png")
    turns = [{"from": "human", "value": "<image>\nWhat colour?"}, {"from": "gpt", "value": "Red."}]
    good = {"id": "1", "image": "a.png", "conversations": turns}
    text = {"id": "2", "conversations": [{"from": "human", "value": "Hi"}, turns[1]]}
    file = tmp_path / "instruct.json"
    file.write_text(json.dumps([good, text] * 150 + [good | {"image": "b.png"}]))
    preset = small("sat_share=0.6")
    sources = open_sources([folder], preset, file)
    assert sources.instruct is not None
    assert sources.instruct.faults == {"missing picture": 1}
    plan = make_plan(sources, preset)
    share = sum(sample.source == "sat" for sample in plan) / len(plan)
    assert 0.5 < share < 0.7
    file.write_text(json.dumps([good, good | {"image": "b.png"}]))
    with pytest.raises(UserError, match="1 of 2 rows unusable \\(missing picture: 1\\)"):
        open_sources([folder], preset, file)


@pytest.mark.slow
@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_stopped_run_ends_as_an_undisturbed_one(
    folder: Path, tmp_path: Path, method: str
) -> None:
    from finetune.train import Schedule, step_losses, train

    preset = small(f"method={method}", "lora_rank=4", "lora_alpha=8")
    sources = open_sources([folder], preset)
    held_out = open_sources([folder], preset, split="val")
    schedule = Schedule(log_steps=1, eval_steps=5, save_steps=5, eval_per_type=1, report_to=())
    train(preset, sources, tmp_path / "whole", held_out, schedule)
    whole = step_losses(tmp_path / "whole")

    shutil.copytree(tmp_path / "whole", tmp_path / "stopped")
    shutil.rmtree(tmp_path / "stopped" / "model")
    kept = sorted((tmp_path / "stopped" / "checkpoints").glob("checkpoint-*"))
    last = max(kept, key=lambda path: int(path.name.split("-")[1]))
    assert len(kept) == 2
    shutil.rmtree(last)
    train(preset, sources, tmp_path / "stopped", held_out, schedule)
    assert step_losses(tmp_path / "stopped") == whole
    with pytest.raises(UserError, match="holds another run"):
        train(small("seed=3"), sources, tmp_path / "whole", held_out, schedule)
