"""What prompts have in common is computed once, and nothing else changes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from finetune import tiny
from sat_tasks.models import llava
from sat_tasks.models.shared_prefix import Prompt, generate

CONFIG = tiny.TinyConfig(
    image_px=32,
    patch_px=8,
    vision_width=32,
    vision_layers=1,
    text_width=64,
    text_layers=2,
    vocabulary=400,
)
OPTIONS = {"max_new_tokens": 5, "do_sample": False, "num_beams": 1}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any]:
    folder = tmp_path_factory.mktemp("model") / "tiny"
    model, processor = tiny.build(CONFIG)
    with torch.no_grad():  # so that replies depend on pictures and words, not on rounding
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(4)
    tiny.save(model, processor, folder, "untrained", CONFIG)
    return llava.load(str(folder), None, "cpu", "float64")


def picture(seed: int) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (24, 32, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def prompts() -> list[Prompt]:
    """Return orders of one question, other questions on its picture, pairs, and no picture."""
    one, other = picture(1), picture(2)
    ask = "<s>USER: {}Where is the {}?\nA. {}\nB. {} ASSISTANT:".format
    orders = [("left", "right"), ("right", "left")]
    prompts = [Prompt(ask("<image>\n", "lamp", *order), [one]) for order in orders]
    prompts += [Prompt(ask("<image>\n", "green sofa", *order), [one]) for order in orders]
    prompts += [Prompt(ask("<image>\n", "lamp", *order), [other]) for order in orders]
    prompts += [
        Prompt(ask("Image 1:\n<image>\nImage 2:\n<image>\n", "lamp", *order), shown)
        for shown in ([one, other], [other, one])
        for order in orders
    ]
    prompts += [Prompt(ask("", "lamp", *order), []) for order in orders]
    prompts.append(Prompt("<s>USER: <image>\nWhere? ASSISTANT:", [picture(3)]))
    return prompts


def plainly(loaded: tuple[Any, Any], prompt: Prompt, options: dict[str, Any]) -> tuple[Any, int]:
    """Return what transformers alone replies to one prompt, and how long the prompt is."""
    model, processor = loaded
    inputs = processor(
        text=[prompt.text],
        images=list(prompt.pictures) or None,
        return_tensors="pt",
        add_special_tokens=False,
    ).to("cpu", model.dtype)
    length = inputs["input_ids"].shape[1]
    return model.generate(**inputs, **options)[0, length:].tolist(), length


@pytest.mark.parametrize("beams", [1, 3])
def test_replies_are_those_of_transformers_alone(loaded: tuple[Any, Any], beams: int) -> None:
    model, processor = loaded
    options = OPTIONS | {"num_beams": beams}
    shuffled = [prompts()[index] for index in np.random.default_rng(0).permutation(len(prompts()))]
    with torch.inference_mode():
        replies = generate(model, processor, shuffled, options)
        wanted = [plainly(loaded, prompt, options) for prompt in shuffled]
    padding = processor.tokenizer.pad_token_id
    found = [
        ([token for token in reply.tokens.tolist() if token != padding], reply.prompt_length)
        for reply in replies
    ]
    assert found == wanted
    assert len({tuple(tokens) for tokens, _ in found}) > 5, "replies that tell prompts apart"


def test_logits_agree(loaded: tuple[Any, Any]) -> None:
    model, processor = loaded
    seen: list[torch.Tensor] = []
    hook = model.lm_head.register_forward_hook(lambda _m, _i, out: seen.append(out[:, -1]))
    with torch.inference_mode():
        options = OPTIONS | {"max_new_tokens": 1}
        generate(model, processor, prompts(), options)
        (shared,) = seen
        for prompt in prompts():
            plainly(loaded, prompt, options)
    hook.remove()
    assert torch.allclose(shared, torch.cat(seen[1:]), atol=1e-9)


def test_the_common_part_is_computed_once(loaded: tuple[Any, Any]) -> None:
    model, processor = loaded
    tokens: list[int] = []
    layer = model.model.language_model.layers[0]
    hook = layer.register_forward_hook(lambda _m, inputs, _o: tokens.append(inputs[0].shape[1]))
    orders = prompts()[:2]
    with torch.inference_mode():
        generate(model, processor, orders, OPTIONS | {"max_new_tokens": 1})
        whole = plainly(loaded, orders[0], OPTIONS)[1]
    hook.remove()
    assert sum(tokens[:2]) == whole
    assert tokens[0] > 16, "the picture is in it"
    assert 4 < tokens[1] < whole / 2, "the options are not"
