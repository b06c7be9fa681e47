"""Workers on a Ray cluster; see generation.pool for what an executor owes.

Rows come back to this process, which writes the shards, so the cluster needs no shared disk. The
nodes need this package, an engine that works, and the files named by --houses.
"""

from __future__ import annotations

import importlib
import socket
import time
from collections.abc import Generator, Iterable
from typing import Any

from generation.engines import Engine, open_at
from generation.pool import (
    MAX_WORKER_MB,
    SCENE_TIMEOUT_S,
    SCENES_PER_WORKER,
    SINGLE_THREADED,
    Executor,
    Task,
    TaskList,
)
from generation.scene import EngineError, SceneKey
from generation.worker import SceneJob, SceneResult, attempt_scene
from sat_tasks.console import UserError


class SceneActor:
    """A Ray actor that opens an engine once."""

    def __init__(self, job: SceneJob) -> None:
        self._job = job
        self._engine: Engine | None = None

    def run(self, key: SceneKey) -> SceneResult | EngineError:
        """Work on a scene, or say why the engine cannot be opened."""
        if self._engine is None:
            try:
                self._engine = open_at(self._job.engine_path, self._job.config)
            except EngineError as error:
                return error
        return attempt_scene(self._engine, self._job, key)


def ray_executor(address: str, workers: int | None = None) -> Executor:
    """Return an executor on a Ray cluster.

    Args:
        address: Of the cluster; "auto" finds the one this machine belongs to, "local" starts one.
        workers: Actors, each on a core of its own; None means one per core of the cluster.

    Raises:
        UserError: Ray is not installed, or there is no cluster at the address.
    """
    try:
        ray = importlib.import_module("ray")
    except ModuleNotFoundError:
        raise UserError("--ray needs Ray: pip install 'sat-bench[ray]'") from None
    if not ray.is_initialized():
        try:
            _knock(address)
            ray.init(address=address, log_to_driver=False)
        except (OSError, ValueError, RuntimeError) as error:
            raise UserError(f"no Ray cluster at {address}: {error}") from error

    def execute(job: SceneJob, keys: Iterable[SceneKey]) -> Generator[SceneResult]:
        crew = _Crew(ray, job, workers or int(ray.cluster_resources().get("CPU", 1)))
        try:
            yield from crew.work(TaskList(keys))
        finally:
            crew.dismiss()

    return execute


def _knock(address: str) -> None:
    """Raise OSError if nobody listens at HOST:PORT; Ray itself would try for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=10).close()


class _Crew:
    """The actors of a run: which is busy with what, and who is due to be replaced."""

    def __init__(self, ray: Any, job: SceneJob, size: int) -> None:
        self._ray = ray
        self._job = job
        self._size = size
        self._kind = ray.remote(num_cpus=1, runtime_env={"env_vars": SINGLE_THREADED})(SceneActor)
        self._idle: list[Any] = []
        self._busy: dict[Any, tuple[Any, Task, float]] = {}
        """Reference of the coming result -> actor, task, and the time by which it is due."""
        self._scenes: dict[Any, int] = {}
        """Scenes that each living actor has begun."""

    def work(self, tasks: TaskList) -> Generator[SceneResult]:
        """Yield the results of all tasks, in any order."""
        while self._hand_out(tasks):
            patience_s = min(due_s for _, _, due_s in self._busy.values()) - time.monotonic()
            ready, _ = self._ray.wait(list(self._busy), timeout=max(0.0, patience_s))
            for reference, (actor, task, due_s) in list(self._busy.items()):
                if reference in ready:
                    result = self._result(reference)
                elif time.monotonic() >= due_s:
                    result = None
                else:
                    continue
                del self._busy[reference]
                if result is not None:
                    tasks.succeeded()
                    self._idle.append(actor)
                    if result.memory_mb > MAX_WORKER_MB:
                        self._scenes[actor] = SCENES_PER_WORKER
                    yield result
                    continue
                self._remove(actor)
                lost = tasks.died(task)
                if lost is not None:
                    yield lost

    def dismiss(self) -> None:
        """End all actors."""
        for actor in list(self._scenes):
            self._remove(actor)

    def _hand_out(self, tasks: TaskList) -> bool:
        for actor in [actor for actor in self._idle if self._scenes[actor] >= SCENES_PER_WORKER]:
            self._idle.remove(actor)
            self._remove(actor)
        while len(self._busy) < self._size and (task := tasks.take()) is not None:
            actor = self._idle.pop() if self._idle else self._kind.remote(self._job)
            self._scenes[actor] = self._scenes.get(actor, 0) + 1
            due_s = time.monotonic() + SCENE_TIMEOUT_S
            self._busy[actor.run.remote(task.key)] = (actor, task, due_s)
        return bool(self._busy)

    def _result(self, reference: Any) -> SceneResult | None:
        """Return a result, or None if the actor died over it."""
        try:
            result: SceneResult | EngineError = self._ray.get(reference)
        except self._ray.exceptions.RayError:
            return None
        if isinstance(result, EngineError):
            raise result
        return result

    def _remove(self, actor: Any) -> None:
        del self._scenes[actor]
        self._ray.kill(actor)
