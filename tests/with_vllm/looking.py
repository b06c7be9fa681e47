"""A small LLaVA that looks: trained in a minute on 32 questions whose answers only pictures tell.

All questions of a kind have the same words. A model whose replies are right has therefore seen
the pictures, in their order, and two ways of running it can be compared by what they read.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from PIL import Image, ImageDraw
from sat_folder import row

from finetune.tiny import TinyConfig, build, save
from sat_tasks.models.llava import load, render
from sat_tasks.prompt import build_prompt, chat_content, reply_text
from sat_tasks.rows import Row

SIDE_PX = 64
MOST_STEPS = 600
ENOUGH = 0.99
"""Running share of right replies at which training ends."""


def scene(left: bool, shade: int) -> bytes:
    """Return a picture of a bright square in its left or right half."""
    image = Image.new("RGB", (SIDE_PX, SIDE_PX), (shade, shade, shade + 20))
    x = 8 if left else 36
    ImageDraw.Draw(image).rectangle((x, 20, x + 20, 44), fill=(250, 200, 40))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def questions() -> list[Row]:
    """Return 16 questions with one picture and 16 with two."""
    rows = []
    for number in range(32):
        left, then_left = number % 2 == 0, number % 4 < 2
        shade = 20 + 4 * number
        if number < 16:
            kind, asks = "relation", "Is the square on the left or on the right?"
            options = ("left", "right")
            pictures = (scene(left, shade),)
            answer = options[0 if left else 1]
        else:
            kind, asks = "ego_movement", "Where is the square in the first and the second picture?"
            options = ("left then left", "left then right", "right then left", "right then right")
            pictures = (scene(left, shade), scene(then_left, shade))
            answer = options[2 * (not left) + (not then_left)]
        rows.append(
            replace(
                row(number, kind),
                images=pictures,
                question=asks,
                answers=options,
                correct_answer=answer,
            )
        )
    return rows


def examples(rows: Sequence[Row]) -> list[tuple[list[Any], str]]:
    """Return every question as the content of a chat message, with the right reply."""
    found = []
    for one in rows:
        options = list(one.answers)
        pictures = [Image.open(io.BytesIO(picture)).convert("RGB") for picture in one.images]
        content = chat_content(build_prompt(one.question, options, len(pictures)), pictures)
        found.append((content, reply_text(options, options.index(one.correct_answer))))
    return found


def train(rows: Sequence[Row], folder: Path) -> None:
    """Train a small LLaVA on these questions, in the order in which they offer their options.

    Raises:
        RuntimeError: It does not learn them.
    """
    torch.manual_seed(0)
    torch.set_num_threads(1)  # on a busy machine threads of so small a model wait for each other
    config = TinyConfig(
        image_px=32, vision_width=64, vision_layers=2, text_width=128, text_layers=2, context=4096
    )
    model, processor = build(config)
    _learn(model, processor, rows, learning_rate=1e-3)
    save(model, processor, folder, "trained on 32 questions of a test", config)


def mirrored(rows: Sequence[Row]) -> list[Row]:
    """Return the same questions with the last option right where the first was, and so on."""
    return [
        replace(one, correct_answer=one.answers[-1 - one.answers.index(one.correct_answer)])
        for one in rows
    ]


def train_adapter(rows: Sequence[Row], base: Path, adapter: Path, merged: Path) -> None:
    """Teach a trained model other answers by a LoRA adapter, saved alone and merged."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(0)
    model, processor = load(str(base), None, "cpu", None)
    layers = r".*language_model.*\.(q_proj|k_proj|v_proj|o_proj|up_proj|down_proj)"
    tuned = get_peft_model(model.train(), LoraConfig(r=16, lora_alpha=32, target_modules=layers))
    _learn(tuned, processor, rows, learning_rate=3e-3)
    tuned.save_pretrained(adapter)
    tuned.merge_and_unload().save_pretrained(merged)
    processor.save_pretrained(merged)


def _learn(model: Any, processor: Any, rows: Sequence[Row], learning_rate: float) -> None:
    optimizer = torch.optim.AdamW(
        [weight for weight in model.parameters() if weight.requires_grad], lr=learning_rate
    )
    batches = [examples(rows[:16]), examples(rows[16:])]
    right = [0.0, 0.0]
    for step in range(MOST_STEPS):
        half = step % 2
        right[half] = 0.9 * right[half] + 0.1 * _step(model, processor, batches[half])
        optimizer.step()
        optimizer.zero_grad()
        if min(right) > ENOUGH:
            return
    raise RuntimeError(f"only {right} right after {MOST_STEPS} steps")


def _step(model: Any, processor: Any, batch: Sequence[tuple[list[Any], str]]) -> float:
    """Add the gradient of one batch; return the share of right replies."""
    prompts, pictures = [], []
    for content, reply in batch:
        prompt = render([{"role": "user", "content": content}], processor)
        prompts.append(f"{prompt.text} {reply}{processor.tokenizer.eos_token}")
        pictures += prompt.pictures
    processor.tokenizer.padding_side = "left"
    inputs = processor(
        text=prompts, images=pictures, padding=True, return_tensors="pt", add_special_tokens=False
    )
    taught = 2  # the letter and the end of the turn, at the end of every row
    logits = model(**inputs).logits[:, -taught - 1 : -1]
    targets = inputs["input_ids"][:, -taught:]
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten()).backward()
    return float((logits.argmax(-1) == targets).all(-1).float().mean())
