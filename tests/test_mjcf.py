"""Folders of MJCF scenes as houses, on the real engine with hand-written scenes."""

from __future__ import annotations

import json
import math
from collections.abc import Generator, Iterable
from pathlib import Path

import numpy as np
import pytest
from conformance import check_engine
from mjcf_scenes import FURNITURE, SMALL, write_scene

from generation.cli import main
from generation.engines import Engine, EngineConfig, open_at, open_engine
from generation.engines.mujoco.mjcf.files import open_folder, split_of
from generation.engines.mujoco.mjcf.names import NameTable, category_of, read_names
from generation.pipeline import generate
from generation.pose import Camera
from generation.questions import QUESTION_TYPES
from generation.scene import EngineError, SceneKey
from generation.settings import Run, RunSettings
from generation.shard import data_set_rows
from generation.verify import verify_dataset
from generation.worker import SceneJob, SceneResult, run_scene
from sat_tasks.console import UserError
from sat_tasks.data import open_data_set

CAMERA = Camera(96, 96, math.radians(75))
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"


def engine_on(folder: Path) -> Engine:
    return open_engine("mujoco", EngineConfig(CAMERA, houses=str(folder)))


def here(job: SceneJob, keys: Iterable[SceneKey]) -> Generator[SceneResult]:
    engine = open_at(job.engine_path, job.config)
    for key in keys:
        yield run_scene(engine, job, key)


def key(index: int = 0) -> SceneKey:
    return SceneKey("test", index, 0)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    for number in range(3):
        write_scene(folder, f"test_{number}", shift_m=0.06 * number)
    return folder


# Files


def test_scenes_keep_the_split_in_their_name_and_others_are_drawn_by_it(tmp_path: Path) -> None:
    for name in ("train_10", "train_2", "val_1", "house_a", "house_b"):
        (tmp_path / f"{name}.xml").write_text("<mujoco/>")
    (tmp_path / "train_2_ceiling.xml").write_text("<mujoco/>")
    before = open_folder(tmp_path).scenes
    named = [scene.path.name for scene in before["train"] if scene.name.startswith("train")]
    assert named == ["train_2_ceiling.xml", "train_10.xml"]
    assert [scene.name for scene in before["val"]][:1] in (["val_1"], ["house_a"], ["house_b"])
    (tmp_path / "house_c.xml").write_text("<mujoco/>")
    after = open_folder(tmp_path).scenes
    for split, listed in before.items():
        assert {scene.name for scene in listed} <= {scene.name for scene in after[split]}
    drawn = [split_of(f"house-{number}") for number in range(2000)]
    shares = [drawn.count(split) / len(drawn) for split in ("train", "val", "test")]
    np.testing.assert_allclose(shares, (0.8, 0.1, 0.1), atol=0.03)


def test_a_folder_without_scenes_and_git_lfs_pointers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="holds no MJCF scene"):
        open_folder(tmp_path)
    (tmp_path / "a.xml").write_text(POINTER)
    with pytest.raises(EngineError, match="git-lfs pointer"):
        open_folder(tmp_path)


def test_a_mesh_that_is_a_pointer_loses_its_scene_with_a_clear_reason(tmp_path: Path) -> None:
    write_scene(tmp_path, "test_0")
    (tmp_path / "test_0_assets" / "lamp.obj").write_text(POINTER)
    with pytest.raises(EngineError, match=r"scene test_0: lamp\.obj is a git-lfs pointer"):
        engine_on(tmp_path).load(key())


def test_the_digest_covers_everything_that_a_scene_is_made_of(tmp_path: Path) -> None:
    write_scene(tmp_path, "test_0")
    scene = open_folder(tmp_path).scenes["test"][0]
    seen = {scene.digest()}
    for name in ("test_0.xml", "test_0_assets/lamp.obj", "test_0_metadata.json"):
        path = tmp_path / name
        path.write_text(path.read_text() + "\n")
        seen.add(scene.digest())
    (tmp_path / "names.json").write_text("{}")
    seen.add(scene.digest())
    assert len(seen) == 5
    (tmp_path / "unrelated.txt").write_text("x")
    assert scene.digest() in seen


# Names


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("dining_table_3", "dining table"),
        ("DiningTable|1|2", "dining table"),
        ("mug_0a1b2c_1_0_4", "mug"),
        ("TVStand", "tv stand"),
        ("wall_0_3", "wall"),
    ],
)
def test_names_of_bodies_become_words(name: str, words: str) -> None:
    assert category_of(name) == words


def test_metadata_and_the_folders_own_table_name_things(tmp_path: Path) -> None:
    table = {
        "creator": "Ann Example",
        "names": {"Thing": {"name": "toy robot", "askable": False}, "lamp_1": "desk lamp"},
        "building": ["Pillar"],
    }
    (tmp_path / "names.json").write_text(json.dumps(table))
    names = read_names(tmp_path)
    assert names.called("x_1", {"category": "Thing"}).category == "toy robot"
    assert not names.called("x_1", {"category": "Thing"}).askable
    assert names.called("lamp_1", {}).category == "desk lamp"
    assert names.called("p", {"category": "Pillar"}).is_building
    assert names.called("r", {"category": "Kitchen", "object_enum": "room"}).is_building
    plain = NameTable().called("x", {"category": "TVStand"})
    assert (plain.category, plain.plural, plain.askable) == ("TV stand", "TV stands", True)
    assert not NameTable().called("x", {"category": "Painting"}).askable


@pytest.mark.parametrize(
    "text", ["[]", '{"name": {}}', '{"names": {"a": 1}}', '{"names": {"a": {"x": 1}}}', "{"]
)
def test_a_wrong_table_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "names.json").write_text(text)
    with pytest.raises(EngineError, match=r"names\.json"):
        read_names(tmp_path)


# Scenes


def test_floors_walls_and_objects_are_found(scenes: Path) -> None:
    session = engine_on(scenes).load(key())
    objects = session.objects()
    assert set(objects) == {*FURNITURE, *SMALL, "floorlamp_n5_0"}
    assert {k for k, item in objects.items() if item.movable} == {*SMALL, "floorlamp_n5_0"}
    assert session.info.house["removed_pieces"] == []
    assert len(session.info.house["rooms"]) == 2
    fridge = objects["fridge_c3_0"]
    np.testing.assert_allclose(fridge.center_m, (-3.6, -2.1, 0.85), atol=1e-3)
    np.testing.assert_allclose(fridge.size_m, (0.66, 0.66, 1.7), atol=1e-3)
    assert {objects["chair_b2_0"].name, objects["chair_b2_1"].name} == {"red chair", "blue chair"}
    assert session.is_standing_free(0.0, 0.0), "the doorway is open"
    assert not session.is_standing_free(0.0, 1.5), "there is a wall"
    assert not session.is_standing_free(0.0, 4.0), "that is outside"
    lamp = objects["floorlamp_n5_0"]
    assert abs(lamp.center_m[2] - lamp.size_m[2] / 2 - 0.52) < 0.01, "it stands on the side table"


def test_it_conforms(scenes: Path) -> None:
    counts = check_engine(engine_on(scenes), [key(0), key(1)])
    assert counts["placing"] == 2


def test_an_l_shaped_room_is_cut_into_rectangles(tmp_path: Path) -> None:
    (tmp_path / "test_0.xml").write_text(
        """<mujoco><asset><mesh name="l" inertia="shell"
        vertex="0 0 0 4 0 0 4 2 0 2 2 0 2 5 0 0 5 0" face="0 1 2 0 2 3 0 3 4 0 4 5"/></asset>
        <worldbody><geom name="floor_0" type="mesh" mesh="l" contype="0" conaffinity="0"/>
        <body name="crate_1" pos="1 4 .3"><freejoint/><geom type="box" size=".3 .3 .3"/></body>
        </worldbody></mujoco>"""
    )
    session = engine_on(tmp_path).load(key())
    assert session.is_standing_free(3.0, 1.0)
    assert session.is_standing_free(1.0, 2.5)
    assert not session.is_standing_free(3.0, 3.5), "outside the L"
    assert not session.is_standing_free(1.0, 4.0), "the crate is there"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<mujoco><worldbody>", "is not XML"),
        ("<mujoco><worldbody><geom kind='x'/></worldbody></mujoco>", "cannot be read"),
        (
            """<mujoco><worldbody><body name="box"><geom type="box" size="1 1 1"/></body>
            </worldbody></mujoco>""",
            "no floor",
        ),
        ('<mujoco><worldbody><geom type="plane" size="2 2 1"/></worldbody></mujoco>', "no objects"),
        (
            """<mujoco><worldbody><geom type="plane" size="2 2 1"/>
            <geom name="floor_2" type="plane" pos="0 0 3" size="2 2 1"/></worldbody></mujoco>""",
            "one level",
        ),
    ],
)
def test_a_scene_that_cannot_be_used_says_why(tmp_path: Path, text: str, reason: str) -> None:
    (tmp_path / "test_0.xml").write_text(text)
    with pytest.raises(EngineError, match=f"scene test_0.*{reason}"):
        engine_on(tmp_path).load(key())


# Runs


def settings(folder: Path, **changes: object) -> RunSettings:
    base: dict[str, object] = {"types": ("relation", "depth"), "houses": str(folder)}
    base |= {"size_px": 96, "questions_per_scene": 2}
    return RunSettings(**{**base, **changes})  # type: ignore[arg-type]


def test_broken_scenes_are_counted_and_many_of_them_stop_the_run(tmp_path: Path) -> None:
    folder = tmp_path / "scenes"
    write_scene(folder, "test_0")
    for number in range(1, 4):
        (folder / f"test_{number}.xml").write_text("<mujoco><worldbody>")
    run = Run(settings(folder), {"test": 2})
    tally, manifest = generate(tmp_path / "few", run, here, progress=False)
    assert manifest is not None
    (reason,) = manifest.skips["scene"]
    assert reason.startswith("scene test_1: test_1.xml is not XML")
    assert (tally.lost_scenes, sum(manifest.counts["test"].values())) == (1, 2)
    with pytest.raises(UserError, match=r"3 of 4 scenes gave nothing.*not XML"):
        generate(tmp_path / "many", Run(settings(folder), {"test": 4}), here, progress=False)


@pytest.mark.slow
def test_every_type_is_asked_and_proven_and_a_changed_scene_is_noticed(
    scenes: Path, tmp_path: Path
) -> None:
    types = tuple(QUESTION_TYPES)
    run = Run(settings(scenes, types=types, size_px=192, questions_per_scene=14), {"test": 3})
    _, manifest = generate(tmp_path / "data", run, here, progress=False)
    assert manifest is not None
    assert set(manifest.counts["test"]) == set(types)
    report = verify_dataset(tmp_path / "data")
    assert report.failures == []
    assert report.checked.total() == sum(manifest.counts["test"].values())

    row = next(iter(data_set_rows(open_data_set(tmp_path / "data"))))
    made = json.loads(row.evidence)["scene_file"]
    assert made["name"] == "test_0"
    text = (scenes / "test_0.xml").read_text()
    try:
        (scenes / "test_0.xml").write_text(text.replace('size=".33 .33 .85"', 'size=".3 .3 .8"'))
        failures = verify_dataset(tmp_path / "data", limit=1).failures
    finally:
        (scenes / "test_0.xml").write_text(text)
    assert f"made from scene test_0 (hash {made['hash']})" in failures[0].reason


@pytest.mark.parametrize(
    ("houses", "scenes_wanted", "message"),
    [
        ("{scenes}", "9", "--scenes 9 of split test is more than"),
        ("{scenes}/nowhere", "1", "no such file or folder; engine mujoco takes a folder of MJCF"),
    ],
)
def test_the_command_refuses_before_it_starts(
    scenes: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    houses: str,
    scenes_wanted: str,
    message: str,
) -> None:
    arguments = ["run", "--out", str(tmp_path / "data"), "--scenes", scenes_wanted]
    status = main([*arguments, "--houses", houses.format(scenes=scenes)])
    assert status == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "data").exists()
