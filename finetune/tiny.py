"""A small LLaVA built from nothing: real parts, random weights, made in seconds.

    python -m finetune.tiny --out models/tiny

It has its own tokenizer, trained on our prompts, and the chat template that training needs: text
and pictures in the order given, the beginning and the end of a turn marked, and the part that is
to be learned marked as generation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from finetune.checkpoint import replacing, use_published_names
from finetune.templates import LLAVA_TEMPLATE
from sat_tasks.console import Parser, one_of, run
from sat_tasks.prompt import build_prompt, prompt_text, reply_text
from sat_tasks.protocol import Style
from sat_tasks.taxonomy import QUESTION_TYPES

_SPECIAL = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<pad>"}
_IMAGE_TOKEN = "<image>"
_OPTIONS = (
    ("left", "right"),
    ("above", "below"),
    ("yes", "no"),
    ("1", "2", "3", "4", "5"),
    ("moved forward", "moved backward", "rotated left", "rotated right", "did not move"),
)


@dataclass(frozen=True, kw_only=True)
class TinyConfig:
    """The sizes of a small LLaVA; the defaults make 2.9 million parameters."""

    image_px: int = 64
    """Side of the square that a picture is shrunk to."""
    patch_px: int = 8
    vision_width: int = 128
    vision_layers: int = 4
    position_std: float = 0.02
    """Of the tower's position embeddings at first; CLIP's 0.02 is faint beside 0.5 of patches."""
    text_std: float = 0.02
    """Of the weights of the language model and the projector at first."""
    residual_scale: float = 1.0
    """What layers of the language model add at first is multiplied by this."""
    text_width: int = 192
    text_layers: int = 4
    heads: int = 4
    vocabulary: int = 1024
    context: int = 2048
    """Most tokens, pictures included."""
    seed: int = 0

    def __post_init__(self) -> None:
        if self.image_px % self.patch_px:
            raise ValueError(f"{self.image_px} px is no multiple of {self.patch_px} px patches")


SAT_TINY = TinyConfig(
    image_px=128,
    patch_px=16,
    vision_width=256,
    vision_layers=6,
    position_std=0.5,
    text_std=1 / 16,
    residual_scale=0.1,
    text_width=256,
    text_layers=6,
    vocabulary=2048,
)
"""The shape of ``new:sat-tiny``: 10 million parameters."""

SHAPES = {"small": TinyConfig(), "sat-tiny": SAT_TINY}


def build(config: TinyConfig, texts: Iterable[str] = ()) -> tuple[Any, Any]:
    """Return a model with random weights and its processor.

    Args:
        config: The sizes.
        texts: What else the tokenizer should know well: the questions that will be asked.
    """
    import torch
    from transformers import (
        CLIPImageProcessor,
        CLIPVisionConfig,
        LlamaConfig,
        LlavaConfig,
        LlavaForConditionalGeneration,
        LlavaProcessor,
    )

    tokenizer = train_tokenizer(config.vocabulary, texts)
    vision = CLIPVisionConfig(
        hidden_size=config.vision_width,
        intermediate_size=4 * config.vision_width,
        num_hidden_layers=config.vision_layers,
        num_attention_heads=config.heads,
        image_size=config.image_px,
        patch_size=config.patch_px,
        projection_dim=config.vision_width,
    )
    text = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=config.text_width,
        intermediate_size=config.text_width * 8 // 3 // 16 * 16,
        num_hidden_layers=config.text_layers,
        num_attention_heads=config.heads,
        num_key_value_heads=config.heads,
        max_position_embeddings=config.context,
        initializer_range=config.text_std,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(config.seed)
        model = LlavaForConditionalGeneration(
            LlavaConfig(
                vision_config=vision,
                text_config=text,
                image_token_index=tokenizer.convert_tokens_to_ids(_IMAGE_TOKEN),
                image_seq_length=(config.image_px // config.patch_px) ** 2,
                vision_feature_select_strategy="default",
                vision_feature_layer=-1,
            )
        )
        positions = model.model.vision_tower.embeddings.position_embedding.weight
        with torch.no_grad():
            positions.mul_(config.position_std / vision.initializer_range)
            for layer in model.model.language_model.layers:
                layer.mlp.down_proj.weight.mul_(config.residual_scale)
    side = {"height": config.image_px, "width": config.image_px}
    processor = LlavaProcessor(
        image_processor=CLIPImageProcessor(size=side, do_center_crop=False),
        tokenizer=tokenizer,
        patch_size=config.patch_px,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=LLAVA_TEMPLATE,
    )
    return model, processor


def train_tokenizer(vocabulary: int, texts: Iterable[str] = ()) -> Any:
    """Return a byte-level BPE tokenizer that knows our prompts, and some texts, well."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    trained = Tokenizer(models.BPE())
    trained.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trained.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[*_SPECIAL.values(), _IMAGE_TOKEN],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    trained.train_from_iterator(chain(_corpus(), texts), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=trained, extra_special_tokens={"image_token": _IMAGE_TOKEN}, **_SPECIAL
    )
    tokenizer.chat_template = LLAVA_TEMPLATE
    return tokenizer


def save(model: Any, processor: Any, out: Path, note: str, config: TinyConfig) -> None:
    """Write a checkpoint folder that transformers and vLLM load, whole or not at all.

    Args:
        model: The model.
        processor: Its processor.
        out: The folder; must not exist, or be a checkpoint that may be replaced.
        note: What the README says of the weights.
        config: What the model was built from.

    Raises:
        UserError: The folder cannot be written, or holds something else.
    """
    with replacing(out) as folder:
        model.save_pretrained(folder)
        processor.save_pretrained(folder)
        use_published_names(folder)
        (folder / "README.md").write_text(_card(model, note, config), encoding="utf-8")


def _card(model: Any, note: str, config: TinyConfig) -> str:
    count = sum(parameter.numel() for parameter in model.parameters())
    settings = json.dumps(asdict(config), indent=1)
    return (
        "---\nlibrary_name: transformers\npipeline_tag: image-text-to-text\n---\n"
        f"# A small LLaVA ({count / 1e6:.1f} million parameters): {note}\n\n"
        f"Built by `python -m finetune.tiny` with\n\n```json\n{settings}\n```\n"
    )


def _corpus() -> Iterator[str]:
    """Yield texts in the words of our prompts and replies."""
    styles: Sequence[Style] = ("letters", "text", "reasoning")
    for info in QUESTION_TYPES.values():
        for options in _OPTIONS:
            for style in styles:
                question = f"Question on {info.name.replace('_', ' ')}: {info.asks}?"
                for count in (1, 2):
                    yield "USER: " + prompt_text(build_prompt(question, options, count, style))
                for answer in range(len(options)):
                    yield "ASSISTANT: " + reply_text(options, answer, style)


def main(argv: Sequence[str] | None = None) -> int:
    """Build an untrained checkpoint."""
    parser = Parser(
        prog="python -m finetune.tiny",
        description="Build a small LLaVA with random weights.",
        epilog="example: python -m finetune.tiny --out models/tiny",
    )
    parser.add_argument("--out", type=Path, required=True, help="checkpoint folder to write")
    parser.add_argument(
        "--shape", default="small", metavar="|".join(SHAPES), help="its size (default: small)"
    )
    parser.add_argument("--seed", type=int, default=0, help="decides the weights (default: 0)")
    arguments = parser.parse_args(argv)
    config = replace(SHAPES[one_of("shape", arguments.shape, tuple(SHAPES))], seed=arguments.seed)
    model, processor = build(config)
    save(model, processor, arguments.out, "untrained", config)
    print(f"untrained model in {arguments.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(run(main))
