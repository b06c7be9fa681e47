"""Tuning recipes, one frozen dataclass each.

``llava-1.5-13b-sat`` is the recipe of SAT (arXiv:2412.07755, appendix, and its published
configuration): LoRA of rank 256 and alpha 512, learning rate 2e-6 with a cosine schedule, no
warm-up, no weight decay, batch 1, 100K samples, 60% SAT and 40% LLaVA-Instruct.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args, get_origin, get_type_hints

from sat_tasks.console import UserError, one_of

Method = Literal["lora", "qlora", "full"]
Split = Literal["all", "static", "dynamic"]
Precision = Literal["bf16", "fp32"]
Replies = Literal["letters", "text"]
OptionOrder = Literal["circular", "random"]

NEW_MODEL = "new:"
"""A model name that starts with this is built from scratch by finetune.tiny."""


@dataclass(frozen=True, kw_only=True)
class Preset:
    """One recipe; every field can be changed with ``--set field=value``."""

    name: str
    model: str
    """A hub id, a folder, or ``new:sat-tiny``."""
    method: Method
    lora_rank: int = 256
    lora_alpha: int = 512
    lora_dropout: float = 0.05
    train_projector: bool = True
    """With LoRA: train the projector between vision and language fully, as LLaVA does."""
    learning_rate: float = 2e-6
    warmup_share: float = 0.0
    weight_decay: float = 0.0
    batch_size: int = 1
    """Samples per device and step."""
    accumulation_steps: int = 1
    sample_count: int = 100_000
    """Samples in the whole run, over all devices."""
    sat_share: float = 0.6
    """Share of SAT samples; the rest is LLaVA-Instruct."""
    pretraining_rate: float = 1.2e-3
    """Learning rate of a new model before the run proper."""
    pair_count: int = 0
    """Pairs of pictures with dense labels that a new vision tower learns from beforehand."""
    pair_batch_size: int = 32
    pointing_count: int = 0
    """Lessons in which a new language model is told what the words of names point to."""
    lesson_share: float = 0.0
    """Share of the samples that are lessons about such pairs; most of them come early."""
    question_split: Split = "all"
    option_order: OptionOrder = "circular"
    """Of each sample: a rotation drawn at random, as the evaluation asks, or any order."""
    replies: Replies = "letters"
    """What the model is taught to reply with: a letter, or the option's text as in the paper."""
    precision: Precision = "bf16"
    gradient_checkpointing: bool = True
    seed: int = 0

    def __post_init__(self) -> None:
        positive = (
            "learning_rate",
            "pretraining_rate",
            "batch_size",
            "accumulation_steps",
            "sample_count",
        )
        for name in positive:
            if getattr(self, name) <= 0:
                raise UserError(f"{name} must be greater than 0, got {getattr(self, name)}")
        if not 0 < self.sat_share <= 1:
            raise UserError(f"sat_share must be in (0, 1], got {self.sat_share}")
        if not 0 <= self.lesson_share < 1:
            raise UserError(f"lesson_share must be in [0, 1), got {self.lesson_share}")
        for name in ("pair_count", "pointing_count"):
            if getattr(self, name) < 0:
                raise UserError(f"{name} must be at least 0, got {getattr(self, name)}")
        for field in fields(self):
            allowed = _choices(field.name)
            if allowed:
                one_of(field.name, getattr(self, field.name), allowed)

    @property
    def needs_pairs(self) -> bool:
        """Whether the data must hold pairs of pictures with dense labels."""
        is_new = self.model.startswith(NEW_MODEL)
        return bool(self.lesson_share or (is_new and (self.pair_count or self.pointing_count)))


def _choices(field_name: str) -> tuple[str, ...]:
    hint = get_type_hints(Preset)[field_name]
    return get_args(hint) if get_origin(hint) is Literal else ()


_PAPER = Preset(
    name="llava-1.5-13b-sat",
    model="llava-hf/llava-1.5-13b-hf",
    method="lora",
)

SCALING_STEPS = (1_000, 10_000, 50_000, 100_000)
"""Numbers of samples of the data scaling presets."""


def _presets() -> dict[str, Preset]:
    named = [
        _PAPER,
        replace(_PAPER, name="llava-1.5-7b-sat", model="llava-hf/llava-1.5-7b-hf"),
        replace(
            _PAPER,
            name="llava-onevision-7b-sat",
            model="llava-hf/llava-onevision-qwen2-7b-ov-hf",
        ),
        replace(_PAPER, name="qwen2.5-vl-7b-sat", model="Qwen/Qwen2.5-VL-7B-Instruct"),
        replace(
            _PAPER,
            name="llava-1.5-13b-sat-static",
            question_split="static",
            learning_rate=5e-6,
            accumulation_steps=8,
        ),
        replace(_PAPER, name="llava-1.5-13b-sat-dynamic", question_split="dynamic"),
        Preset(
            name="sat-tiny",
            model=NEW_MODEL + "sat-tiny",
            method="full",
            learning_rate=1e-4,
            warmup_share=0.02,
            weight_decay=0.01,
            batch_size=32,
            sample_count=9_600,
            pair_count=60_000,
            pointing_count=80_000,
            lesson_share=0.4,
            sat_share=1.0,
            gradient_checkpointing=False,
        ),
    ]
    named += [
        replace(_PAPER, name=f"llava-1.5-13b-sat-{count // 1000}k", sample_count=count)
        for count in SCALING_STEPS[:-1]
    ]
    return {preset.name: preset for preset in named}


PRESETS: dict[str, Preset] = _presets()


def resolve(name: str, settings: Sequence[str] = ()) -> Preset:
    """Return a preset with some fields changed.

    Args:
        name: Of the preset.
        settings: Each ``field=value``.

    Raises:
        UserError: No such preset or field, or a value that does not fit.
    """
    preset = PRESETS[one_of("preset", name, tuple(PRESETS))]
    changes: dict[str, Any] = {}
    hints = get_type_hints(Preset)
    for setting in settings:
        field_name, equals, text = setting.partition("=")
        if not equals:
            raise UserError(f"--set takes field=value, got {setting!r}")
        one_of("field", field_name, tuple(sorted(set(hints) - {"name"})))
        changes[field_name] = _parse(field_name, text, hints[field_name])
    return replace(preset, **changes)


def _parse(field_name: str, text: str, hint: Any) -> Any:
    if hint is bool:
        return one_of(field_name, text.lower(), ("true", "false")) == "true"
    if hint not in (int, float):
        return text
    try:
        return hint(float(text)) if hint is int and float(text).is_integer() else hint(text)
    except ValueError:
        raise UserError(f"{field_name} takes a number, got {text!r}") from None
