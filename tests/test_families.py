"""The recipes on small random models of every class that presets name: trained, exported, loaded.

The recipes are the presets' own (LoRA, bfloat16, learning rate 2e-6); only model, rank and number
of samples are small.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import tiny_families
import torch
from safetensors import safe_open
from sat_folder import rows, write_folder
from trl.data_utils import prepare_multimodal_messages

from finetune.architectures import meta_model
from finetune.check import check_samples
from finetune.data import Sources, conversation, make_plan, open_sources
from finetune.export import Export, export
from finetune.presets import PRESETS, Preset, resolve
from finetune.train import PROJECTORS, Schedule, load_model, step_losses, train
from sat_tasks.console import UserError
from sat_tasks.data import open_data_set
from sat_tasks.docs import doc_to_messages, expand
from sat_tasks.protocol import PROTOCOLS
from sat_tasks.tables import TABLES

RECIPES = {
    "llava": "llava-1.5-13b-sat",
    "llava_onevision": "llava-onevision-7b-sat",
    "qwen2_5_vl": "qwen2.5-vl-7b-sat",
}
END = {"llava": "</s>", "llava_onevision": "<|im_end|>", "qwen2_5_vl": "<|im_end|>"}
PUBLISHED_NAMES = {
    "llava": r"language_model\.(model|lm_head)\.|vision_tower\.vision_model\.|multi_modal_proj",
    "llava_onevision": r"language_model\.(model|lm_h)|vision_tower\.vision_model\.|multi_|imag",
    "qwen2_5_vl": r"model\.(embed_tokens|layers|norm)\.|visual\.(blocks|merger|patch_em)|lm_head",
}
"""How the makers' files name weights; vLLM reads these."""


@dataclass(frozen=True)
class Tuned:
    """A run on a small model."""

    preset: Preset
    sources: Sources
    base: Path
    run: Path
    exported: Export


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = rows(60, split="train") + rows(18, split="val")
    return write_folder(tmp_path_factory.mktemp("data") / "sat", content)


def recipe(model_type: str, base: Path, *settings: str) -> Preset:
    small = ["lora_rank=8", "lora_alpha=16", "sample_count=24", "batch_size=4", "sat_share=1"]
    return resolve(RECIPES[model_type], [f"model={base}", *small, *settings])


@pytest.fixture(scope="module", params=tiny_families.FAMILIES)
def tuned(
    request: pytest.FixtureRequest, data: Path, tmp_path_factory: pytest.TempPathFactory
) -> Tuned:
    folder = tmp_path_factory.mktemp(request.param)
    base = tiny_families.save(request.param, folder / "base", torch.bfloat16)
    preset = recipe(request.param, base)
    sources = open_sources([data], preset)
    held_out = open_sources([data], preset, split="val")
    schedule = Schedule(log_steps=1, eval_steps=2, save_steps=2, eval_per_type=2, report_to=())
    train(preset, sources, folder / "run", held_out, schedule)
    return Tuned(preset, sources, base, folder / "run", export(folder / "run", folder / "out"))


def kind(tuned: Tuned) -> str:
    found: str = load_model(tuned.preset)[0].config.model_type
    return found


def test_every_preset_tunes_a_class_that_is_tried_here() -> None:
    models = {preset.model for preset in PRESETS.values() if preset.method == "lora"}
    assert {meta_model(model).config.model_type for model in models} == set(tiny_families.FAMILIES)


def test_only_reply_and_end_carry_loss(tuned: Tuned) -> None:
    from trl.trainer.sft_trainer import DataCollatorForVisionLanguageModeling

    _, processor = load_model(tuned.preset)
    plan = make_plan(tuned.sources, tuned.preset)
    counts = set()
    for start in range(0, len(plan), 4):
        samples = [
            conversation(tuned.sources, one, tuned.preset) for one in plan[start : start + 4]
        ]
        collate = DataCollatorForVisionLanguageModeling(processor, assistant_only_loss=True)
        batch = collate([dict(sample) for sample in samples])
        for sample, labels in zip(samples, batch["labels"], strict=True):
            reply = sample["messages"][-1]["content"][0]["text"]
            learned = processor.tokenizer.decode(labels[labels != -100])
            assert learned.strip() == reply + END[kind(tuned)]
        counts.add(len(samples[0]["images"]))
        pictures = batch["input_ids"] == processor.image_token_id
        assert int(pictures.sum()) > 0
    assert counts == {1, 2}


def test_training_asks_what_evaluation_asks(tuned: Tuned, data: Path) -> None:
    """The exported processor renders lmms-eval's messages as the prompts that were trained on."""
    from transformers import AutoProcessor

    processor = AutoProcessor.from_pretrained(tuned.exported.folder)
    _, training = load_model(tuned.preset)
    trained = set()
    for reference in make_plan(tuned.sources, tuned.preset):
        sample = conversation(tuned.sources, reference, tuned.preset)
        messages = prepare_multimodal_messages(sample["messages"], images=sample["images"])
        trained.add(training.apply_chat_template(messages, tokenize=False))
    opened = open_data_set(data)
    table = expand(opened, list(tuned.sources.sat), PROTOCOLS["circular"], TABLES["sat"])
    count = len(table["id"])
    docs = [{key: column[index] for key, column in table.items()} for index in range(count)]
    asked = {
        processor.apply_chat_template(doc_to_messages(doc), add_generation_prompt=True)
        for doc in docs
    }
    for text in trained:
        prompts = [prompt for prompt in asked if text.startswith(prompt)]
        assert len(prompts) == 1, text
        assert text[len(prompts[0]) :].strip() in {f"{x}{END[kind(tuned)]}" for x in "ABCDE"}


def test_prompt_and_reply_tokenise_apart_as_together(tuned: Tuned) -> None:
    _, processor = load_model(tuned.preset)
    plan = make_plan(tuned.sources, tuned.preset)[:8]
    check_samples(processor, [conversation(tuned.sources, one, tuned.preset) for one in plan])
    in_words = resolve(tuned.preset.name, [f"model={tuned.base}", "replies=text"])
    check_samples(processor, [conversation(tuned.sources, one, in_words) for one in plan])


NO_END = (
    "{% for m in messages %}{% if m['role'] == 'assistant' %}{% generation %}"
    "{{ m['content'][0]['text'] }}{% endgeneration %}"
    "{% else %}{{ m['content'][0]['text'] }}{% endif %}{% endfor %}"
)
OTHER_PROMPT = (
    "{% for m in messages %}{% generation %}{{ m['content'][0]['text'] }}</s>{% endgeneration %}"
    "{% endfor %}{% if add_generation_prompt %}?{% endif %}"
)
JOINED = (
    "{% for m in messages %}{% if m['role'] == 'assistant' %}{% generation %}"
    "{{ m['content'][0]['text'] }}</s>{% endgeneration %}"
    "{% else %}{{ m['content'][0]['text'] }} {% endif %}{% endfor %}"
)
PROMPT_TOO = (
    "{% for m in messages %}{% generation %}{{ m['content'][0]['text'] }}"
    "{{ '</s>' if m['role'] == 'assistant' else '\n' }}{% endgeneration %}{% endfor %}"
)


@pytest.mark.parametrize(
    ("template", "says"),
    [
        (NO_END, "an end token"),
        (OTHER_PROMPT, "joins prompt and reply"),
        (JOINED, "joins prompt and reply"),
        (PROMPT_TOO, "teaches the question"),
    ],
)
def test_a_template_that_teaches_something_else_is_refused(template: str, says: str) -> None:
    _, processor = tiny_families.llava()
    processor.chat_template = template
    messages = [
        {"role": role, "content": [{"type": "text", "text": text}]}
        for role, text in (("user", "Which way?"), ("assistant", "B"))
    ]
    with pytest.raises(UserError, match=says):
        check_samples(processor, [{"messages": messages, "images": []}])


def test_the_published_template_of_qwen_renders_alike() -> None:
    from trl.chat_template_utils import qwen2_5_vl_chat_template

    from finetune.templates import QWEN2_5_VL_TEMPLATE

    _, processor = tiny_families.qwen2_5_vl()
    picture = {"type": "image", "image": "p"}
    chat: list[dict[str, Any]] = [
        {"role": "user", "content": [{"type": "text", "text": "One:"}, picture, picture]},
        {"role": "assistant", "content": [{"type": "text", "text": "B"}]},
        {"role": "user", "content": "And now?"},
        {"role": "assistant", "content": "C"},
    ]
    for messages in (chat, chat[:3], [{"role": "system", "content": "Be short."}, *chat]):
        ours, theirs = (
            processor.apply_chat_template(messages, chat_template=template, tokenize=False)
            for template in (QWEN2_5_VL_TEMPLATE, qwen2_5_vl_chat_template)
        )
        assert ours == theirs


def test_losses_are_finite_and_replies_are_counted_by_type(tuned: Tuned) -> None:
    import json

    losses = [loss for _, loss in step_losses(tuned.run)]
    assert len(losses) == 5
    assert all(0 < loss < 20 for loss in losses)
    state = max((tuned.run / "checkpoints").glob("*/trainer_state.json"), key=str).read_text()
    evaluations = [x for x in json.loads(state)["log_history"] if "eval_all_accuracy" in x]
    assert [entry["step"] for entry in evaluations] == [2, 4, 5]
    kinds = {question.question_type for question in tuned.sources.sat}
    for found in evaluations:
        assert kinds == {
            key.removeprefix("eval_").removesuffix("_accuracy")
            for key in found
            if key.endswith("_accuracy") and "token" not in key
        } - {"all"}
        assert all(0 <= found[f"eval_{name}_accuracy"] <= 1 for name in kinds)
        assert found["eval_all_loss"] > 0


def test_training_changed_language_and_projector_alone(tuned: Tuned) -> None:
    """In bfloat16 an update of 2e-6 would vanish: what is trained must be kept in float32."""
    from safetensors.torch import load_file

    projector = PROJECTORS[kind(tuned)]
    adapter = load_file(tuned.run / "model" / "adapter_model.safetensors")
    assert all(tensor.dtype == torch.float32 for tensor in adapter.values())
    low_rank = {name for name in adapter if "lora_" in name}
    assert len(low_rank) == 2 * 2 * 7, "A and B of seven matrices in each of two layers"
    assert all("language_model.layers." in name for name in low_rank)
    assert all(adapter[name].abs().max() > 0 for name in low_rank if "lora_B" in name)
    base = load_model(tuned.preset)[0].state_dict()
    full = {name: tensor for name, tensor in adapter.items() if name not in low_rank}
    assert full
    for name, tensor in full.items():
        assert projector in name
        before = base[name.removeprefix("base_model.model.")].float()
        assert (tensor != before).any(), f"{name} was not trained"


def test_others_load_the_export(tuned: Tuned) -> None:
    from transformers import AutoModelForImageTextToText, AutoProcessor

    found = tuned.exported
    assert found.logit_gap is not None
    model, loading = AutoModelForImageTextToText.from_pretrained(
        found.folder, output_loading_info=True
    )
    assert not any(loading[key] for key in ("missing_keys", "unexpected_keys", "mismatched_keys"))
    assert model.dtype == torch.bfloat16
    before, after = load_model(tuned.preset)[0].state_dict(), model.state_dict()
    changed = {name for name in after if bool((after[name] != before[name]).any())}
    allowed = (
        rf".*language_model\.layers\..*proj\.weight|.*{re.escape(PROJECTORS[kind(tuned)])}\..*"
    )
    assert all(re.fullmatch(allowed, name) for name in changed)
    with safe_open(found.folder / "model.safetensors", "pt") as weights:
        names = list(weights.keys())
    assert [name for name in names if not re.match(PUBLISHED_NAMES[kind(tuned)], name)] == []
    processor = AutoProcessor.from_pretrained(found.folder)
    assert type(processor).__name__ == type(tiny_families.FAMILIES[kind(tuned)]()[1]).__name__
    assert processor.chat_template == load_model(tuned.preset)[1].chat_template


def test_merged_and_unmerged_logits_agree_in_float32(data: Path, tmp_path: Path) -> None:
    for model_type in tiny_families.FAMILIES:
        folder = tmp_path / model_type
        base = tiny_families.save(model_type, folder / "base")
        preset = recipe(model_type, base, "precision=fp32", "learning_rate=0.01", "sample_count=12")
        train(preset, open_sources([data], preset), folder / "run", None, Schedule(report_to=()))
        gap = export(folder / "run", folder / "out").logit_gap
        assert gap is not None
        assert gap < 1e-4
