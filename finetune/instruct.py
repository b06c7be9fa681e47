"""LLaVA-Instruct conversations (llava_v1_5_mix665k.json and files of its shape).

A file of a gigabyte is read once from front to back, which finds where each usable conversation
lies and how many pictures it has; conversations are read from the file when they are trained on.
"""

from __future__ import annotations

import codecs
import hashlib
import json
import re
from array import array
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image

from sat_tasks.console import UserError

MAX_TEXT_BYTES = 8192
"""Longest text of a conversation: about 2,048 tokens, where LLaVA's own training cuts. Turns after
it are left out."""
COLUMNS = ("id", "image", "conversations", "model")
_IMAGE = "<image>"
_MARK = re.compile(r"\s*([\[,])\s*")
_END, _EMPTY = re.compile(r"\s*\]\s*"), re.compile(r"\s*\[\s*\]\s*")
_ROLES = {"human": "user", "gpt": "assistant"}
_CHUNK_BYTES = 1 << 20
_LONGEST_ROW = 1 << 24
"""Characters; what is longer is no conversation."""


class InstructData:
    """A LLaVA-Instruct file: checked at once, its conversations and pictures read when asked for.

    Args:
        file: A JSON list of ``{"image": path, "conversations": [{"from", "value"}, ...]}``; text
            conversations have no "image".
        pictures: The folder that picture paths start from.

    Raises:
        UserError: It is no such file.
    """

    def __init__(self, file: Path, pictures: Path) -> None:
        self.faults: Counter[str] = Counter()
        """Unusable rows by reason; they are left out."""
        self._file, self._pictures = file, pictures
        self._offsets, self._lengths, self._counts = array("q"), array("l"), array("b")
        digest = hashlib.sha256()
        try:
            for row, offset, length in _rows(file, digest):
                fault = _fault(row, pictures)
                if fault:
                    self.faults[fault] += 1
                    continue
                self._offsets.append(offset)
                self._lengths.append(length)
                self._counts.append(int("image" in row))
        except OSError as error:
            raise UserError(f"{file} cannot be read: {error.strerror or error}") from error
        self.revision = digest.hexdigest()[:12]

    def __len__(self) -> int:
        return len(self._offsets)

    def picture_count(self, index: int) -> int:
        """Return how many pictures a conversation has: none or one."""
        return self._counts[index]

    def conversation(self, index: int) -> dict[str, Any]:
        """Return a conversation as TRL takes it: ``{"messages": [...], "images": [PIL...]}``."""
        with self._file.open("rb") as content:
            content.seek(self._offsets[index])
            row = json.loads(content.read(self._lengths[index]))
        images = []
        if "image" in row:
            with Image.open(self._pictures / row["image"]) as picture:
                images.append(picture.convert("RGB"))
        return {
            "messages": [
                {"role": _ROLES[speaker], "content": _content(text)}
                for speaker, text in _turns(row)
            ],
            "images": images,
        }


def _rows(file: Path, digest: Any) -> Iterator[tuple[Any, int, int]]:
    """Yield each element of a JSON list, its first byte and its length in bytes.

    Args:
        file: The file.
        digest: Is updated with all of its bytes.

    Raises:
        UserError: It is no JSON list of short elements.
    """
    decode, decoder = json.JSONDecoder().raw_decode, codecs.getincrementaldecoder("utf-8")()
    text, first_byte, at, count = "", 0, 0, 0
    with file.open("rb") as content:
        while True:
            mark = _MARK.match(text, at)
            if mark and mark[1] == ("," if count else "["):
                try:
                    row, end = decode(text, mark.end())
                except ValueError:
                    pass  # it may go on in the next chunk
                else:
                    start = first_byte + _bytes(text[at : mark.end()])
                    length = _bytes(text[mark.end() : end])
                    yield row, start, length
                    first_byte, at, count = start + length, end, count + 1
                    continue
            chunk = content.read(_CHUNK_BYTES)
            digest.update(chunk)
            try:
                text, at = text[at:] + decoder.decode(chunk, final=not chunk), 0
            except UnicodeDecodeError as error:
                raise UserError(f"{file} is not UTF-8: {error}") from error
            if chunk and len(text) < _LONGEST_ROW:
                continue
            if not chunk and (_END if count else _EMPTY).fullmatch(text):
                return
            raise UserError(
                f"{file} is no JSON list of conversations: row {count + 1} cannot be read, "
                f"from byte {first_byte}"
            )


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _turns(row: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the turns to learn from: from the first question on, as many pairs as are not long.

    Raises:
        KeyError, TypeError: There is no conversation.
    """
    turns = [(turn["from"], turn["value"]) for turn in row["conversations"]]
    if turns and turns[0][0] == "gpt":
        turns = turns[1:]
    kept, size = 0, 0
    while kept + 2 <= len(turns):
        size += sum(len(text.encode()) for _, text in turns[kept : kept + 2])
        if size > MAX_TEXT_BYTES:
            break
        kept += 2
    return turns[:kept]


def _content(text: str) -> list[dict[str, str]]:
    """Return a turn's content, its picture first as in LLaVA's own training."""
    pictures = [{"type": "image"}] * text.count(_IMAGE)
    words = text.replace(_IMAGE, "").strip()
    return [*pictures, {"type": "text", "text": words}]


def _fault(row: Any, pictures: Path) -> str | None:
    """Return why a row cannot be trained on, or None."""
    try:
        turns, named = _turns(row), row.get("image")
        unknown = sorted(set(row) - set(COLUMNS))
    except (KeyError, TypeError, AttributeError):
        return "no conversation"
    if unknown:
        return f"unknown column {unknown[0]!r}"
    if not turns:
        return "too long" if len(row["conversations"]) > 1 else "no conversation"
    if [speaker for speaker, _ in turns] != ["human", "gpt"] * (len(turns) // 2):
        return "turns do not alternate"
    if not all(text.replace(_IMAGE, "").strip() for _, text in turns):
        return "empty turn"
    if sum(text.count(_IMAGE) for _, text in turns) != (named is not None):
        return "pictures and placeholders differ"
    if named is not None and not (pictures / named).is_file():
        return "missing picture"
    return None
