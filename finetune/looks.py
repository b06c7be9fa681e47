"""Where a model has to look while it answers, as tokens of a batch.

For lessons and for questions alike: from a name or a mark to the patch that shows the thing, from a
patch of a second view to the same in the first, from an option to its letter, and from the place
where the reply starts to the names asked about, to the patches that tell a movement, and to the
right option.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from trl.data_utils import prepare_multimodal_messages

from finetune.lessons import Lesson
from finetune.pairs import matches
from finetune.vision import patch_at

Ints = NDArray[np.int64]

LOOKS = {
    "names": 4,
    "matches": 4,
    "letters": 3,
    "first": 3,
    "second": 3,
    "moved": 3,
    "right": 4,
}
"""A row for each look: row of the batch, token that looks, token that is looked at, and for names
and matches the number of the patch there. ``letters`` go from the last token of an option to its
letter, the others from where a reply starts: ``first`` and ``second`` are the names of a question,
``moved`` the patches of a second view whose counterparts are known, ``right`` the last token of the
right option, and then its letter."""


def collator(model: Any, processor: Any) -> Callable[[list[Lesson]], dict[str, Any]]:
    """Return a function that makes a batch of lessons: what the model takes, labels, and looks."""
    tokenizer, image_token = processor.tokenizer, model.config.image_token_id
    vision = model.config.vision_config
    patches = vision.image_size // vision.patch_size

    def join(lessons: list[Lesson]) -> dict[str, Any]:
        chats = [prepare_multimodal_messages(one.messages, images=one.images) for one in lessons]
        inputs = processor.apply_chat_template(
            chats,
            tokenize=True,
            return_dict=True,
            return_assistant_tokens_mask=True,
            # The mask is made token by token: with tensors that takes longer than all the rest.
            processor_kwargs={"padding": True, "return_tensors": "np"},
        )
        learned = np.asarray(inputs.pop("assistant_masks"), bool)
        inputs["labels"] = np.where(learned, inputs["input_ids"], -100)
        looks: dict[str, list[tuple[int, ...]]] = {name: [] for name in LOOKS}
        for row, (one, ids) in enumerate(zip(lessons, inputs["input_ids"], strict=True)):
            shown = np.flatnonzero(ids == image_token).reshape(len(one.images), -1)
            for name, look in _looks(one, ids, shown, tokenizer, patches):
                looks[name].append((row, *look))
        tensors = {
            name: torch.tensor(looks[name], dtype=torch.int64).reshape(-1, width)
            for name, width in LOOKS.items()
        }
        return {name: torch.as_tensor(array) for name, array in inputs.items()} | {"looks": tensors}

    return join


def missed(attention: Tensor, looks: Tensor, least: float = 1e-6) -> Tensor:
    """Return the mean negative logarithm of the attention that goes where it should.

    Args:
        attention: Of one head, shape (batch, tokens, tokens).
        looks: Rows of one kind of LOOKS.
        least: Share of attention that is added, so that the logarithm is finite.
    """
    share = attention[looks[:, 0], looks[:, 1], looks[:, 2]].float()
    return -(share + least).log().sum() / max(len(looks), 1)


def _looks(
    one: Lesson, ids: Ints, shown: Ints, tokenizer: Any, patches: int
) -> Iterator[tuple[str, tuple[int, ...]]]:
    named = list(_named(ids, one, tokenizer))
    for place, (u, v) in named:
        patch = patch_at(u, v, patches)
        yield "names", (place, int(shown[0, patch]), patch)
    asked = _asked(ids, tokenizer)
    if one.pair is not None and len(shown) == 2:
        for patch, there in enumerate(matches(one.pair, patches)):
            if there >= 0:
                yield "matches", (int(shown[1, there]), int(shown[0, patch]), patch)
                for end in asked:
                    yield "moved", (end, int(shown[1, there]))
    start = 0
    for end in asked:
        options = _options(ids[:end], start, tokenizer)
        for letter, last in options.values():
            yield "letters", (last, letter)
        until = min((letter for letter, _ in options.values()), default=end)
        in_question = [place for place, _ in named if start < place < until]
        if one.are_all_placed:
            looks = ((end, place) for place in in_question)
            yield from zip(("first", "second"), looks, strict=False)
        reply = tokenizer.decode(ids[end + 1 : end + 2]).strip()
        if reply in options:
            letter, last = options[reply]
            yield "right", (end, last, letter)
        start = end


def _asked(ids: Ints, tokenizer: Any) -> list[int]:
    """Return the tokens after which replies start."""
    ask = tokenizer.encode("ASSISTANT:", add_special_tokens=False)
    return [int(start) + len(ask) - 1 for start in _found(ids, ask)]


def _options(ids: Ints, start: int, tokenizer: Any) -> dict[str, tuple[int, int]]:
    """Return by its letter where each option after a token has its letter, and ends."""
    newline, dot = (tokenizer.encode(text, add_special_tokens=False) for text in ("\n", "."))
    lines = [int(at) for at in _found(ids, newline) if at > start]
    return {
        tokenizer.decode(ids[at + 1 : at + 2]): (at + 1, end - 1)
        for at, end in pairwise(lines)
        if ids[at + 2] == dot[0]
    }


def _named(ids: Ints, one: Lesson, tokenizer: Any) -> Iterator[tuple[int, tuple[float, float]]]:
    """Yield in order the last token of each name in a conversation, and where the thing is."""
    found: dict[int, tuple[float, float]] = {}
    taken = np.zeros(len(ids), bool)
    for phrase in sorted(one.places, key=len, reverse=True):
        words = tokenizer.encode(f" {phrase}", add_special_tokens=False)
        for start in _found(ids, words):
            if not taken[start : start + len(words)].any():
                taken[start : start + len(words)] = True
                found[int(start) + len(words) - 1] = one.places[phrase]
    yield from sorted(found.items())


def _found(ids: Ints, words: Sequence[int]) -> Ints:
    """Return where a sequence of tokens starts in another."""
    if len(words) > len(ids):
        return np.zeros(0, np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(ids, len(words))
    return np.flatnonzero((windows == np.array(words)).all(1))
