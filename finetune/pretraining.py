"""Trains a part of a new model before the run proper, and goes on where it was stopped."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torch import nn
from torch.utils.data import Dataset

from finetune.presets import Preset

WARMUP_SHARE = 0.03
CHECKPOINTS = 20
"""In a whole run."""


def pretrain(
    learner: nn.Module,
    trained: nn.Module,
    samples: Dataset[Any],
    join: Callable[[list[Any]], dict[str, Any]],
    batch_size: int,
    preset: Preset,
    done: Path,
    settings: Any,
) -> None:
    """Train a learner, once, and put the weights of what is kept into a file.

    Args:
        learner: Gives a loss.
        trained: The part of it that is kept; takes its weights from the file if that is there.
        samples: In the order in which they are trained on.
        join: Makes a batch of samples.
        batch_size: Samples per process and step.
        preset: Says the rate of pre-training, the weight decay and the seed.
        done: The file; checkpoints lie beside it.
        settings: transformers.TrainingArguments of the whole run: what it reports, and to whom.
    """
    from safetensors.torch import load_file, save_file
    from transformers import PrinterCallback, TrainingArguments
    from transformers.trainer_utils import get_last_checkpoint

    from finetune.parts_trainer import PartsTrainer
    from finetune.progress import SampleProgress

    if done.is_file():
        trained.load_state_dict(load_file(done))
        return
    folder = done.parent
    steps = max(1, len(samples) // (batch_size * settings.world_size))  # type: ignore[arg-type]
    trainer = PartsTrainer(
        model=learner,
        args=TrainingArguments(
            output_dir=str(folder),
            max_steps=steps,
            per_device_train_batch_size=batch_size,
            learning_rate=preset.pretraining_rate,
            lr_scheduler_type="cosine",
            warmup_steps=round(WARMUP_SHARE * steps),
            weight_decay=preset.weight_decay,
            bf16=settings.bf16,
            use_cpu=settings.use_cpu,
            train_sampling_strategy="sequential",
            remove_unused_columns=False,
            dataloader_num_workers=settings.dataloader_num_workers,
            save_steps=math.ceil(steps / CHECKPOINTS),
            save_total_limit=2,
            logging_steps=settings.logging_steps,
            seed=preset.seed,
            report_to=settings.report_to,
            disable_tqdm=True,  # finetune.progress shows samples instead
        ),
        train_dataset=samples,
        data_collator=join,
        callbacks=[SampleProgress(batch_size * settings.world_size, folder.name)],
    )
    trainer.remove_callback(PrinterCallback)
    last = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    trainer.train(resume_from_checkpoint=last)
    if trainer.is_world_process_zero():
        temporary = done.with_suffix(".part")
        weights = {
            name: t.detach().clone().contiguous() for name, t in trained.state_dict().items()
        }
        save_file(weights, temporary)
        temporary.replace(done)
