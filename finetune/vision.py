"""Pre-trains a new vision tower on what the engine gives for free.

Every patch learns which categories cover it and how far they are, where dots are and which letter
they carry, the words of objects whose middle it shows, and which patch of the view after a movement
shows the same. It also has to know its own column and row to the end, since the language model
reads the places of things from the patches that show them. The heads are thrown away; the tower
goes on into the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from finetune.pairs import Pair, PairData, endless, matches, mirrored
from finetune.presets import Preset
from finetune.pretraining import pretrain

MARKS = ("P", "Q", "R", "S")
BACKGROUND_WEIGHT = 0.3
MARKED_SHARE = 0.5
"""Of the first views, how many carry their dots."""
MAX_DEPTH_M = 30.0
RARE_LOGIT = -4.0
"""Few words apply to an object."""
TOWER = "tower.safetensors"


@dataclass(frozen=True)
class Vocabulary:
    """What patches are told apart by."""

    categories: tuple[str, ...]
    """The first is the background."""
    words: tuple[str, ...]


class DenseHeads(nn.Module):
    """A vision tower with a linear head for each thing to learn.

    Args:
        tower: Gives hidden states of shape (pictures, 1 + patches, width); the first is no patch.
        width: Of the hidden states.
        vocabulary: Of categories and words.
        cells: Label cells in a patch.
        patches: Along each side of a picture.
    """

    def __init__(
        self, tower: nn.Module, width: int, vocabulary: Vocabulary, cells: int, patches: int
    ) -> None:
        super().__init__()
        self.tower = tower
        self.norm = nn.LayerNorm(width)
        self.category = nn.Linear(width, cells * len(vocabulary.categories))
        self.depth = nn.Linear(width, cells)
        self.mark = nn.Linear(width, 1 + len(MARKS))
        self.word = nn.Linear(width, len(vocabulary.words))
        nn.init.constant_(self.word.bias, RARE_LOGIT)
        self.column, self.row = nn.Linear(width, patches), nn.Linear(width, patches)
        self.query, self.key = nn.Linear(width, width), nn.Linear(width, width)

    def forward(
        self,
        pixel_values: Tensor,
        category: Tensor,
        depth: Tensor,
        mark: Tensor,
        word: Tensor,
        word_known: Tensor,
        match: Tensor,
    ) -> dict[str, Tensor]:
        """Return the loss and its parts.

        Args:
            pixel_values: Shape (pairs * 2, 3, side, side).
            category: Shape (pairs * 2, patches, cells), int64.
            depth: The same shape: natural logarithm of metres; NaN where nothing is.
            mark: Shape (pairs * 2, patches), int64: 0 or 1 + place in MARKS.
            word: Shape (pairs * 2, patches, words): 1 for words of the object there.
            word_known: Shape (pairs * 2, patches): whether a known object's middle is there.
            match: Shape (pairs, patches), int64: patch of the second view, or -1.
        """
        states = self.tower(pixel_values=pixel_values).last_hidden_state[:, 1:]
        states = self.norm(states)
        scores = self.category(states).unflatten(-1, (*category.shape[2:], -1)).float()
        weight = torch.ones(scores.shape[-1], device=scores.device)
        weight[0] = BACKGROUND_WEIGHT
        known = torch.isfinite(depth)
        gap = functional.smooth_l1_loss(self.depth(states).float()[known], depth[known], beta=0.1)
        first, second = states[0::2], states[1::2]
        similarity = self.query(first) @ self.key(second).transpose(1, 2)
        similarity = similarity.float() / states.shape[-1] ** 0.5
        words = self.word(states[word_known]).float()
        side = torch.arange(self.column.out_features, device=states.device)
        columns, rows = side.repeat(len(side)), side.repeat_interleave(len(side))
        parts = {
            "category": functional.cross_entropy(scores.flatten(0, 2), category.flatten(), weight),
            "depth": 3 * gap,
            "mark": 5
            * functional.cross_entropy(self.mark(states).float().flatten(0, 1), mark.flatten()),
            "word": functional.binary_cross_entropy_with_logits(
                words, word[word_known], reduction="sum"
            )
            * 0.3
            / max(len(words), 1),
            "place": _told(self.column(states), columns) + _told(self.row(states), rows),
            "match": functional.cross_entropy(
                similarity.flatten(0, 1), match.flatten(), ignore_index=-1
            ),
        }
        return {"loss": torch.stack(list(parts.values())).sum(), **parts}


def _told(scores: Tensor, truth: Tensor) -> Tensor:
    """Return how badly each patch tells what is the same in all pictures.

    Args:
        scores: Shape (pictures, patches, classes).
        truth: Shape (patches,), int64.
    """
    return functional.cross_entropy(scores.float().flatten(0, 1), truth.repeat(len(scores)))


def pair_labels(
    pair: Pair, vocabulary: Vocabulary, patches: int, *, is_marked: bool
) -> dict[str, NDArray[Any]]:
    """Return the labels of a pair in the shapes of :class:`DenseHeads`, for two pictures.

    Args:
        pair: The pair.
        vocabulary: Of categories and words.
        patches: Along each side of a picture.
        is_marked: Whether the first picture is the one with dots.
    """
    number_of = {name: number for number, name in enumerate(vocabulary.categories)}
    lookup = np.array([number_of.get(name, 0) for name in pair.categories])
    depth_m = np.where(np.isfinite(pair.depth_m), np.minimum(pair.depth_m, MAX_DEPTH_M), np.nan)
    mark = np.zeros((2, patches * patches), np.int64)
    word = np.zeros((2, patches * patches, len(vocabulary.words)), np.float32)
    word_known = np.zeros((2, patches * patches), bool)
    place_of = {name: place for place, name in enumerate(vocabulary.words)}
    for thing in pair.things:
        patch = patch_at(thing.u, thing.v, patches)
        if is_marked and thing.mark is not None:
            mark[0, patch] = 1 + MARKS.index(thing.mark)
        places = [place_of.get(w) for w in (thing.name or thing.category).lower().split()]
        word[0, patch, [place for place in places if place is not None]] = 1
        word_known[0, patch] = True
    return {
        "category": _by_patch(lookup[pair.cells], patches),
        "depth": np.log(_by_patch(depth_m, patches)).astype(np.float32),
        "mark": mark,
        "word": word,
        "word_known": word_known,
        "match": matches(pair, patches)[None],
    }


def patch_at(u: float, v: float, patches: int) -> int:
    """Return the number of the patch at a place of the picture."""
    column, row = (min(int(share * patches), patches - 1) for share in (u, v))
    return row * patches + column


def _by_patch(grid: NDArray[Any], patches: int) -> NDArray[Any]:
    """Turn (2, G, G) into (2, patches * patches, cells of a patch)."""
    each = grid.shape[1] // patches
    blocks = grid.reshape(2, patches, each, patches, each).swapaxes(2, 3)
    return blocks.reshape(2, patches * patches, each * each)


@dataclass(frozen=True)
class Sample:
    """A pair and how it is shown."""

    index: int
    is_mirrored: bool
    is_marked: bool


def plan_pairs(count: int, available: int, rng: np.random.Generator) -> list[Sample]:
    """Return what is trained on, in order; the same generator gives the same plan."""
    order = endless(available, rng)
    return [
        Sample(next(order), bool(rng.random() < 0.5), bool(rng.random() < MARKED_SHARE))
        for _ in range(count)
    ]


class PairSamples(torch.utils.data.Dataset[dict[str, Any]]):
    """The samples of a plan as arrays."""

    def __init__(
        self, data: PairData, plan: Sequence[Sample], vocabulary: Vocabulary, patches: int
    ) -> None:
        self._data, self._plan = data, plan
        self._vocabulary, self._patches = vocabulary, patches

    def __len__(self) -> int:
        return len(self._plan)

    def __getitem__(self, index: int) -> dict[str, Any]:
        sample = self._plan[index]
        pair = self._data[sample.index]
        pair = mirrored(pair) if sample.is_mirrored else pair
        is_marked = sample.is_marked and not sample.is_mirrored
        pictures = [pair.marked if is_marked else pair.first, pair.second]
        labels = pair_labels(pair, self._vocabulary, self._patches, is_marked=is_marked)
        return {"pictures": pictures, **labels}


def collator(image_processor: Any) -> Callable[[list[dict[str, Any]]], dict[str, Tensor]]:
    """Return a function that joins samples."""

    def join(samples: list[dict[str, Any]]) -> dict[str, Tensor]:
        pictures = [picture for sample in samples for picture in sample.pop("pictures")]
        joined = {
            name: torch.from_numpy(np.concatenate([sample[name] for sample in samples]))
            for name in samples[0]
        }
        pixels = image_processor(pictures, return_tensors="pt")["pixel_values"]
        return {"pixel_values": pixels, **joined}

    return join


def pretrain_tower(
    model: Any, processor: Any, data: PairData, preset: Preset, out: Path, settings: Any
) -> None:
    """Train a model's vision tower on pairs; what is done already is gone on with.

    Args:
        model: A LLaVA whose tower is a CLIP vision model; changed in place.
        processor: Its processor.
        data: Pairs of pictures.
        preset: Says how many samples, the batch size and the learning rate.
        out: Folder of its checkpoints and, at the end, of TOWER.
        settings: transformers.TrainingArguments of the whole run: what it reports, and to whom.
    """
    tower, vision = model.model.vision_tower, model.config.vision_config
    patches = vision.image_size // vision.patch_size
    vocabulary = Vocabulary(data.categories(), data.words())
    cells = (data[0].depth_m.shape[1] // patches) ** 2
    plan = plan_pairs(preset.pair_count, len(data), np.random.default_rng([preset.seed, 1]))
    pretrain(
        DenseHeads(tower, vision.hidden_size, vocabulary, cells, patches),
        tower,
        PairSamples(data, plan, vocabulary, patches),
        collator(processor.image_processor),
        preset.pair_batch_size,
        preset,
        out / TOWER,
        settings,
    )
