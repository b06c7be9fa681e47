"""Pairs of pictures with what the engine knows of them for free: a vision tower learns from it.

A pair is a view and what the camera sees after a movement. Depth and what is where come on a
coarse grid; objects come with their names, places and distances; the first view comes a second
time with dots on some of its objects.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from generation.draw import draw_marks
from generation.engines import Session
from generation.jpeg import encode_jpeg
from generation.questions import ego_movement
from generation.refer import Marked, clear_objects, has_unique_name, mark_objects, markable_objects
from generation.relations import is_recognised
from generation.scene import SceneKey
from generation.sight import Seen, see
from generation.views import MIN_NEAR_DEPTH_M, Stage, depth_percentiles_m, propose_pose
from sat_tasks.movements import MOVEMENTS

GRID = 16
"""Cells of the label grids along each side of a picture."""
MIN_RECOGNISED = 3
ATTEMPTS_PER_PAIR = 4
MAX_MARKS = 4
BACKGROUND = ""
"""Category of walls, floors and all that is no object."""

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("scene_id", pa.string()),
        pa.field("split", pa.string()),
        pa.field("first", pa.binary()),
        pa.field("second", pa.binary()),
        pa.field("marked", pa.binary()),
        pa.field("depth_m", pa.binary()),
        pa.field("cells", pa.binary()),
        pa.field("categories", pa.list_(pa.string())),
        pa.field("objects", pa.string()),
        pa.field("camera", pa.string()),
        pa.field("movement", pa.string()),
    ]
)


@dataclass(frozen=True)
class FramePair:
    """Two views and what is known of them."""

    id: str
    scene_id: str
    split: str
    first: bytes
    """JPEG file."""
    second: bytes
    """JPEG file of what the camera sees after the movement."""
    marked: bytes
    """JPEG file of the first view with dots on some objects."""
    depth_m: bytes
    """float16, shape (2, GRID, GRID): median depth along the optical axis; inf: none."""
    cells: bytes
    """uint8, shape (2, GRID, GRID): index into categories of what covers most of each cell."""
    categories: tuple[str, ...]
    """The first is the background."""
    objects: str
    """JSON list of the first view's clear objects: name (None where it is not unique), category,
    mark (a letter or None), u and v (shares of the picture), distance_m."""
    camera: str
    """JSON: height_m, pitch_deg (up positive) and fovy_deg of both views."""
    movement: str
    """JSON: turn_left_deg, forward_m and left_m of the camera from the first view to the second."""

    def to_record(self) -> dict[str, Any]:
        """Return a row of SCHEMA."""
        return self.__dict__ | {"categories": list(self.categories)}


def take_pairs(
    session: Session, key: SceneKey, count: int, rng: np.random.Generator
) -> Iterator[FramePair]:
    """Yield pairs of a loaded scene, at most so many.

    Args:
        session: In its first state.
        key: Of the scene.
        count: Where views are hard to find fewer come.
        rng: Decides views and movements.
    """
    stage = Stage(session, session.standing_points_m(), session.state(), ())
    found = 0
    for _ in range(ATTEMPTS_PER_PAIR * count if len(stage.points_m) else 0):
        if found == count:
            return
        views = _look(stage, rng)
        if views is not None:
            yield _pair(session, key, found, *views, rng)
            found += 1


def _look(stage: Stage, rng: np.random.Generator) -> tuple[Seen, Seen] | None:
    """Return a view worth learning from and one after a movement, or None."""
    first = see(stage.session.observe(propose_pose(stage, rng)))
    if not _is_worth_it(first):
        return None
    movements = tuple(MOVEMENTS)
    pose = first.observation.pose
    after = ego_movement.draw_pose(pose, movements[rng.integers(len(movements))], rng)
    if not stage.is_path_free(pose, after):
        return None
    second = see(stage.session.observe(after))
    return (first, second) if _is_worth_it(second, 1) else None


def _is_worth_it(seen: Seen, min_recognised: int = MIN_RECOGNISED) -> bool:
    (near_m,) = depth_percentiles_m(seen.observation.depth_m[::4, ::4], 2)
    return bool(
        near_m >= MIN_NEAR_DEPTH_M
        and sum(is_recognised(sight) for sight in seen.sights.values()) >= min_recognised
    )


def _pair(
    session: Session,
    key: SceneKey,
    number: int,
    first: Seen,
    second: Seen,
    rng: np.random.Generator,
) -> FramePair:
    rgb = session.render(first.observation)
    marked = _mark(first, rng)
    views = (first, second)
    categories = sorted({item.category for item in first.observation.objects.values()})
    return FramePair(
        id=f"{key.scene_id}-pair-{number}",
        scene_id=key.scene_id,
        split=key.split,
        first=encode_jpeg(rgb),
        second=encode_jpeg(session.render(second.observation)),
        marked=encode_jpeg(draw_marks(rgb, marked.marks)),
        depth_m=np.stack([grid_depth_m(seen) for seen in views]).astype(np.float16).tobytes(),
        cells=np.stack([grid_categories(seen, categories) for seen in views]).tobytes(),
        categories=(BACKGROUND, *categories),
        objects=json.dumps(_objects(first, marked)),
        camera=json.dumps(_camera(first)),
        movement=json.dumps(ego_movement.measured(first.observation, second.observation)),
    )


def _mark(seen: Seen, rng: np.random.Generator) -> Marked:
    """Mark as many objects as fit, at most one for each letter."""
    able = markable_objects(seen)
    chosen = [able[i] for i in rng.permutation(len(able))[:MAX_MARKS]]
    for count in range(len(chosen), 0, -1):
        marked = mark_objects(seen, chosen[:count], rng)
        if marked is not None:
            return marked
    return Marked((), {})


def _camera(seen: Seen) -> dict[str, float]:
    pose = seen.observation.pose
    return {
        "height_m": pose.z_m,
        "pitch_deg": math.degrees(pose.pitch_rad),
        "fovy_deg": math.degrees(seen.observation.camera.fovy_rad),
    }


def _objects(seen: Seen, marked: Marked) -> list[dict[str, Any]]:
    height, width = seen.observation.segmentation.shape
    found = []
    for object_id in clear_objects(seen):
        item, sight = seen.object(object_id), seen.sights[object_id]
        u, v = seen.middle_px(object_id)
        found.append(
            {
                "name": item.name if has_unique_name(seen, object_id) else None,
                "category": item.category,
                "mark": marked.labels.get(object_id),
                "u": round(u / width, 4),
                "v": round(v / height, 4),
                "distance_m": round(sight.distance_m, 3),
            }
        )
    return found


def grid_depth_m(seen: Seen) -> NDArray[np.float32]:
    """Return the median depth of each cell, shape (GRID, GRID)."""
    depth_m = seen.observation.depth_m
    blocks = _blocks(depth_m)
    result: NDArray[np.float32] = np.median(blocks, axis=-1).astype(np.float32)
    return result


def grid_categories(seen: Seen, categories: Sequence[str]) -> NDArray[np.uint8]:
    """Return 1 + the index of the category that covers most of each cell, 0 for background."""
    segmentation = seen.observation.segmentation
    number_of = {category: number for number, category in enumerate(categories, start=1)}
    lookup = np.zeros(int(segmentation.max()) + 1, np.uint8)
    for item in seen.observation.objects.values():
        if item.segmentation_id < len(lookup):
            lookup[item.segmentation_id] = number_of[item.category]
    blocks = _blocks(lookup[segmentation])
    present = np.unique(blocks)
    covered = np.stack([(blocks == number).sum(axis=-1) for number in present])
    result: NDArray[np.uint8] = present[covered.argmax(axis=0)]
    return result


def _blocks(picture: NDArray[Any]) -> NDArray[Any]:
    """Return the pixels of each cell, shape (GRID, GRID, pixels); what does not divide is cut."""
    side_px = min(picture.shape) // GRID
    cut = picture[: GRID * side_px, : GRID * side_px]
    cells = cut.reshape(GRID, side_px, GRID, side_px).swapaxes(1, 2)
    return cells.reshape(GRID, GRID, side_px * side_px)
