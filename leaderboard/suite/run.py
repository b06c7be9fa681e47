"""Running a suite: what is missing, one process per model, APIs side by side."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Literal, Protocol

from leaderboard.add import About, add
from leaderboard.store import Store
from leaderboard.suite.job import Job
from sat_tasks.console import UserError

State = Literal["waiting", "running", "done", "failed"]
POLL_S = 0.5
GRACE_S = 10.0
"""Between asking a process to end and ending it."""


@dataclass
class Progress:
    """Where a model is."""

    job: Job
    state: State = "waiting"
    said: str = ""
    """Why it failed, what it noted, or that it was done before."""
    started_s: float = 0.0
    ended_s: float = 0.0
    gpus: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = None

    @property
    def seconds(self) -> float:
        """How long it ran so far."""
        if not self.started_s:
            return 0.0
        return (self.ended_s or time.monotonic()) - self.started_s


class Display(Protocol):
    """Shows where the models are."""

    def show(self, models: Sequence[Progress]) -> None:
        """Show the present state; called twice a second."""


@dataclass
class _Room:
    """What may run side by side."""

    apis: int
    gpus: list[int]
    """Those that nobody has."""
    local: int = 1
    """Models that may run here at once where there is no GPU."""
    journals: set[tuple[str, ...]] = field(default_factory=set)
    """In use by models behind APIs."""

    def __post_init__(self) -> None:
        self.has_gpus = bool(self.gpus)

    def take(self, job: Job) -> tuple[int, ...] | None:
        """Return the GPUs for a model, or None where it must wait."""
        if job.model.is_remote:
            if not self.apis or job.model.journal in self.journals:
                return None
            self.apis -= 1
            self.journals.add(job.model.journal)
            return ()
        if self.has_gpus and not job.model.is_baseline:
            if len(self.gpus) < job.model.gpus:
                return None
            taken = tuple(self.gpus[: job.model.gpus])
            del self.gpus[: job.model.gpus]
            return taken
        if not self.local:
            return None
        self.local -= 1
        return ()

    def give_back(self, job: Job, gpus: tuple[int, ...]) -> None:
        """Make room again."""
        if job.model.is_remote:
            self.apis += 1
            self.journals.remove(job.model.journal)
        elif gpus:
            self.gpus += gpus
        else:
            self.local += 1


def run_jobs(
    jobs: Sequence[Job], store: Store, parallel: int, gpu_count: int, display: Display
) -> list[Progress]:
    """Run the jobs that are not done and put the results into a store.

    A model that fails does not stop the others.
    """
    models = [Progress(job) for job in jobs]
    for progress in models:
        if progress.job.is_done():
            _keep(progress, store, before=True)
    waits_for_gpu = _Room(parallel, list(range(gpu_count)))
    try:
        while any(progress.state in ("waiting", "running") for progress in models):
            _start(models, waits_for_gpu)
            display.show(models)
            time.sleep(POLL_S)
            _collect(models, waits_for_gpu, store)
    finally:
        _end([progress.process for progress in models if progress.process is not None])
        display.show(models)
    return models


def _start(models: Sequence[Progress], room: _Room) -> None:
    for progress in models:
        if progress.state == "waiting":
            gpus = room.take(progress.job)
            if gpus is not None:
                _launch(progress, gpus)


def _launch(progress: Progress, gpus: tuple[int, ...]) -> None:
    job = progress.job
    job.begin()
    command = [sys.executable, "-m", "leaderboard.suite.child", str(os.getpid()), *job.command()]
    with job.log.open("ab") as log:
        progress.process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env=job.environment(gpus),
            start_new_session=True,
        )
    progress.state, progress.started_s, progress.gpus = "running", time.monotonic(), gpus


def _collect(models: Sequence[Progress], room: _Room, store: Store) -> None:
    for progress in models:
        process = progress.process
        if progress.state != "running" or process is None or process.poll() is None:
            continue
        progress.ended_s = time.monotonic()
        progress.process = None
        room.give_back(progress.job, progress.gpus)
        if process.returncode != 0:
            progress.state, progress.said = "failed", _reason(progress.job, process.returncode)
        else:
            _keep(progress, store)


def _reason(job: Job, code: int) -> str:
    ended = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit status {code}"
    return f"{job.cause()} ({ended})"


def _keep(progress: Progress, store: Store, before: bool = False) -> None:
    """Put a run's results into the store; lmms-eval exits 0 after a failed run, too."""
    job, model = progress.job, progress.job.model
    about = About(
        name=model.name,
        note=model.note,
        revision=model.revision,
        tuned_from=model.tuned_from,
        access=model.access,
        licence=model.licence,
        params_b=model.params,
        source=model.link,
    )
    try:
        add([job.results], store, about, replace=True)
    except UserError as error:
        cause = "" if before else f" ({job.cause()})"
        progress.state, progress.said = "failed", f"{error}{cause}"
        if before:
            progress.state, progress.said = "waiting", ""
        return
    job.finish()
    progress.state, progress.said = "done", "was done before" if before else job.note()


def _end(processes: Sequence[subprocess.Popen[bytes]]) -> None:
    """End processes with all that they started."""
    for process in processes:
        _signal(process, signal.SIGTERM)
    limit_s = time.monotonic() + GRACE_S
    for process in processes:
        try:
            process.wait(max(0.0, limit_s - time.monotonic()))
        except subprocess.TimeoutExpired:
            _signal(process, signal.SIGKILL)
            process.wait()


def _signal(process: subprocess.Popen[bytes], number: signal.Signals) -> None:
    if process.poll() is None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:  # it ended in between
            return


@contextmanager
def only_one(out: Path) -> Iterator[None]:
    """Hold a folder for one run of a suite at a time.

    Raises:
        UserError: Another process holds it, or it cannot be written.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / ".lock").open("w")
    except OSError as error:
        raise UserError(f"cannot write to {out}: {error.strerror or error}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise UserError(f"another process runs a suite in {out}; name another --out") from None
        yield


@contextmanager
def ends_on_sigterm() -> Iterator[None]:
    """Treat a request to end like Ctrl-C, so that nothing is left behind."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)
