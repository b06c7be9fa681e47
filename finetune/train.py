"""Tune a model: one flat script on transformers, PEFT and TRL.

    sat-finetune train llava-1.5-13b-sat --data sat-train --instruct llava_v1_5_mix665k.json \\
        --pictures llava-pictures --out runs/llava-13b-sat

Several GPUs: ``accelerate launch -m finetune.cli train ...`` (DDP; pass accelerate's FSDP
configuration to train a model fully that does not fit one GPU).
"""

from __future__ import annotations

import json
import math
import os
import shutil
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from finetune.beginning import begin
from finetune.check import check_samples
from finetune.data import SAT, Reference, Sources, conversation, describe, make_plan, training_set
from finetune.presets import NEW_MODEL, Preset
from finetune.record import record_run
from finetune.templates import training_template
from finetune.tiny import SAT_TINY, build
from sat_tasks.console import UserError

LANGUAGE_LAYERS = r".*language_model\..*\.(q_proj|k_proj|v_proj|o_proj|gate_proj|up_proj|down_proj)"
"""LoRA targets, matched in full: a list of suffixes would hit the vision tower too."""
PROJECTORS = {
    "llava": "multi_modal_projector",
    "llava_onevision": "multi_modal_projector",
    "qwen2_5_vl": "visual.merger",
}
"""What lies between vision and language, by model type."""
_NOT_QUANTIZED = (r".*vision_tower", r".*visual", r".*multi_modal_projector", "lm_head")
"""In QLoRA; what is trained fully cannot be, and the rest is small."""
CHECKPOINTS = "checkpoints"
TRAINED = "model"
_TRAINING_STATE = ("optimizer*", "scheduler.pt", "rng_state*", "trainer_state.json", "*.bin")


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """How often a run reports, evaluates and saves; does not change what is learned."""

    log_steps: int = 10
    eval_steps: int | None = None
    """None for a twentieth of the run. A checkpoint is always evaluated before it is saved."""
    save_steps: int | None = None
    """None for a twentieth of the run."""
    eval_per_type: int = 64
    report_to: tuple[str, ...] = ("tensorboard",)
    workers: int | None = None
    """Processes that read pictures ahead; None for four per GPU, and none on a CPU."""


def train(
    preset: Preset,
    sources: Sources,
    out: Path,
    held_out: Sources | None = None,
    schedule: Schedule | None = None,
    callbacks: Sequence[Any] = (),
) -> Path:
    """Train, or go on with a run that was stopped, and return the folder of the trained model.

    Args:
        preset: The recipe.
        sources: The training data.
        out: Folder of the run; one that holds the same run is gone on with.
        held_out: Questions to evaluate on during training, by type.
        schedule: How often to report, evaluate and save.
        callbacks: Of transformers' trainer, told of every step.

    Raises:
        UserError: The folder holds another run, or the model cannot be loaded.
    """
    from transformers import PrinterCallback
    from transformers.trainer_utils import get_last_checkpoint

    from finetune.tuner import EvaluateWhatIsSaved, Tuner, by_type

    schedule = schedule or Schedule()
    plan = make_plan(sources, preset)
    kinds, evaluation = _evaluation_set(held_out, preset, schedule.eval_per_type)
    settings = _trainer_settings(preset, schedule, len(plan), out, bool(kinds))
    with settings.main_process_first(local=False):
        record_run(preset, describe(plan, sources), sources, settings.world_size, out)
    if preset.model.startswith(NEW_MODEL):
        preset = replace(preset, model=str(begin(preset, sources, out, settings)))
    if (out / TRAINED).is_dir():
        return out / TRAINED
    folder = out / CHECKPOINTS
    last = get_last_checkpoint(str(folder)) if folder.is_dir() else None
    model, processor = load_model(preset, last)
    if preset.method == "full" and settings.use_cpu:  # twice as fast on short sequences
        model.set_attn_implementation("eager")
    check_samples(processor, [conversation(sources, sample, preset) for sample in _first(plan)])
    trainer = Tuner(
        model=model,
        args=settings,
        train_dataset=training_set(sources, plan, preset),
        eval_dataset=evaluation,
        processing_class=processor,
        peft_config=_lora(preset, model.config.model_type),
        compute_metrics=by_type(kinds) if kinds else None,
        callbacks=[EvaluateWhatIsSaved(), *callbacks],
    )
    for parameter in trainer.model.parameters():
        if parameter.requires_grad:  # in bf16 an update of 2e-6 would be rounded away
            parameter.data = parameter.data.float()
    trainer.remove_callback(PrinterCallback)
    trainer.train(resume_from_checkpoint=last)
    _keep(trainer, processor, out / TRAINED)
    return out / TRAINED


def _first(plan: Sequence[Reference]) -> list[Reference]:
    """Return the first sample of each source and number of pictures."""
    found: dict[tuple[str, int], Reference] = {}
    for sample in plan:
        found.setdefault((sample.source, sample.picture_count), sample)
    return list(found.values())


def load_model(preset: Preset, checkpoint: str | None = None) -> tuple[Any, Any]:
    """Return the model to tune and its processor with a chat template to train with.

    Args:
        preset: Says which model.
        checkpoint: Of a stopped run. A fully tuned model takes its weights from it here, since
            the trainer would look for them under other names than they are saved under, find
            none, and go on from the start.

    Raises:
        UserError: It cannot be loaded.
    """
    import torch
    from transformers import AutoModelForImageTextToText, AutoProcessor

    weights = checkpoint if checkpoint and preset.method == "full" else None
    if preset.model.startswith(NEW_MODEL):
        return build(replace(SAT_TINY, seed=preset.seed))
    half = preset.precision == "bf16" and preset.method != "full"
    dtype = torch.bfloat16 if half else torch.float32
    try:
        processor = AutoProcessor.from_pretrained(preset.model)
        model = AutoModelForImageTextToText.from_pretrained(
            weights or preset.model, dtype=dtype, quantization_config=_quantization(preset)
        )
    except (OSError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"cannot load model {preset.model!r}: {reason}") from error
    processor.chat_template = training_template(processor, model.config.model_type)
    return model, processor


def _keep(trainer: Any, processor: Any, folder: Path) -> None:
    """Write the best checkpoint's model, or the last where none was evaluated, whole or not."""
    best = trainer.state.best_model_checkpoint
    temporary = folder.with_name(f".{folder.name}.part")
    if trainer.is_world_process_zero():
        shutil.rmtree(temporary, ignore_errors=True)
        if best:
            shutil.copytree(best, temporary, ignore=shutil.ignore_patterns(*_TRAINING_STATE))
    trainer.accelerator.wait_for_everyone()
    if not best:
        trainer.save_model(str(temporary))  # in all processes: each may hold a part
    if trainer.is_world_process_zero():
        processor.save_pretrained(temporary)
        temporary.replace(folder)
    trainer.accelerator.wait_for_everyone()


def _quantization(preset: Preset) -> Any:
    if preset.method != "qlora":
        return None
    import torch
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_compute_dtype=torch.bfloat16,
        llm_int8_skip_modules=list(_NOT_QUANTIZED),
    )


def _lora(preset: Preset, model_type: str) -> Any:
    if preset.method == "full":
        return None
    from peft import LoraConfig

    projector = PROJECTORS.get(model_type)
    return LoraConfig(
        r=preset.lora_rank,
        lora_alpha=preset.lora_alpha,
        lora_dropout=preset.lora_dropout,
        bias="none",
        task_type="CAUSAL_LM",
        target_modules=LANGUAGE_LAYERS,
        modules_to_save=[projector] if preset.train_projector and projector else None,
    )


def _trainer_settings(
    preset: Preset, schedule: Schedule, samples: int, out: Path, evaluate: bool
) -> Any:
    import torch
    from trl.trainer.sft_config import SFTConfig

    devices = max(int(os.environ.get("WORLD_SIZE", "1")), 1)
    steps = samples // (preset.batch_size * preset.accumulation_steps * devices)
    if not steps:
        raise UserError(f"{samples} samples make no full step; set sample_count higher")
    checks = "steps" if evaluate else "no"
    on_gpu = torch.cuda.is_available()
    return SFTConfig(
        output_dir=str(out / CHECKPOINTS),
        max_steps=steps,
        per_device_train_batch_size=preset.batch_size,
        per_device_eval_batch_size=preset.batch_size,
        gradient_accumulation_steps=preset.accumulation_steps,
        learning_rate=preset.learning_rate,
        lr_scheduler_type="cosine",
        warmup_steps=round(steps * preset.warmup_share),
        weight_decay=preset.weight_decay,
        bf16=preset.precision == "bf16",
        use_cpu=not on_gpu,
        gradient_checkpointing=preset.gradient_checkpointing,
        gradient_checkpointing_kwargs={"use_reentrant": False},
        train_sampling_strategy="sequential",  # the plan is shuffled and batched already
        assistant_only_loss=True,
        max_length=None,  # cutting would cut picture tokens
        remove_unused_columns=False,
        dataloader_num_workers=4 * on_gpu if schedule.workers is None else schedule.workers,
        eval_strategy=checks,
        eval_steps=schedule.eval_steps or math.ceil(steps / 20),
        save_steps=schedule.save_steps or math.ceil(steps / 20),
        save_total_limit=2,
        metric_for_best_model="eval_all_loss" if evaluate else None,
        logging_steps=schedule.log_steps,
        report_to=list(schedule.report_to),
        seed=preset.seed,
        data_seed=preset.seed,
        disable_tqdm=True,  # finetune.progress shows samples instead
    )


def _evaluation_set(
    held_out: Sources | None, preset: Preset, per_type: int
) -> tuple[list[str], Any]:
    """Return the types of the questions to evaluate on, and the questions as a data set."""
    chosen: dict[str, list[Reference]] = defaultdict(list)
    for index, question in enumerate(held_out.sat if held_out else ()):
        group = chosen[question.question_type]
        if len(group) < per_type:
            order = tuple(range(len(question.options)))
            group.append(Reference(SAT, index, order, question.picture_count))
    if held_out is None or not chosen:
        return [], None
    plan = sorted((sample for group in chosen.values() for sample in group), key=_picture_count)
    kinds = [held_out.sat[sample.index].question_type for sample in plan]
    return kinds, training_set(held_out, plan, preset)


def _picture_count(sample: Reference) -> int:
    return sample.picture_count


def step_losses(run: Path) -> Sequence[tuple[int, float]]:
    """Return (step, loss) of every logged step of a run, from its newest checkpoint."""
    from transformers.trainer_utils import get_last_checkpoint

    last = get_last_checkpoint(str(run / CHECKPOINTS))
    state = json.loads((Path(last) / "trainer_state.json").read_text())
    return [(entry["step"], entry["loss"]) for entry in state["log_history"] if "loss" in entry]
