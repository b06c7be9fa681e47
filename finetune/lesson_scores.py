"""``python -m finetune.lesson_scores MODEL --data DIR``: what a new model can tell in lessons.

Counts by kind how many replies a model gets right when it is asked as in training, about pairs of
pictures that it has not seen: with the right replies to earlier turns before it, token by token.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetune.lessons import COMPARISONS, Lesson, lesson
from finetune.pairs import PairData
from sat_tasks.console import Parser, UserError, run
from sat_tasks.stats import clustered_wilson

BATCH_SIZE = 16


@dataclass(frozen=True)
class Reply:
    """Whether a reply was right, or attention where it belongs."""

    is_right: bool
    guessed: float
    """The chance of that by guessing."""
    pair: int
    """What it is about; replies about one pair stand or fall together."""


COUNTED = {"place": ("column", "row"), "movement": ("",), **dict.fromkeys(COMPARISONS, ("",))}
"""Kinds of turns, and what the first tokens of their replies say."""
GUESSING_TENTHS = 0.1


def count_replies(
    model: Any, processor: Any, data: PairData, count: int, seed: int = 0
) -> dict[str, list[Reply]]:
    """Return by what was asked whether replies were right, and the chance of guessing each.

    Args:
        model: A LLaVA on the CPU, with eager attention.
        processor: Its processor.
        data: Pairs of pictures.
        count: How many lessons about one picture, and how many about two.
        seed: Draws the pairs and what is asked.
    """
    import torch

    from finetune.looks import collator
    from finetune.pointing import HEADS

    join = collator(model, processor)
    vision = model.config.vision_config
    patches = (vision.image_size // vision.patch_size) ** 2
    layer, head = HEADS["names"]
    found: dict[str, list[Reply]] = defaultdict(list)
    for pairs, lessons in _lessons(data, count, np.random.default_rng(seed)):
        inputs = join(lessons)
        names, labels = inputs.pop("looks")["names"], inputs.pop("labels").numpy()
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
            told = model(**inputs, output_attentions=True)
        most = told.attentions[layer][names[:, 0], head, names[:, 1]].argmax(1)
        for row, hit in zip(names[:, 0].tolist(), (most == names[:, 2]).tolist(), strict=True):
            found["a name looks at its patch"].append(Reply(hit, 1 / patches, pairs[row]))
        said = told.logits.argmax(-1).numpy()
        for row, one in enumerate(lessons):
            for what, place, guessed in _counted(one, labels[row]):
                is_right = bool(said[row, place - 1] == labels[row, place])
                found[what].append(Reply(is_right, guessed, pairs[row]))
    return dict(found)


def _counted(one: Lesson, labels: NDArray[np.int64]) -> Iterator[tuple[str, int, float]]:
    """Yield what is counted in a lesson: what it is, the token that says it, and the chance."""
    questions = [m["content"][-1]["text"] for m in one.messages if m["role"] == "user"]
    starts = np.flatnonzero((labels >= 0) & (np.roll(labels, 1) < 0))
    for kind, question, start in zip(one.kinds, questions, starts, strict=True):
        options = len(re.findall(r"^[A-Z1-9]\. ", question, re.MULTILINE))
        by = " by its mark" if kind == "place" and "marked" in question else ""
        for place, part in enumerate(COUNTED.get(kind, ()), int(start)):
            yield f"{part or kind}{by}", place, 1 / options if options else GUESSING_TENTHS


def _lessons(
    data: PairData, count: int, rng: np.random.Generator
) -> Iterator[tuple[list[int], list[Lesson]]]:
    for picture_count in (1, 2):
        usable = [i for i in range(len(data)) if picture_count == 2 or data.has_things(i)]
        chosen = [usable[i] for i in rng.permutation(len(usable))[:count]]
        for start in range(0, len(chosen), BATCH_SIZE):
            few = chosen[start : start + BATCH_SIZE]
            yield few, [lesson(data[index], picture_count, rng) for index in few]


def table(found: dict[str, list[Reply]]) -> str:
    """Return what was counted as lines, with 95% intervals and what guessing would give."""
    lines = []
    for what, replies in sorted(found.items()):
        right = [float(reply.is_right) for reply in replies]
        interval = clustered_wilson(right, [str(reply.pair) for reply in replies])
        guessed = sum(reply.guessed for reply in replies) / len(replies)
        lines.append(
            f"{what:30} {sum(right):.0f}/{len(right)} = {sum(right) / len(right):.0%} "
            f"[{100 * interval.low:.0f}, {100 * interval.high:.0f}] guessing {guessed:.0%}"
        )
    return "\n".join(lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Count and print."""
    parser = Parser(
        prog="python -m finetune.lesson_scores",
        description="Count which replies to lessons about unseen pairs a new model gets right.",
        epilog="example: python -m finetune.lesson_scores runs/tiny/start --data unseen",
    )
    parser.add_argument("model", type=Path, help="checkpoint folder")
    parser.add_argument("--data", type=Path, required=True, help="data set folder with pairs")
    parser.add_argument("--split", default="val", help="of the data (default: val)")
    parser.add_argument("--count", type=int, default=256, help="lessons of each kind")
    arguments = parser.parse_args(argv)
    if arguments.count < 1:
        raise UserError(f"--count must be at least 1, got {arguments.count}")
    from transformers import AutoModelForImageTextToText, AutoProcessor

    data = PairData([arguments.data], arguments.split)
    try:
        model = AutoModelForImageTextToText.from_pretrained(
            arguments.model, attn_implementation="eager", dtype="float32"
        ).eval()
        processor = AutoProcessor.from_pretrained(arguments.model)
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"cannot load model {str(arguments.model)!r}: {reason}") from error
    if model.config.model_type != "llava":
        kind = model.config.model_type
        raise UserError(
            f"{arguments.model} is of type {kind}; lessons are for models of type llava"
        )
    print(table(count_replies(model, processor, data, arguments.count)))
    return 0


if __name__ == "__main__":
    raise SystemExit(run(main))
