"""A Ray cluster, started here, gives the same rows as this machine's processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from toy_engine import toy_camera

from generation.engines import EngineConfig, open_at
from generation.pool import WORKER_DIED
from generation.ray_pool import ray_executor
from generation.scene import EngineError, SceneKey
from generation.worker import SceneJob, SceneResult, run_scene
from sat_tasks.console import UserError

ray = pytest.importorskip("ray")
pytestmark = pytest.mark.slow

KEYS = [SceneKey("test", index, 5) for index in range(4)]


@pytest.fixture(scope="module", autouse=True)
def _cluster() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent))
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
        yield
        ray.shutdown()


def make_job(opener: str, houses: str = "procedural") -> SceneJob:
    config = EngineConfig(toy_camera(64), houses=houses)
    return SceneJob(opener, config, types=("relation", "depth"), questions_per_scene=4)


def run(job: SceneJob) -> dict[int, SceneResult]:
    return {result.key.index: result for result in ray_executor("auto", 2)(job, KEYS)}


def test_ray_gives_what_one_process_gives() -> None:
    job = make_job("toy_engine:open_engine")
    engine = open_at(job.engine_path, job.config)
    expected = {key.index: run_scene(engine, job, key).rows for key in KEYS}
    assert {index: result.rows for index, result in run(job).items()} == expected
    assert all(expected.values())


def test_a_scene_that_kills_its_actor_twice_is_skipped() -> None:
    results = run(make_job("broken_engine:open_aborting", "1"))
    assert results[1].skips == {"scene": {WORKER_DIED: 1}}
    assert all(results[index].rows for index in (0, 2, 3))


def test_an_engine_that_cannot_open_ends_the_run() -> None:
    with pytest.raises(EngineError, match="install libosmesa6"):
        run(make_job("broken_engine:open_nothing"))


def test_an_address_without_a_cluster_is_one_line() -> None:
    ray.shutdown()
    with pytest.raises(UserError, match="no Ray cluster at"):
        ray_executor("127.0.0.1:9")
