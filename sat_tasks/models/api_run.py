"""Asking an API many questions: journal, retries, concurrency, and when to give up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sat_tasks.console import UserError
from sat_tasks.models.api_budget import Budget, input_tokens_of
from sat_tasks.models.api_calls import Backoff, CallError, Gate, Provider, Reply, Trouble
from sat_tasks.models.api_settings import ApiSettings
from sat_tasks.models.chat import ChatRequest, Job, Keys
from sat_tasks.models.journal import Entry, Journal
from sat_tasks.replies import FAILED

SHORTEST_SECRET = 8
"""Shorter keys, such as "none" for a local server, are no secret, and may be words of an answer."""


@dataclass
class _Try:
    """Where a request stands."""

    started_s: float
    accidents: int = 0
    """Attempts that count against ``attempts``."""
    waits: int = 0
    """Times a busy server sent it away."""
    cost_usd: float = 0.0
    """Of all attempts, including those whose answer got lost."""


class Run:
    """One pass over a list of questions."""

    def __init__(
        self,
        provider: Provider,
        settings: ApiSettings,
        journal: Journal,
        budget: Budget,
        secrets: Sequence[str] = (),
        progress: Callable[[Entry], None] = lambda entry: None,
        rng: random.Random | None = None,
    ) -> None:
        """Prepare a pass.

        Args:
            provider: Whom to ask.
            settings: How to ask.
            journal: Answers that are known, and where new ones go.
            budget: What it may cost.
            secrets: Strings that must not be written anywhere.
            progress: Called with the outcome of every question.
            rng: Jitter of waits.
        """
        self._provider = provider
        self._settings = settings
        self._journal = journal
        self._budget = budget
        self._secrets = [secret for secret in secrets if len(secret) >= SHORTEST_SECRET]
        self._progress = progress
        self._rng = rng or random.Random()
        self._backoff = Backoff(settings.backoff)
        self.gate = Gate(settings.max_concurrent)
        self.asked = 0
        """Questions that were not in the journal."""
        self.failed = 0
        self._total = 0
        self._last_success_s = 0.0
        self._keys = Keys(provider.identity())
        self._pending: dict[str, asyncio.Future[Entry]] = {}
        self._results: dict[int, Entry] = {}

    async def ask_all(self, jobs: Sequence[Job]) -> list[Entry]:
        """Answer all questions, from the journal where possible.

        Returns:
            One entry per job, in the order of the jobs.

        Raises:
            UserError: The run had to stop; what was answered is in the journal.
        """
        self._total = len(jobs)
        self._last_success_s = _now_s()
        todo = iter(enumerate(jobs))
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self._settings.max_concurrent, len(jobs))):
                    group.create_task(self._work(todo))
        except BaseExceptionGroup as errors:
            first = errors.exceptions[0]
            if isinstance(first, UserError):
                raise UserError(self._how_to_go_on(str(first))) from None
            raise first from None
        finally:
            await self._provider.close()
        return [self._results[number] for number in range(len(jobs))]

    async def _work(self, todo: Iterator[tuple[int, Job]]) -> None:
        for number, job in todo:
            entry = await self._answer(job)
            self._results[number] = entry
            self._progress(entry)

    async def _answer(self, job: Job) -> Entry:
        request = job.build()
        key = self._keys.key(request)
        if known := self._journal.get(key):
            await asyncio.sleep(0)
            return known
        if key in self._pending:
            return await self._pending[key]
        self._pending[key] = future = asyncio.get_running_loop().create_future()
        self.asked += 1
        entry = await self._ask(key, job.label, request)
        self._journal.append(entry)
        future.set_result(entry)
        if entry.kind == FAILED:
            self._count_failure(entry)
        return entry

    async def _ask(self, key: str, label: str, request: ChatRequest) -> Entry:
        state = _Try(_now_s())
        while True:
            try:
                reply = await self._attempt(request, state)
            except CallError as error:
                if not await self._may_try_again(error, state):
                    reason = self._clean(error.message)
                    return self._entry(key, FAILED, reason, None, state.cost_usd, label)
            else:
                self._last_success_s = _now_s()
                text = self._clean(reply.text)
                return self._entry(key, reply.kind, text, reply, state.cost_usd, label)

    async def _attempt(self, request: ChatRequest, state: _Try) -> Reply:
        """Make one attempt; its cost is added to the state."""
        estimate_usd = await self._budget.reserve(
            input_tokens_of(request, self._budget.price), self._provider.output_limit(request)
        )
        usage, billed = None, False
        try:
            reply = await self._ask_through_gate(request)
            usage, billed = reply.usage, True
        except CallError as error:
            billed = error.may_be_billed
            raise
        finally:
            state.cost_usd += self._budget.settle(estimate_usd, usage, billed)
        return reply

    async def _ask_through_gate(self, request: ChatRequest) -> Reply:
        entered_at_s = await self.gate.enter()
        try:
            reply = await self._ask_in_time(request)
        except CallError as error:
            if error.trouble is Trouble.BUSY or error.timed_out:
                self.gate.push_back(entered_at_s, error.retry_after_s)
            raise
        finally:
            self.gate.leave()
        self.gate.succeed()
        return reply

    async def _ask_in_time(self, request: ChatRequest) -> Reply:
        limit_s = self._settings.timeout
        try:
            async with asyncio.timeout(limit_s):
                return await self._provider.ask(request)
        except TimeoutError:
            message = f"no reply within timeout={limit_s:g} seconds"
            raise CallError(Trouble.AGAIN, message, may_be_billed=True, timed_out=True) from None

    async def _may_try_again(self, error: CallError, state: _Try) -> bool:
        """Wait until the next attempt and return True, or return False if there is none.

        Raises:
            UserError: The run has to stop.
        """
        if self._was_last(error, state):
            return False
        failures = state.accidents + state.waits
        await asyncio.sleep(self._backoff.wait_s(failures, error.retry_after_s, self._rng))
        return True

    def _was_last(self, error: CallError, state: _Try) -> bool:
        match error.trouble:
            case Trouble.FATAL:
                raise UserError(error.message)
            case Trouble.LOST:
                return True
            case Trouble.AGAIN:
                state.accidents += 1
                self._refuse_long_wait(error)
                return state.accidents >= self._settings.attempts
            case Trouble.BUSY:
                state.waits += 1
                self._lose_patience(error)
                return _now_s() - state.started_s > self._settings.patience

    def _lose_patience(self, error: CallError) -> None:
        self._refuse_long_wait(error)
        if _now_s() - self._last_success_s > self._settings.patience:
            raise UserError(
                f"the server stayed busy beyond patience={self._settings.patience:g} seconds: "
                f"{error.message}"
            )

    def _refuse_long_wait(self, error: CallError) -> None:
        asked_s, patience_s = error.retry_after_s or 0.0, self._settings.patience
        if asked_s > patience_s:
            raise UserError(
                f"the server asks to wait {asked_s:g} seconds, beyond patience={patience_s:g} "
                f"seconds: {error.message}"
            )

    def _count_failure(self, entry: Entry) -> None:
        self.failed += 1
        if self.failed > self._settings.max_failed * self._total:
            raise UserError(
                f"{self.failed} of {self._total} requests failed, more than "
                f"max_failed={self._settings.max_failed:g} allows; the last: {entry.text}"
            )

    def _how_to_go_on(self, why: str) -> str:
        return (
            f"{self._clean(why).rstrip('.')}. {len(self._journal)} answers are safe in "
            f"{self._journal.path}; the same command goes on from there."
        )

    def _clean(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, "***")
        return text

    def _entry(
        self, key: str, kind: str, text: str, reply: Reply | None, cost_usd: float, label: str
    ) -> Entry:
        return Entry(
            key=key,
            kind=kind,
            text=text,
            usage=reply.usage if reply else None,
            cost_usd=None if self._budget.price is None else cost_usd,
            served_by=self._clean(reply.served_by) if reply else "",
            label=label,
            at=datetime.now(UTC).isoformat(timespec="seconds"),
        )


def _now_s() -> float:
    return asyncio.get_running_loop().time()
