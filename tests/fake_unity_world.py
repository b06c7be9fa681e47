"""The world of the stand-in player: boxes in Unity's frame, ray casting, and collisions.

Written in Unity's own terms (left-handed, y up, yaw clockwise from +z, degrees) and independently
of the engine, so that a mistake in the engine's conversion shows. An asset's name tells its kind
and size: "Dining_Table_1200x740x800" is 1.2 m wide (x), 0.74 m high (y) and 0.8 m deep (z).
"""

from __future__ import annotations

import colorsys
import math
import re
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

FAR_M = 20.0
EYE_M = 0.675
AGENT_HALF = np.array([0.2, 0.9, 0.2])
ASSET = re.compile(r"([A-Za-z_]+)_(\d+)x(\d+)x(\d+)")
PICKUPABLE = {"Book", "Box", "Mug", "Toaster", "Vase", "Basket"}
MOVEABLE = {"ArmChair", "Armchair", "Chair", "CoffeeTable", "Desk", "DiningTable", "Sofa", "Stool"}
PART_OF = {"Dresser": "Drawer"}
CORNERS = np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)])
STANDING = {"x": 0.0, "y": 0.0, "z": 0.0}


class Refused(Exception):
    """The action fails, as most do in the player: only lastActionSuccess tells."""


def vector(values: Any) -> dict[str, float]:
    return dict(zip("xyz", (float(v) for v in values), strict=True))


def array(values: dict[str, float]) -> np.ndarray:
    return np.array([values["x"], values["y"], values["z"]], float)


def turn(euler: dict[str, float]) -> np.ndarray:
    """Return Unity's rotation matrix: about z, then x, then y."""
    (cx, sx), (cy, sy), (cz, sz) = (
        (math.cos(math.radians(euler[a])), math.sin(math.radians(euler[a]))) for a in "xyz"
    )
    about_x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return about_y @ about_x @ about_z


def color_of(name: str) -> tuple[int, int, int]:
    """Return a colour of its own for a name."""
    code = zlib.crc32(name.encode())
    hue, light, strength = code % 997 / 997, 0.35 + code // 997 % 97 / 300, 0.5 + code % 89 / 178
    red, green, blue = colorsys.hls_to_rgb(hue, light, strength)
    return int(red * 255), int(green * 255), int(blue * 255)


class Item:
    """A box; its pivot is the centre of its bottom face."""

    def __init__(self, name: str, asset: str, kind: str, size: np.ndarray, owner: str = "") -> None:
        self.name, self.asset, self.kind, self.size = name, asset, kind, size
        self.owner = owner
        """Of a part: it moves with its owner."""
        self.kinematic = True
        self.place(np.zeros(3), dict(STANDING))

    def place(self, pivot: np.ndarray, euler: dict[str, float]) -> None:
        self.pivot, self.euler, self.rotation = pivot, euler, turn(euler)
        self.center = pivot + self.rotation @ (0, self.size[1] / 2, 0)
        self.half = np.abs(self.rotation) @ (self.size / 2)
        """Half the extent of the world-aligned bounding box."""

    @property
    def is_free(self) -> bool:
        return self.kind in PICKUPABLE or self.kind in MOVEABLE

    @property
    def top(self) -> float:
        return float(self.center[1] + self.half[1])

    @property
    def corners(self) -> np.ndarray:
        """Of the world-aligned bounding box, shape (8, 3)."""
        return self.center + self.half * CORNERS

    def overlaps(self, center: np.ndarray, half: np.ndarray) -> bool:
        return bool(np.all(np.abs(self.center - center) < self.half + half - 1e-4))

    def is_under(self, point: np.ndarray) -> bool:
        return bool(np.all(np.abs(point - self.center)[[0, 2]] <= self.half[[0, 2]]))


@dataclass
class View:
    """A camera and what it sees."""

    position: np.ndarray
    euler: dict[str, float]
    fov: float

    def rays(self, width: int, height: int) -> np.ndarray:
        """Return rays of length 1 along the optical axis, rows from the top."""
        edge = math.tan(math.radians(self.fov) / 2)
        right = (2 * (np.arange(width) + 0.5) / width - 1) * edge * width / height
        up = (1 - 2 * (np.arange(height) + 0.5) / height) * edge
        local = np.dstack([*np.meshgrid(right, up), np.ones((height, width))])
        return local @ turn(self.euler).T

    def window(self, item: Item, width: int, height: int) -> tuple[slice, slice]:
        """Return the rows and columns that an item can cover."""
        local = (item.corners - self.position) @ turn(self.euler)
        if local[:, 2].min() < 0.05:
            return slice(None), slice(None)
        scale = height / 2 / math.tan(math.radians(self.fov) / 2)
        columns = width / 2 + local[:, 0] / local[:, 2] * scale
        rows = height / 2 - local[:, 1] / local[:, 2] * scale
        (top, bottom), (left, right) = (
            np.clip([v.min() - 1, v.max() + 2], 0, None).astype(int) for v in (rows, columns)
        )
        return slice(top, bottom), slice(left, right)


class World:
    """The loaded scene, the agent and the cameras."""

    def __init__(self) -> None:
        self.width, self.height = 300, 300
        self.scene = "none"
        self.settings: dict[str, Any] = {}
        self.low, self.high = np.array([-3.0, 0.0, -3.0]), np.array([3.0, 2.6, 3.0])
        self.items: dict[str, Item] = {}
        self.rooms: list[str] = []
        self.agent = np.array([0.0, 0.9, 0.0])
        self.agent_yaw, self.horizon = 0.0, 30.0
        self.cameras: list[View] = []
        self.unrest = 0
        """Actions until a dropped item lies still."""
        self.mirrored = False
        self.changes = 0
        """Grows whenever something moves."""

    # ------------------------------------------------------------------------ seeing
    def agent_view(self) -> View:
        fov = self.settings.get("fieldOfView", 90.0)
        euler = {"x": self.horizon, "y": self.agent_yaw, "z": 0.0}
        return View(self.agent + np.array([0, EYE_M, 0]), euler, fov)

    def names(self) -> list[str]:
        return ["Wall", "Ceiling", *(self.rooms or ["Floor"]), *self.items]

    def cast(self, view: View) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return depth, index into names(), and the axis of the normal that was hit."""
        rays = view.rays(self.width, self.height)
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = 1 / np.where(rays == 0, 1e-12, rays)
            walls = np.maximum(
                (self.low - view.position) * inverse, (self.high - view.position) * inverse
            )
        depth, axis = walls.min(-1), walls.argmin(-1)
        floor = np.where(rays[..., 1] < 0, 2, 1)
        index = np.where(axis == 1, floor, 0)
        first = 2 + len(self.rooms or ["Floor"])
        for number, item in enumerate(self.items.values(), first):
            rows, columns = view.window(item, self.width, self.height)
            origin = (view.position - item.center) @ item.rotation
            local = rays[rows, columns] @ item.rotation
            if local.size == 0:
                continue
            inverse = 1 / np.where(local == 0, 1e-12, local)
            one = (-item.size / 2 - origin) * inverse
            two = (item.size / 2 - origin) * inverse
            enter, leave = np.minimum(one, two), np.maximum(one, two)
            first_m, near = enter.max(-1), depth[rows, columns]
            hit = (first_m < leave.min(-1)) & (first_m > 0.02) & (first_m < near)
            depth[rows, columns][hit], index[rows, columns][hit] = first_m[hit], number
            axis[rows, columns][hit] = enter.argmax(-1)[hit]
        return depth, index, axis

    def pictures(self, view: View) -> dict[str, bytes]:
        """Return what a camera sends; rows from the bottom, as Unity's textures."""
        depth, index, axis = self.cast(view)
        ids = np.array([color_of(name) for name in self.names()], np.uint8)[index]
        light = np.array([0.8, 1.0, 0.6])[axis] * np.clip(1.1 - depth / 15, 0.4, 1.0)
        rgb = (ids * light[..., None]).astype(np.uint8)
        opaque = np.full((*depth.shape, 1), 255, np.uint8)
        sent = {"rgb": np.concatenate([rgb, opaque], -1)}
        if self.settings.get("renderDepthImage"):
            sent["depth"] = np.minimum(depth, FAR_M).astype("<f4")
        if self.settings.get("renderInstanceSegmentation"):
            sent["ids"] = np.concatenate([ids, opaque], -1)
        rows, columns = slice(None, None, -1), slice(None, None, -1 if self.mirrored else 1)
        return {name: data[rows, columns].tobytes() for name, data in sent.items()}

    # ---------------------------------------------------------------------- physics
    def is_free(self, center: np.ndarray, half: np.ndarray, but: str = "") -> bool:
        inside = np.all(center - half > self.low - 1e-4) and np.all(center + half < self.high)
        others = (i for i in self.items.values() if but not in (i.name, i.owner) or not but)
        return bool(inside) and not any(item.overlaps(center, half) for item in others)

    def has_room(self, position: np.ndarray) -> bool:
        return self.is_free(np.array([position[0], 0.9, position[2]]), AGENT_HALF)

    def on_top_of(self, item: Item) -> list[str]:
        """Return the names of what stands on an item."""
        others = (other for other in self.items.values() if other is not item)
        return [
            other.name
            for other in others
            if abs(other.pivot[1] - item.top) < 0.01 and item.is_under(other.pivot)
        ]

    def surface_below(self, point: np.ndarray, but: str) -> float:
        below = (
            i.top for i in self.items.values() if but not in (i.name, i.owner) and i.is_under(point)
        )
        return max((top for top in below if top <= point[1] + 1e-3), default=0.0)

    def put(self, item: Item, pivot: np.ndarray, euler: dict[str, float]) -> None:
        for part in self.items.values():
            if part.owner == item.name:
                part.place(part.pivot + pivot - item.pivot, part.euler)
        item.place(pivot, euler)
        self.changes += 1

    def free_item(self, name: str) -> Item:
        item = self.items.get(name)
        if item is None or not item.is_free:
            raise Refused(f"{name} is not a moveable or pickupable object")
        return item
