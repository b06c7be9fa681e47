"""When to try again, how long to wait, and how much to ask at once."""

from __future__ import annotations

import asyncio
import random
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from sat_tasks.models.api_calls import Backoff, Gate, Trouble, retry_after_s, trouble_of_status


@pytest.mark.parametrize(
    ("status", "trouble"),
    [
        (400, Trouble.FATAL),
        (401, Trouble.FATAL),
        (402, Trouble.FATAL),
        (403, Trouble.FATAL),
        (404, Trouble.FATAL),
        (413, Trouble.FATAL),
        (422, Trouble.FATAL),
        (408, Trouble.AGAIN),
        (409, Trouble.AGAIN),
        (429, Trouble.BUSY),
        (500, Trouble.AGAIN),
        (502, Trouble.AGAIN),
        (503, Trouble.BUSY),
        (504, Trouble.AGAIN),
        (529, Trouble.BUSY),
        (302, Trouble.AGAIN),
    ],
)
def test_what_a_status_means(status: int, trouble: Trouble) -> None:
    assert trouble_of_status(status) is trouble


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "20"}, 20.0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-5"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
    ],
)
def test_reads_how_long_to_wait(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after_s(headers) == seconds


def test_reads_a_date_to_wait_for() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    wait_s = retry_after_s({"retry-after": date})
    assert wait_s is not None
    assert 80 < wait_s <= 90


def test_backoff_doubles_with_jitter_up_to_its_limit() -> None:
    backoff, rng = Backoff(1.0, 60.0), random.Random(0)
    for failures in range(1, 2000):
        full_s = min(60.0, 2.0 ** min(failures - 1, 10))
        assert full_s / 2 <= backoff.wait_s(failures, None, rng) <= full_s
    waits = {backoff.wait_s(3, None, rng) for _ in range(10)}
    assert len(waits) == 10


def test_backoff_never_undercuts_what_the_server_asks() -> None:
    rng = random.Random(0)
    assert all(Backoff(0.01).wait_s(1, 7.0, rng) > 7.0 for _ in range(100))


async def _limits(gate: Gate, steps: str) -> list[int]:
    """Play a story of good ("+") and pushed back ("-") calls; return the limit after each."""
    limits = []
    for step in steps:
        entered_at_s = await gate.enter()
        gate.leave()
        if step == "+":
            gate.succeed()
        else:
            await asyncio.sleep(0.002)
            gate.push_back(entered_at_s, None)
        await asyncio.sleep(0.002)
        limits.append(gate.limit)
    return limits


def test_concurrency_grows_fast_then_halves_then_grows_slowly() -> None:
    limits = asyncio.run(_limits(Gate(16), "++++-+++++++++---"))
    assert limits[:4] == [5, 6, 7, 8]
    assert limits[4] == 4
    assert limits[5:9] == [4, 4, 4, 4]
    assert limits[9] in (4, 5)
    assert limits[13] == 5
    assert limits[-3:] == [2, 1, 1]


@pytest.mark.parametrize("most", [1, 3, 16])
def test_concurrency_never_passes_its_limits(most: int) -> None:
    limits = asyncio.run(_limits(Gate(most), "+" * 50 + "-" * 10 + "+" * 5))
    assert max(limits) == most
    assert min(limits) == 1


def test_one_burst_of_push_backs_is_one_cut() -> None:
    async def story() -> int:
        gate = Gate(16)
        entered = [await gate.enter() for _ in range(4)]
        await asyncio.sleep(0.01)
        for entered_at_s in entered:
            gate.push_back(entered_at_s, None)
            gate.leave()
        return gate.limit

    assert asyncio.run(story()) == 2


def test_no_more_than_the_limit_are_inside_and_a_pause_holds_for_all() -> None:
    async def story() -> tuple[int, float]:
        gate, inside, most = Gate(4), 0, 0
        loop = asyncio.get_running_loop()

        async def call() -> None:
            nonlocal inside, most
            await gate.enter()
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.005)
            inside -= 1
            gate.leave()

        await asyncio.gather(*(call() for _ in range(20)))
        gate.push_back(await gate.enter(), 0.2)
        gate.leave()
        start_s = loop.time()
        await gate.enter()
        return most, loop.time() - start_s

    most, waited_s = asyncio.run(story())
    assert most == 4
    assert waited_s >= 0.19
