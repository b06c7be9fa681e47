"""Worker processes: what dies costs a scene at most, and nothing outlives the run."""

from __future__ import annotations

import multiprocessing
import os
from pathlib import Path

import pytest
from toy_engine import toy_camera

from generation import pool
from generation.engines import EngineConfig, open_at
from generation.scene import EngineError, SceneKey
from generation.worker import SceneJob, SceneResult, run_scene

KEYS = [SceneKey("test", index, 5) for index in range(6)]


def make_job(opener: str, houses: str = "procedural") -> SceneJob:
    config = EngineConfig(toy_camera(64), houses=houses)
    return SceneJob(opener, config, types=("relation", "depth"), questions_per_scene=4)


def run(job: SceneJob, workers: int = 2) -> dict[int, SceneResult]:
    results = {result.key.index: result for result in pool.local_executor(workers)(job, KEYS)}
    assert not multiprocessing.active_children()
    return results


def test_processes_give_what_one_process_gives() -> None:
    job = make_job("toy_engine:open_engine")
    engine = open_at(job.engine_path, job.config)
    results = run(job)
    assert {key.index: results[key.index].rows for key in KEYS} == {
        key.index: run_scene(engine, job, key).rows for key in KEYS
    }
    assert all(result.engine == "toy" and result.rows for result in results.values())


def test_a_scene_that_kills_its_worker_twice_is_skipped() -> None:
    results = run(make_job("broken_engine:open_aborting", "1,4"))
    assert sorted(results) == [key.index for key in KEYS]
    assert [index for index, result in results.items() if not result.rows] in ([1, 4], [4, 1])
    assert results[1].skips == {"scene": {pool.WORKER_DIED: 1}}


def test_a_worker_that_dies_once_costs_nothing(tmp_path: Path) -> None:
    whole = run(make_job("toy_engine:open_engine"))
    disturbed = run(make_job("broken_engine:open_aborting_once", f"0,3:{tmp_path}/died"))
    assert len(list(tmp_path.iterdir())) == 2
    assert {i: r.rows for i, r in disturbed.items()} == {i: r.rows for i, r in whole.items()}


@pytest.mark.slow
def test_a_worker_that_hangs_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "SCENE_TIMEOUT_S", 6.0)
    results = run(make_job("broken_engine:open_hanging", "2"), workers=3)
    assert results[2].skips == {"scene": {pool.WORKER_DIED: 1}}
    assert all(result.rows for index, result in results.items() if index != 2)


def test_a_scene_that_cannot_be_made_is_skipped_with_the_reason() -> None:
    results = run(make_job("broken_engine:open_refusing", "0,1,2,3,4,5"))
    assert all(
        result.skips == {"scene": {"the house has no floor": 1}} for _, result in results.items()
    )


def test_a_bug_costs_its_scene_and_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    results = run(make_job("broken_engine:open_buggy", "2"))
    (reason,) = results[2].skips["scene"]
    assert reason.startswith("bug: ZeroDivisionError in broken_engine.py line ")
    assert all(result.rows for index, result in results.items() if index != 2)
    assert "ZeroDivisionError: test-5-000002" in capfd.readouterr().err


def test_an_engine_that_cannot_open_ends_the_run() -> None:
    with pytest.raises(EngineError, match="install libosmesa6"):
        run(make_job("broken_engine:open_nothing"))


def test_workers_that_all_die_end_the_run() -> None:
    with pytest.raises(EngineError, match="died 6 times in a row"):
        run(make_job("broken_engine:die_at_once"))


@pytest.mark.parametrize(
    ("limit", "value", "workers"), [("SCENES_PER_WORKER", 2, 3), ("MAX_WORKER_MB", 1.0, 6)]
)
def test_workers_are_replaced_before_they_wear_out(
    limit: str, value: float, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, limit, value)
    started: list[pool.Worker] = []

    class CountedWorker(pool.Worker):
        def __init__(self, job: SceneJob) -> None:
            super().__init__(job)
            started.append(self)

    monkeypatch.setattr(pool, "Worker", CountedWorker)
    assert len(run(make_job("toy_engine:open_engine"), workers=1)) == len(KEYS)
    assert len(started) == workers


def test_workers_end_when_the_run_is_left_early() -> None:
    results = pool.local_executor(2)(make_job("toy_engine:open_engine"), KEYS)
    next(results)
    assert multiprocessing.active_children()
    results.close()
    assert not multiprocessing.active_children()


def test_workers_have_one_thread_and_the_run_keeps_its_environment() -> None:
    before = dict(os.environ)
    with pool._environment({"LP_NUM_THREADS": "7", "SAT_TEST_VARIABLE": "1"}):
        assert os.environ["LP_NUM_THREADS"] == before.get("LP_NUM_THREADS", "7")
        assert os.environ["SAT_TEST_VARIABLE"] == "1"
    assert dict(os.environ) == before
