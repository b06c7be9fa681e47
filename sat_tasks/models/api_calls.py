"""One call to an API: what comes back, what can go wrong, and when to try again."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Any, Protocol

from sat_tasks.models.chat import ChatRequest
from sat_tasks.models.journal import Usage


@dataclass(frozen=True)
class Reply:
    """A usable reply of a server."""

    kind: str
    """journal.ANSWERED or replies.REFUSED."""
    text: str
    """The answer, or why the model declined."""
    usage: Usage | None
    served_by: str


class Trouble(Enum):
    """What a failed attempt means for what to do next."""

    BUSY = "busy"
    """The server has too much to do: wait, ask less at once, and keep trying."""
    AGAIN = "again"
    """An accident: try again a few times."""
    LOST = "lost"
    """This request would fail the same way again."""
    FATAL = "fatal"
    """Every request would fail: stop the run."""


class CallError(Exception):
    """A failed attempt."""

    def __init__(
        self,
        trouble: Trouble,
        message: str,
        retry_after_s: float | None = None,
        may_be_billed: bool = False,
        timed_out: bool = False,
    ) -> None:
        """Describe a failed attempt.

        Args:
            trouble: What it means.
            message: What the server or the network said.
            retry_after_s: How long the server asks to wait.
            may_be_billed: Whether the server may have made an answer that got lost.
            timed_out: Whether it took too long.
        """
        super().__init__(message)
        self.trouble = trouble
        self.message = " ".join(message.split()) or "no message"
        self.retry_after_s = retry_after_s
        self.may_be_billed = may_be_billed
        self.timed_out = timed_out


class Provider(Protocol):
    """A kind of API."""

    name: str
    """The model id under which lmms-eval knows it."""

    def identity(self) -> Mapping[str, Any]:
        """Return everything but the request that an answer depends on, as JSON values."""

    def output_limit(self, request: ChatRequest) -> int:
        """Return the largest number of output tokens that a call may use, thinking included."""

    async def ask(self, request: ChatRequest) -> Reply:
        """Make one attempt, with no retries and no time limit of its own.

        Raises:
            CallError: There is no usable reply.
        """

    async def close(self) -> None:
        """Close the connections."""


_STATUS_TROUBLE = {
    408: Trouble.AGAIN,
    409: Trouble.AGAIN,
    425: Trouble.AGAIN,
    429: Trouble.BUSY,
    503: Trouble.BUSY,
    529: Trouble.BUSY,
}


def trouble_of_status(status: int) -> Trouble:
    """Return what an HTTP status other than success means."""
    if status in _STATUS_TROUBLE:
        return _STATUS_TROUBLE[status]
    return Trouble.FATAL if 400 <= status < 500 else Trouble.AGAIN


def retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Return how long the headers ask to wait, or None if they do not say."""
    milliseconds = headers.get("retry-after-ms")
    if milliseconds is not None and _NUMBER.fullmatch(milliseconds):
        return float(milliseconds) / 1000
    text = headers.get("retry-after")
    if text is None:
        return None
    if _NUMBER.fullmatch(text):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, (moment - datetime.now(UTC)).total_seconds()) if moment.tzinfo else None


_NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True)
class Backoff:
    """How long to wait before the next attempt: exponential, with jitter."""

    first_s: float = 1.0
    longest_s: float = 60.0

    def wait_s(self, failures: int, asked_s: float | None, rng: random.Random) -> float:
        """Return a wait after this many failures in a row; never less than the server asks."""
        wait_s: float = min(self.longest_s, self.first_s * 2.0 ** min(failures - 1, 30))
        return (asked_s or 0.0) + wait_s * rng.uniform(0.5, 1.0)


class Gate:
    """How many calls may be under way at once: grows while all goes well, halves when not.

    The limit starts at ``min(4, most)``. It grows by one per success until the server first
    pushes back, and by one per round of successes after that. Push-backs from calls that began
    before the last cut say nothing new and do not cut again.
    """

    def __init__(self, most: int) -> None:
        """Open the gate for at most ``most`` calls at once."""
        self._most = most
        self._limit = float(min(4, most))
        self._inside = 0
        self._opens_at_s = 0.0
        self._last_cut_s: float | None = None
        self._moved = asyncio.Event()

    @property
    def limit(self) -> int:
        """How many calls may be under way now."""
        return int(self._limit)

    async def enter(self) -> float:
        """Wait for a place; return the time at which it was taken, for :meth:`push_back`."""
        while True:
            wait_s = self._opens_at_s - _now_s()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            elif self._inside < self.limit:
                self._inside += 1
                return _now_s()
            else:
                self._moved.clear()
                await self._moved.wait()

    def leave(self) -> None:
        """Give the place back."""
        self._inside -= 1
        self._moved.set()

    def succeed(self) -> None:
        """Note a call that went well."""
        step = 1.0 if self._last_cut_s is None else 1 / self._limit
        self._limit = min(float(self._most), self._limit + step)
        self._moved.set()

    def push_back(self, entered_at_s: float, wait_s: float | None) -> None:
        """Note that the server has too much to do, and asks everyone to wait so long."""
        if self._last_cut_s is None or entered_at_s > self._last_cut_s:
            self._limit = max(1.0, self._limit / 2)
            self._last_cut_s = _now_s()
        self._opens_at_s = max(self._opens_at_s, _now_s() + (wait_s or 0.0))


def _now_s() -> float:
    return asyncio.get_running_loop().time()
