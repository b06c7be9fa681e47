"""Workers on this machine: one single-threaded process per core, and what happens when one dies.

An executor turns scene keys into results, in any order. A worker that dies or hangs costs one
attempt at one scene; a second failure makes the scene a counted skip. A run ends early only when
workers die again and again with nothing in between, because then something is wrong at large.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from generation.engines import open_at
from generation.scene import EngineError, SceneKey
from generation.worker import SceneJob, SceneResult, attempt_scene, lost_scene

Executor = Callable[[SceneJob, Iterable[SceneKey]], Generator[SceneResult]]

SCENE_TIMEOUT_S = 600.0
SCENES_PER_WORKER = 200
MAX_WORKER_MB = 1200.0
"""A worker that has grown beyond this after a scene is replaced by a fresh one."""
MAX_ATTEMPTS = 2
MAX_DEATHS_IN_A_ROW = 6
WORKER_DIED = "the worker died twice"

SINGLE_THREADED = {
    "LP_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
}


@dataclass(frozen=True)
class Task:
    """One attempt at one scene."""

    key: SceneKey
    attempt: int = 1


@dataclass(frozen=True)
class _EngineFailed:
    message: str


def default_workers() -> int:
    """Return the number of cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Worker:
    """A process that opens an engine once and then works on one scene at a time."""

    def __init__(self, job: SceneJob) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, job), daemon=True)
        with _environment(SINGLE_THREADED):
            self._process.start()
        theirs.close()
        self.task: Task | None = None
        self.deadline_s = 0.0
        self.worn_out = False
        """Whether a fresh worker should take its place; simulators do not give back all memory."""
        self._scenes_left = SCENES_PER_WORKER

    def begin(self, task: Task) -> None:
        """Start on a scene; a worker that has died meanwhile shows it in :meth:`result`."""
        self.task = task
        self.deadline_s = time.monotonic() + SCENE_TIMEOUT_S
        self._scenes_left -= 1
        with suppress(BrokenPipeError):
            self.connection.send(task.key)

    def result(self) -> SceneResult | None:
        """Return the scene's result, or None if the worker died over it.

        Raises:
            EngineError: The worker could not open the engine.
        """
        try:
            answer: SceneResult | _EngineFailed = self.connection.recv()
        except (EOFError, ConnectionResetError):
            return None
        if isinstance(answer, _EngineFailed):
            raise EngineError(answer.message)
        self.task = None
        self.worn_out = self._scenes_left <= 0 or answer.memory_mb > MAX_WORKER_MB
        return answer

    def stop(self) -> None:
        """End the process, in the middle of a scene if need be."""
        self.connection.close()
        self._process.kill()
        self._process.join()


def serve(connection: Connection, job: SceneJob) -> None:
    """Answer scene keys with results until the connection is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        try:
            engine = open_at(job.engine_path, job.config)
        except EngineError as error:
            connection.send(_EngineFailed(str(error)))
            return
        while True:
            connection.send(attempt_scene(engine, job, connection.recv()))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return


def local_executor(workers: int) -> Executor:
    """Return an executor that runs so many processes."""

    def execute(job: SceneJob, keys: Iterable[SceneKey]) -> Generator[SceneResult]:
        tasks = TaskList(keys)
        pool: list[Worker] = []
        try:
            while _staff(pool, tasks, job, workers):
                yield from _collect(pool, tasks)
        finally:
            for worker in pool:
                worker.stop()

    return execute


class TaskList:
    """The scenes that wait, those to be tried again first, and the count of deaths."""

    def __init__(self, keys: Iterable[SceneKey]) -> None:
        self._keys = iter(keys)
        self._again: deque[Task] = deque()
        self._deaths_in_a_row = 0

    def take(self) -> Task | None:
        """Return the next task, or None if none waits."""
        if self._again:
            return self._again.popleft()
        key = next(self._keys, None)
        return None if key is None else Task(key)

    def succeeded(self) -> None:
        """Note that a worker lived through a scene."""
        self._deaths_in_a_row = 0

    def died(self, task: Task) -> SceneResult | None:
        """Note that a worker died over a task; return a lost scene if it has had its chances.

        Raises:
            EngineError: Too many died with no success in between.
        """
        self._deaths_in_a_row += 1
        if self._deaths_in_a_row >= MAX_DEATHS_IN_A_ROW:
            raise EngineError(
                f"workers died {self._deaths_in_a_row} times in a row, last over scene "
                f"{task.key.scene_id}; what they said is above, and `sat-generate doctor` may help"
            )
        if task.attempt < MAX_ATTEMPTS:
            self._again.append(Task(task.key, task.attempt + 1))
            return None
        return lost_scene(task.key, WORKER_DIED)


def _staff(pool: list[Worker], tasks: TaskList, job: SceneJob, workers: int) -> bool:
    """Give every worker a task, starting and replacing workers; False when all is done."""
    for worker in [worker for worker in pool if worker.task is None and worker.worn_out]:
        pool.remove(worker)
        worker.stop()
    idle = [worker for worker in pool if worker.task is None]
    while (idle or len(pool) < workers) and (task := tasks.take()) is not None:
        if idle:
            worker = idle.pop()
        else:
            worker = Worker(job)
            pool.append(worker)
        worker.begin(task)
    return any(worker.task for worker in pool)


def _collect(pool: list[Worker], tasks: TaskList) -> Iterator[SceneResult]:
    """Wait for at least one worker and yield what is ready; remove those that died or hang."""
    busy = [(worker, worker.task) for worker in pool if worker.task is not None]
    patience_s = min(worker.deadline_s for worker, _ in busy) - time.monotonic()
    ready = wait([worker.connection for worker, _ in busy], timeout=max(0.0, patience_s))
    for worker, task in busy:
        if worker.connection in ready:
            result = worker.result()
        elif time.monotonic() >= worker.deadline_s:
            result = None
        else:
            continue
        if result is not None:
            tasks.succeeded()
            yield result
            continue
        pool.remove(worker)
        worker.stop()
        lost = tasks.died(task)
        if lost is not None:
            yield lost


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set environment variables for the processes started within; those set by hand win."""
    added = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for name in added:
            del os.environ[name]
