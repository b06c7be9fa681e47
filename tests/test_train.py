"""Training on tiny models: what is learned from, exact resume, and what is refused."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import tiny_families
from sat_folder import rows, write_folder
from trl.data_utils import prepare_multimodal_messages

from finetune.data import (
    LESSON,
    SAT,
    Reference,
    Sources,
    conversation,
    in_batches,
    make_plan,
    open_sources,
)
from finetune.presets import PRESETS, Preset, resolve
from finetune.train import Schedule, load_model, step_losses, train
from sat_tasks.console import UserError
from sat_tasks.prompt import labels
from sat_tasks.rows import Row


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = rows(60, split="train") + rows(30, split="val")
    return write_folder(tmp_path_factory.mktemp("data") / "sat", content)


WITHOUT_PAIRS = ("pair_count=0", "pointing_count=0", "lesson_share=0", "precision=fp32")


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


def test_lessons_and_questions_are_in_blocks_of_their_own() -> None:
    kinds = [(LESSON, 1), (SAT, 1), (LESSON, 2), (SAT, 1), (LESSON, 1), (SAT, 2)] * 4
    samples = [Reference(kind, index, (), count) for index, (kind, count) in enumerate(kinds)]
    blocked = list(in_batches(iter(samples), 2))
    assert {one.index for one in blocked} == set(range(len(kinds)))
    for start in range(0, len(blocked), 2):
        first, second = blocked[start : start + 2]
        assert (first.source, first.picture_count) == (second.source, second.picture_count)


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


@dataclass(frozen=True)
class Damaged:
    """A row as a faulty generator could have written it."""

    row: Row
    changes: dict[str, Any]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.row, name)

    def to_record(self) -> dict[str, Any]:
        return self.row.to_record() | self.changes


DAMAGE: dict[str, dict[str, Any]] = {
    "answer not among the options": {"correct_answer": "up"},
    "missing picture": {"images": []},
    "unknown question type 'taste'": {"question_type": "taste"},
}


@pytest.mark.parametrize("reason", DAMAGE)
def test_unusable_questions_are_left_out_and_counted(reason: str, tmp_path: Path) -> None:
    content = rows(200, split="train")
    damaged = [Damaged(content[0], DAMAGE[reason]), *content[1:]]
    sources = open_sources([write_folder(tmp_path / "a", damaged)], small())
    assert sources.left_out == {reason: 1}
    assert len(sources.sat) == 199
    worse = [*(Damaged(row, DAMAGE[reason]) for row in content[:3]), *content[3:]]
    with pytest.raises(UserError, match=f"3 of 200 rows unusable \\({reason}: 3\\)"):
        open_sources([write_folder(tmp_path / "b", worse)], small())


def test_a_picture_without_bytes_is_missing(tmp_path: Path) -> None:
    content = rows(200, ("ego_movement",), split="train")
    half = [content[7].to_record()["images"][0], {"bytes": None, "path": "b.jpg"}]
    damaged = [*content[:7], Damaged(content[7], {"images": half}), *content[8:]]
    sources = open_sources([write_folder(tmp_path / "a", damaged)], small())
    assert sources.left_out == {"missing picture": 1}
    assert content[7].id not in {question.id for question in sources.sat}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_families.save("llava", tmp_path_factory.mktemp("base") / "llava")


def tuning(base: Path, *settings: str) -> Preset:
    quick = ["precision=fp32", "lora_rank=8", "sat_share=1", "sample_count=64", "batch_size=4"]
    return resolve("llava-1.5-13b-sat", [f"model={base}", *quick, *settings])


def history(run: Path) -> list[dict[str, Any]]:
    states = (run / "checkpoints").glob("*/trainer_state.json")
    found: list[dict[str, Any]] = json.loads(
        max(states, key=lambda path: int(path.parent.name[11:])).read_text()
    )["log_history"]
    return found


def test_the_best_checkpoint_is_kept(base: Path, tmp_path: Path) -> None:
    """Right is left in training and right when it is asked: learning helps at first, then hurts."""
    from safetensors.torch import load_file

    taught, asked = (
        [replace(row, correct_answer=answer) for row in rows(40, ("relation",), split=split)]
        for split, answer in (("train", "left"), ("val", "right"))
    )
    folder = write_folder(tmp_path / "data", [*taught, *asked])
    preset = tuning(base, "learning_rate=0.002", "lora_alpha=16", "replies=text")
    sources, held_out = open_sources([folder], preset), open_sources([folder], preset, split="val")
    schedule = Schedule(eval_steps=1, save_steps=4, eval_per_type=8, report_to=())
    train(preset, sources, tmp_path / "run", held_out, schedule)
    loss_at = {e["step"]: e["eval_all_loss"] for e in history(tmp_path / "run") if "eval_loss" in e}
    saved = [step for step in loss_at if step % 4 == 0 or step == max(loss_at)]
    best, last = min(saved, key=lambda step: loss_at[step]), max(saved)
    assert best != last
    assert min(loss_at.values()) < loss_at[best], "a step that was not saved was better"
    kept, of_best, of_last = (
        load_file(tmp_path / "run" / name / "adapter_model.safetensors")
        for name in ("model", f"checkpoints/checkpoint-{best}", f"checkpoints/checkpoint-{last}")
    )
    assert all(bool((kept[name] == of_best[name]).all()) for name in kept)
    assert any(bool((kept[name] != of_last[name]).any()) for name in kept)


def test_a_finished_run_is_left_as_it_is(folder: Path, base: Path, tmp_path: Path) -> None:
    preset = tuning(base, "sample_count=12")
    sources = open_sources([folder], preset)
    done = train(preset, sources, tmp_path / "run", None, Schedule(report_to=()))
    times = {path: path.stat().st_mtime_ns for path in sorted((tmp_path / "run").rglob("*"))}
    assert train(preset, sources, tmp_path / "run", None, Schedule(report_to=())) == done
    assert times == {
        path: path.stat().st_mtime_ns for path in sorted((tmp_path / "run").rglob("*"))
    }


def test_greedy_replies_are_those_counted_right(folder: Path, base: Path, tmp_path: Path) -> None:
    """Generating with the trained model gives the accuracy that training reported."""
    from peft import PeftModel

    preset = tuning(base, "learning_rate=0.003", "sample_count=96")
    sources, held_out = open_sources([folder], preset), open_sources([folder], preset, split="val")
    schedule = Schedule(eval_steps=100, save_steps=100, report_to=())
    train(preset, sources, tmp_path / "run", held_out, schedule)
    model, processor = load_model(preset)
    model = PeftModel.from_pretrained(model, tmp_path / "run" / "model").eval()
    right: dict[str, list[bool]] = {}
    for index, question in enumerate(held_out.sat):
        order = tuple(range(len(question.options)))
        sample = conversation(
            held_out, Reference("sat", index, order, question.picture_count), preset
        )
        *asked, told = prepare_multimodal_messages(sample["messages"], images=sample["images"])
        inputs = processor.apply_chat_template(
            asked,
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            processor_kwargs={"add_special_tokens": False},
        )
        new = model.generate(**inputs, max_new_tokens=4, do_sample=False)
        reply = processor.tokenizer.decode(new[0, inputs["input_ids"].shape[1] :])
        is_right = reply.strip() == told["content"][0]["text"] + "</s>"
        right.setdefault(question.question_type, []).append(is_right)
    reported = [entry for entry in history(tmp_path / "run") if "eval_all_accuracy" in entry][-1]
    assert sum(map(sum, right.values())) > 0
    for kind, marks in right.items():
        assert reported[f"eval_{kind}_accuracy"] == pytest.approx(sum(marks) / len(marks)), kind


def test_text_only_batches_train_too(folder: Path, base: Path, tmp_path: Path) -> None:
    """Batch 1, as in the recipe: a LLaVA-Instruct conversation without a picture comes alone."""
    turns = [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello there."}] * 2
    (tmp_path / "talk.json").write_text(json.dumps([{"id": "1", "conversations": turns}]))
    settings = ("batch_size=1", "sample_count=10", "sat_share=0.5", "learning_rate=1e-3")
    preset = tuning(base, *settings)
    sources = open_sources([folder], preset, tmp_path / "talk.json")
    assert {sample.picture_count for sample in make_plan(sources, preset)} >= {0, 1}
    train(preset, sources, tmp_path / "run", None, Schedule(log_steps=1, report_to=()))
    losses = [loss for _, loss in step_losses(tmp_path / "run")]
    assert len(losses) == 10
    assert all(0 < loss < 20 for loss in losses)


def test_reports_are_written_without_a_network(
    folder: Path, base: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wandb = pytest.importorskip("wandb")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_DIR", str(tmp_path))
    monkeypatch.setenv("WANDB_SILENT", "true")
    preset = tuning(base, "sample_count=16")
    sources, held_out = open_sources([folder], preset), open_sources([folder], preset, split="val")
    schedule = Schedule(log_steps=1, eval_per_type=1, report_to=("tensorboard", "wandb"))
    train(preset, sources, tmp_path / "run", held_out, schedule)
    (events,) = (tmp_path / "run").rglob("events.out.tfevents.*")
    board = EventAccumulator(str(events.parent)).Reload()
    assert {"train/loss", "eval/all_accuracy", "eval/depth_loss"} <= set(board.Tags()["scalars"])
    wandb.teardown()  # as at the end of a process
    (offline,) = (tmp_path / "wandb").glob("offline-run-*/*.wandb")
    assert b"eval/all_accuracy" in offline.read_bytes()


def test_four_bits_train_and_export(folder: Path, tmp_path: Path) -> None:
    """Runs where bitsandbytes is installed (it has a CPU build)."""
    pytest.importorskip("bitsandbytes")
    import torch

    from finetune.export import export

    half = tiny_families.save("llava", tmp_path / "base", torch.bfloat16)
    preset = tuning(half, "precision=bf16", "method=qlora", "sample_count=12")
    model, _ = load_model(preset)
    quantized = {name for name, part in model.named_modules() if "4bit" in type(part).__name__}
    assert len(quantized) == 2 * 7
    assert all("language_model.layers." in name for name in quantized)
    sources = open_sources([folder], preset)
    train(preset, sources, tmp_path / "run", None, Schedule(report_to=()))
    found = export(tmp_path / "run", tmp_path / "model")
    assert found.logit_gap is not None


def test_options_come_in_rotations_or_in_any_order(folder: Path) -> None:
    from sat_tasks.protocol import rotations

    many = small("sample_count=400")
    sources = open_sources([folder], many)
    asked = {sample.order for sample in make_plan(sources, many) if len(sample.order) > 2}
    assert asked == {order for n in (3, 4) for order in rotations(n)}
    shuffled = make_plan(sources, small("sample_count=400", "option_order=random"))
    assert len({sample.order for sample in shuffled if len(sample.order) == 3}) == 6
