"""Teaches the language part of a new model to look at what a word names, before all questions.

Left to itself a small model trained on questions does not find out in tens of thousands of samples
that the words of a name have to do with one of the picture's patches. Here it is told: in lessons
(finetune.lessons) one attention head has to look from a name to the patch that shows the thing,
another from each patch of a second view to the patch of the first that shows the same, a third from
the reply to the name asked about, and the states there have to tell which patch that was. The heads
that tell are thrown away; the rest is an ordinary LLaVA. (Supervised attention: Liu et al., 2016,
arXiv:1609.04186.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional
from trl.data_utils import prepare_multimodal_messages

from finetune.data import in_batches, lesson_references, read_lesson
from finetune.lessons import Lesson
from finetune.pairs import Pair, PairData, matches
from finetune.presets import Preset
from finetune.pretraining import pretrain
from finetune.vision import patch_at
from sat_tasks.console import UserError

LANGUAGE = "language.safetensors"
LOOKING_LAYER, REPLYING_LAYER = 1, 3
NAME_HEAD, MATCH_HEAD, REPLY_HEAD = 0, 1, 0
TELLING_LAYERS = (LOOKING_LAYER + 1, LOOKING_LAYER + 2)
"""Whose inputs have to tell the patch."""
LEAST_SHARE = 1e-6
"""Of attention, so that its logarithm is finite."""
FIRST_PAIRS = 16
"""From which the scale of the tower's states is taken."""

Ints = NDArray[np.int64]

LOOKS = {"names": 4, "matches": 4, "replies": 3}
"""Where attention has to go in a batch, a row for each look: row of the batch, token that looks,
token that is looked at, and for names and matches the number of the patch there."""


class Pointing(nn.Module):
    """A LLaVA that is told where to look.

    Args:
        model: The model, with eager attention; its vision tower is left as it is.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        model.model.vision_tower.requires_grad_(False)
        vision, text = model.config.vision_config, model.config.text_config
        patches = (vision.image_size // vision.patch_size) ** 2
        self.tell = nn.ModuleList(nn.Linear(text.hidden_size, patches) for _ in TELLING_LAYERS)

    def forward(self, looks: dict[str, Tensor], **inputs: Tensor) -> dict[str, Tensor]:
        """Return the loss and its parts.

        Args:
            looks: Where to look, as LOOKS has it; int64.
            inputs: What the model takes, labels included.
        """
        found = self.model(**inputs, output_attentions=True, output_hidden_states=True)
        looking = found.attentions[LOOKING_LAYER]
        parts = {
            "reply": found.loss,
            "name": _missed(looking[:, NAME_HEAD], looks["names"]),
            "match": _missed(looking[:, MATCH_HEAD], looks["matches"]),
            "ask": _missed(found.attentions[REPLYING_LAYER][:, REPLY_HEAD], looks["replies"]),
        }
        there = torch.cat([looks["names"], looks["matches"]])
        for layer, tell in zip(TELLING_LAYERS, self.tell, strict=True):
            states = found.hidden_states[layer][there[:, 0], there[:, 1]]
            states = functional.rms_norm(states.float(), states.shape[-1:])
            told = functional.cross_entropy(tell(states), there[:, 3], reduction="sum")
            parts[f"told_{layer}"] = told / max(len(there), 1)
        return {"loss": torch.stack([part.float() for part in parts.values()]).sum(), **parts}


def _missed(attention: Tensor, looks: Tensor) -> Tensor:
    """Return the mean negative logarithm of the attention that goes where it should.

    Args:
        attention: Of one head, shape (batch, tokens, tokens).
        looks: Rows of one kind of LOOKS.
    """
    share = attention[looks[:, 0], looks[:, 1], looks[:, 2]].float()
    return -(share + LEAST_SHARE).log().sum() / max(len(looks), 1)


class LessonSamples(torch.utils.data.Dataset[Lesson]):
    """Lessons in batches of one number of pictures; the same seed gives the same ones."""

    def __init__(self, data: PairData, count: int, batch_size: int, seed: int) -> None:
        drawn = lesson_references(data, np.random.default_rng([seed, 4]))
        self._data = data
        self._plan = list(in_batches(islice(drawn, count), batch_size))

    def __len__(self) -> int:
        return len(self._plan)

    def __getitem__(self, number: int) -> Lesson:
        return read_lesson(self._data, self._plan[number])


def collator(model: Any, processor: Any) -> Callable[[list[Lesson]], dict[str, Any]]:
    """Return a function that makes a batch of lessons."""
    tokenizer, image_token = processor.tokenizer, model.config.image_token_id
    vision = model.config.vision_config
    patches = vision.image_size // vision.patch_size
    ask = tokenizer.encode("ASSISTANT:", add_special_tokens=False)

    def join(lessons: list[Lesson]) -> dict[str, Any]:
        chats = [prepare_multimodal_messages(one.messages, images=one.images) for one in lessons]
        inputs = processor.apply_chat_template(
            chats,
            tokenize=True,
            return_dict=True,
            return_assistant_tokens_mask=True,
            processor_kwargs={"padding": True, "return_tensors": "pt"},
        )
        learned = torch.as_tensor(inputs.pop("assistant_masks")).bool()
        inputs["labels"] = inputs["input_ids"].where(learned, -100)
        looks: dict[str, list[tuple[int, ...]]] = {name: [] for name in LOOKS}
        for row, (one, ids) in enumerate(zip(lessons, inputs["input_ids"].numpy(), strict=True)):
            shown = np.flatnonzero(ids == image_token).reshape(len(one.images), -1)
            named = list(_named(ids, one, tokenizer))
            for place, (u, v) in named:
                patch = patch_at(u, v, patches)
                looks["names"].append((row, place, int(shown[0, patch]), patch))
            if len(shown) == 2:
                looks["matches"] += [
                    (row, int(shown[1, there]), int(shown[0, patch]), patch)
                    for patch, there in enumerate(matches(one.pair, patches))
                    if there >= 0
                ]
            asked = _found(ids, ask) + len(ask) - 1
            looks["replies"] += [(row, *look) for look in _asked(asked, [p for p, _ in named])]
        tensors = {
            name: torch.tensor(looks[name], dtype=torch.int64).reshape(-1, width)
            for name, width in LOOKS.items()
        }
        return {**inputs, "looks": tensors}

    return join


def _named(ids: Ints, one: Lesson, tokenizer: Any) -> Iterator[tuple[int, tuple[float, float]]]:
    """Yield the last token of each name in a conversation, and where the thing is."""
    taken = np.zeros(len(ids), bool)
    for phrase in sorted(one.places, key=len, reverse=True):
        words = tokenizer.encode(f" {phrase}", add_special_tokens=False)
        for start in _found(ids, words):
            if not taken[start : start + len(words)].any():
                taken[start : start + len(words)] = True
                yield int(start) + len(words) - 1, one.places[phrase]


def _found(ids: Ints, words: Sequence[int]) -> Ints:
    """Return where a sequence of tokens starts in another."""
    if len(words) > len(ids):
        return np.zeros(0, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(ids, len(words))
    return np.flatnonzero((windows == np.array(words)).all(1))


def _asked(asked: Ints, named: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield the token before a reply and the name asked about, where a question has but one."""
    previous = 0
    for place in map(int, asked):
        between = [name for name in named if previous < name < place]
        if len(between) == 1:
            yield place, between[0]
        previous = place


@torch.no_grad()
def _standardize(model: Any, processor: Any, pairs: Sequence[Pair]) -> None:
    """Let the projector see a tower's states as if each had mean 0 and variance 1."""
    pictures = [pair.first for pair in pairs]
    pixels = processor.image_processor(pictures, return_tensors="pt")["pixel_values"]
    tower = model.model.vision_tower
    states = tower(pixel_values=pixels.to(tower.device)).last_hidden_state[:, 1:].flatten(0, 1)
    first = model.model.multi_modal_projector.linear_1
    first.weight.div_(states.std(0).clamp(min=1e-6))
    first.bias.copy_(-first.weight @ states.mean(0))


def point(
    model: Any, processor: Any, data: PairData, preset: Preset, out: Path, settings: Any
) -> None:
    """Train all but the vision tower on lessons; what is done already is gone on with.

    Args:
        model: A LLaVA; changed in place.
        processor: Its processor.
        data: Pairs of pictures.
        preset: Says how many lessons, the batch size and the learning rate.
        out: Folder of its checkpoints and, at the end, of LANGUAGE.
        settings: transformers.TrainingArguments of the whole run: what it reports, and to whom.

    Raises:
        UserError: The lessons asked for fill no batch.
    """
    _standardize(model, processor, [data[index] for index in range(min(FIRST_PAIRS, len(data)))])
    samples = LessonSamples(data, preset.pointing_count, preset.batch_size, preset.seed)
    if not len(samples):
        raise UserError(
            f"{preset.pointing_count} lessons fill no batch of {preset.batch_size}: set "
            "pointing_count higher, or to 0 for none"
        )
    attention = model.config._attn_implementation
    model.set_attn_implementation("eager")
    pretrain(
        Pointing(model),
        model,
        samples,
        collator(model, processor),
        preset.batch_size,
        preset,
        out / LANGUAGE,
        settings,
    )
    model.model.vision_tower.requires_grad_(True)
    model.set_attn_implementation(attention)
