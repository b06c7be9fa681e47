"""Shapes of the published models that presets tune, for models without weights.

Numbers are those of the models' published configurations; the totals that they give are the
published ones (13.35, 7.06, 8.03 and 8.29 billion parameters).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from finetune.presets import NEW_MODEL
from sat_tasks.console import one_of


def _llava(
    hidden: int, feed_forward: int, layers: int, heads: int
) -> Callable[[], tuple[type, Any]]:
    def build() -> tuple[type, Any]:
        from transformers import (
            CLIPVisionConfig,
            LlamaConfig,
            LlavaConfig,
            LlavaForConditionalGeneration,
        )

        text = LlamaConfig(
            hidden_size=hidden,
            intermediate_size=feed_forward,
            num_hidden_layers=layers,
            num_attention_heads=heads,
            vocab_size=32_064,
        )
        vision = CLIPVisionConfig(
            hidden_size=1024,
            intermediate_size=4096,
            num_hidden_layers=24,
            num_attention_heads=16,
            image_size=336,
            patch_size=14,
            projection_dim=768,
        )
        return LlavaForConditionalGeneration, LlavaConfig(text_config=text, vision_config=vision)

    return build


def _onevision() -> tuple[type, Any]:
    from transformers import (
        LlavaOnevisionConfig,
        LlavaOnevisionForConditionalGeneration,
        Qwen2Config,
        SiglipVisionConfig,
    )

    text = Qwen2Config(
        hidden_size=3584,
        intermediate_size=18_944,
        num_hidden_layers=28,
        num_attention_heads=28,
        num_key_value_heads=4,
        vocab_size=152_000,
    )
    vision = SiglipVisionConfig(
        hidden_size=1152,
        intermediate_size=4304,
        num_hidden_layers=26,
        num_attention_heads=16,
        image_size=384,
        patch_size=14,
        vision_use_head=False,
    )
    config = LlavaOnevisionConfig(text_config=text, vision_config=vision)
    return LlavaOnevisionForConditionalGeneration, config


def _qwen2_5_vl() -> tuple[type, Any]:
    from transformers import Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration

    text = {
        "hidden_size": 3584,
        "intermediate_size": 18_944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "vocab_size": 152_064,
    }
    vision = {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "out_hidden_size": 3584,
    }
    config = Qwen2_5_VLConfig(text_config=text, vision_config=vision)
    return Qwen2_5_VLForConditionalGeneration, config


ARCHITECTURES: dict[str, Callable[[], tuple[type, Any]]] = {
    "llava-hf/llava-1.5-13b-hf": _llava(5120, 13_824, 40, 40),
    "llava-hf/llava-1.5-7b-hf": _llava(4096, 11_008, 32, 32),
    "llava-hf/llava-onevision-qwen2-7b-ov-hf": _onevision,
    "Qwen/Qwen2.5-VL-7B-Instruct": _qwen2_5_vl,
}
"""Hub id -> function that returns a model class and its configuration."""

PICTURE_TOKENS: dict[str, int] = {
    "llava": 576,
    "llava_onevision": 1720,
    "qwen2_5_vl": 324,
}
"""Tokens of the language model per picture of 512 x 512 pixels, by model type: 24 x 24 patches of
a 336 px picture; 3,699 for a single picture, which is tiled, and 730 for each of several; 28 px
cells."""


def meta_model(name: str) -> Any:
    """Return a model of the right shapes without weights.

    Args:
        name: A hub id of ARCHITECTURES, a local folder, or ``new:sat-tiny``.

    Raises:
        UserError: Its shapes are not known here.
    """
    import torch
    from transformers import AutoConfig, AutoModelForImageTextToText

    if name.startswith(NEW_MODEL):
        from finetune.tiny import SAT_TINY, build

        return build(SAT_TINY)[0].to("meta")
    try:
        config = AutoConfig.from_pretrained(name, local_files_only=True)
    except (OSError, ValueError):
        model_class, config = ARCHITECTURES[one_of("model", name, tuple(ARCHITECTURES))]()
        with torch.device("meta"):
            return model_class(config)
    with torch.device("meta"):
        return AutoModelForImageTextToText.from_config(config)
