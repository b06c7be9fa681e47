"""LLaVA-Instruct conversations (llava_v1_5_mix665k.json and files of its shape)."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from PIL import Image

from sat_tasks.console import UserError

_IMAGE = "<image>"
_ROLES = {"human": "user", "gpt": "assistant"}


class InstructData:
    """A LLaVA-Instruct file: checked at once, its pictures opened when asked for.

    Args:
        file: A JSON list of ``{"image": path, "conversations": [{"from", "value"}, ...]}``; text
            conversations have no "image".
        pictures: The folder that picture paths start from.

    Raises:
        UserError: It is no such file.
    """

    def __init__(self, file: Path, pictures: Path) -> None:
        try:
            content = file.read_bytes()
            rows = json.loads(content)
        except (OSError, ValueError) as error:
            raise UserError(f"{file} cannot be read as JSON: {error}") from error
        if not isinstance(rows, list):
            raise UserError(f"{file} is no LLaVA-Instruct file: expected a list of conversations")
        self.revision = hashlib.sha256(content).hexdigest()[:12]
        self.faults: Counter[str] = Counter()
        """Unusable rows by reason; they are left out."""
        self._pictures = pictures
        self._rows: list[dict[str, Any]] = []
        for row in rows:
            fault = _fault(row, pictures)
            if fault:
                self.faults[fault] += 1
            else:
                self._rows.append(row)

    def __len__(self) -> int:
        return len(self._rows)

    def picture_count(self, index: int) -> int:
        """Return how many pictures a conversation has: none or one."""
        return int("image" in self._rows[index])

    def conversation(self, index: int) -> dict[str, Any]:
        """Return a conversation as TRL takes it: ``{"messages": [...], "images": [PIL...]}``."""
        row = self._rows[index]
        images = []
        if "image" in row:
            with Image.open(self._pictures / row["image"]) as picture:
                images.append(picture.convert("RGB"))
        return {
            "messages": [
                {"role": _ROLES[turn["from"]], "content": _content(turn["value"])}
                for turn in row["conversations"]
            ],
            "images": images,
        }


def _content(text: str) -> list[dict[str, str]]:
    """Split a turn's text at its picture placeholder."""
    parts: list[dict[str, str]] = []
    for number, piece in enumerate(text.split(_IMAGE)):
        if number:
            parts.append({"type": "image"})
        if piece.strip():
            parts.append({"type": "text", "text": piece.strip()})
    return parts


def _fault(row: Any, pictures: Path) -> str | None:
    """Return why a row cannot be trained on, or None."""
    try:
        turns = [(turn["from"], turn["value"]) for turn in row["conversations"]]
        named = row.get("image")
    except (KeyError, TypeError, AttributeError):
        return "no conversation"
    speakers = [speaker for speaker, _ in turns]
    if not turns or speakers != ["human", "gpt"] * (len(turns) // 2):
        return "turns do not alternate"
    if any(not isinstance(text, str) or not text.strip() for _, text in turns):
        return "empty turn"
    if sum(text.count(_IMAGE) for _, text in turns) != (named is not None):
        return "pictures and placeholders differ"
    if named is not None and not (pictures / named).is_file():
        return "missing picture"
    return None
