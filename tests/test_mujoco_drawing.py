"""What drawing leaves out, and what MuJoCo remembers, must not change any picture."""

from __future__ import annotations

import ctypes
import gc
import math
from collections.abc import Iterator
from dataclasses import replace

import mujoco
import numpy as np
import pytest
from numpy.typing import NDArray

from generation.assets.piece import Finish, MeshPart
from generation.engines.mujoco.engine import MujocoEngine
from generation.engines.mujoco.msh import CACHE_BYTES, add_meshes, mesh_name
from generation.engines.mujoco.occlusion import Screens, hidden, screens_of
from generation.engines.mujoco.renderer import open_renderer
from generation.houses import open_house_source
from generation.pose import BOX_CORNERS, Camera, Pose
from generation.scene import SceneKey

CAMERA = Camera(128, 128, math.radians(75))
PYRAMID_M = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], np.float32)
SIDES = np.array([[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]], np.int32)


@pytest.fixture(scope="module")
def engine() -> Iterator[MujocoEngine]:
    opened = MujocoEngine(
        CAMERA, open_house_source("procedural"), open_renderer("filament", CAMERA)
    )
    yield opened
    opened.close()


def crosses(
    box: NDArray[np.float64], eye_m: NDArray[np.float64], ends_m: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Walk along lines in small steps and say which come through a box."""
    steps = np.linspace(0, 1, 400)[:, None, None]
    points_m = eye_m + steps * (ends_m - eye_m)
    return ((points_m > box[0]) & (points_m < box[1])).all(axis=-1).any(axis=0)


def test_what_counts_as_hidden_is_behind_one_box_with_all_its_points() -> None:
    rng = np.random.default_rng(3)
    found = 0
    for _ in range(60):
        middle_m = np.array([2.0, 0.0, 0.0]) + rng.uniform(-0.5, 0.5, 3)
        half_m = rng.uniform(0.1, 1.5, 3) * (0.3, 1, 1)
        box = np.array([middle_m - half_m, middle_m + half_m])
        boxes_m = rng.uniform(-4, 6, (40, 1, 3)) + BOX_CORNERS * rng.uniform(0.1, 0.6, (40, 1, 3))
        is_hidden = hidden(Screens(box[:1], box[1:]), np.zeros(3), boxes_m)
        for corners_m in boxes_m[is_hidden]:
            inside_m = rng.uniform(corners_m.min(axis=0), corners_m.max(axis=0), (50, 3))
            assert crosses(box, np.zeros(3), inside_m).all()
            found += 1
    assert found > 50


def test_two_boxes_hide_together_what_counts_as_seen() -> None:
    thing_m = (BOX_CORNERS * 0.2 + (4.0, 0.0, 0.0))[None]
    left, right = [[1.0, -2, -2], [1.2, 0.01, 2]], [[1.0, 0.01, -2], [1.2, 2, 2]]
    both = Screens(*np.swapaxes(np.array([left, right]), 0, 1))
    assert not hidden(both, np.zeros(3), thing_m).any()
    assert hidden(Screens(*np.array([[[1.0, -2, -2]], [[1.2, 2, 2]]])), np.zeros(3), thing_m).all()


def test_walls_at_the_eye_hide_nothing() -> None:
    thing_m = (BOX_CORNERS * 0.2 + (4.0, 0.0, 0.0))[None]
    for near_m, is_hidden in ((0.1, False), (0.2, True)):
        wall = Screens(np.array([[near_m, -2, -2]]), np.array([[near_m + 0.1, 2, 2]]))
        assert bool(hidden(wall, np.zeros(3), thing_m)[0]) == is_hidden


def test_pictures_do_not_miss_what_is_left_out(
    engine: MujocoEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import generation.engines.mujoco.silhouettes as silhouettes

    left_out = looks = 0

    def counted(*arguments: NDArray[np.float64]) -> NDArray[np.bool_]:
        nonlocal left_out
        found = hidden(*arguments)
        left_out += int(found.sum())
        return found

    rng = np.random.default_rng(0)
    for index in range(3):
        session = engine.load(SceneKey("train", index, 0))
        for x, y in rng.permutation(session.standing_points_m())[:8].tolist():
            pose = Pose(x, y, 1.4, float(rng.uniform(-math.pi, math.pi)), -0.2)
            monkeypatch.setattr(silhouettes, "hidden", counted)
            culled = session.observe(pose)
            monkeypatch.setattr(
                silhouettes, "hidden", lambda _, __, boxes: np.zeros(len(boxes), bool)
            )
            whole = session.observe(pose)
            np.testing.assert_array_equal(culled.segmentation, whole.segmentation)
            np.testing.assert_array_equal(culled.depth_m, whole.depth_m)
            looks += 1
    assert left_out > 3 * looks


def test_screens_are_the_large_boxes_of_the_world() -> None:
    spec = mujoco.MjSpec()
    box = mujoco.mjtGeom.mjGEOM_BOX
    turned = (math.sqrt(0.5), 0, math.sqrt(0.5), 0)
    spec.worldbody.add_geom(type=box, pos=(1, 2, 3), size=(1, 2, 0.05), quat=turned)
    spec.worldbody.add_geom(type=box, pos=(5, 0, 0), size=(0.1, 0.1, 2))
    spec.worldbody.add_geom(type=box, size=(1, 1, 1), quat=(math.cos(0.3), 0, 0, math.sin(0.3)))
    spec.worldbody.add_body().add_geom(type=box, size=(1, 1, 1))
    screens = screens_of(spec.compile())
    assert screens.low_m == pytest.approx(np.array([[0.951, 0.001, 2.001]]))
    assert screens.high_m == pytest.approx(np.array([[1.049, 3.999, 3.999]]))


def compiled_height_m(part: MeshPart) -> float:
    spec = mujoco.MjSpec()
    add_meshes(spec, {"folder/tent": [part]})
    spec.worldbody.add_geom(
        type=mujoco.mjtGeom.mjGEOM_MESH,
        meshname=mesh_name("folder/tent", 0),
        contype=0,
        conaffinity=0,
    )
    return float(np.ptp(spec.compile().mesh_vert[:, 2]))


def test_a_mesh_that_changed_under_its_name_is_compiled_again() -> None:
    normals = np.tile(np.array([0, 0, 1], np.float32), (4, 1))
    low = MeshPart(PYRAMID_M, normals, None, SIDES, Finish())
    high = replace(low, vertices_m=PYRAMID_M * np.array([1, 1, 2], np.float32))
    heights_m = [compiled_height_m(part) for part in (low, high, low)]
    assert heights_m[0] == pytest.approx(heights_m[2])
    assert heights_m[1] != pytest.approx(heights_m[0], rel=0.1)


def test_what_mujoco_remembers_is_bounded(engine: MujocoEngine) -> None:
    cache = mujoco.mj_getCache()
    engine.load(SceneKey("train", 0, 0))
    assert 0 < mujoco.mj_getCacheSize(cache) <= mujoco.mj_getCacheCapacity(cache) == CACHE_BYTES


class Heap(ctypes.Structure):
    """What glibc's mallinfo2 returns."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in ("arena", "chunks", "fast", "maps", "mapped", "a", "b", "used", "free", "top")
    ]


def test_a_house_that_is_closed_leaves_nothing_behind(engine: MujocoEngine) -> None:
    libc = ctypes.CDLL(None)
    if not hasattr(libc, "mallinfo2"):
        pytest.skip("the C library does not count its memory")
    libc.mallinfo2.restype = Heap

    def look() -> None:
        session = engine.load(SceneKey("train", 2, 0))
        session.observe(Pose(1, 1, 1.4, 0))
        session.close()

    def used_mb() -> float:
        gc.collect()
        heap = libc.mallinfo2()
        return float(heap.used + heap.mapped) / 1e6

    for _ in range(4):
        look()
    before_mb = used_mb()
    for _ in range(8):
        look()
    # Its vertices alone would be some 6 MB each time.
    assert (used_mb() - before_mb) / 8 < 2
