"""The raw replies of a submission: ``replies.jsonl``, one JSON object per line.

Fields: ``id`` of the question; ``order``, the index of the option that was offered first;
``prompt_sha256`` of the words that were asked; ``reply``, what the model said.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from leaderboard.submissions.metadata import decode, strict_json

MAX_REPLY_CHARACTERS = 32_768
MAX_LINES = 1_000_000
FIELDS = {"id": str, "order": int, "prompt_sha256": str, "reply": str}
_SHOWN = 3
"""Examples that a reason names."""


@dataclass(frozen=True)
class Reply:
    """One reply."""

    id: str
    order: int
    prompt_sha256: str
    reply: str

    @property
    def key(self) -> tuple[str, int]:
        """Which sample it answers."""
        return self.id, self.order


def prompt_digest(prompt: str) -> str:
    """Return what identifies the wording of a prompt."""
    return hashlib.sha256(prompt.encode("utf-8")).hexdigest()


def read_replies(content: bytes) -> tuple[list[Reply], list[str]]:
    """Return the replies that can be read, and every reason to refuse the others."""
    lines = content.split(b"\n")
    if lines and not lines[-1]:
        lines.pop()
    if len(lines) > MAX_LINES:
        return [], [f"replies.jsonl has {len(lines)} lines; at most {MAX_LINES}"]
    replies: list[Reply] = []
    problems: dict[str, list[int]] = {}
    for number, line in enumerate(lines, 1):
        try:
            replies.append(_parse(line))
        except ValueError as error:
            problems.setdefault(str(error), []).append(number)
    return replies, [
        f"replies.jsonl: {problem} (line {_listed(numbers)})"
        for problem, numbers in list(problems.items())[:20]
    ]


def _parse(line: bytes) -> Reply:
    raw = strict_json(decode(line))
    if not isinstance(raw, dict) or set(raw) != set(FIELDS):
        raise ValueError(f"not an object with exactly the fields {', '.join(FIELDS)}")
    for name, kind in FIELDS.items():
        if type(raw[name]) is not kind:
            raise ValueError(f"{name} is no {kind.__name__}")
    reply: str = raw["reply"]
    if len(reply) > MAX_REPLY_CHARACTERS:
        raise ValueError(f"a reply of more than {MAX_REPLY_CHARACTERS} characters")
    if any("\ud800" <= letter <= "\udfff" or letter == "\0" for letter in raw["id"] + reply):
        raise ValueError("a text holds half a character or a null character")
    return Reply(**raw)


def completeness_problems(
    replies: Sequence[Reply], expected: dict[tuple[str, int], str]
) -> list[str]:
    """Return how replies differ from the samples that were to be answered.

    Args:
        replies: What was sent.
        expected: The digest of each sample's prompt, by id and order.
    """
    counts = Counter(reply.key for reply in replies)
    known_ids = {name for name, _ in expected}
    extra = [key for key in counts if key not in expected]
    problems = {
        "replies to unknown questions": [k for k in extra if k[0] not in known_ids],
        "replies to option orders that were not asked": [k for k in extra if k[0] in known_ids],
        "replies are missing": [key for key in expected if key not in counts],
        "samples are answered more than once": [key for key, count in counts.items() if count > 1],
        "questions were altered (prompt_sha256 differs)": [
            reply.key
            for reply in replies
            if reply.key in expected and reply.prompt_sha256 != expected[reply.key]
        ],
    }
    return [
        f"{len(keys)} {what}, such as {_listed(f'{name[:60]!r} order {n}' for name, n in keys)}"
        for what, keys in problems.items()
        if keys
    ]


def _listed(values: Iterable[Any]) -> str:
    words = [str(value) for value in values]
    return ", ".join(words[:_SHOWN]) + (", ..." if len(words) > _SHOWN else "")
