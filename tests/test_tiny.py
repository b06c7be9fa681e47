"""The small LLaVA: what a checkpoint needs for training, evaluation and serving."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import AutoProcessor, LlavaForConditionalGeneration

from finetune import tiny
from sat_tasks.console import UserError
from sat_tasks.models.llava import render
from sat_tasks.prompt import build_prompt, chat_content

SMALL = tiny.TinyConfig(
    image_px=32,
    patch_px=16,
    vision_width=32,
    vision_layers=1,
    text_width=64,
    text_layers=1,
    vocabulary=400,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("m") / "tiny"
    tiny.save(*tiny.build(SMALL), out, "untrained", SMALL)
    return out


@pytest.fixture(scope="module")
def processor(folder: Path) -> Any:
    return AutoProcessor.from_pretrained(folder)


def test_default_size() -> None:
    model, _ = tiny.build(tiny.TinyConfig())
    assert 1e6 < sum(parameter.numel() for parameter in model.parameters()) <= 20e6


def test_every_weight_is_loaded_back(folder: Path) -> None:
    model, info = LlavaForConditionalGeneration.from_pretrained(folder, output_loading_info=True)
    assert not info["missing_keys"]
    assert not info["unexpected_keys"]
    built, _ = tiny.build(SMALL)
    for (name, ours), theirs in zip(built.named_parameters(), model.parameters(), strict=True):
        assert torch.equal(ours, theirs), name


def test_vision_weights_have_published_names(folder: Path) -> None:
    names = [name for name in load_file(folder / "model.safetensors") if "vision_tower" in name]
    assert names
    assert all(name.startswith("vision_tower.vision_model.") for name in names)


def test_same_seed_same_weights() -> None:
    first, second = (tiny.build(SMALL)[0].state_dict() for _ in range(2))
    other = tiny.build(tiny.TinyConfig(**{**SMALL.__dict__, "seed": 1}))[0].state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["lm_head.weight"], other["lm_head.weight"])


def test_building_leaves_the_global_generator_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    tiny.build(SMALL)
    assert torch.equal(torch.rand(1), expected)


def test_any_text_survives_the_tokenizer(processor: Any) -> None:
    for text in ("Which way?\nA. left\nB. right", "Größe 30° – 左 🙂", "  two  spaces"):
        ids = processor.tokenizer(text)["input_ids"]
        assert processor.tokenizer.decode(ids, clean_up_tokenization_spaces=False) == text


def test_training_and_evaluation_see_the_same_prompt(processor: Any) -> None:
    pictures = [Image.new("RGB", (40, 30)), Image.new("RGB", (40, 30))]
    content = chat_content(build_prompt("Which way?", ["left", "right"], 2), pictures)
    evaluated = render([{"role": "user", "content": content}], processor).text
    trained = processor.apply_chat_template(
        [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
    )
    assert trained == evaluated


def test_only_the_reply_and_its_end_are_learned(processor: Any) -> None:
    pictures = [Image.new("RGB", (40, 30)), Image.new("RGB", (40, 30))]
    content = chat_content(build_prompt("Which way?", ["left", "right"], 2), pictures)
    chat = [
        {"role": "user", "content": content},
        {"role": "assistant", "content": [{"type": "text", "text": "B"}]},
    ]
    encoded = processor.apply_chat_template(
        chat,
        tokenize=True,
        return_dict=True,
        return_assistant_tokens_mask=True,
        return_tensors="pt",
    )
    ids = encoded["input_ids"][0]
    learned = ids[torch.as_tensor(encoded["assistant_masks"][0]).bool()]
    assert processor.tokenizer.decode(learned) == " B</s>"
    assert processor.tokenizer.decode(ids).startswith("<s>USER: Image 1:\n")
    per_picture = (SMALL.image_px // SMALL.patch_px) ** 2
    assert int((ids == processor.image_token_id).sum()) == 2 * per_picture


def test_prompt_and_reply_tokenise_apart_as_together(processor: Any) -> None:
    prompt, reply = "<s>USER: Which way?\nA. left ASSISTANT:", " B</s>"
    apart = [processor.tokenizer(text)["input_ids"] for text in (prompt, reply)]
    assert processor.tokenizer(prompt + reply)["input_ids"] == apart[0] + apart[1]


def test_whole_picture_is_seen(processor: Any) -> None:
    wide = Image.new("RGB", (200, 50))
    wide.paste((255, 255, 255), (0, 0, 20, 50))
    pixels = processor.image_processor(wide, return_tensors="pt")["pixel_values"]
    assert pixels.shape[-2:] == (SMALL.image_px, SMALL.image_px)
    assert pixels[..., 0].mean() > pixels[..., -1].mean()


def test_readme_says_untrained(folder: Path) -> None:
    assert ": untrained" in (folder / "README.md").read_text()


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert tiny.main(["--out", str(tmp_path / "a")]) == 0
    assert tiny.main(["--out", str(tmp_path / "a")]) == 0  # a checkpoint may be replaced
    assert {path.name for path in tmp_path.iterdir()} == {"a"}
    assert "untrained model in" in capsys.readouterr().out


def test_the_shape_can_be_chosen(tmp_path: Path) -> None:
    assert tiny.main(["--shape", "sat-tiny", "--out", str(tmp_path / "a")]) == 0
    assert '"image_px": 128' in (tmp_path / "a" / "README.md").read_text()
    with pytest.raises(UserError, match="small, sat-tiny"):
        tiny.main(["--shape", "huge", "--out", str(tmp_path / "b")])
    assert not (tmp_path / "b").exists()


def test_nothing_else_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter").write_text("mine")
    with pytest.raises(UserError, match="exists and is no checkpoint"):
        tiny.main(["--out", str(tmp_path / "thesis")])
    assert (tmp_path / "thesis" / "chapter").read_text() == "mine"


def test_patches_must_fit() -> None:
    with pytest.raises(ValueError, match="65 px is no multiple of 8 px patches"):
        tiny.TinyConfig(image_px=65)
