"""Train sat-tiny from nothing on dense labels and on questions, before it is tuned like any model.

    python -m finetune.pretrain --frames data/frames --data data/tiny --out models/sat-tiny-base
    sat-finetune train sat-tiny --set model=models/sat-tiny-base --data data/tiny --out runs/tiny

A reply tells a model one bit per question. An engine tells it, for nothing, the depth of every
patch, where every patch lies in another frame, how the camera moved, and where objects are; small
heads on the language model's states are trained to say so, and are thrown away in the end.
"""

from __future__ import annotations

import json
import math
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, smooth_l1_loss

from finetune.pretrain_data import (
    LOG_DEPTH_UNIT,
    POSITION_UNIT,
    TURN_UNIT_RAD,
    TYPICAL_DEPTH_M,
    WALK_UNIT_M,
    Asked,
    Named,
    Pair,
    Pixels,
    grid_shares,
    load_frames,
    load_questions,
)
from finetune.tiny import SAT_TINY, build, save
from sat_tasks.console import Parser, run
from sat_tasks.prompt import Picture, build_prompt, reply_text
from sat_tasks.protocol import Style

BATCH = 32
LEARNING_RATE = 1.5e-3
WARMUP_STEPS = 60
NAMES_PER_PICTURE = 6
DENSE_FIRST = 0.4
"""Share of the steps in which dense labels get two batches of three; later they get one."""
LETTERS_FROM = 0.5
"""From this share of the steps on, half of the questions are asked with letters."""


class Heads(nn.Module):
    """Linear heads that are used in this training only."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.depth = nn.Linear(width, 1)
        self.origin = nn.Linear(width, 2)
        self.movement = nn.Linear(width, 3)
        self.place = nn.Linear(width, 3)


@dataclass(frozen=True)
class Batch:
    """Token ids with pictures; right padding."""

    ids: Tensor
    mask: Tensor
    pictures: Tensor


class Learner:
    """A model with its tokenizer and heads, and the losses of the three kinds of batches."""

    def __init__(self, model: Any, processor: Any) -> None:
        self.model = model
        self.tokenizer = processor.tokenizer
        self.heads = Heads(model.config.text_config.hidden_size)
        self.image_id = model.config.image_token_index
        vision = model.config.vision_config
        self.side = vision.image_size // vision.patch_size
        self.image_px = vision.image_size
        images = processor.image_processor
        self._mean = torch.tensor(images.image_mean).view(3, 1, 1)
        self._std = torch.tensor(images.image_std).view(3, 1, 1)

    def to(self, device: str) -> Learner:
        """Move everything to a device."""
        self.model.to(device)
        self.heads.to(device)
        return self

    def batch(self, texts: Sequence[Sequence[int]], pictures: Sequence[Pixels]) -> Batch:
        """Pad token lists to a batch."""
        longest = max(map(len, texts))
        ids = torch.full((len(texts), longest), self.tokenizer.pad_token_id)
        mask = torch.zeros_like(ids)
        for row, text in enumerate(texts):
            ids[row, : len(text)] = torch.tensor(text)
            mask[row, : len(text)] = 1
        pixels = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).float() / 255
        device = self.model.device
        return Batch(
            ids.to(device), mask.to(device), ((pixels - self._mean) / self._std).to(device)
        )

    def states(self, batch: Batch) -> Tensor:
        """Return the language model's last states, shape (rows, tokens, width)."""
        result: Tensor = self.model.model(
            input_ids=batch.ids, attention_mask=batch.mask, pixel_values=batch.pictures
        ).last_hidden_state
        return result

    def tokens(self, text: str) -> list[int]:
        """Return token ids; each picture becomes as many tokens as it has patches."""
        image = self.tokenizer.convert_ids_to_tokens(self.image_id)
        expanded = text.replace(image, image * self.side**2)
        ids: list[int] = self.tokenizer(expanded, add_special_tokens=False).input_ids
        return ids

    def pair_loss(self, pairs: Sequence[Pair]) -> Tensor:
        """Return the loss of depth, origin of patches and movement."""
        prompt = self.tokens(f"{self.tokenizer.bos_token}USER: <image>\n<image>\n")
        batch = self.batch([prompt] * len(pairs), [p for pair in pairs for p in pair.pictures])
        states = self.states(batch)
        patches = states[batch.ids == self.image_id].view(len(pairs), 2, self.side**2, -1)
        depth_m = self._tensor([np.stack(pair.depth_m) for pair in pairs])
        log_depth = torch.log(depth_m.clamp(0.2, 20) / TYPICAL_DEPTH_M) / LOG_DEPTH_UNIT
        depth = smooth_l1_loss(self.heads.depth(patches).squeeze(-1), log_depth.flatten(2))
        grid = grid_shares(self.side)
        shift = self._tensor([(pair.origin[1] - grid) / POSITION_UNIT for pair in pairs]).flatten(
            1, 2
        )
        seen = shift.isfinite().all(-1)
        origin = smooth_l1_loss(self.heads.origin(patches[:, 1])[seen], shift[seen])
        units = np.array([TURN_UNIT_RAD, WALK_UNIT_M, WALK_UNIT_M])
        moved = self._tensor([np.array(pair.movement) / units for pair in pairs])
        movement = smooth_l1_loss(self.heads.movement(states[:, -1]), moved)
        return 0.5 * depth + 2 * origin + 2 * movement

    def place_loss(self, views: Sequence[Named], rng: np.random.Generator) -> Tensor:
        """Return the loss of where named objects are."""
        head = self.tokens(f"{self.tokenizer.bos_token}USER: <image>\n")
        texts, rows, columns, targets = [], [], [], []
        for row, view in enumerate(views):
            text = list(head)
            for item in rng.permutation(len(view.names))[:NAMES_PER_PICTURE]:
                text += self.tokens(f" the {view.names[item]}")
                rows.append(row)
                columns.append(len(text) - 1)
                targets.append(view.points[item])
                text += self.tokens(",")
            texts.append(text)
        states = self.states(self.batch(texts, [view.picture for view in views]))
        points = self._tensor(targets)
        place = (points[:, :2] - 0.5) / POSITION_UNIT
        distance = torch.log(points[:, 2:].clamp(0.2) / TYPICAL_DEPTH_M) / LOG_DEPTH_UNIT
        return 2 * smooth_l1_loss(
            self.heads.place(states[rows, columns]), torch.cat([place, distance], 1)
        )

    def reply_losses(self, asked: Sequence[Asked], orders: Any, style: Style) -> Tensor:
        """Return the negative log-likelihood of each right reply, shape (questions,)."""
        prompts, replies = [], []
        for item, order in zip(asked, orders, strict=True):
            options = [item.options[i] for i in order]
            answer = list(order).index(item.answer_index)
            prompts.append(self.tokens(self._prompt(item, options, style)))
            reply = f" {reply_text(options, answer, style)}{self.tokenizer.eos_token}"
            replies.append(self.tokens(reply))
        texts = [prompt + reply for prompt, reply in zip(prompts, replies, strict=True)]
        batch = self.batch(texts, [picture for item in asked for picture in item.pictures])
        states = self.states(batch)
        rows = [row for row, reply in enumerate(replies) for _ in reply]
        columns = [
            len(prompt) + i - 1
            for prompt, reply in zip(prompts, replies, strict=True)
            for i in range(len(reply))
        ]
        logits = self.model.lm_head(states[rows, columns])
        expected = torch.tensor([i for reply in replies for i in reply], device=logits.device)
        losses = cross_entropy(logits, expected, reduction="none")
        index = torch.tensor(rows, device=logits.device)
        return torch.zeros(len(asked), device=logits.device).index_add(0, index, losses)

    def _prompt(self, item: Asked, options: Sequence[str], style: Style) -> str:
        content = [
            {"type": "image"} if isinstance(part, Picture) else {"type": "text", "text": part}
            for part in build_prompt(item.question, options, len(item.pictures), style)
        ]
        text: str = self.tokenizer.apply_chat_template(
            [{"role": "user", "content": content}], tokenize=False, add_generation_prompt=True
        )
        return text

    def _tensor(self, arrays: Sequence[Any]) -> Tensor:
        return torch.tensor(np.stack(arrays), dtype=torch.float32, device=self.model.device)


def rescale(model: Any, rng: torch.Generator) -> None:
    """Start layers at the scale of their input: the usual 0.02 is made for wide models."""
    for module in model.modules():
        if isinstance(module, nn.Linear) and module is not model.lm_head:
            nn.init.normal_(module.weight, std=module.in_features**-0.5, generator=rng)
        elif isinstance(module, nn.Embedding):
            wide = module.num_embeddings > model.config.text_config.vocab_size // 2
            nn.init.normal_(module.weight, std=0.1 if wide else 0.5, generator=rng)


def accuracy(
    learner: Learner, questions: Sequence[Asked], style: Style, most: int
) -> dict[str, tuple[int, int]]:
    """Return (right, asked) by type: the option with the likeliest reply is the answer."""
    result: dict[str, tuple[int, int]] = {}
    with torch.inference_mode():
        for item in questions:
            right, count = result.get(item.question_type, (0, 0))
            if count == most:
                continue
            variants = [
                Asked(item.question_type, item.question, item.options, i, item.pictures)
                for i in range(len(item.options))
            ]
            order = tuple(range(len(item.options)))
            losses = learner.reply_losses(variants, [order] * len(variants), style)
            chosen = int(losses.argmin())
            result[item.question_type] = (right + (chosen == item.answer_index), count + 1)
    return result


def _draw(items: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    chosen = [items[i] for i in rng.integers(len(items), size=BATCH)]
    return [item.mirrored() if rng.random() < 0.5 else item for item in chosen]


def step_kinds(steps: int, rng: np.random.Generator) -> Iterator[str]:
    """Yield what each step trains: pairs, places or questions."""
    for step in range(steps):
        dense = 2 / 3 if step < DENSE_FIRST * steps else 1 / 4
        yield str(rng.choice(["pairs", "places", "questions"], p=[dense / 2, dense / 2, 1 - dense]))


def train_steps(
    learner: Learner,
    frames: tuple[list[Pair], list[Named]],
    questions: Sequence[Asked],
    steps: int,
    rng: np.random.Generator,
) -> Iterator[tuple[str, float]]:
    """Train, and yield the kind and the loss of every step."""
    parameters = [*learner.model.parameters(), *learner.heads.parameters()]
    optimizer = torch.optim.AdamW(parameters, LEARNING_RATE, betas=(0.9, 0.95), weight_decay=0.01)
    scheduler = torch.optim.lr_scheduler.LambdaLR(
        optimizer,
        lambda step: (
            min((step + 1) / WARMUP_STEPS, 1)
            * (0.05 + 0.475 * (1 + math.cos(math.pi * step / steps)))
        ),
    )
    pairs, named = frames
    by_count = [[item for item in questions if len(item.pictures) == n] for n in (1, 2)]
    shares = np.array([len(group) for group in by_count]) / len(questions)
    for step, kind in enumerate(step_kinds(steps, rng)):
        if kind == "pairs":
            drawn = [p.reversed() if rng.random() < 0.5 else p for p in _draw(pairs, rng)]
            loss = learner.pair_loss(drawn)
        elif kind == "places":
            loss = learner.place_loss(_draw(named, rng), rng)
        else:
            asked = _draw(by_count[rng.choice(2, p=shares)], rng)
            orders = [tuple(rng.permutation(len(item.options)).tolist()) for item in asked]
            letters = step > LETTERS_FROM * steps and rng.random() < 0.5
            kind = "letters" if letters else "text"
            loss = learner.reply_losses(asked, orders, "letters" if letters else "text").mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        scheduler.step()
        yield kind, float(loss)


def main(argv: Sequence[str] | None = None) -> int:
    """Train a small model from nothing."""
    arguments = _parser().parse_args(argv)
    rng = np.random.default_rng(arguments.seed)
    questions = load_questions(arguments.data, "train", SAT_TINY.image_px)
    held_out = [load_questions([folder], "val", SAT_TINY.image_px) for folder in arguments.val]
    side = SAT_TINY.image_px // SAT_TINY.patch_px
    frames = load_frames(arguments.frames, SAT_TINY.image_px, side)
    print(f"{len(questions)} questions, {len(frames[0])} pairs, {len(frames[1])} named pictures")
    words = [f"{item.question} {' '.join(item.options)}" for item in questions]
    names = [f" the {name}" for view in frames[1] for name in view.names]
    model, processor = build(SAT_TINY, texts=words + names)
    rescale(model, torch.Generator().manual_seed(arguments.seed))
    learner = Learner(model, processor).to("cuda" if torch.cuda.is_available() else "cpu")
    start, recent = time.process_time(), defaultdict[str, list[float]](list)
    log: list[dict[str, Any]] = []
    losses = train_steps(learner, frames, questions, arguments.steps, rng)
    for step, (kind, loss) in enumerate(losses, start=1):
        recent[kind].append(loss)
        if step % arguments.report_steps and step != arguments.steps:
            continue
        entry: dict[str, Any] = {"step": step, "cpu_s": round(time.process_time() - start)}
        entry |= {name: round(float(np.mean(values)), 4) for name, values in recent.items()}
        if held_out and (step % arguments.eval_steps == 0 or step == arguments.steps):
            styles: tuple[Style, ...] = (
                ("text", "letters") if step > arguments.steps / 2 else ("text",)
            )
            for style in styles:
                entry[f"val_{style}"] = accuracy(learner, held_out[0], style, arguments.per_type)
            save(model, processor, arguments.out, "trained from nothing", SAT_TINY)
        log.append(entry)
        print(json.dumps(entry), flush=True)
        recent.clear()
    save(model, processor, arguments.out, "trained from nothing", SAT_TINY)
    (arguments.out / "pretraining.json").write_text(json.dumps(log, indent=1) + "\n")
    return 0


def _parser() -> Parser:
    parser = Parser(
        prog="python -m finetune.pretrain",
        description="Train a small LLaVA from nothing on frames with dense labels and questions.",
        epilog="example: python -m finetune.pretrain --frames data/frames --data data/tiny "
        "--out models/sat-tiny-base",
    )
    parser.add_argument("--frames", type=Path, required=True, help="from generation.frames")
    parser.add_argument("--data", type=Path, action="append", required=True, help="train split")
    parser.add_argument("--val", type=Path, action="append", default=[], help="val split")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint folder to write")
    parser.add_argument("--steps", type=int, default=20_000, help="of 32 samples")
    parser.add_argument("--report-steps", type=int, default=50)
    parser.add_argument("--eval-steps", type=int, default=500)
    parser.add_argument("--per-type", type=int, default=25, help="questions per type in a check")
    parser.add_argument("--seed", type=int, default=0)
    return parser


if __name__ == "__main__":
    raise SystemExit(run(main))
