"""Prompts that begin alike go through the model once up to where they part.

A prompt is mostly pictures, and they come first; a question's option orders have all but the
options in common. Keys and values of the common part are computed once and copied.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from PIL import Image
from torch import Tensor


@dataclass(frozen=True)
class Prompt:
    """A prompt's text, with a picture token for each picture, and its pictures in RGB."""

    text: str
    pictures: Sequence[Image.Image]


@dataclass(frozen=True)
class Reply:
    """Tokens of a reply, the end token and padding included."""

    tokens: Tensor
    prompt_length: int


@dataclass(frozen=True)
class _Group:
    """Prompts whose pictures and text before the last picture are the same."""

    members: list[int]
    tokens: list[list[int]]
    """Of each member; pictures take their full number of tokens."""

    @property
    def shared(self) -> int:
        """How many tokens all have in common; the last one is never shared: it begins the reply."""
        longest = min(map(len, self.tokens)) - 1
        first = self.tokens[0]
        for place in range(longest):
            if any(tokens[place] != first[place] for tokens in self.tokens[1:]):
                return place
        return longest


def generate(
    model: Any, processor: Any, prompts: Sequence[Prompt], options: Mapping[str, Any]
) -> list[Reply]:
    """Return the reply to each prompt.

    Args:
        model: A LlavaForConditionalGeneration; its attention takes masks with gaps (eager or sdpa).
        processor: Its processor.
        prompts: The prompts.
        options: Of ``model.generate``.
    """
    groups, pixels = _groups(prompts, processor)
    padding = processor.tokenizer.pad_token_id
    heads, heads_mask = _left_padded(
        [group.tokens[0][: group.shared] for group in groups], padding, model.device
    )
    cache = model.model(
        input_ids=heads,
        attention_mask=heads_mask,
        position_ids=(heads_mask.cumsum(1) - 1).clamp(min=0),
        use_cache=True,
        **({} if pixels is None else {"pixel_values": pixels.to(model.device, model.dtype)}),
    ).past_key_values
    order = [member for group in groups for member in group.members]
    beams = options.get("num_beams", 1)
    source = torch.tensor(
        [number for number, group in enumerate(groups) for _ in group.members], device=model.device
    )
    cache.batch_select_indices(source.repeat_interleave(beams))
    tails, tails_mask = _left_padded(
        [tokens[group.shared :] for group in groups for tokens in group.tokens],
        padding,
        model.device,
    )
    mask = torch.cat([heads_mask[source], tails_mask], dim=1)
    output = model.generate(
        input_ids=torch.cat([heads[source], tails], dim=1),
        attention_mask=mask,
        past_key_values=cache,
        **options,
    )[:, mask.shape[1] :]
    lengths = mask.sum(1).tolist()
    replies = {
        index: Reply(tokens, length)
        for index, tokens, length in zip(order, output, lengths, strict=True)
    }
    return [replies[index] for index in range(len(prompts))]


def _groups(prompts: Sequence[Prompt], processor: Any) -> tuple[list[_Group], Tensor | None]:
    """Return prompts that begin alike together, and the pixels of the pictures of each group."""
    members: dict[tuple[str, ...], list[int]] = {}
    for index, prompt in enumerate(prompts):
        members.setdefault(_beginning(prompt, processor.image_token), []).append(index)
    firsts = [prompts[indices[0]] for indices in members.values()]
    # Chat templates begin with the begin token or leave it to the tokenizer.
    adds_begin = not prompts[0].text.startswith(processor.tokenizer.bos_token or " ")
    encoded = processor(
        text=[first.text for first in firsts],
        images=[picture for first in firsts for picture in first.pictures] or None,
        padding=True,
        return_tensors="pt",
        add_special_tokens=adds_begin,
    )
    groups = []
    rows = zip(members.values(), encoded["input_ids"], encoded["attention_mask"], strict=True)
    for indices, row, mask in rows:
        tokens = [row[mask.bool()].tolist()]
        picture_count = len(prompts[indices[0]].pictures)
        size = tokens[0].count(processor.image_token_id) // max(1, picture_count)
        for index in indices[1:]:
            text = prompts[index].text.replace(processor.image_token, processor.image_token * size)
            found = processor.tokenizer(text, add_special_tokens=adds_begin)
            tokens.append(found["input_ids"])
        groups.append(_Group(indices, tokens))
    return groups, encoded.get("pixel_values")


def _beginning(prompt: Prompt, picture_token: str) -> tuple[str, ...]:
    """Return what prompts must have in common to share their pictures."""
    pictures = [
        f"{picture.size} {hashlib.sha256(picture.tobytes()).hexdigest()}"
        for picture in prompt.pictures
    ]
    return (prompt.text[: prompt.text.rfind(picture_token) + 1], *pictures)


def _left_padded(
    rows: Sequence[Sequence[int]], padding: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Return tokens and attention mask, both of shape (rows, longest row)."""
    width = max(map(len, rows))
    tokens = [[padding] * (width - len(row)) + list(row) for row in rows]
    mask = [[0] * (width - len(row)) + [1] * len(row) for row in rows]
    return torch.tensor(tokens, device=device), torch.tensor(mask, device=device)
