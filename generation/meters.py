"""Where a worker's time and memory go."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from generation.engines import Session
from generation.pose import Pose
from generation.scene import Observation


class Stopwatch:
    """Processor seconds of this process by stage; an inner stage is taken out of the outer."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}

    @contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Count the seconds of a block."""
        start_s, counted_s = time.process_time(), sum(self.seconds.values())
        try:
            yield
        finally:
            inner_s = sum(self.seconds.values()) - counted_s
            spent_s = time.process_time() - start_s - inner_s
            self.seconds[stage] = self.seconds.get(stage, 0.0) + spent_s


class TimedSession:
    """A session whose observations are timed apart from the questions that ask for them."""

    def __init__(self, session: Session, clock: Stopwatch) -> None:
        self._session = session
        self._clock = clock

    def observe(self, pose: Pose) -> Observation:
        """Return what the session observes."""
        with self._clock("observe"):
            return self._session.observe(pose)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


def memory_mb() -> float:
    """Return the memory of this process that is in use, where Linux tells, else its peak."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except FileNotFoundError:  # not Linux
        return peak_memory_mb()
    return pages * resource.getpagesize() / (1 << 20)


def peak_memory_mb() -> float:
    """Return the most memory that this process has had in use."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1 << 20 if sys.platform == "darwin" else 1 << 10)
