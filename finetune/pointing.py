"""Teaches the language part of a new model where to look, before it is tuned without such help.

Left to itself a small model trained on questions does not find out in tens of thousands of samples
that the words of a name have to do with one of the picture's patches. Here it is told, in lessons
(finetune.lessons) at first and in more and more questions later: each of some attention heads has
one thing to look at (finetune.looks), and the states of a name, or of a patch of a second view,
have to tell which patch of the first that is; those of an option and of the reply, which letter.
What tells is thrown away; the rest is an ordinary LLaVA. (Supervised attention: Liu et al., 2016,
arXiv:1609.04186.)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from finetune.data import (
    LESSON,
    Sources,
    conversation,
    in_batches,
    lesson_references,
    read_lesson,
    sat_references,
)
from finetune.lessons import Lesson
from finetune.looks import collator, missed
from finetune.marks import marked_places
from finetune.pairs import Pair
from finetune.presets import Preset
from finetune.pretraining import pretrain
from sat_tasks.console import UserError

LANGUAGE = "language.safetensors"
HEADS = {
    "names": (1, 0),
    "matches": (1, 1),
    "letters": (2, 0),
    "first": (3, 0),
    "second": (3, 1),
    "moved": (3, 2),
    "right": (4, 0),
}
"""Layer and head of each of finetune.looks.LOOKS."""
PATCH_TOLD_BEFORE = (2, 3)
"""Layers whose inputs have to tell the patch."""
LETTER_TOLD_BEFORE = 4
"""The layer whose inputs have to tell the letter of an option; its outputs, that of the reply."""
MOST_QUESTIONS = 0.8
"""Share of questions among the last samples; among the first there are none."""
FIRST_PAIRS = 16
"""From which the scale of the tower's states is taken."""


class Pointing(nn.Module):
    """A LLaVA that is told where to look.

    Args:
        model: The model, with eager attention; its vision tower is left as it is.
    """

    accepts_loss_kwargs = False
    """The trainer would have only the replies averaged over all processes."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        model.model.vision_tower.requires_grad_(False)
        vision, text = model.config.vision_config, model.config.text_config
        patches = (vision.image_size // vision.patch_size) ** 2
        self.tell_patch = nn.ModuleList(
            nn.Linear(text.hidden_size, patches) for _ in PATCH_TOLD_BEFORE
        )
        self.tell_letter = nn.Linear(text.hidden_size, text.vocab_size)

    def forward(
        self, looks: dict[str, Tensor], input_ids: Tensor, labels: Tensor, **inputs: Tensor
    ) -> dict[str, Tensor]:
        """Return the loss and its parts.

        Args:
            looks: Where to look, as LOOKS has it; int64.
            input_ids: Shape (batch, tokens).
            labels: Of the same shape; -100 where nothing is learned.
            inputs: What else the model takes.
        """
        found = self.model(
            input_ids=input_ids,
            labels=labels,
            **inputs,
            output_attentions=True,
            output_hidden_states=True,
        )
        parts = {"reply": found.loss}
        for name, (layer, head) in HEADS.items():
            parts[name] = missed(found.attentions[layer][:, head], looks[name])
        there = torch.cat([looks["names"], looks["matches"]])
        for layer, tell in zip(PATCH_TOLD_BEFORE, self.tell_patch, strict=True):
            states = _at(found.hidden_states[layer], there)
            parts[f"patch_told_{layer}"] = _mean_loss(tell(states), there[:, 3])
        right, letters = looks["right"], looks["letters"]
        for name, layer, told in (("option", 0, letters), ("reply", 1, right)):
            states = _at(found.hidden_states[LETTER_TOLD_BEFORE + layer], told)
            parts[f"{name}_letter"] = _mean_loss(
                self.tell_letter(states), input_ids[told[:, 0], told[:, -1]]
            )
        # Choices are few among the words of replies: numbers of places would drown them.
        said = found.logits[right[:, 0], right[:, 1]]
        parts["choice"] = _mean_loss(said, labels[right[:, 0], right[:, 1] + 1])
        return {"loss": torch.stack([part.float() for part in parts.values()]).sum(), **parts}


def _at(states: Tensor, looks: Tensor) -> Tensor:
    """Return the states of the tokens that look, as if each had length 1 per entry."""
    chosen = states[looks[:, 0], looks[:, 1]].float()
    return functional.rms_norm(chosen, chosen.shape[-1:])


def _mean_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Return the mean cross-entropy, 0 where there is nothing to tell."""
    loss = functional.cross_entropy(logits.float(), wanted, reduction="sum")
    return loss / max(len(wanted), 1)


class PointingSamples(torch.utils.data.Dataset[Lesson]):
    """Lessons and questions in batches of one kind; the same seed gives the same ones.

    Args:
        sources: Questions and pairs.
        preset: Says how many, in what batches, and the seed.
    """

    def __init__(self, sources: Sources, preset: Preset) -> None:
        rng = np.random.default_rng([preset.seed, 4])
        lessons = lesson_references(sources.pairs, rng)
        questions = sat_references(sources.sat, rng, preset.option_order)
        count = preset.pointing_count
        is_question = rng.random(count) < MOST_QUESTIONS * np.arange(count) / max(count, 1)
        drawn = (next(questions if one else lessons) for one in is_question)
        self._sources, self._preset = sources, preset
        self._plan = list(in_batches(drawn, preset.batch_size))
        self._places = marked_places(sources.sat)

    def __len__(self) -> int:
        return len(self._plan)

    def __getitem__(self, number: int) -> Lesson:
        reference = self._plan[number]
        if reference.source == LESSON:
            assert self._sources.pairs is not None
            return read_lesson(self._sources.pairs, reference)
        sample = conversation(self._sources, reference, self._preset)
        places, are_all = self._places[reference.index]
        return Lesson(**sample, pair=None, places=places, are_all_placed=are_all)


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
    model: Any, processor: Any, sources: Sources, preset: Preset, out: Path, settings: Any
) -> None:
    """Train all but the vision tower, or go on with it where it was stopped.

    Args:
        model: A LLaVA; changed in place.
        processor: Its processor.
        sources: Questions, and pairs of pictures.
        preset: Says how many samples, the batch size and the learning rate.
        out: Folder of its checkpoints and, at the end, of LANGUAGE.
        settings: transformers.TrainingArguments of the whole run: what it reports, and to whom.

    Raises:
        UserError: The lessons asked for fill no batch.
    """
    assert sources.pairs is not None
    few = range(min(FIRST_PAIRS, len(sources.pairs)))
    _standardize(model, processor, [sources.pairs[index] for index in few])
    samples = PointingSamples(sources, preset)
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
