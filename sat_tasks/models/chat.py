"""A question as it goes to an API, before any provider's format: texts and encoded pictures."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from sat_tasks.console import UserError
from sat_tasks.pictures import EncodedPicture, encode_picture, open_picture

DEFAULT_MAX_NEW_TOKENS = 1024


@dataclass(frozen=True)
class Message:
    """One turn of a conversation."""

    role: str
    """system, user or assistant."""
    parts: tuple[str | EncodedPicture, ...]
    """In the order in which the model reads them."""


@dataclass(frozen=True)
class ChatRequest:
    """One question and how it is to be answered."""

    messages: tuple[Message, ...]
    max_new_tokens: int
    """Room for the answer itself, without any thinking."""
    temperature: float | None = 0.0
    """None leaves it to the server."""
    top_p: float | None = None

    @property
    def sampled(self) -> bool:
        """Whether asking twice may give two answers."""
        return self.temperature is None or self.temperature > 0


@dataclass(frozen=True)
class Job:
    """A question that is built when its turn comes, so that pictures are not all in memory."""

    label: str
    """For people: task and number of the question."""
    build: Callable[[], ChatRequest]


def build_request(
    messages: Sequence[Mapping[str, Any]],
    options: Mapping[str, Any],
    max_side_px: int | None = None,
) -> ChatRequest:
    """Make a request from what an lmms-eval task hands to a chat model.

    Args:
        messages: Dicts with "role" and "content"; content is a list of
            ``{"type": "text", "text": str}`` and ``{"type": "image", "url": PIL image or path}``.
        options: The task's generation_kwargs. ``until`` is ignored: lmms-eval adds it to every
            task, and it would cut reasoning at its first blank line.
        max_side_px: See :func:`sat_tasks.pictures.encode_picture`.

    Raises:
        UserError: The task asks for something other than texts and pictures.
    """
    temperature = options.get("temperature")
    if options.get("do_sample") is False or temperature is None:
        temperature = 0.0
    return ChatRequest(
        messages=tuple(
            Message(str(message["role"]), tuple(_parts(message["content"], max_side_px)))
            for message in messages
        ),
        max_new_tokens=int(options.get("max_new_tokens", DEFAULT_MAX_NEW_TOKENS)),
        temperature=float(temperature),
        top_p=options.get("top_p"),
    )


def _parts(content: Any, max_side_px: int | None) -> list[str | EncodedPicture]:
    if isinstance(content, str):
        return [content]
    return [_part(item, max_side_px) for item in content]


def _part(item: Mapping[str, Any], max_side_px: int | None) -> str | EncodedPicture:
    if item["type"] == "text":
        return str(item["text"])
    if item["type"] != "image":
        raise UserError(f"API models take text and pictures; this task sends {item['type']!r}")
    picture = item["url"]
    if isinstance(picture, str | Path):
        picture = open_picture(Path(picture).read_bytes())
    if not isinstance(picture, Image.Image):
        raise UserError(f"API models take PIL pictures or files; got {type(picture).__name__}")
    return encode_picture(picture, max_side_px)


def request_key(identity: Mapping[str, Any], request: ChatRequest) -> str:
    """Return the SHA-256 that stands for this request to this model.

    Args:
        identity: Everything but the request that an answer depends on: provider, endpoint, model
            and parameters. JSON values.
        request: The request; its pictures enter with all their bytes.
    """
    content = {
        "identity": dict(identity),
        "max_new_tokens": request.max_new_tokens,
        "temperature": request.temperature,
        "top_p": request.top_p,
        "messages": [
            [message.role, *(_fingerprint(part) for part in message.parts)]
            for message in request.messages
        ],
    }
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


class Keys:
    """Keys of the requests of one run.

    Where an answer is sampled, asking the same twice is asking for two answers: the n-th copy of
    such a request has a key of its own.
    """

    def __init__(self, identity: Mapping[str, Any]) -> None:
        """Start a run with this identity; see :func:`request_key`."""
        self._identity = identity
        self._copies: Counter[str] = Counter()

    def key(self, request: ChatRequest) -> str:
        """Return the key of the next request."""
        key = request_key(self._identity, request)
        if not request.sampled:
            return key
        self._copies[key] += 1
        return f"{key}-{self._copies[key]}"


def _fingerprint(part: str | EncodedPicture) -> dict[str, str]:
    if isinstance(part, str):
        return {"text": part}
    return {part.mime: hashlib.sha256(part.data).hexdigest()}
