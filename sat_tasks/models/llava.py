"""LLaVA of any size through transformers: batched, several pictures per question, CPU or GPU.

lmms-eval --model llava --model_args pretrained=FOLDER_OR_HUB_ID --batch_size 8 --tasks ...
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from lmms_eval.api.instance import GenerationResult, TokenCounts
from lmms_eval.api.model import lmms
from PIL import Image
from tqdm import tqdm

from sat_tasks.console import UserError
from sat_tasks.models.shared_prefix import Prompt, generate
from sat_tasks.models.vision_cache import VisionCache
from sat_tasks.pictures import open_picture

DEFAULT_MODEL = "llava-hf/llava-1.5-7b-hf"
DEFAULT_MAX_NEW_TOKENS = 1024
_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")
_WEIGHTS = ("*.safetensors", "*.bin")


class Llava(lmms):  # type: ignore[misc]
    """A LlavaForConditionalGeneration model for lmms-eval.

    Args:
        pretrained: A folder made by ``save_pretrained``, or a hub id.
        revision: Of a hub id.
        device: Where a model that fits one device runs; default: the GPU if there is one. Under
            ``accelerate launch`` each process takes a GPU and a share of the questions.
        device_map: As in transformers, for a model that is spread over several devices.
        dtype: As in transformers; default: float32 on a CPU, else that of the weights.
        batch_size: Questions per batch.

    Raises:
        SystemExit: The model cannot be loaded; lmms-eval would swallow any other exception.
    """

    is_simple = False

    def __init__(
        self,
        pretrained: str = DEFAULT_MODEL,
        revision: str | None = None,
        device: str | None = None,
        device_map: str | None = None,
        dtype: str | None = None,
        batch_size: int | str = 1,
        max_batch_size: int | str | None = None,
        **unknown: Any,
    ) -> None:
        super().__init__()
        try:
            if unknown:
                raise UserError(
                    f"unknown model_args {', '.join(unknown)}; known: pretrained, revision, "
                    "device, device_map, dtype, batch_size"
                )
            self.batch_size = _positive(batch_size)
            check_checkpoint(pretrained)
            self.accelerator = Accelerator()  # lmms-eval gathers through it
            where = device_map or device or _own_device()
            self.model, self.processor = load(pretrained, revision, where, dtype)
            self.vision = VisionCache(self.model.model.get_image_features)
            self.model.model.get_image_features = self.vision
        except UserError as error:
            raise SystemExit(f"error: {' '.join(str(error).split())}") from error

    @property
    def device(self) -> torch.device:
        """Where the model takes its inputs."""
        device: torch.device = self.model.device
        return device

    def generate_until(self, requests: Sequence[Any]) -> list[GenerationResult]:
        """Return the reply to each request, in their order."""
        replies: dict[int, GenerationResult] = {}
        with tqdm(total=len(requests), desc="llava", disable=self.rank != 0) as progress:
            for indices in self._batches(requests):
                batch = [requests[index] for index in indices]
                for index, reply in zip(indices, self._reply(batch), strict=True):
                    replies[index] = reply
                progress.update(len(indices))
        return [replies[index] for index in range(len(requests))]

    def _batches(self, requests: Sequence[Any]) -> Iterator[list[int]]:
        """Yield indices of requests that are generated alike and are about equally long."""
        groups: dict[str, list[int]] = {}
        for index, request in enumerate(requests):
            groups.setdefault(json.dumps(request.args[2], sort_keys=True), []).append(index)
        for indices in groups.values():
            indices.sort(key=lambda index: self._size(requests[index]))
            for start in range(0, len(indices), self.batch_size):
                yield indices[start : start + self.batch_size]

    def _size(self, request: Any) -> tuple[int, int]:
        """Return the number of pictures, as far as the data tells, and of characters."""
        text, _, _, doc_id, task, split = request.args
        documents = self.task_dict[task][split]
        known = "picture_count" in documents.column_names
        return (documents[doc_id]["picture_count"] if known else 0, len(text))

    @torch.inference_mode()
    def _reply(self, batch: Sequence[Any]) -> list[GenerationResult]:
        prompts = []
        for request in batch:
            _, doc_to_messages, _, doc_id, task, split = request.args
            messages = doc_to_messages(self.task_dict[task][split][doc_id])
            prompts.append(render(messages, self.processor))
        options = batch[0].args[2]
        replies = generate(self.model, self.processor, prompts, generation_options(options))
        tokenizer = self.processor.tokenizer
        texts = tokenizer.batch_decode(
            [reply.tokens for reply in replies], skip_special_tokens=True
        )
        return [
            GenerationResult(
                text=_cut(text, options.get("until") or ()),
                token_counts=TokenCounts(
                    reply.prompt_length, int((reply.tokens != tokenizer.pad_token_id).sum())
                ),
            )
            for text, reply in zip(texts, replies, strict=True)
        ]

    def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
        """Not offered."""
        raise NotImplementedError("llava only generates")

    def generate_until_multi_round(self, requests: Sequence[Any]) -> list[str]:
        """Not offered."""
        raise NotImplementedError("llava answers one question at a time")


def check_checkpoint(pretrained: str) -> None:
    """Check that a model is a folder with a LLaVA model and its weights, or may be a hub id.

    Raises:
        UserError: It is neither; the message says what is missing.
    """
    folder = Path(pretrained).expanduser()
    if not folder.is_dir():
        if folder.is_absolute() or pretrained.startswith(".") or not _HUB_ID.fullmatch(pretrained):
            raise UserError(f"model {pretrained!r} is neither a folder nor a hub id (owner/name)")
        return
    config = folder / "config.json"
    if not config.is_file():
        raise UserError(f"{folder} holds no model: it has no config.json")
    kind = json.loads(config.read_text(encoding="utf-8")).get("model_type")
    if kind != "llava":
        raise UserError(f"{folder} holds a {kind!r} model; --model llava takes model_type 'llava'")
    if not any(path for pattern in _WEIGHTS for path in folder.glob(pattern)):
        raise UserError(f"{folder} has no weights: expected {' or '.join(_WEIGHTS)}")


def load(pretrained: str, revision: str | None, where: str, dtype: str | None) -> tuple[Any, Any]:
    """Return the model, ready to generate, and its processor.

    Args:
        pretrained: A folder or a hub id.
        revision: Of a hub id.
        where: A device, or a transformers device map.
        dtype: Name of a torch dtype, "auto", or None for the default of the device.

    Raises:
        UserError: They cannot be loaded.
    """
    from safetensors import SafetensorError
    from transformers import AutoProcessor, LlavaForConditionalGeneration

    try:
        model = LlavaForConditionalGeneration.from_pretrained(
            pretrained,
            revision=revision or "main",
            device_map=where,
            dtype=dtype or ("float32" if where == "cpu" else "auto"),
        ).eval()
        processor = AutoProcessor.from_pretrained(pretrained, revision=revision or "main")
    except (OSError, ValueError, SafetensorError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"cannot load model {pretrained!r}: {reason}") from error
    processor.tokenizer.padding_side = "left"
    if processor.tokenizer.pad_token is None:
        processor.tokenizer.pad_token = processor.tokenizer.eos_token
    return model, processor


def render(messages: Sequence[Mapping[str, Any]], processor: Any) -> Prompt:
    """Return a chat as prompt text and its pictures.

    The picture token is put into the text where the picture belongs, since the template of
    LLaVA-1.5 moves all pictures to the front.
    """
    pictures: list[Image.Image] = []
    plain = []
    for message in messages:
        lines = []
        for part in message["content"]:
            if part["type"] == "image":
                pictures.append(_rgb(part["url"]))
                lines.append(processor.image_token)
            elif part["type"] == "text":
                lines.append(part["text"].replace(processor.image_token, ""))
            else:
                raise SystemExit(f"error: llava takes text and pictures, not {part['type']}")
        plain.append(
            {"role": message["role"], "content": [{"type": "text", "text": "\n".join(lines)}]}
        )
    text = processor.apply_chat_template(plain, tokenize=False, add_generation_prompt=True)
    return Prompt(text, pictures)


def generation_options(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``generate`` takes of a task's generation_kwargs; greedy unless it says more."""
    temperature = float(options.get("temperature") or 0)
    sample = bool(options.get("do_sample", temperature > 0)) and temperature > 0
    chosen: dict[str, Any] = {
        "max_new_tokens": int(options.get("max_new_tokens", DEFAULT_MAX_NEW_TOKENS)),
        "num_beams": int(options.get("num_beams", 1)),
        "do_sample": sample,
    }
    if sample:
        chosen |= {"temperature": temperature, "top_p": options.get("top_p")}
    return chosen


def _own_device() -> str:
    """Return the GPU of this process of ``accelerate launch``, the only GPU, or the CPU."""
    if not torch.cuda.is_available():
        return "cpu"
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


def _rgb(picture: Any) -> Image.Image:
    image = (
        picture if isinstance(picture, Image.Image) else open_picture(Path(picture).read_bytes())
    )
    return image if image.mode == "RGB" else image.convert("RGB")


def _cut(text: str, until: Sequence[str]) -> str:
    for stop in until:
        text = text.split(stop)[0] if stop else text
    return text.strip()


def _positive(batch_size: int | str) -> int:
    if not str(batch_size).isdigit() or int(batch_size) < 1:
        raise UserError(f"batch_size must be a whole number above 0, got {batch_size!r}")
    return int(batch_size)
