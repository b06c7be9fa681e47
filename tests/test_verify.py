"""A finished data set is proven again from fresh observations; what is wrong in it is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_engine import open_engine

from generation import engines
from generation.engines import EngineConfig, open_at
from generation.pipeline import generate
from generation.pose import Camera
from generation.questions import QUESTION_TYPES
from generation.scene import SceneKey
from generation.settings import Run, RunSettings
from generation.shard import data_set_rows
from generation.verify import verify_dataset, verify_row
from generation.worker import run_scene
from sat_tasks.console import UserError
from sat_tasks.data import open_data_set
from sat_tasks.rows import Row

SETTINGS = RunSettings(
    types=tuple(QUESTION_TYPES), seed=7, engine="toy", size_px=128, questions_per_scene=9
)
SCENES = 4


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    made = tmp_path_factory.mktemp("data") / "set"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(engines.ENGINES, "toy", "toy_engine:open_engine")

        def execute(job: Any, keys: Any) -> Any:
            engine = open_at(job.engine_path, job.config)
            for key in keys:
                yield run_scene(engine, job, key)

        generate(made, Run(SETTINGS, {"test": SCENES}), execute, progress=False)
        yield made


def rows_of(folder: Path) -> list[Row]:
    return list(data_set_rows(open_data_set(folder)))


def verdict_of(row: Row) -> Any:
    config: EngineConfig = SETTINGS.job().config
    session = open_engine(config).load(SceneKey(**json.loads(row.evidence)["scene"]))
    before = session.state()
    verdict = verify_row(session, row)
    assert session.state() == before
    return verdict


def test_a_whole_data_set_is_proven(folder: Path) -> None:
    seen = []
    report = verify_dataset(folder, progress=seen.append)
    rows = rows_of(folder)
    assert report.failures == []
    assert report.checked == report.agreed
    assert report.checked.total() == len(rows) == len(seen) > 20
    assert set(report.checked) == {row.question_type for row in rows}
    assert json.loads(json.dumps(report.to_json()))["failures"] == []


def test_a_limit_is_kept(folder: Path) -> None:
    assert verify_dataset(folder, limit=5).checked.total() == 5


@pytest.mark.parametrize("name", QUESTION_TYPES)
def test_a_wrong_answer_is_found(folder: Path, name: str) -> None:
    rows = [row for row in rows_of(folder) if row.question_type == name]
    assert rows
    for row in rows[:2]:
        wrong = next(option for option in row.answers if option != row.correct_answer)
        verdict = verdict_of(replace(row, correct_answer=wrong))
        assert not verdict.agrees
        assert row.id in verdict.line()
        assert repr(wrong) in verdict.line()


def test_a_moved_camera_is_found(folder: Path) -> None:
    row = rows_of(folder)[0]
    evidence = json.loads(row.evidence)
    evidence["frames"][0]["pose"]["yaw_rad"] += 0.05
    verdict = verdict_of(replace(row, evidence=json.dumps(evidence)))
    assert verdict.proven is None
    assert "looks different" in verdict.line()


def test_a_mark_on_the_wrong_object_is_found(folder: Path) -> None:
    marked = [row for row in rows_of(folder) if "marked P" in row.question]
    for row in marked[:5]:
        evidence = json.loads(row.evidence)
        dots = [mark for mark in evidence["marks"] if mark["kind"] == "dot"]
        if len(dots) < 2 or row.question_type == "distance":
            continue
        pixels = [mark["pixels"] for mark in dots]
        for mark, other in zip(dots, [*pixels[1:], pixels[0]], strict=True):
            mark["pixels"] = other
        assert not verdict_of(replace(row, evidence=json.dumps(evidence))).agrees


def test_a_scene_that_cannot_be_loaded_fails_its_rows(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from toy_engine import ToyEngine

    from generation.scene import EngineError

    def load(engine: ToyEngine, key: SceneKey) -> Any:
        raise EngineError("no such house")

    monkeypatch.setattr(ToyEngine, "load", load)
    report = verify_dataset(folder)
    assert len(report.failures) == report.checked.total() > 0
    assert "no such house" in report.failures[0].line()


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError):
        verify_dataset(tmp_path)


def test_the_camera_of_a_run_is_the_one_that_is_verified(folder: Path) -> None:
    camera = json.loads(rows_of(folder)[0].evidence)["camera"]
    assert Camera(**camera) == SETTINGS.job().config.camera
    assert np.isclose(camera["width_px"], 128)
