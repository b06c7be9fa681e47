"""What every engine must do, checked from outside: `check_engine(engine, keys)`.

Nothing here knows how an engine works. A failure names the scene and what disagrees.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.ndimage import binary_dilation

from generation.engines import Engine, Session
from generation.pose import Pose
from generation.scene import BACKGROUND, Observation, SceneKey, SceneObject

EYE_HEIGHT_M = 1.4
VIEWS = 3
VIEWPOINTS_TRIED = 40
SEEN_SHARE = 0.004
"""Share of the picture that an object takes up when it counts as seen."""
TURN_RAD = math.radians(8)
STEP_M = 0.3
BOX_SLACK_M = 0.03
SAME_DEPTH_M = 1e-3
"""Software renderers differ by a rounding error when they draw the same frame twice."""
DEPTH_SLACK_M = 0.05
MOST = 0.9
"""Share of samples that must agree; the rest may fall on edges between pixels."""


def check_engine(engine: Engine, keys: Sequence[SceneKey]) -> Counter[str]:
    """Check an engine on scenes, at least two.

    Returns:
        How often each thing was checked.

    Raises:
        AssertionError: The engine breaks the contract, or something could not be checked at all.
    """
    counts: Counter[str] = Counter()
    for key, other in zip(keys, [*keys[1:], keys[0]], strict=True):
        _Check(engine, key, counts).run(other)
    unchecked = [name for name in CHECKED if not counts[name]]
    assert not unchecked, f"these scenes gave no chance to check {unchecked}"
    return counts


CHECKED = ("turning", "stepping", "pixels", "surface points", "placing", "refusing", "rendering")


@dataclass
class _Check:
    engine: Engine
    key: SceneKey
    counts: Counter[str]

    def run(self, other: SceneKey) -> None:
        session = self.engine.load(self.key)
        self.expect(session.info.key == self.key, "info names another scene")
        before = dict(session.objects())
        self.objects(before)
        self.standing(session)
        views = self.views(session)
        for view in views:
            self.labels(session, view)
            self.pixels(view)
            self.surface_points(view)
            self.turning(session, view)
            self.stepping(session, view)
            self.rendering(session, view)
        self.placing(session, views)
        session.close()
        self.engine.load(other).close()
        again = self.engine.load(self.key)
        self.same_objects(before, dict(again.objects()))
        for view in views:
            self.same_labels(view, again.observe(view.pose), "loaded again")
        again.close()

    def expect(self, good: bool, what: str) -> None:
        assert good, f"{self.engine.name}, {self.key.scene_id}: {what}"

    def objects(self, objects: dict[str, SceneObject]) -> None:
        self.expect(bool(objects), "there are no objects")
        ids = [item.segmentation_id for item in objects.values()]
        self.expect(min(ids) > BACKGROUND, "segmentation ids must be greater than 0")
        self.expect(len(set(ids)) == len(ids), "segmentation ids must be unique")
        for object_id, item in objects.items():
            self.expect(item.object_id == object_id, f"{object_id} calls itself {item.object_id}")
            self.expect(bool(item.name and item.category), f"{object_id} has no name or category")
            self.expect(bool(np.all(item.size_m > 0)), f"{object_id} has no size")
            points = item.surface_points_m
            self.expect(points.ndim == 2 and points.shape[1] == 3, f"{object_id}: points' shape")
            outside_m = np.abs(points - item.center_m) - item.size_m / 2
            self.expect(bool(outside_m.max() < 1e-3), f"{object_id}: points outside its box")

    def same_objects(self, first: dict[str, SceneObject], second: dict[str, SceneObject]) -> None:
        self.expect(list(first) == list(second), "the same key gave other objects")
        for object_id, item in first.items():
            twin = second[object_id]
            same = (
                (item.name, item.category, item.segmentation_id, item.movable, item.askable)
                == (twin.name, twin.category, twin.segmentation_id, twin.movable, twin.askable)
                and np.array_equal(item.center_m, twin.center_m)
                and np.array_equal(item.size_m, twin.size_m)
                and np.array_equal(item.surface_points_m, twin.surface_points_m)
            )
            self.expect(same, f"the same key gave another {object_id}")

    def standing(self, session: Session) -> None:
        points = session.standing_points_m()
        self.expect(points.ndim == 2 and points.shape[1] == 2, "standing points' shape")
        self.expect(len(points) > 0, "nobody can stand anywhere")
        for x, y in points[:: max(1, len(points) // 50)]:
            self.expect(session.is_standing_free(x, y), f"standing point {x, y} is not free")
        for item in session.objects().values():
            high = item.size_m[2] > 0.5 and item.center_m[2] - item.size_m[2] / 2 < 0.1
            if high and not item.movable and item.size_m[:2].min() > 0.3 and item.askable:
                nearest = np.abs(points - item.center_m[:2]).max(axis=1).min()
                self.expect(nearest > 0, f"one can stand in the middle of {item.object_id}")
        self.expect(not session.is_standing_free(1e4, 1e4), "one can stand outside the house")

    def views(self, session: Session) -> list[Observation]:
        """Return observations that show something."""
        rng = self.key.rng("conformance")
        points = session.standing_points_m()
        found = []
        for _ in range(VIEWPOINTS_TRIED):
            x, y = points[rng.integers(len(points))]
            view = session.observe(Pose(x, y, EYE_HEIGHT_M, rng.uniform(-math.pi, math.pi), -0.2))
            if len(_seen(view)) >= 2:
                found.append(view)
            if len(found) == VIEWS:
                return found
        self.expect(bool(found), "no viewpoint shows two objects")
        return found

    def labels(self, session: Session, view: Observation) -> None:
        shape = (view.camera.height_px, view.camera.width_px)
        self.expect(view.camera == session.camera, "the observation has another camera")
        self.expect(view.segmentation.shape == shape, "segmentation's shape")
        self.expect(view.segmentation.dtype == np.int32, "segmentation's dtype")
        self.expect(view.depth_m.shape == shape, "depth's shape")
        self.expect(view.depth_m.dtype == np.float32, "depth's dtype")
        self.expect(bool(np.all(view.depth_m > 0)), "depth must be positive")
        known = {BACKGROUND, *(item.segmentation_id for item in view.objects.values())}
        strange = set(np.unique(view.segmentation).tolist()) - known
        self.expect(not strange, f"unknown segmentation ids {strange}")
        self.same_labels(view, session.observe(view.pose), "observed again")

    def same_labels(self, first: Observation, second: Observation, when: str) -> None:
        other = first.segmentation != second.segmentation
        self.expect(not other.any(), f"{when}: {other.sum()} pixels of another segmentation")
        other = ~np.isclose(first.depth_m, second.depth_m, rtol=0, atol=SAME_DEPTH_M)
        self.expect(not other.any(), f"{when}: {other.sum()} pixels of another depth")

    def pixels(self, view: Observation) -> None:
        """What a pixel shows lies in the box of its object."""
        for object_id in _seen(view):
            rows, columns = np.nonzero(view.mask(object_id))
            points = view.camera.unproject(
                view.pose, np.column_stack([columns, rows]) + 0.5, view.depth_m[rows, columns]
            )
            item = view.objects[object_id]
            inside = np.all(np.abs(points - item.center_m) < item.size_m / 2 + BOX_SLACK_M, axis=1)
            self.expect(
                inside.mean() >= MOST, f"{inside.mean():.0%} of {object_id}'s pixels in its box"
            )
            self.counts["pixels"] += 1

    def surface_points(self, view: Observation) -> None:
        """A surface point is where the picture shows its object, or hidden behind something."""
        for object_id in _seen(view):
            item = view.objects[object_id]
            pixels, depth_m = view.camera.project(view.pose, item.surface_points_m)
            inside = (pixels > 0).all(1) & (pixels < view.segmentation.shape[::-1]).all(1)
            if inside.sum() < 20:
                continue
            columns, rows = pixels[inside].astype(int).T
            hidden = view.depth_m[rows, columns] < depth_m[inside] + DEPTH_SLACK_M
            # Thin parts may miss the centre of the pixel that they are in.
            shown = binary_dilation(view.mask(object_id), np.ones((3, 3)))[rows, columns]
            agrees = hidden | shown
            self.expect(
                agrees.mean() >= MOST,
                f"{agrees.mean():.0%} of {object_id}'s surface points are where it is seen",
            )
            self.counts["surface points"] += 1

    def turning(self, session: Session, view: Observation) -> None:
        """Turning left moves things to the right."""
        turned = session.observe(view.pose.moved(turn_left_rad=TURN_RAD))
        for object_id in set(_whole(view)) & set(_whole(turned)):
            shift = _center_u(turned, object_id) - _center_u(view, object_id)
            self.expect(shift > 0, f"turning left moved {object_id} by {shift:.1f} px")
            self.counts["turning"] += 1

    def stepping(self, session: Session, view: Observation) -> None:
        """A step forward brings what is straight ahead nearer by its length."""
        level = session.observe(replace(view.pose, pitch_rad=0.0))
        ahead = session.observe(level.pose.moved(forward_m=STEP_M))
        row, column = view.camera.height_px // 2, view.camera.width_px // 2
        before_m, after_m = level.depth_m[row, column], ahead.depth_m[row, column]
        if np.isfinite(before_m) and before_m > 2 * STEP_M:
            step_m = float(before_m - after_m)
            self.expect(abs(step_m - STEP_M) < DEPTH_SLACK_M, f"a step forward was {step_m:.2f} m")
            self.counts["stepping"] += 1

    def rendering(self, session: Session, view: Observation) -> None:
        picture = session.render(view)
        shape = (view.camera.height_px, view.camera.width_px, 3)
        self.expect(picture.shape == shape and picture.dtype == np.uint8, "the picture's format")
        self.expect(float(picture.std()) > 2, "the picture is empty")
        self.same_labels(view, session.observe(view.pose), "observed after rendering")
        self.counts["rendering"] += 1

    def placing(self, session: Session, views: list[Observation]) -> None:
        movable = [item for item in session.objects().values() if item.movable]
        if not movable:
            return
        item = min(movable, key=lambda candidate: float(candidate.size_m[:2].max()))
        start = session.state()
        self.expect(set(start.poses) == {m.object_id for m in movable}, "state is not the movable")
        self.refusing(session, item)
        points = session.standing_points_m()
        spots = points[:: max(1, len(points) // 8)]
        target = next(((x, y) for x, y in spots if session.place(item.object_id, x, y, 0.0)), None)
        if target is None:
            return
        moved = session.state()
        self.expect(list(moved.difference(start)) == [item.object_id], "placing moved other things")
        now = session.objects()[item.object_id]
        self.expect(
            math.dist(now.center_m[:2], target) < 0.1, f"{item.object_id} is not where it was put"
        )
        bottom_m = now.center_m[2] - now.size_m[2] / 2
        self.expect(abs(bottom_m) < 0.05, f"{item.object_id} floats at {bottom_m:.2f} m")
        for view in views:
            session.render(view)
        self.expect(session.state() == moved, "rendering an old observation changed the state")
        session.restore(start)
        self.expect(session.state() == start, "restore did not restore")
        for view in views:
            self.same_labels(view, session.observe(view.pose), "restored")
        self.counts["placing"] += 1

    def refusing(self, session: Session, item: SceneObject) -> None:
        """Nothing can be put into the air, or into something; a refusal changes nothing."""
        start = session.state()
        x, y = session.standing_points_m()[0]
        self.expect(not session.place(item.object_id, x, y, 1.2), "a thing stands in the air")
        self.expect(session.state() == start, "a refused placing changed the state")
        for other in session.objects().values():
            if other.object_id != item.object_id and other.movable:
                bottom_m = other.center_m - (0, 0, other.size_m[2] / 2)
                placed = session.place(item.object_id, *bottom_m.tolist())
                self.expect(not placed, f"{item.object_id} stands inside {other.object_id}")
                self.expect(session.state() == start, "a refused placing changed the state")
                self.counts["refusing"] += 1


def _seen(view: Observation) -> list[str]:
    least = SEEN_SHARE * view.segmentation.size
    return [key for key in view.objects if view.mask(key).sum() >= least]


def _whole(view: Observation) -> list[str]:
    """Return the seen objects that the border does not cut."""
    rim = np.concatenate(
        [view.segmentation[[0, -1]].ravel(), view.segmentation[:, [0, -1]].ravel()]
    )
    return [key for key in _seen(view) if view.objects[key].segmentation_id not in rim]


def _center_u(view: Observation, object_id: str) -> float:
    return float(np.nonzero(view.mask(object_id))[1].mean())
