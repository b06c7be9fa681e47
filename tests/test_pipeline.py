"""A data set is the same however it came about: in one go, in parts, or after being stopped."""

from __future__ import annotations

import io
import json
from collections.abc import Generator, Iterable
from dataclasses import replace
from pathlib import Path

import datasets
import numpy as np
import pytest
from PIL import Image
from toy_engine import open_engine

from generation import engines
from generation.engines import open_at
from generation.pipeline import Part, generate
from generation.pool import Executor
from generation.pose import Camera, Pose
from generation.scene import SceneKey
from generation.settings import Run, RunSettings
from generation.shard import data_set_rows
from generation.worker import SceneJob, SceneResult, run_scene, segmentation_hash
from sat_tasks.console import UserError
from sat_tasks.data import open_data_set
from sat_tasks.manifest import Manifest
from sat_tasks.rows import Row

SETTINGS = RunSettings(
    types=("relation", "depth", "ego_movement", "goal_aiming"),
    seed=3,
    engine="toy",
    size_px=96,
    questions_per_scene=6,
    scenes_per_shard=2,
)
RUN = Run(SETTINGS, {"test": 5})


@pytest.fixture(autouse=True)
def _toy_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(engines.ENGINES, "toy", "toy_engine:open_engine")


def here(stop_after: int | None = None, backwards: bool = False) -> Executor:
    """Return an executor in this process; it may stop early, or do the scenes in reverse."""

    def execute(job: SceneJob, keys: Iterable[SceneKey]) -> Generator[SceneResult]:
        engine = open_at(job.engine_path, job.config)
        ordered = list(keys)[:: -1 if backwards else 1]
        for number, key in enumerate(ordered):
            if number == stop_after:
                raise KeyboardInterrupt
            yield run_scene(engine, job, key)

    return execute


def make(folder: Path, run: Run = RUN, **how: int | bool) -> Manifest | None:
    return generate(folder, run, here(**how), progress=False)[1]  # type: ignore[arg-type]


def rows_of(folder: Path) -> list[Row]:
    return list(data_set_rows(open_data_set(folder)))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(engines.ENGINES, "toy", "toy_engine:open_engine")
        make(folder)
    return folder


def test_a_data_set_holds_what_its_manifest_says(whole: Path) -> None:
    manifest, rows = open_data_set(whole).manifest, rows_of(whole)
    assert manifest.engine == "toy"
    assert manifest.scenes == {"test": 5}
    assert [file.path for file in manifest.files] == [
        f"data/test-0000{i}.parquet" for i in range(3)
    ]
    kinds = [row.question_type for row in rows]
    assert manifest.counts == {"test": {kind: kinds.count(kind) for kind in sorted(set(kinds))}}
    assert set(kinds) == set(SETTINGS.types)
    assert len({row.id for row in rows}) == len(rows) >= 20
    assert {row.scene_id for row in rows} == {f"test-3-{index:06d}" for index in range(5)}


def test_datasets_loads_the_folder_by_its_card_alone(whole: Path, tmp_path: Path) -> None:
    loaded = datasets.load_dataset(str(whole), cache_dir=str(tmp_path))
    assert set(loaded) == {"test"}
    assert loaded["test"]["id"] == [row.id for row in rows_of(whole)]
    assert loaded["test"][0]["images"][0].size == (96, 96)


def test_evidence_rebuilds_every_frame(whole: Path) -> None:
    for row in rows_of(whole):
        evidence = json.loads(row.evidence)
        camera = Camera(**evidence["camera"])
        session = open_engine(engines.EngineConfig(camera)).load(SceneKey(**evidence["scene"]))
        loaded = session.state()
        assert len(evidence["frames"]) == len(row.images)
        for frame in evidence["frames"] + evidence["hidden_frames"]:
            session.restore(loaded.updated(frame["moved"]))
            seen = session.observe(Pose.from_json(frame["pose"]))
            assert segmentation_hash(seen.segmentation) == frame["segmentation"]


def test_pictures_show_the_frame_with_its_marks(whole: Path) -> None:
    for row in rows_of(whole):
        evidence = json.loads(row.evidence)
        camera = Camera(**evidence["camera"])
        session = open_engine(engines.EngineConfig(camera)).load(SceneKey(**evidence["scene"]))
        loaded = session.state()
        for number, frame in enumerate(evidence["frames"]):
            session.restore(loaded.updated(frame["moved"]))
            plain = session.render(session.observe(Pose.from_json(frame["pose"])))
            shown = np.asarray(Image.open(io.BytesIO(row.images[number])))
            marked = any(mark["frame_index"] == number for mark in evidence["marks"])
            far_off = np.abs(shown.astype(int) - plain).max(-1) > 60
            assert bool(far_off.sum() > 20) == marked


def test_the_order_in_which_scenes_are_done_does_not_matter(whole: Path, tmp_path: Path) -> None:
    make(tmp_path, backwards=True)
    assert rows_of(tmp_path) == rows_of(whole)


def test_parts_make_the_whole(whole: Path, tmp_path: Path) -> None:
    manifests = [
        generate(tmp_path, RUN, here(), Part(number, 3), progress=False)[1] for number in (2, 1, 3)
    ]
    assert [manifest is not None for manifest in manifests] == [False, False, True]
    assert rows_of(tmp_path) == rows_of(whole)
    assert open_data_set(tmp_path).manifest == open_data_set(whole).manifest


@pytest.mark.parametrize("stop_after", range(5))
def test_a_stopped_run_goes_on_where_it_was(whole: Path, tmp_path: Path, stop_after: int) -> None:
    with pytest.raises(KeyboardInterrupt):
        make(tmp_path, stop_after=stop_after)
    with pytest.raises(UserError, match="half written"):
        open_data_set(tmp_path)
    kept = {path: path.stat().st_mtime_ns for path in tmp_path.glob("data/*.parquet")}
    assert len(kept) == stop_after // 2
    tally, _ = generate(tmp_path, RUN, here(), progress=False)
    assert tally.scenes == 5 - 2 * len(kept)
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    assert rows_of(tmp_path) == rows_of(whole)


def test_a_finished_run_has_nothing_left_to_do(whole: Path) -> None:
    before = (whole / "manifest.json").read_bytes()
    tally, manifest = generate(whole, RUN, here(), progress=False)
    assert tally.scenes == 0
    assert manifest is not None
    assert (whole / "manifest.json").read_bytes() == before


def test_a_damaged_temporary_file_is_swept(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    left = tmp_path / "data" / ".test-00001.parquet.4711.part"
    left.write_bytes(b"PAR1 and no more")
    make(tmp_path)
    assert not left.exists()
    assert rows_of(tmp_path) == rows_of(whole)


def test_more_scenes_and_other_splits_are_added(whole: Path, tmp_path: Path) -> None:
    make(tmp_path, Run(SETTINGS, {"test": 3}))
    make(tmp_path, Run(SETTINGS, {"val": 2}))
    manifest = make(tmp_path)
    assert manifest is not None
    assert manifest.scenes == {"test": 5, "val": 2}
    rows = rows_of(tmp_path)
    assert [row for row in rows if row.split == "test"] == rows_of(whole)
    assert {row.scene_id for row in rows if row.split == "val"} == {"val-3-000000", "val-3-000001"}


@pytest.mark.parametrize(
    ("other", "message"),
    [
        (Run(replace(SETTINGS, seed=4), {"test": 5}), "seed 3, not 4"),
        (Run(replace(SETTINGS, size_px=64), {"test": 5}), "size_px 96, not 64"),
        (Run(SETTINGS, {"test": 4}), "holds 5 test scenes, more than the 4"),
    ],
)
def test_another_run_is_kept_out(whole: Path, other: Run, message: str) -> None:
    before = sorted((path, path.stat().st_mtime_ns) for path in whole.rglob("*"))
    with pytest.raises(UserError, match=message):
        make(whole, other)
    assert sorted((path, path.stat().st_mtime_ns) for path in whole.rglob("*")) == before


def test_types_that_are_not_asked_leave_the_others_named_as_they_are(tmp_path: Path) -> None:
    make(tmp_path, Run(replace(SETTINGS, types=("depth",)), {"test": 2}))
    assert {row.question_type for row in rows_of(tmp_path)} == {"depth"}


def test_a_folder_that_cannot_be_written_is_found_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    def never(job: SceneJob, keys: Iterable[SceneKey]) -> Generator[SceneResult]:
        raise AssertionError("started")
        yield

    with pytest.raises(UserError, match="cannot write into"):
        generate(tmp_path / "file" / "data", RUN, never, progress=False)


def test_lost_scenes_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(engines.ENGINES, "toy", "broken_engine:open_refusing")
    run = Run(replace(SETTINGS, houses="0,3"), {"test": 5})
    tally, manifest = generate(tmp_path, run, here(), progress=False)
    assert tally.lost_scenes == 2
    assert manifest is not None
    assert manifest.skips["scene"] == {"the house has no floor": 2}
    assert "the house has no floor" in (tmp_path / "README.md").read_text()
    assert {row.scene_id[-1] for row in rows_of(tmp_path)} == {"1", "2", "4"}
