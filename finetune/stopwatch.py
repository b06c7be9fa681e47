"""Timing two trainings against each other on a machine that others use too.

On a CPU two processes take turns, step by step, with one thread each, and CPU seconds count: what
else runs on the machine slows both alike. On a GPU each runs alone, and seconds count.
"""

from __future__ import annotations

import multiprocessing
import re
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from sat_tasks.console import UserError

WARM_UP_STEPS = 2
_MORE_THAN_STEPS = 10_000


@dataclass(frozen=True)
class Measured:
    """What a training did after its warm-up."""

    samples_per_s: float
    """Per CPU second of one thread, or per second of a GPU."""
    memory_gb: float
    """Peak: of the GPU where one is used, else of the process."""


class Stopwatch(TrainerCallback):  # type: ignore[misc]
    """Times the steps of a training.

    Args:
        samples_per_step: What a step trains on.
        mine: Is taken before every step, and
        other: is released after it; None where nobody waits.
    """

    def __init__(self, samples_per_step: int, mine: Any = None, other: Any = None) -> None:
        self._samples_per_step, self._mine, self._other = samples_per_step, mine, other
        self._on_gpu = torch.cuda.is_available()
        self._start = self._end = 0.0
        self._steps = 0
        if not self._on_gpu:
            torch.set_num_threads(1)  # threads that wait for each other count as busy

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Wait for the turn."""
        if self._mine:
            self._mine.acquire()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Take the time and let the other go on."""
        if self._on_gpu:
            torch.cuda.synchronize()
        self._end = time.perf_counter() if self._on_gpu else time.process_time()
        if state.global_step == WARM_UP_STEPS:
            self._start = self._end
        self._steps = state.global_step - WARM_UP_STEPS
        if self._other:
            self._other.release()

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Let the other go on to its end."""
        if self._other:
            for _step in range(_MORE_THAN_STEPS):
                self._other.release()

    def measured(self) -> Measured:
        """Return what was found."""
        return Measured(
            samples_per_s=self._steps * self._samples_per_step / (self._end - self._start),
            memory_gb=(
                torch.cuda.max_memory_allocated() / 1e9 if self._on_gpu else _peak_memory_gb()
            ),
        )


def measure_each(sides: Sequence[Callable[[Stopwatch], None]], per_step: int) -> list[Measured]:
    """Run trainings, each in a process of its own, and return what each did.

    Args:
        sides: Two picklable functions that train with a stopwatch among the callbacks.
        per_step: Samples in a step.

    Raises:
        UserError: One did not end well.
    """
    context = multiprocessing.get_context("spawn")
    turns = [context.Semaphore(1), context.Semaphore(0)]
    take_turns = not torch.cuda.is_available()
    running: list[tuple[Any, Any]] = []
    found: list[Measured] = []
    for number, side in enumerate(sides):
        receiver, sender = context.Pipe(duplex=False)
        own = (turns[number], turns[1 - number]) if take_turns else (None, None)
        process = context.Process(
            target=_run_side, args=(side, per_step, *own, sender), daemon=True
        )
        process.start()
        sender.close()
        running.append((process, receiver))
        if not take_turns:
            found.append(_result(process, receiver))
    return found or [_result(process, receiver) for process, receiver in running]


def _run_side(
    side: Callable[[Stopwatch], None], per_step: int, mine: Any, other: Any, sender: Any
) -> None:
    watch = Stopwatch(per_step, mine, other)
    side(watch)
    sender.send(watch.measured())


def _result(process: Any, receiver: Any) -> Measured:
    try:
        found: Measured = receiver.recv()
    except EOFError:
        raise UserError("a training did not end well; see above") from None
    process.join()
    return found


def _peak_memory_gb() -> float:
    """Return this process's own peak; that of getrusage is inherited from the one that began it."""
    kilobytes = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert kilobytes
    return int(kilobytes[1]) * 1024 / 1e9
