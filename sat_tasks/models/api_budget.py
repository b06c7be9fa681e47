"""What a run may cost and what it would cost."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from sat_tasks.console import UserError
from sat_tasks.models.api_calls import Provider
from sat_tasks.models.chat import ChatRequest, Job, Keys
from sat_tasks.models.journal import Journal, Usage
from sat_tasks.models.prices import Price, estimate_input_tokens


class Budget:
    """Keeps spent and promised money below a limit.

    Before a call, the most that it can cost is set aside; when that would pass the limit, the
    call waits until others have turned out cheaper, and if none is under way the run is over.
    Token estimates may be wrong: the first call goes alone, and all estimates are raised by the
    largest excess seen.
    """

    def __init__(self, price: Price | None, limit_usd: float | None, spent_usd: float) -> None:
        """Start with what was spent before; a limit needs a price."""
        self.price = price
        self.limit_usd = limit_usd
        self.spent_usd = spent_usd
        self._promised_usd = 0.0
        self._under_way = 0
        self._excess = 1.0
        self._measured = False
        self._settled = asyncio.Event()

    async def reserve(self, input_tokens: int, output_tokens: int) -> float:
        """Set aside the estimated cost of a call and return it in dollars.

        Raises:
            UserError: Even with nothing else under way the call could pass the limit.
        """
        if self.price is None:
            return 0.0
        estimate_usd = self.price.of(Usage(input_tokens, output_tokens))
        while self.limit_usd is not None and self._must_wait(estimate_usd, self.limit_usd):
            self._settled.clear()
            await self._settled.wait()
        self._promised_usd += estimate_usd
        self._under_way += 1
        return estimate_usd

    def _must_wait(self, estimate_usd: float, limit_usd: float) -> bool:
        most_usd = estimate_usd * self._excess
        if self._under_way > 0:
            promised_usd = self._promised_usd * self._excess
            return not self._measured or self.spent_usd + promised_usd + most_usd > limit_usd
        if self.spent_usd + most_usd > limit_usd:
            raise UserError(
                f"the next request could pass max_cost={limit_usd:g} "
                f"(${self.spent_usd:.4f} spent, up to ${most_usd:.4f} each); raise it to go on"
            )
        return False

    def settle(self, estimate_usd: float, usage: Usage | None, billed: bool) -> float:
        """Replace what was set aside by what the call cost, and return that in dollars.

        Args:
            estimate_usd: What :meth:`reserve` returned.
            usage: What the server counted, if it said.
            billed: Whether the call may cost anything at all.
        """
        if self.price is None:
            return 0.0
        cost_usd = estimate_usd * self._excess if billed else 0.0
        if usage is not None:
            cost_usd = self.price.of(usage)
            self._measured = True
            if estimate_usd > 0:
                self._excess = max(self._excess, cost_usd / estimate_usd)
        self._promised_usd -= estimate_usd
        self._under_way -= 1
        self.spent_usd += cost_usd
        self._settled.set()
        return cost_usd


@dataclass(frozen=True)
class Estimate:
    """What a run would ask, before it asks."""

    requests: int
    answered: int
    """In the journal already."""
    input_tokens: int
    most_output_tokens: int
    price: Price | None

    def __str__(self) -> str:
        """Return one line for people."""
        text = (
            f"{self.requests} requests, {self.answered} of them answered in the journal; the "
            f"others take about {self.input_tokens:,} input tokens and at most "
            f"{self.most_output_tokens:,} output tokens"
        )
        if self.price is None:
            return f"{text}; no price is known for this model (give a table with prices=FILE)"
        input_usd = self.price.of(Usage(self.input_tokens, 0))
        most_usd = self.price.of(Usage(self.input_tokens, self.most_output_tokens))
        return (
            f"{text}: about ${input_usd:.2f} for the input, at most ${most_usd:.2f} in all "
            f"(prices of {self.price.as_of})"
        )


def estimate(
    jobs: Iterable[Job], provider: Provider, journal: Journal, price: Price | None
) -> Estimate:
    """Return what asking these questions would take; nothing is sent."""
    requests = answered = input_tokens = output_tokens = 0
    seen: set[str] = set()
    keys = Keys(provider.identity())
    for job in jobs:
        request = job.build()
        requests += 1
        key = keys.key(request)
        if journal.get(key) is not None or key in seen:
            answered += 1
            continue
        seen.add(key)
        input_tokens += input_tokens_of(request, price)
        output_tokens += provider.output_limit(request)
    return Estimate(requests, answered, input_tokens, output_tokens, price)


def input_tokens_of(request: ChatRequest, price: Price | None) -> int:
    """Return about how many input tokens a request has."""
    return estimate_input_tokens(request, price.picture_tokens if price else "")
