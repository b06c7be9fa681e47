"""Samples per second and peak memory of our training step and of the plainest TRL script's.

    python -m finetune.bench                # a small LLaVA on whatever is here, about a minute
    python -m finetune.bench --size 13b     # LLaVA-1.5-13B's shapes, random weights, on a GPU

Both train LoRA on the same checkpoint, samples, batch size, precision and checkpointing, each in a
process of its own. Half of the samples have one picture, half two. The plain script leaves the
order of samples to TRL.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from finetune.presets import PRESETS, Precision, Preset
from finetune.stopwatch import WARM_UP_STEPS, Measured, Stopwatch, measure_each
from sat_tasks.console import Parser, UserError, run
from sat_tasks.convert import convert
from sat_tasks.data import open_data_set, read_questions
from sat_tasks.rows import Row

_ANSWERS = ("left", "right")


@dataclass(frozen=True, kw_only=True)
class Case:
    """What is measured."""

    model: str
    """``small``, or a hub id whose shapes are known."""
    rank: int
    batch_size: int
    steps: int
    """After the warm-up."""
    picture_px: int
    precision: Precision
    checkpointing: bool


SIZES: dict[str, Case] = {
    "small": Case(
        model="small",
        rank=16,
        batch_size=4,
        steps=16,
        picture_px=256,
        precision="fp32",
        checkpointing=False,
    ),
    "13b": Case(
        model="llava-hf/llava-1.5-13b-hf",
        rank=256,
        batch_size=8,
        steps=30,
        picture_px=512,
        precision="bf16",
        checkpointing=True,
    ),
}


def measure(case: Case) -> tuple[Measured, Measured]:
    """Return the figures of our training and of the plain script."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for task in (_write_model, _write_data):
            _alone(task, case, folder)
        sides = (partial(_ours, case, folder), partial(_plain, case, folder))
        ours, plain = measure_each(sides, case.batch_size)
        return ours, plain


def _alone(task: Any, case: Case, folder: Path) -> Any:
    """Run a task in a process whose memory nothing else has grown."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(task, case, folder).result()


def _preset(case: Case, folder: Path) -> Preset:
    return replace(
        PRESETS["llava-1.5-13b-sat"],
        model=str(folder / "model"),
        lora_rank=case.rank,
        lora_alpha=2 * case.rank,
        batch_size=case.batch_size,
        # Blocks that are not full at the end are left out, one of each picture count.
        sample_count=case.batch_size * (case.steps + WARM_UP_STEPS + 2),
        sat_share=1.0,
        precision=case.precision,
        gradient_checkpointing=case.checkpointing,
    )


def _write_model(case: Case, folder: Path) -> None:
    """Write a LLaVA with random weights, with as many tokens per picture as the published one."""
    import torch

    from finetune.architectures import ARCHITECTURES
    from finetune.tiny import TinyConfig, build, save

    small = TinyConfig(
        image_px=192,
        patch_px=8,
        vision_width=64,
        vision_layers=2,
        text_width=256,
        text_layers=6,
        context=4096,
    )
    model, processor = build(small)
    if case.model == "small":
        save(model, processor, folder / "model", "random", small)
        return
    model_class, config = ARCHITECTURES[case.model]()
    side = {"height": 336, "width": 336}
    processor.image_processor.size = processor.image_processor.crop_size = side
    processor.patch_size = 14
    config.image_token_id = model.config.image_token_id
    torch.set_default_dtype(torch.bfloat16)
    with torch.device("cuda"):
        model_class(config).save_pretrained(folder / "model")
    processor.save_pretrained(folder / "model")


def _write_data(case: Case, folder: Path) -> None:
    def read(path: Path, split: str) -> Iterator[Row]:
        yield from _rows(case, split)

    convert({folder: "train"}, read, folder / "data", name="bench", source_revision="0")


def _rows(case: Case, split: str) -> Iterator[Row]:
    from PIL import Image

    rng = np.random.default_rng(0)
    for number in range(case.batch_size * (case.steps + WARM_UP_STEPS + 2)):
        pictures = []
        for _ in range(1 + number % 2):
            buffer = io.BytesIO()
            coarse = Image.fromarray(rng.integers(0, 256, (16, 16, 3), np.uint8))
            coarse.resize((case.picture_px, case.picture_px)).save(buffer, "JPEG", quality=90)
            pictures.append(buffer.getvalue())
        yield Row(
            images=tuple(pictures),
            question="Is the chair to the left or to the right of the television set?",
            answers=_ANSWERS,
            correct_answer=_ANSWERS[int(rng.integers(2))],
            question_type="object_movement" if number % 2 else "relation",
            id=f"{split}-{number}",
            scene_id=str(number),
            engine="bench",
            seed=0,
            split=split,
            evidence="{}",
        )


def _ours(case: Case, folder: Path, watch: Stopwatch) -> None:
    from finetune.data import open_sources
    from finetune.train import Schedule, train

    preset = _preset(case, folder)
    never = 10**6
    schedule = Schedule(log_steps=never, save_steps=never, report_to=())
    train(preset, open_sources([folder / "data"], preset), folder / "run", None, schedule, [watch])


def _plain(case: Case, folder: Path, watch: Stopwatch) -> None:
    """Train as the shortest script on TRL does, on the same samples."""
    import torch
    from datasets import Dataset, Features, Image, List, Value
    from peft import LoraConfig
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from trl import SFTConfig, SFTTrainer

    from finetune.train import LANGUAGE_LAYERS
    from sat_tasks.data import encoded_pictures
    from sat_tasks.prompt import build_prompt, prompt_text

    questions = read_questions(open_data_set(folder / "data"), "train")
    records = [
        {
            "images": [{"bytes": picture} for picture in encoded_pictures(one.file, one.row)],
            "prompt": [
                {"role": "user", "content": prompt_text(build_prompt(one.question, one.options, 1))}
            ],
            "completion": [{"role": "assistant", "content": "AB"[one.answer_index]}],
        }
        for one in questions
    ]
    turn = List({"role": Value("string"), "content": Value("string")})
    features = Features({"images": List(Image()), "prompt": turn, "completion": turn})
    half = case.precision == "bf16"
    trainer = SFTTrainer(
        model=AutoModelForImageTextToText.from_pretrained(
            folder / "model", dtype=torch.bfloat16 if half else torch.float32
        ),
        args=SFTConfig(
            output_dir=str(folder / "plain"),
            max_steps=case.steps + WARM_UP_STEPS,
            per_device_train_batch_size=case.batch_size,
            learning_rate=2e-6,
            max_length=None,
            bf16=half,
            use_cpu=not torch.cuda.is_available(),
            gradient_checkpointing=case.checkpointing,
            save_strategy="no",
            report_to=[],
            disable_tqdm=True,
        ),
        train_dataset=Dataset.from_list(records, features),
        processing_class=AutoProcessor.from_pretrained(folder / "model"),
        peft_config=LoraConfig(
            r=case.rank,
            lora_alpha=2 * case.rank,
            target_modules=LANGUAGE_LAYERS,
            modules_to_save=["multi_modal_projector"],
        ),
        callbacks=[watch],
    )
    trainer.train()


def table(ours: Measured, plain: Measured) -> str:
    """Return the figures as Markdown."""
    rows = [
        f"| {name} | {side.samples_per_s:.2f} | {side.memory_gb:.2f} GB |"
        for name, side in (("ours", ours), ("plain TRL script", plain))
    ]
    speed, memory = ours.samples_per_s / plain.samples_per_s, ours.memory_gb / plain.memory_gb
    head = "| | samples/s | peak memory |\n|---|---:|---:|"
    return "\n".join([head, *rows, f"| ratio | {speed:.2f} | {memory:.2f} |"])


def peak_share(case: Case, samples_per_s: float) -> str | None:
    """Say what share of a GPU's peak FLOP/s was reached; None where there is no known GPU."""
    import torch

    from finetune.architectures import meta_model
    from finetune.plan import GPUS, flop_per_sample
    from finetune.plan import measure as measure_size

    if not torch.cuda.is_available() or case.model == "small":
        return None
    name = torch.cuda.get_device_name()
    known = [gpu for gpu in GPUS if gpu in name.replace(" ", "")]
    if not known:
        return None
    preset = replace(
        PRESETS["llava-1.5-13b-sat"],
        lora_rank=case.rank,
        gradient_checkpointing=case.checkpointing,
    )
    flop = flop_per_sample(preset, measure_size(preset, meta_model(case.model)))
    peak = GPUS[max(known, key=len)].peak_tflops * 1e12
    return f"{samples_per_s * flop / peak:.0%} of the peak of {name}, recomputation counted"


def _command(argv: Sequence[str] | None) -> int:
    parser = Parser(
        prog="python -m finetune.bench",
        description=__doc__,
        epilog="example:\n  python -m finetune.bench --size 13b --json\n",
    )
    parser.add_argument("--size", choices=SIZES, default="small")
    parser.add_argument("--steps", type=int, metavar="N", help="after the warm-up")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args(argv)
    case = SIZES[arguments.size]
    if arguments.steps is not None:
        case = replace(case, steps=arguments.steps)
    if case.steps < 1:
        raise UserError(f"--steps must be at least 1, got {case.steps}")
    import torch

    if case.model != "small" and not torch.cuda.is_available():
        raise UserError(f"--size {arguments.size} needs a CUDA GPU; allowed here: small")
    ours, plain = measure(case)
    share = peak_share(case, ours.samples_per_s)
    if arguments.json:
        sides = {"ours": asdict(ours), "plain": asdict(plain)}
        print(json.dumps({"case": asdict(case), **sides, "peak": share}, indent=1))
    else:
        print("\n\n".join(filter(None, [table(ours, plain), share])))
    return 0


if __name__ == "__main__":
    sys.exit(run(_command))
