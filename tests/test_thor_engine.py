"""AI2-THOR's engine, run with ai2thor's own Controller against the stand-in player."""

from __future__ import annotations

import math
from ctypes.util import find_library
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("ai2thor", reason="needs the extra thor")

import thor_setup
from conformance import check_engine
from thor_setup import (
    FIRST,
    LOOK,
    Load,
    add,
    make_player,
    quick_settings,
    small_house,
    toy_houses,
    unity,
    write_houses,
)
from toy_engine import ToyEngine, toy_camera

from generation.engines import EngineConfig, open_engine
from generation.engines.thor.engine import ThorEngine, ThorSettings
from generation.engines.thor.facts import is_inside
from generation.engines.thor.house_json import held_still, missing_objects
from generation.engines.thor.installation import release_folder
from generation.engines.thor.session import ThorSession
from generation.pose import Camera, Pose
from generation.scene import BACKGROUND, EngineError, SceneKey

home = pytest.fixture(autouse=True)(thor_setup.away_from_home)
load = pytest.fixture(thor_setup.loading)


@pytest.mark.slow
@pytest.mark.parametrize("server", ["fifo", "wsgi"])
def test_conforms(tmp_path: Path, server: str) -> None:
    houses = write_houses(tmp_path / "train.jsonl.gz", toy_houses(3))
    config = EngineConfig(toy_camera(), houses=str(houses))
    engine = ThorEngine(config, quick_settings(make_player(tmp_path), server))
    counts = check_engine(engine, [SceneKey("train", index, 3) for index in range(3)])
    assert counts["turning"] > 3
    engine.close()


def poses_in(session: ThorSession, count: int = 12) -> list[Pose]:
    rng = np.random.default_rng(5)
    points = session.standing_points_m()
    return [
        Pose(*points[rng.integers(len(points))], 1.4, rng.uniform(-3, 3), rng.uniform(-0.5, 0.2))
        for _ in range(count)
    ]


def test_the_same_scene_looks_the_same_as_in_the_toy_engine(load: Load) -> None:
    """The two share no line of geometry: pixel for pixel the same means the same conventions."""
    ours = load(*toy_houses(1))
    toy = ToyEngine(EngineConfig(toy_camera())).load(FIRST)
    toy_ids = {item.segmentation_id: item for item in toy.objects().values()}
    for pose in poses_in(ours):
        seen, expected = ours.observe(pose), toy.observe(pose)
        assert np.abs(seen.depth_m - expected.depth_m).max() < 0.01 * expected.depth_m.max()
        for item in ours.objects().values():
            shown = np.unique(expected.segmentation[seen.mask(item.object_id)], return_counts=True)
            for number, pixels in zip(*shown, strict=True):
                if pixels > 4:  # rounding on edges
                    assert toy_ids[number].category == item.category
                    assert toy_ids[number].center_m == pytest.approx(item.center_m, abs=1e-3)


def test_where_one_can_stand_is_the_same_as_in_the_toy_engine(load: Load) -> None:
    ours = load(*toy_houses(1))
    toy = ToyEngine(EngineConfig(toy_camera())).load(FIRST)
    expected = {(round(x, 3), round(y, 3)) for x, y in toy.standing_points_m().tolist()}
    actual = {(round(x, 3), round(y, 3)) for x, y in ours.standing_points_m().tolist()}
    assert actual <= expected
    assert len(actual) > 0.8 * len(expected), "the rest can be cut off by furniture"


def test_pictures_are_copies(load: Load) -> None:
    session = load(small_house())
    seen = session.observe(Pose(0.0, -1.0, 1.5, math.pi / 2))
    kept = seen.depth_m.copy()
    assert seen.depth_m.flags.writeable
    assert seen.depth_m.flags.c_contiguous
    session.observe(Pose(0.0, -1.0, 1.5, 0.0))
    assert np.array_equal(seen.depth_m, kept)
    picture = session.render(seen)
    assert picture.flags.writeable
    assert picture.flags.c_contiguous
    assert picture.shape == (128, 128, 3)


def test_a_wide_picture_has_the_right_field_of_view(load: Load) -> None:
    camera = Camera(160, 96, math.radians(60))
    session = load(*toy_houses(1), camera=camera)
    toy = ToyEngine(EngineConfig(camera)).load(FIRST)
    for pose in poses_in(session, 4):
        difference_m = np.abs(session.observe(pose).depth_m - toy.observe(pose).depth_m)
        assert np.quantile(difference_m, 0.99) < 0.01


# ------------------------------------------------------------------------------------ objects


def test_objects_are_named_as_people_do_and_floors_are_no_objects(load: Load) -> None:
    session = load(small_house())
    names = {item.object_id: item.name for item in session.objects().values()}
    assert names == {"Basket|0|2": "basket", "Mug|0|1": "mug", "Table|0|0": "table"}
    movable = {item.name for item in session.objects().values() if item.movable}
    assert movable == {"basket", "mug"}


def test_the_card_is_told_of_rooms_objects_and_their_maker(load: Load) -> None:
    house = small_house(walls=[{"id": "w", "roomId": "room|0", "material": {"name": "Brick"}}])
    house["rooms"][0]["floorMaterial"] = "Oak"
    facts = load(house).info.house
    assert facts["rooms"] == [{"kind": "living room", "floor": "Oak", "walls": ["Brick"]}]
    assert facts["missing_objects"] == 0
    mug = next(item for item in facts["furniture"] if item["name"] == "mug")
    assert mug == {
        "object_id": "Mug|0|1",
        "name": "mug",
        "category": "mug",
        "room": "room|0",
        "piece_id": "thor/Mug_100x120x100",
        "creator": "Allen Institute for AI",
        "licence": "Apache-2.0 (AI2-THOR)",
        "source": "ai2thor",
    }


def test_an_object_is_in_the_room_whose_floor_it_stands_on() -> None:
    angled = np.array([(0, 0), (4, 0), (4, 1), (1, 1), (1, 3), (0, 3)], float)
    inside = [(0.5, 0.5), (3.5, 0.5), (0.5, 2.5)]
    outside = [(2.0, 2.0), (-0.1, 0.5), (4.1, 0.5), (0.5, 3.1)]
    assert [is_inside(x, y, angled) for x, y in inside + outside] == [True] * 3 + [False] * 4


def test_a_drawer_belongs_to_its_dresser_and_a_thing_without_asset_to_nothing(load: Load) -> None:
    house = add(
        small_house(),
        id="Dresser|0|9",
        assetId="Dresser_900x800x500",
        position=unity(0.9, -1.4, 0.4),
        rotation={"x": 0, "y": 180, "z": 0},
    )
    session = load(house)
    assert "Dresser|0|9" in session.objects()
    assert not any("___" in name or name.startswith("room") for name in session.objects())
    seen = session.observe(Pose(0.9, 0.3, 1.2, -math.pi / 2, -0.3))
    dresser = seen.mask("Dresser|0|9")
    assert dresser.mean() > 0.05
    rows, columns = np.nonzero(dresser)
    hole = (seen.segmentation == BACKGROUND)[rows.min() : rows.max(), columns.min() : columns.max()]
    assert hole.mean() < 0.2, "the drawer's front is cut out of the dresser"


def test_a_turned_object_lies_where_its_pixels_are(load: Load) -> None:
    house = add(
        small_house(),
        id="Sofa|0|9",
        assetId="Sofa_1600x700x700",
        position=unity(0.2, -0.9, 0.35),
        rotation={"x": 0, "y": 30, "z": 0},
    )
    session = load(house)
    sofa = session.objects()["Sofa|0|9"]
    # 30 degrees clockwise from above: the end at +x comes towards -y.
    right = sofa.surface_points_m[:, 0] > sofa.center_m[0] + 0.5
    assert sofa.surface_points_m[right, 1].mean() < sofa.center_m[1] - 0.1
    assert sofa.size_m[0] == pytest.approx(1.6 * math.cos(math.pi / 6) + 0.35, abs=0.01)


def test_children_are_loaded_and_everything_is_held_still() -> None:
    mug = {"id": "Mug|0|5", "assetId": "Mug_100x120x100", "kinematic": False}
    house = {"rooms": [], "objects": [{"id": "a", "kinematic": False, "children": [mug]}]}
    still = held_still(house)
    assert isinstance(still, dict)
    assert still["objects"][0]["kinematic"]
    assert still["objects"][0]["children"][0]["kinematic"]
    assert not house["objects"][0]["kinematic"], "the house itself is left as it was"


def test_what_the_player_left_out_is_counted_and_too_much_refused() -> None:
    items = [{"id": str(number), "assetId": f"asset {number}"} for number in range(20)]
    house = {"objects": [{"id": "table", "assetId": "t", "children": items}]}
    made = dict.fromkeys(["table", *map(str, range(1, 20))])
    assert missing_objects(house, made) == ["0"]
    with pytest.raises(EngineError, match=r"left out 20 of 21 .* example asset 'asset"):
        missing_objects(house, {"table": None})


def test_a_house_without_a_starting_pose_starts_in_its_first_room(load: Load) -> None:
    house = small_house()
    del house["metadata"]
    assert len(load(house).standing_points_m()) > 20


def test_a_thing_that_hardly_shows_gets_the_surface_of_its_box(load: Load) -> None:
    """A mug in a closed box: nothing is asked about it, but it does not break the scene."""
    house = add(
        small_house(),
        id="Fridge|0|9",
        assetId="Fridge_700x1700x700",
        position=unity(1.5, -1.3, 0.85),
        rotation={"x": 0, "y": 0, "z": 0},
    )
    house = add(
        house,
        id="Book|0|10",
        assetId="Book_200x40x150",
        position=unity(1.5, -1.3, 0.9),
        rotation={"x": 0, "y": 0, "z": 0},
    )
    book = load(house).objects()["Book|0|10"]
    assert len(book.surface_points_m) == 180
    assert np.all(np.abs(book.surface_points_m - book.center_m) <= book.size_m / 2 + 1e-9)


# -------------------------------------------------------------------------- scenes and settings


def test_a_scene_of_the_build_has_objects_though_they_name_no_assets(tmp_path: Path) -> None:
    config = EngineConfig(toy_camera(), houses="FloorPlan1,FloorPlan29")
    engine = ThorEngine(config, quick_settings(make_player(tmp_path)))
    session = engine.load(SceneKey("test", 0, 0))
    names = {item.name for item in session.objects().values()}
    assert names == {"sofa", "dining table", "mug", "fridge"}
    assert session.info.house["scene"] == "FloorPlan1"
    assert session.info.house["rooms"] == [{"kind": "kitchen"}]
    pieces = {item["piece_id"] for item in session.info.house["furniture"]}
    assert "thor/DiningTable" in pieces
    assert session.place(next(n for n in session.state().poses if "Mug" in n), 1.3, 1.9, 0.74)
    with pytest.raises(EngineError, match="build has no scene FloorPlan29"):
        engine.load(SceneKey("test", 1, 0))
    assert engine.load(SceneKey("test", 0, 0)).objects()
    engine.close()


def test_it_is_opened_by_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_houses(tmp_path / "train.jsonl", [small_house()])
    monkeypatch.setenv("SAT_THOR_EXECUTABLE", str(make_player(tmp_path)))
    monkeypatch.setenv("SAT_THOR_START_TIMEOUT_S", "20")
    engine = open_engine("thor", EngineConfig(toy_camera(), houses=str(path)))
    assert (engine.name, engine.version) == ("thor", "5.0.0 (player local player)")
    assert engine.load(FIRST).objects()
    engine.close()


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SAT_THOR_SERVER", "tcp", "known: fifo, wsgi"),
        ("SAT_THOR_STEP_TIMEOUT_S", "soon", "takes a number of seconds above 0"),
        ("SAT_THOR_START_TIMEOUT_S", "0", "takes a number of seconds above 0"),
        ("SAT_THOR_EXECUTABLE", "/no/player", "has to be an executable file"),
    ],
)
def test_a_bad_setting_says_what_is_allowed(variable: str, value: str, message: str) -> None:
    with pytest.raises(EngineError, match=f"{variable} is '{value}'.*{message}"):
        ThorSettings.from_environment({variable: value})


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("generation.engines.thor.find_spec", lambda name: None)
    with pytest.raises(EngineError, match=r"pip install 'sat-bench\[thor\]'"):
        open_engine("thor", EngineConfig(toy_camera(), houses="ithor"))


def test_houses_are_looked_at_before_the_player_starts(tmp_path: Path) -> None:
    settings = ThorSettings(executable=tmp_path / "no player")
    with pytest.raises(EngineError, match="engine thor cannot read houses 'procedural'"):
        ThorEngine(EngineConfig(toy_camera()), settings)


def test_a_missing_player_says_where_it_comes_from(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setattr("ai2thor.build.requests.head", _no_network)
    with pytest.raises(EngineError, match=r"could not be fetched from http://s3.*f0825767.*\.zip"):
        ThorEngine(EngineConfig(toy_camera(), houses="ithor"), ThorSettings())


def _no_network(*_: Any, **__: Any) -> None:
    raise OSError("no network in tests")


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """Put the stand-in where ai2thor keeps its own player."""
    if find_library("vulkan") is None:
        pytest.skip("ai2thor refuses its own player on a machine without libvulkan.so")
    folder = release_folder()
    folder.mkdir(parents=True)
    make_player(tmp_path).rename(folder / folder.name)
    (folder / "metadata.json").write_text('{"server_types": ["FIFO", "WSGI"]}')
    return write_houses(tmp_path / "train.jsonl", [small_house()])


def test_the_installed_player_is_found_and_asked_as_any_other(installed: Path) -> None:
    engine = ThorEngine(EngineConfig(toy_camera(), houses=str(installed)), ThorSettings())
    assert engine.version == "5.0.0 (player f0825767)"
    assert engine.load(FIRST).observe(LOOK).mask("Table|0|0").any()
    engine.close()


def test_an_installed_player_that_exits_says_why(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_UNITY_FAULT", "exit")
    with pytest.raises(EngineError, match=r"Unity process has exited .* returncode=3"):
        ThorEngine(EngineConfig(toy_camera(), houses=str(installed)), ThorSettings())


def test_a_numbered_gpu_without_the_tools_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(EngineError, match="did not start: vulkaninfo failed to run"):
        ThorEngine(
            EngineConfig(toy_camera(), houses="ithor"), quick_settings(make_player(tmp_path))
        )
