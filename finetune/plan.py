"""What a run will need: parameters, memory per GPU by part, and hours, from the model's shapes.

Nothing is loaded: the model is built on the meta device. Times rest on an assumed share of the
GPU's peak and are estimates; parameters and bytes of weights, gradients and optimizer are exact.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from finetune.architectures import PICTURE_TOKENS, meta_model
from finetune.presets import Preset
from finetune.train import LANGUAGE_LAYERS, PROJECTORS
from sat_tasks.console import one_of

GB = 1e9
TEXT_TOKENS = 80
"""Of a question with its options and answer, about."""
PICTURES_PER_SAMPLE = 1.5
"""SAT's mix of one- and two-picture questions, about."""
PEAK_SHARE = 0.4
"""Assumed share of the peak FLOP/s that training reaches."""
LEAST_CALCULATED = 3e8
"""Parameters below which reading pictures takes longer than arithmetic."""
SCALING = 0.95
"""Assumed speed of each further GPU, next to the first."""
FP32_BYTES, BF16_BYTES, NF4_BYTES = 4.0, 2.0, 0.56
ADAM_MOMENTS = 2
KEPT_PER_TOKEN = 2
"""Values of the hidden size that checkpointing keeps per token and layer (input, rounding up)."""
RECOMPUTED_PER_TOKEN = 18
"""Values of the hidden size that live while one layer is computed again."""


@dataclass(frozen=True)
class Gpu:
    """What a GPU offers."""

    memory_gb: float
    peak_tflops: float
    """Dense, bf16, without sparsity, as its maker states it."""


GPUS: dict[str, Gpu] = {
    "A100-40": Gpu(40, 312),
    "A100": Gpu(80, 312),
    "H100": Gpu(80, 989),
    "H200": Gpu(141, 989),
    "L40S": Gpu(48, 362),
    "RTX4090": Gpu(24, 165),
}


@dataclass(frozen=True)
class Size:
    """Numbers of parameters."""

    total: int
    vision: int
    adapters: int
    """Of LoRA."""
    trainable: int
    """Adapters, and what is trained fully."""
    quantized: int
    """In QLoRA."""
    hidden: int
    layers: int
    picture_tokens: int


@dataclass(frozen=True)
class Plan:
    """What a preset needs on so many GPUs of a kind."""

    size: Size
    memory_gb: dict[str, float]
    """Per GPU, by part; "sum" last."""
    samples_per_s: float
    hours: float
    fits: bool
    gpu: str
    gpus: int


def make_plan(preset: Preset, gpu: str = "H100", gpus: int = 1) -> Plan:
    """Return what a run of a preset needs.

    Raises:
        UserError: The GPU or the model's shapes are not known.
    """
    card = GPUS[one_of("GPU", gpu, tuple(GPUS))]
    size = measure(preset, meta_model(preset.model))
    memory_gb = {part: bytes_ / GB for part, bytes_ in _bytes(preset, size).items()}
    memory_gb["sum"] = sum(memory_gb.values())
    tflop = flop_per_sample(preset, size) / 1e12
    per_gpu = card.peak_tflops * PEAK_SHARE / tflop
    samples_per_s = per_gpu * (1 + (gpus - 1) * SCALING)
    return Plan(
        size=size,
        memory_gb=memory_gb,
        samples_per_s=samples_per_s,
        hours=preset.sample_count / samples_per_s / 3600,
        fits=memory_gb["sum"] < 0.92 * card.memory_gb,
        gpu=gpu,
        gpus=gpus,
    )


def measure(preset: Preset, model: Any) -> Size:
    """Count the parameters of a model, on any device, as the preset trains it."""
    import torch

    adapters = full = vision = total = quantized = 0
    projector = PROJECTORS.get(model.config.model_type) if preset.train_projector else None
    for name, parameter in model.named_parameters():
        total += parameter.numel()
        vision += parameter.numel() * ("vision_tower" in name or ".visual." in name)
        full += parameter.numel() * bool(projector and f"{projector}." in name)
    for name, module in model.named_modules():
        if isinstance(module, torch.nn.Linear) and re.fullmatch(LANGUAGE_LAYERS, name):
            adapters += preset.lora_rank * (module.in_features + module.out_features)
            quantized += module.in_features * module.out_features
    if preset.method == "full":
        adapters, full = 0, total
    text = model.config.get_text_config()
    return Size(
        total=total,
        vision=vision,
        adapters=adapters,
        trainable=adapters + full,
        quantized=quantized,
        hidden=text.hidden_size,
        layers=text.num_hidden_layers,
        picture_tokens=_picture_tokens(model.config),
    )


def _picture_tokens(config: Any) -> int:
    vision = config.vision_config
    if config.model_type == "llava" and isinstance(vision.image_size, int):
        return int((vision.image_size // vision.patch_size) ** 2)
    return PICTURE_TOKENS[config.model_type]


def _bytes(preset: Preset, size: Size) -> dict[str, float]:
    """Return bytes per GPU under DDP, by part; what is trained is kept in fp32."""
    loaded = BF16_BYTES if preset.precision == "bf16" else FP32_BYTES
    frozen = 0 if preset.method == "full" else size.total
    quantized = size.quantized if preset.method == "qlora" else 0
    own = size.trainable * FP32_BYTES
    tokens = preset.batch_size * (TEXT_TOKENS + PICTURES_PER_SAMPLE * size.picture_tokens)
    layers = 1 if preset.gradient_checkpointing else size.layers
    kept = size.layers * KEPT_PER_TOKEN * preset.gradient_checkpointing
    values = tokens * size.hidden * (kept + layers * RECOMPUTED_PER_TOKEN)
    return {
        "weights": (frozen - quantized) * loaded + quantized * NF4_BYTES,
        "trained": own,
        "gradients": own,
        "optimizer": ADAM_MOMENTS * own,
        "activations": values * loaded,
    }


def flop_per_sample(preset: Preset, size: Size) -> float:
    """Return the floating point operations of a sample; what is computed again counts.

    A frozen parameter takes 2 forward and 2 backward per token (its input's gradient), a trained
    one 2 more; checkpointing does the forward part again. A frozen vision tower is only run
    forward.
    """
    tokens = TEXT_TOKENS + PICTURES_PER_SAMPLE * size.picture_tokens
    again = 2 if preset.gradient_checkpointing else 0
    is_full = preset.method == "full"
    language = size.total - size.vision
    per_token = (6 + again) * language if is_full else (4 + again) * language
    if not is_full:
        per_token += (6 + again) * size.adapters
    attention = (4 + again) * 2 * size.layers * size.hidden * tokens
    vision = (6 if is_full else 2) * size.vision * PICTURES_PER_SAMPLE * size.picture_tokens
    return tokens * (per_token + attention) + vision


def plan_text(preset: Preset, plan: Plan) -> str:
    """Return a plan for people."""
    size, card = plan.size, GPUS[plan.gpu]
    where = f"{plan.gpus} x {plan.gpu} ({card.memory_gb:g} GB)"
    assumed = (
        f"{PEAK_SHARE:.0%} of {card.peak_tflops:g} TFLOP/s, {TEXT_TOKENS} text tokens and "
        f"{PICTURES_PER_SAMPLE} pictures of {size.picture_tokens} tokens per sample, "
        f"{SCALING:.0%} of the speed per further GPU"
    )
    trained = f"trained {size.trainable / 1e6:,.1f} million"
    speed = f"{plan.samples_per_s:.2f} samples/s, {plan.hours:.1f} hours"
    if size.total < LEAST_CALCULATED:
        speed = "not calculated (so small a model waits for pictures, not for the GPU)"
    before = (
        f"{preset.pair_count:,} pairs of pictures, {preset.pointing_count:,} lessons and questions"
    )
    lines = [
        f"{preset.name}: {preset.model}, {preset.method}",
        f"parameters   {size.total / 1e9:,.3f} billion, {trained}",
        f"memory       on each of {where}, data parallel:",
        *(f"  {part:<11}{value:8.2f} GB" for part, value in plan.memory_gb.items()),
        "" if plan.fits else "does not fit: set batch_size=1, method=qlora, or shard with FSDP",
        f"before it    {before}" if preset.pair_count or preset.pointing_count else "",
        f"speed        {speed} for {preset.sample_count:,} samples",
        f"assumed      {assumed}",
    ]
    return "\n".join(line for line in lines if line)
