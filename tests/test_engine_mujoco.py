"""The embedded engine, for real, on a tiny house."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
from conformance import check_engine
from tiny_house import TABLE_TOP_M, TinyHouses, block, table

from generation.engines.mujoco import probe
from generation.engines.mujoco.engine import MujocoEngine
from generation.engines.mujoco.ibl import ambience_ktx
from generation.engines.mujoco.physics import Boxes
from generation.engines.mujoco.renderer import open_renderer
from generation.engines.mujoco.shape import load_shape
from generation.engines.mujoco.standing import has_room
from generation.houses.house import House
from generation.pose import Camera, Pose
from generation.scene import EngineError, SceneKey

CAMERA = Camera(128, 96, math.radians(70))
KEYS = [SceneKey("train", index, 0) for index in range(2)]
VIEW = Pose(1.9, -1.7, 1.5, math.radians(128), math.radians(-14))


@pytest.fixture(scope="module")
def engine() -> Iterator[MujocoEngine]:
    opened = MujocoEngine(CAMERA, TinyHouses(), open_renderer("auto", CAMERA))
    yield opened
    opened.close()


def test_it_conforms(engine: MujocoEngine) -> None:
    counts = check_engine(engine, KEYS)
    assert counts["pixels"] >= 8


def test_toppled_pieces_are_taken_out_and_told() -> None:
    renderer = open_renderer("auto", CAMERA)
    session = MujocoEngine(CAMERA, TinyHouses(unstable=True), renderer).load(KEYS[0])
    assert session.info.house["removed_pieces"] == ["vase"]
    assert session.info.house["source"] == "tiny"
    assert "vase" not in session.objects()
    assert "vase" not in session.state().poses
    session.close()


def test_a_late_close_does_not_touch_the_next_scene(engine: MujocoEngine) -> None:
    first = engine.load(KEYS[0])
    second = engine.load(KEYS[1])
    first.close()
    first.close()
    assert second.observe(VIEW).segmentation.max() > 0
    assert first.info.key == KEYS[0]


@dataclass(frozen=True)
class BrokenHouses:
    """Houses with a piece whose mesh has a corner nowhere."""

    def house(self, key: SceneKey) -> House:
        house = TinyHouses().house(key)
        part = block("cup", (0.1, 0.1, 0.1), (0.5, 0.5, 0.5), movable=False).load_parts()[0]
        vertices_m = part.vertices_m.copy()
        vertices_m[0] = np.nan
        broken = replace(part, vertices_m=vertices_m)
        piece = replace(house.pieces[0].piece, load_parts=lambda: (broken,))
        return replace(house, pieces=(replace(house.pieces[0], piece=piece),))


def test_a_house_that_cannot_be_built_is_an_engine_error() -> None:
    engine = MujocoEngine(CAMERA, BrokenHouses(), open_renderer("auto", CAMERA))
    with pytest.raises(EngineError, match="house train-0-000000 cannot be built"):
        engine.load(KEYS[0])


def test_things_rest_on_what_carries_them(engine: MujocoEngine) -> None:
    session = engine.load(KEYS[0])
    for object_id in ("cup", "toaster"):
        item = session.objects()[object_id]
        assert item.center_m[2] - item.size_m[2] / 2 == pytest.approx(TABLE_TOP_M, abs=0.002)


def test_a_turned_piece_has_a_world_aligned_box(engine: MujocoEngine) -> None:
    session = engine.load(KEYS[0])
    turned = session.objects()["toaster"]
    yaw = 0.5
    assert turned.size_m[0] == pytest.approx(0.28 * math.cos(yaw) + 0.18 * math.sin(yaw), abs=1e-3)
    assert session.objects()["sofa"].size_m == pytest.approx([0.8, 1.8, 0.8])


def test_distances_are_what_a_look_shows(engine: MujocoEngine) -> None:
    session = engine.load(KEYS[0])
    seen = session.observe(VIEW)
    rows, columns = (grid.ravel() for grid in np.mgrid[4:96:8, 4:128:8])
    pixels = np.column_stack([columns, rows]) + 0.5
    ways_m = CAMERA.unproject(VIEW, pixels, np.ones(len(pixels))) - VIEW.position_m
    lengths = np.linalg.norm(ways_m, axis=1)
    depth_m = session.distances_m(VIEW.position_m, ways_m / lengths[:, None]) / lengths
    shown_m = seen.depth_m[rows, columns]
    # All of this house is boxes; a ray beside an edge may meet the other side of it.
    assert np.mean(np.abs(depth_m - shown_m) < 0.01) > 0.97
    assert np.isinf(session.distances_m(np.array([0.0, 0.0, 9.0]), np.array([[0.0, 0.0, 1.0]])))


def test_place_refuses_to_disturb(engine: MujocoEngine) -> None:
    session = engine.load(KEYS[0])
    start = session.state()
    toaster = session.objects()["toaster"].center_m
    assert not session.place("cup", toaster[0], toaster[1], TABLE_TOP_M), "inside the toaster"
    assert not session.place("cup", 0.0, -0.5, 0.9), "in the air"
    assert not session.place("cup", 1.19, 1.2, TABLE_TOP_M - 0.1), "through the table"
    assert session.state() == start
    assert session.place("cup", 0.5, 1.4, TABLE_TOP_M)
    assert list(session.state().difference(start)) == ["cup"]


def test_what_carries_something_cannot_be_moved(engine: MujocoEngine) -> None:
    session = engine.load(KEYS[0])
    toaster = session.objects()["toaster"].center_m
    assert session.place("cup", toaster[0], toaster[1], TABLE_TOP_M + 0.2), "on the toaster"
    loaded = session.state()
    assert not session.place("toaster", 0.3, 1.0, TABLE_TOP_M)
    assert session.state() == loaded


def test_only_movable_objects_are_placed(engine: MujocoEngine) -> None:
    session = engine.load(KEYS[0])
    assert not session.place("sofa", 0.0, 0.0, 0.0)
    with pytest.raises(EngineError, match=r"no object 'lamp'; known: .*sofa"):
        session.place("lamp", 0.0, 0.0, 0.0)


def test_restore_needs_the_states_objects(engine: MujocoEngine) -> None:
    session = engine.load(KEYS[0])
    incomplete = session.state()
    with pytest.raises(ValueError, match="ball"):
        session.restore(type(incomplete)({"cup": incomplete.poses["cup"]}))


def test_people_stand_beside_furniture_not_in_it(engine: MujocoEngine) -> None:
    session = engine.load(KEYS[0])
    assert not session.is_standing_free(-2.05, -0.1), "in the sofa"
    assert not session.is_standing_free(0.6, 1.2), "in the table"
    assert not session.is_standing_free(-2.05 + 0.4 + 0.19, -0.1), "touching the sofa"
    assert session.is_standing_free(-2.05 + 0.4 + 0.21, -0.1)
    assert not session.is_standing_free(2.4, 0.0), "in the wall"
    points = session.standing_points_m()
    ball = session.objects()["ball"].center_m[:2]
    assert np.linalg.norm(points - ball, axis=1).min() >= 0.2 + 0.12


def test_pictures_show_the_colours_of_things(engine: MujocoEngine) -> None:
    session = engine.load(KEYS[0])
    view = session.observe(VIEW)
    picture = session.render(view).astype(float)
    sofa, floor = picture[view.mask("sofa")].mean(axis=0), picture[-8:].mean(axis=(0, 1))
    assert sofa.argmax() == 2, f"a blue sofa has the colour {sofa}"
    assert floor.argmax() == 0, f"a brown floor has the colour {floor}"
    assert 60 < picture.mean() < 200, "over- or underexposed"


def test_the_depth_of_a_wall_is_exact(engine: MujocoEngine) -> None:
    session = engine.load(KEYS[0])
    view = session.observe(Pose(0.0, 0.0, 2.2, -math.pi / 2))
    wall_m = view.depth_m[40:56, 56:72]
    assert wall_m == pytest.approx(2.0, abs=1e-3)


def test_two_processes_make_the_same_scene() -> None:
    hashes = {_scene_hash_elsewhere() for _ in range(2)}
    assert len(hashes) == 1


SCENE_HASH = """
import hashlib, sys
sys.path.insert(0, {tests!r})
from test_engine_mujoco import *
session = MujocoEngine(CAMERA, TinyHouses(), open_renderer({renderer!r}, CAMERA)).load(KEYS[0])
session.place("cup", 0.5, 1.4, TABLE_TOP_M)
view = session.observe(VIEW)
assert session.render(view).std() > 2
print(hashlib.sha256(view.segmentation.tobytes() + repr(view.state).encode()).hexdigest())
"""


def test_scenes_that_nobody_looks_at_do_no_harm() -> None:
    """In a process of its own: a renderer that dislikes it takes the process with it."""
    code = (
        "from generation.engines import EngineConfig, open_engine\n"
        "from generation.pose import Camera\n"
        "from generation.scene import SceneKey\n"
        "engine = open_engine('mujoco', EngineConfig(Camera(64, 64, 1.3)))\n"
        "for index in range(3):\n"
        "    engine.load(SceneKey('test', index, 0)).close()\n"
        "engine.close()\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _run_elsewhere(renderer: str, **environment: str) -> subprocess.CompletedProcess[str]:
    code = SCENE_HASH.format(tests=str(Path(__file__).parent), renderer=renderer)
    return subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def _scene_hash_elsewhere() -> str:
    done = _run_elsewhere("auto")
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("renderer", ["egl", "osmesa"])
def test_classic_renderers_conform(renderer: str) -> None:
    if probe.trouble_with(renderer):
        pytest.skip(f"{renderer} does not work here")
    code = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_engine_mujoco import *
engine = MujocoEngine(CAMERA, TinyHouses(), open_renderer({renderer!r}, CAMERA))
test_it_conforms(engine)
test_pictures_show_the_colours_of_things(engine)
test_the_depth_of_a_wall_is_exact(engine)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_without_vulkan_the_plainer_renderer_is_used_and_said(tmp_path: Path) -> None:
    if probe.trouble_with("egl") and probe.trouble_with("osmesa"):
        pytest.skip("no classic renderer works here")
    done = _run_elsewhere("auto", **_no_vulkan(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("using the plainer") == 1
    assert "apt-get install libvulkan1 mesa-vulkan-drivers" in done.stderr


def test_without_any_driver_one_line_says_what_to_install(tmp_path: Path) -> None:
    done = _run_elsewhere("filament", **_no_vulkan(tmp_path))
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode == 1, "an exception, not an abort"
    assert "EngineError" in last
    assert "apt-get install libvulkan1 mesa-vulkan-drivers" in last


def _no_vulkan(folder: Path) -> dict[str, str]:
    nothing = str(folder / "no-driver.json")
    return {
        "VK_ICD_FILENAMES": nothing,
        "VK_DRIVER_FILES": nothing,
        "XDG_CACHE_HOME": str(folder),
    }


def test_a_trial_that_dies_is_trouble(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in _no_vulkan(tmp_path).items():
        monkeypatch.setenv(name, value)
    assert probe.vulkan_devices() == []
    assert "filament" in probe.trial("filament"), "Filament ends that process, not this one"


def test_an_unknown_renderer_names_the_known() -> None:
    with pytest.raises(EngineError, match="unknown renderer 'x'; known: auto, filament, egl"):
        open_renderer("x", CAMERA)


def test_a_floor_repeats_its_texture_at_the_asked_size(engine: MujocoEngine) -> None:
    session = engine.load(KEYS[0])
    view = session.observe(Pose(-0.5, 0.0, 2.3, math.pi / 2, -math.pi / 2))
    brightness = session.render(view)[:, CAMERA.width_px // 2].astype(float).sum(axis=1)
    edges_px = np.flatnonzero(np.abs(np.diff(brightness)) > 12)
    stripe_m = np.median(np.diff(edges_px)) * 2.3 / CAMERA.focal_px
    assert stripe_m == pytest.approx(0.25, abs=0.03), "two stripes in a texture of 0.5 m"


def test_surface_points_lie_on_what_can_be_seen() -> None:
    shell = block("box", (1.0, 1.0, 1.0), (0.5, 0.5, 0.5), movable=False)
    core = block("core", (0.4, 0.4, 0.4), (0.5, 0.5, 0.5), movable=False)
    both = (*shell.load_parts(), *core.load_parts())
    points = load_shape(replace(shell, load_parts=lambda: both)).surface_m
    to_face_m = np.minimum(0.5 - np.abs(points[:, :2]).max(axis=1), 1.0 - points[:, 2])
    assert np.abs(to_face_m).max() < 1e-6, "neither the core nor the underside"
    assert 20 < (points[:, 2] > 1 - 1e-6).sum() < 70, "a fifth of them on top"


def test_a_shape_is_sampled_the_same_every_time() -> None:
    assert np.array_equal(load_shape(table()).surface_m, load_shape(table()).surface_m)


def test_footprints_of_turned_and_leaning_boxes() -> None:
    turn = np.array([(0.8, -0.6, 0), (0.6, 0.8, 0), (0, 0, 1.0)])
    wall = np.array([(0, 0, 1.0), (1.0, 0, 0), (0, 1.0, 0)])
    boxes = Boxes(
        np.array([(0, 0, 0.5), (3.0, 0, 1.0), (9.0, 0, 2.0)]),
        np.array([(1.0, 0.1, 0.5), (1.0, 1.0, 0.05), (1.0, 1.0, 0.1)]),
        np.stack([turn, wall, np.eye(3)]),
    )
    points = np.array([(0.8, 0.6), (0.8, -0.6), (2.8, 0.0), (2.7, 0.0), (9.0, 0.0)])
    assert has_room(points, boxes).tolist() == [False, True, False, True, True]


def test_the_ambience_file_is_stable_and_small() -> None:
    data = ambience_ktx(TinyHouses().house(KEYS[0]).ambience)
    again = ambience_ktx(TinyHouses().house(KEYS[1]).ambience)
    assert hashlib.sha256(data).digest() == hashlib.sha256(again).digest()
    assert data[:12] == b"\xabKTX 11\xbb\r\n\x1a\n"
    assert 30_000 < len(data) < 40_000
