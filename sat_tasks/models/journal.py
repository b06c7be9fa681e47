"""The journal of an API model: every answer on disk before the next step is taken.

A journal is a text file: a header line, then one JSON object per line. A line is appended and
synced as a whole; what a crash leaves of an unfinished last line is cut off at the next start.
Failures are written too, for the record and for their cost, but never taken for answers.
"""

from __future__ import annotations

import fcntl
import io
import json
import os
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sat_tasks.console import UserError
from sat_tasks.replies import FAILED, REFUSED

ANSWERED = "answered"
KINDS = (ANSWERED, REFUSED, FAILED)
_HEADER = b'{"sat_bench_journal": 1}\n'


@dataclass(frozen=True)
class Usage:
    """Tokens of one call, as the server counts them."""

    input_tokens: int
    output_tokens: int
    """Thinking included."""
    thinking_tokens: int = 0


@dataclass(frozen=True)
class Entry:
    """What came of one request."""

    key: str
    """See :func:`sat_tasks.models.chat.request_key`."""
    kind: str
    """answered, refused or failed."""
    text: str
    """The answer, or the reason why there is none."""
    usage: Usage | None
    cost_usd: float | None
    """With the prices of the day, including attempts whose reply was lost; None: no price known."""
    served_by: str
    """The model's name as the server gave it."""
    label: str
    """Which question this was, for people."""
    at: str
    """ISO 8601, UTC."""


class Journal:
    """An open journal; no other process can open it meanwhile."""

    def __init__(self, path: Path) -> None:
        """Open or create a journal.

        Raises:
            UserError: The file is in use, not a journal, damaged, or cannot be written.
        """
        self.path = path
        self._answers: dict[str, Entry] = {}
        self._cost_usd = 0.0
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = io.FileIO(path, "a+")
        except OSError as error:
            raise UserError(f"cannot open the journal {path}: {error.strerror}") from error
        with ExitStack() as on_failure:
            on_failure.callback(self._file.close)
            self._lock()
            self._read()
            on_failure.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __len__(self) -> int:
        """Return the number of questions that need not be asked again."""
        return len(self._answers)

    @property
    def cost_usd(self) -> float:
        """What everything in this journal has cost, as far as prices were known."""
        return self._cost_usd

    def get(self, key: str) -> Entry | None:
        """Return the answer or refusal under this key, or None if it has to be asked for."""
        return self._answers.get(key)

    def append(self, entry: Entry) -> None:
        """Write an entry; when this returns, it survives a crash of process or machine.

        Raises:
            UserError: The disk is full or gone.
        """
        try:
            self._write(json.dumps(asdict(entry), ensure_ascii=False).encode() + b"\n")
        except OSError as error:
            raise UserError(f"cannot write the journal {self.path}: {error.strerror}") from error
        self._take(entry)

    def close(self) -> None:
        """Close the file and let others open it."""
        self._file.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"the journal {self.path} is in use by another run; wait for it to end, or "
                "keep another one with journal=PATH"
            ) from None

    def _read(self) -> None:
        self._file.seek(0)
        content = self._file.readall()
        if not content.startswith(_HEADER):
            if not _HEADER.startswith(content):
                raise UserError(f"{self.path} is not a journal of SAT Bench; it was left as it is")
            self._file.truncate(0)
            self._write(_HEADER)
            _sync_folder(self.path.parent)
            return
        whole, _, torn = content.rpartition(b"\n")
        for number, line in enumerate(whole.split(b"\n")[1:], 2):
            self._take(self._parse(line, number))
        if torn:
            self._file.truncate(len(content) - len(torn))
            os.fsync(self._file.fileno())

    def _parse(self, line: bytes, number: int) -> Entry:
        try:
            record: dict[str, Any] = json.loads(line)
            usage = record.pop("usage")
            entry = Entry(usage=None if usage is None else Usage(**usage), **record)
            if entry.kind not in KINDS:
                raise ValueError(f"unknown kind {entry.kind!r}")
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise UserError(
                f"{self.path} line {number} is damaged ({error}); take the line out to go on"
            ) from error
        return entry

    def _take(self, entry: Entry) -> None:
        self._cost_usd += entry.cost_usd or 0.0
        if entry.kind != FAILED:
            self._answers[entry.key] = entry

    def _write(self, line: bytes) -> None:
        rest = memoryview(line)
        while rest:
            rest = rest[self._file.write(rest) :]
        os.fsync(self._file.fileno())


def _sync_folder(path: Path) -> None:
    """Make a new file's name survive a crash, too."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
