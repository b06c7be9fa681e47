"""What an engine saw: objects, the state of the scene, and one observation of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generation.pose import Camera, Pose
from sat_tasks.console import UserError

Floats = NDArray[np.float64]

BACKGROUND = 0
"""Segmentation value of everything that is not an object: floor, walls, sky."""


@dataclass(frozen=True)
class SceneObject:
    """One object at one moment."""

    object_id: str
    """Unique in the scene and the same in every observation of it."""
    name: str
    """What people call it, without article: "red armchair". Not always unique in a scene."""
    category: str
    """Its kind, singular, without colour: "armchair"."""
    center_m: Floats
    """Centre of its bounding box in the world, shape (3,)."""
    size_m: Floats
    """Extent of its world-aligned bounding box, shape (3,)."""
    surface_points_m: Floats
    """Samples of its visible surface in the world, shape (K, 3), K about 100 to 300."""
    segmentation_id: int
    """Its value in Observation.segmentation; greater than 0."""
    movable: bool = False
    """Small enough to be pushed or placed elsewhere."""
    askable: bool = True
    """False for things that have no clear name or extent (rugs, curtains, pictures)."""
    plural: str = ""
    """The category's plural; empty means category + "s"."""


@dataclass(frozen=True)
class SceneState:
    """Where the movable objects are: all that can change in a scene.

    Each value is position (3) and orientation (w, x, y, z quaternion) in the world.
    """

    poses: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def difference(self, other: SceneState) -> dict[str, list[float]]:
        """Return the poses of the objects that are elsewhere than in the other state."""
        return {key: list(pose) for key, pose in self.poses.items() if other.poses.get(key) != pose}

    def updated(self, poses: Mapping[str, list[float]]) -> SceneState:
        """Return the state with some objects elsewhere."""
        return SceneState({**self.poses, **{key: tuple(pose) for key, pose in poses.items()}})


@dataclass(frozen=True)
class Observation:
    """What a camera sees of a scene in one state, without the colours.

    Colour pictures cost fifteen times as much as segmentation and depth, so they are rendered
    later (Session.render) and only for questions that are kept.
    """

    pose: Pose
    camera: Camera
    state: SceneState
    objects: Mapping[str, SceneObject]
    """All objects of the scene in this state, seen or not, by object_id."""
    segmentation: NDArray[np.int32]
    """Shape (height, width): the segmentation_id of the object at each pixel, or BACKGROUND."""
    depth_m: NDArray[np.float32]
    """Shape (height, width): depth along the optical axis; inf where nothing is."""

    def mask(self, object_id: str) -> NDArray[np.bool_]:
        """Return the pixels of an object, shape (height, width)."""
        result: NDArray[np.bool_] = self.segmentation == self.objects[object_id].segmentation_id
        return result


@dataclass(frozen=True)
class SceneKey:
    """Names a scene: an engine and its settings turn the same key into the same scene."""

    split: str
    """train, val or test."""
    index: int
    """Number of the scene in its split."""
    seed: int
    """Seed of the data set."""

    @property
    def scene_id(self) -> str:
        """The scene's name in rows and logs."""
        return f"{self.split}-{self.seed}-{self.index:06d}"

    def rng(self, purpose: str) -> np.random.Generator:
        """Return a generator for one purpose; others do not disturb it."""
        if self.split not in SPLITS:
            raise ValueError(f"unknown split {self.split!r}; known: {', '.join(SPLITS)}")
        words = [self.seed, SPLITS.index(self.split), self.index, *purpose.encode()]
        return np.random.default_rng(np.random.SeedSequence(words))


SPLITS = ("train", "val", "test")


class EngineError(UserError):
    """An engine cannot do what was asked; the message is one line for the user."""


@dataclass(frozen=True)
class SceneInfo:
    """What an engine tells of a loaded scene beyond its objects."""

    key: SceneKey
    house: Mapping[str, Any] = field(default_factory=dict)
    """JSON-able facts for the data card: rooms, finishes, pieces and their sources."""
