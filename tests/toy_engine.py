"""An engine of coloured boxes in one room, exact by construction and fast enough for tests.

Rays are cut with boxes analytically, so segmentation and depth have no error beyond rounding.
Boxes stay aligned with the room; a movable box rests on the floor or on one other box.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from generation.engines import EngineConfig
from generation.pose import Camera, Pose
from generation.scene import BACKGROUND, Observation, SceneInfo, SceneKey, SceneObject, SceneState

Floats = NDArray[np.float64]

PERSON_RADIUS_M = 0.2
PERSON_HEIGHT_M = 1.8
CLEARANCE_M = 0.08
MAX_DROP_M = 0.1
UPRIGHT = (1.0, 0.0, 0.0, 0.0)

COLORS: dict[str, tuple[int, int, int]] = {
    "red": (200, 40, 40),
    "green": (40, 150, 60),
    "blue": (50, 80, 200),
    "yellow": (225, 200, 50),
    "white": (235, 235, 230),
    "black": (40, 40, 45),
    "orange": (230, 130, 40),
    "purple": (130, 60, 160),
}

# category: (width, depth, height) in metres
FURNITURE: dict[str, tuple[float, float, float]] = {
    "sofa": (1.8, 0.8, 0.8),
    "wardrobe": (1.0, 0.6, 2.0),
    "chair": (0.45, 0.45, 0.9),
    "armchair": (0.8, 0.8, 0.9),
    "cabinet": (0.8, 0.45, 0.9),
    "stool": (0.35, 0.35, 0.5),
    "bookcase": (0.9, 0.35, 1.6),
}
TABLES: dict[str, tuple[float, float, float]] = {
    "table": (1.2, 0.8, 0.74),
    "desk": (1.1, 0.6, 0.72),
    "coffee table": (0.9, 0.6, 0.42),
}
SMALL: dict[str, tuple[float, float, float]] = {
    "book": (0.22, 0.16, 0.08),
    "vase": (0.14, 0.14, 0.3),
    "box": (0.25, 0.2, 0.2),
    "toaster": (0.28, 0.18, 0.2),
    "mug": (0.1, 0.1, 0.12),
}
BASKET = ("basket", (0.3, 0.3, 0.35))


@dataclass(frozen=True)
class ToyBox:
    """One box of a toy scene."""

    object_id: str
    category: str
    color: str
    bottom_m: tuple[float, float, float]
    """Centre of its bottom face."""
    size_m: tuple[float, float, float]
    movable: bool = False

    @property
    def name(self) -> str:
        """Colour and kind."""
        return f"{self.color} {self.category}"

    @property
    def low_m(self) -> Floats:
        """Lower corner, shape (3,)."""
        x, y, z = self.bottom_m
        return np.array([x - self.size_m[0] / 2, y - self.size_m[1] / 2, z])

    @property
    def high_m(self) -> Floats:
        """Upper corner, shape (3,)."""
        return self.low_m + self.size_m

    def overlaps(self, other: ToyBox, gap_m: float = 0.0) -> bool:
        """Say whether two boxes come closer than a gap on all axes."""
        return bool(
            np.all(self.low_m < other.high_m + gap_m) and np.all(other.low_m < self.high_m + gap_m)
        )


@dataclass(frozen=True)
class ToyScene:
    """A room centred on the origin and the boxes in it."""

    size_m: tuple[float, float, float]
    boxes: tuple[ToyBox, ...]

    def mirrored(self) -> ToyScene:
        """Return the scene with y and -y swapped."""
        return replace(
            self,
            boxes=tuple(
                replace(box, bottom_m=(box.bottom_m[0], -box.bottom_m[1], box.bottom_m[2]))
                for box in self.boxes
            ),
        )


def _fits(scene: ToyScene, box: ToyBox, gap_m: float) -> bool:
    half_x, half_y = scene.size_m[0] / 2, scene.size_m[1] / 2
    inside = (
        abs(box.bottom_m[0]) + box.size_m[0] / 2 <= half_x
        and abs(box.bottom_m[1]) + box.size_m[1] / 2 <= half_y
    )
    return inside and not any(
        box.overlaps(other, gap_m) for other in scene.boxes if other.object_id != box.object_id
    )


def _turned(size_m: tuple[float, float, float], turned: bool) -> tuple[float, float, float]:
    return (size_m[1], size_m[0], size_m[2]) if turned else size_m


def _with_furniture(scene: ToyScene, rng: np.random.Generator, count: int) -> ToyScene:
    """Put furniture on the floor, most of it against the walls."""
    kinds = [*FURNITURE.items(), *TABLES.items(), BASKET]
    half_x, half_y = scene.size_m[0] / 2, scene.size_m[1] / 2
    for _ in range(40 * count):
        if len(scene.boxes) >= count:
            break
        number = len(scene.boxes)
        # The first pieces are tables, so that every scene has small things to move.
        category, size = (
            [*TABLES.items()][number] if number < 2 else kinds[rng.integers(len(kinds))]
        )
        size = _turned(size, bool(rng.integers(2)))
        x = rng.uniform(-half_x + size[0] / 2, half_x - size[0] / 2)
        y = rng.uniform(-half_y + size[1] / 2, half_y - size[1] / 2)
        if rng.random() < 0.6:
            if rng.random() < 0.5:
                x = math.copysign(half_x - size[0] / 2, x)
            else:
                y = math.copysign(half_y - size[1] / 2, y)
        color = list(COLORS)[rng.integers(len(COLORS))]
        movable = category == BASKET[0]
        box = ToyBox(f"{category}-{number}", category, color, (x, y, 0.0), size, movable)
        if _fits(scene, box, 0.3):
            scene = replace(scene, boxes=(*scene.boxes, box))
    return scene


def _with_small_things(scene: ToyScene, rng: np.random.Generator) -> ToyScene:
    """Put one to three small things on every table."""
    for table in [box for box in scene.boxes if box.category in TABLES]:
        wanted = int(rng.integers(1, 4))
        for _ in range(20):
            if wanted == 0:
                break
            category = list(SMALL)[rng.integers(len(SMALL))]
            size = SMALL[category]
            margin_x, margin_y = (table.size_m[i] / 2 - size[i] / 2 - 0.02 for i in range(2))
            bottom = (
                table.bottom_m[0] + rng.uniform(-margin_x, margin_x),
                table.bottom_m[1] + rng.uniform(-margin_y, margin_y),
                table.size_m[2],
            )
            color = list(COLORS)[rng.integers(len(COLORS))]
            box = ToyBox(f"{category}-{len(scene.boxes)}", category, color, bottom, size, True)
            others = [other for other in scene.boxes if other.movable]
            if not any(box.overlaps(other, CLEARANCE_M) for other in others):
                scene = replace(scene, boxes=(*scene.boxes, box))
                wanted -= 1
    return scene


def make_scene(key: SceneKey) -> ToyScene:
    """Return the toy scene of a key."""
    rng = key.rng("toy house")
    size_m = (float(rng.uniform(5.0, 7.5)), float(rng.uniform(4.5, 6.5)), 2.6)
    scene = _with_furniture(ToyScene(size_m, ()), rng, count=int(rng.integers(9, 14)))
    return _with_small_things(scene, rng)


def _surface_points(low_m: Floats, high_m: Floats) -> Floats:
    """Return a regular sample of all faces but the bottom, shape (K, 3)."""
    steps = (np.arange(6) + 0.5) / 6
    a, b = (grid.ravel() for grid in np.meshgrid(steps, steps))
    zero, one = np.zeros_like(a), np.ones_like(a)
    faces = [(zero, a, b), (one, a, b), (a, zero, b), (a, one, b), (a, b, one)]
    unit = np.concatenate([np.column_stack(face) for face in faces])
    result: Floats = low_m + unit * (high_m - low_m)
    return result


@dataclass(frozen=True)
class _Cast:
    """What the rays of one picture hit."""

    segmentation: NDArray[np.int32]
    depth_m: Floats
    axis: NDArray[np.int8]
    """Axis of the normal of the surface that was hit."""
    points_m: Floats


def _ray_directions(camera: Camera, pose: Pose) -> Floats:
    """Return rays through the pixel centres with length 1 along the optical axis, (H, W, 3)."""
    u = (np.arange(camera.width_px) + 0.5 - camera.width_px / 2) / camera.focal_px
    v = (np.arange(camera.height_px) + 0.5 - camera.height_px / 2) / camera.focal_px
    local = np.empty((camera.height_px, camera.width_px, 3))
    local[..., 0], local[..., 1], local[..., 2] = u[None, :], v[:, None], 1.0
    result: Floats = local @ pose.world_from_camera[:3, :3].T
    return result


def _window(camera: Camera, pose: Pose, box: ToyBox) -> tuple[slice, slice]:
    """Return the rows and columns that a box can cover."""
    corners = np.stack(np.meshgrid(*zip(box.low_m, box.high_m, strict=True)), -1).reshape(-1, 3)
    if np.any(camera.to_camera(pose, corners)[:, 2] < 0.01):
        return slice(None), slice(None)
    pixels, _ = camera.project(pose, corners)
    low = np.clip(np.floor(pixels.min(0)), 0, None).astype(int)
    high = np.clip(np.ceil(pixels.max(0)) + 1, 0, None).astype(int)
    return slice(low[1], high[1]), slice(low[0], high[0])


def _cast(scene: ToyScene, camera: Camera, pose: Pose) -> _Cast:
    directions = _ray_directions(camera, pose)
    origin = pose.position_m
    with np.errstate(divide="ignore"):
        inverse = 1.0 / directions
    room_high = np.array(scene.size_m) * (0.5, 0.5, 1.0)
    room_low = room_high * (-1.0, -1.0, 0.0)
    exits = np.maximum((room_low - origin) * inverse, (room_high - origin) * inverse)
    axis = exits.argmin(-1).astype(np.int8)
    depth = exits.min(-1)
    segmentation = np.full(depth.shape, BACKGROUND, np.int32)
    for number, box in enumerate(scene.boxes):
        rows, columns = _window(camera, pose, box)
        part = inverse[rows, columns]
        if part.size == 0:
            continue
        first, second = (box.low_m - origin) * part, (box.high_m - origin) * part
        enters, leaves = np.minimum(first, second), np.maximum(first, second)
        enter = enters.max(-1)
        hit = (enter < leaves.min(-1)) & (enter > 0) & (enter < depth[rows, columns])
        depth[rows, columns][hit] = enter[hit]
        axis[rows, columns][hit] = enters.argmax(-1)[hit]
        segmentation[rows, columns][hit] = number + 1
    return _Cast(segmentation, depth, axis, origin + directions * depth[..., None])


def _shade(scene: ToyScene, cast: _Cast) -> NDArray[np.uint8]:
    """Return flat colours, darker on the sides, with a chequered floor."""
    palette = np.array([(205, 200, 190), *(COLORS[box.color] for box in scene.boxes)], float)
    rgb = palette[cast.segmentation]
    tiles = np.floor(cast.points_m[..., :2] / 0.5).astype(int).sum(-1) % 2
    floor = (cast.segmentation == BACKGROUND) & (cast.axis == 2) & (cast.points_m[..., 2] < 0.1)
    rgb[floor] = np.where(tiles[floor, None] == 0, (150.0, 120.0, 90.0), (170.0, 140.0, 110.0))
    shaded: Floats = rgb * np.array([0.75, 0.88, 1.0])[cast.axis][..., None]
    return shaded.astype(np.uint8)


class ToySession:
    """One toy scene; see generation.engines.Session."""

    def __init__(self, info: SceneInfo, scene: ToyScene, camera: Camera) -> None:
        self._info = info
        self._camera = camera
        self._scene = scene

    @property
    def info(self) -> SceneInfo:
        """What scene this is."""
        return self._info

    @property
    def camera(self) -> Camera:
        """The camera of every observation."""
        return self._camera

    @property
    def scene(self) -> ToyScene:
        """The boxes in their present places."""
        return self._scene

    def state(self) -> SceneState:
        """Return the bottom centres of the movable boxes."""
        return SceneState(
            {box.object_id: (*box.bottom_m, *UPRIGHT) for box in self._scene.boxes if box.movable}
        )

    def _in_state(self, state: SceneState) -> ToyScene:
        def put(box: ToyBox) -> ToyBox:
            pose = state.poses.get(box.object_id)
            return box if pose is None else replace(box, bottom_m=(pose[0], pose[1], pose[2]))

        return replace(self._scene, boxes=tuple(put(box) for box in self._scene.boxes))

    def restore(self, state: SceneState) -> None:
        """Put the movable boxes where they were."""
        self._scene = self._in_state(state)

    def objects(self) -> Mapping[str, SceneObject]:
        """Return all boxes."""
        return {
            box.object_id: SceneObject(
                object_id=box.object_id,
                name=box.name,
                category=box.category,
                center_m=(box.low_m + box.high_m) / 2,
                size_m=np.array(box.size_m),
                surface_points_m=_surface_points(box.low_m, box.high_m),
                segmentation_id=number + 1,
                movable=box.movable,
            )
            for number, box in enumerate(self._scene.boxes)
        }

    def distances_m(self, origin_m: Floats, directions: Floats) -> None:
        """Tell nothing."""

    def standing_points_m(self) -> Floats:
        """Return the free points of a quarter-metre grid, shape (N, 2)."""
        half_x, half_y = self._scene.size_m[0] / 2, self._scene.size_m[1] / 2
        grid = [
            (x, y)
            for x in np.arange(-half_x + 0.25, half_x, 0.25)
            for y in np.arange(-half_y + 0.25, half_y, 0.25)
            if self.is_standing_free(x, y)
        ]
        return np.array(grid).reshape(-1, 2)

    def is_standing_free(self, x_m: float, y_m: float) -> bool:
        """Say whether a square person fits at a floor point."""
        width = 2 * PERSON_RADIUS_M
        size = (width, width, PERSON_HEIGHT_M)
        person = ToyBox("person", "person", "white", (float(x_m), float(y_m), 0.0), size)
        return _fits(self._scene, person, 0.0)

    def observe(self, pose: Pose) -> Observation:
        """Return segmentation and depth from a pose in the present state."""
        cast = _cast(self._scene, self._camera, pose)
        return Observation(
            pose=pose,
            camera=self._camera,
            state=self.state(),
            objects=self.objects(),
            segmentation=cast.segmentation,
            depth_m=cast.depth_m.astype(np.float32),
        )

    def render(self, observation: Observation) -> NDArray[np.uint8]:
        """Return the flat-shaded picture of an observation, shape (height, width, 3)."""
        scene = self._in_state(observation.state)
        return _shade(scene, _cast(scene, observation.camera, observation.pose))

    def place(self, object_id: str, x_m: float, y_m: float, z_m: float) -> bool:
        """Drop a movable box onto what is below a point; see generation.engines.Session."""
        box = next(box for box in self._scene.boxes if box.object_id == object_id)
        others = [other for other in self._scene.boxes if other.object_id != object_id]
        if not box.movable or any(_rests_on(other, box) for other in others):
            return False
        support_m = max(
            (o.high_m[2] for o in others if _is_over(o, x_m, y_m) and o.high_m[2] <= z_m + 0.02),
            default=0.0,
        )
        moved = replace(box, bottom_m=(float(x_m), float(y_m), float(support_m)))
        supporters = [other for other in others if _rests_on(moved, other)]
        whole = support_m == 0 or any(_carries(other, moved) for other in supporters)
        if z_m - support_m > MAX_DROP_M or not whole or not _fits(self._scene, moved, 0.0):
            return False
        boxes = tuple(moved if b.object_id == object_id else b for b in self._scene.boxes)
        self._scene = replace(self._scene, boxes=boxes)
        return True

    def close(self) -> None:
        """Release nothing: there is nothing to release."""


def _is_over(box: ToyBox, x_m: float, y_m: float) -> bool:
    low, high = box.low_m, box.high_m
    return bool(low[0] <= x_m <= high[0] and low[1] <= y_m <= high[1])


def _rests_on(upper: ToyBox, lower: ToyBox) -> bool:
    flat = bool(
        np.all(upper.low_m[:2] < lower.high_m[:2]) and np.all(lower.low_m[:2] < upper.high_m[:2])
    )
    return flat and abs(upper.low_m[2] - lower.high_m[2]) < 1e-6


def _carries(lower: ToyBox, upper: ToyBox) -> bool:
    return bool(
        np.all(lower.low_m[:2] <= upper.low_m[:2]) and np.all(upper.high_m[:2] <= lower.high_m[:2])
    )


class ToyEngine:
    """See generation.engines.Engine."""

    name = "toy"
    version = "1"

    def __init__(self, config: EngineConfig, mirrored: bool = False) -> None:
        self._config = config
        self._mirrored = mirrored

    def load(self, key: SceneKey) -> ToySession:
        """Return the toy scene of a key."""
        scene = make_scene(key)
        if self._mirrored:
            scene = scene.mirrored()
        house = {"size_m": list(scene.size_m), "boxes": len(scene.boxes)}
        return ToySession(SceneInfo(key, house), scene, self._config.camera)

    def close(self) -> None:
        """Release nothing: there is nothing to release."""


def toy_camera(size_px: int = 128) -> Camera:
    """Return a square camera as wide as the real ones."""
    return Camera(size_px, size_px, math.radians(75))


def open_engine(config: EngineConfig) -> ToyEngine:
    """Open the toy engine: a function for generation.engines.ENGINES."""
    return ToyEngine(config)
