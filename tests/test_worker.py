"""One scene: its rows, its pictures, and where the time went."""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from toy_engine import ToyEngine, ToySession, toy_camera

from generation.engines import EngineConfig
from generation.jpeg import encode_jpeg
from generation.meters import Stopwatch, memory_mb, peak_memory_mb
from generation.pose import Pose
from generation.questions import QUESTION_TYPES
from generation.scene import EngineError, Observation, SceneKey
from generation.worker import (
    SceneJob,
    attempt_scene,
    run_scene,
    segmentation_hash,
)

CONFIG = EngineConfig(toy_camera(128))
JOB = SceneJob("toy_engine:open_engine", CONFIG, tuple(QUESTION_TYPES), questions_per_scene=9)
KEY = SceneKey("test", 4, 1)


class CountingSession(ToySession):
    """Counts how often each frame is rendered, and in which state the scene is left."""

    rendered: Counter[tuple[Pose, str]]
    closed = False

    def render(self, observation: Observation) -> NDArray[np.uint8]:
        self.rendered[observation.pose, repr(sorted(observation.state.poses.items()))] += 1
        return super().render(observation)

    def close(self) -> None:
        self.closed = True


class CountingEngine(ToyEngine):
    session: CountingSession

    def load(self, key: SceneKey) -> CountingSession:
        plain = super().load(key)
        self.session = CountingSession(plain.info, plain.scene, plain.camera)
        self.session.rendered = Counter()
        return self.session


class FailingSession(CountingSession):
    def observe(self, pose: Pose) -> Observation:
        raise EngineError("the renderer is gone")


def test_each_distinct_frame_is_rendered_once() -> None:
    engine = CountingEngine(CONFIG)
    result = run_scene(engine, JOB, KEY)
    assert set(engine.session.rendered.values()) == {1}
    pictures = sum(len(row.images) for row in result.rows)
    assert len(engine.session.rendered) < pictures
    assert engine.session.closed


def test_rows_are_numbered_within_their_type() -> None:
    rows = run_scene(ToyEngine(CONFIG), JOB, KEY).rows
    numbers: Counter[str] = Counter()
    for row in rows:
        assert row.id == f"test-1-000004-{row.question_type}-{numbers[row.question_type]}"
        numbers[row.question_type] += 1
    assert len(numbers) >= 6


def test_a_scene_gives_the_same_rows_after_another_scene() -> None:
    engine = ToyEngine(CONFIG)
    first = run_scene(engine, JOB, KEY)
    run_scene(engine, JOB, SceneKey("train", 7, 2))
    again = run_scene(engine, JOB, KEY)
    assert again.rows == first.rows
    assert again.skips == first.skips


def test_weights_shift_questions_between_types() -> None:
    job = SceneJob(JOB.engine_path, CONFIG, ("depth", "relation"), 8, weights={"depth": 0.0})
    kinds = {row.question_type for row in run_scene(ToyEngine(CONFIG), job, KEY).rows}
    assert kinds == {"relation"}


def test_an_engine_that_fails_midway_loses_the_scene(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = CountingEngine(CONFIG)
    monkeypatch.setattr(CountingSession, "observe", FailingSession.observe)
    result = run_scene(engine, JOB, KEY)
    assert (result.rows, result.skips) == ((), {"scene": {"the renderer is gone": 1}})
    assert engine.session.closed


def test_a_bug_loses_the_scene_and_names_its_place(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(self: ToyEngine, key: SceneKey) -> Any:
        return Mapping()  # type: ignore[abstract]

    monkeypatch.setattr(ToyEngine, "load", broken)
    skips = attempt_scene(ToyEngine(CONFIG), JOB, KEY).skips
    (reason,) = skips["scene"]
    assert reason.startswith("bug: TypeError in test_worker.py line ")
    assert "Traceback" in capsys.readouterr().err


def test_time_within_a_stage_is_not_counted_twice() -> None:
    clock = Stopwatch()
    with clock("outer"):
        _spin(0.02)
        with clock("inner"):
            _spin(0.06)
    assert clock.seconds["inner"] >= 0.06
    assert 0.02 <= clock.seconds["outer"] < 0.05


def _spin(seconds: float) -> None:
    end_s = time.process_time() + seconds
    while time.process_time() < end_s:
        pass


def test_all_stages_are_timed() -> None:
    seconds = run_scene(ToyEngine(CONFIG), JOB, KEY).cpu_s
    assert set(seconds) == {"load", "observe", "ask", "render", "encode"}
    assert all(value >= 0 for value in seconds.values())


def test_memory_in_use_is_at_most_the_peak() -> None:
    assert 20 < memory_mb() <= peak_memory_mb() + 1


def test_jpeg_keeps_thin_coloured_lines() -> None:
    rgb = np.full((64, 64, 3), 128, np.uint8)
    rgb[:, 31] = (220, 30, 30)
    decoded = np.asarray(Image.open(io.BytesIO(encode_jpeg(rgb))))
    assert np.abs(decoded[:, 31].astype(int) - (220, 30, 30)).max() < 40


def test_segmentation_hashes_tell_pictures_apart() -> None:
    segmentation = np.zeros((8, 8), np.int32)
    other = segmentation.copy()
    other[3, 3] = 1
    assert segmentation_hash(segmentation) == segmentation_hash(segmentation.copy())
    assert segmentation_hash(segmentation) != segmentation_hash(other)
    assert segmentation_hash(other) == segmentation_hash(np.asfortranarray(other))
