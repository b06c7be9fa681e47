"""What a procedural piece is made of: simple solids with paints, turned into meshes when asked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

import numpy as np
from numpy.random import Generator

from generation.assets import mesh, textures
from generation.assets.color import color_word, dominant_word
from generation.assets.mesh import Mesh
from generation.assets.piece import Box, Finish, Maker, MeshPart, Piece, Rgb, Texture
from generation.assets.procedural import cloth

Point = tuple[float, float, float]

TYPICAL_TRIANGLES = 1500
"""About what a piece has; counted only for budgets."""
MAKER = Maker("SAT Bench", "Apache-2.0", "procedural")

PATTERNS: dict[str, tuple[Callable[[Generator], textures.Pixels], float]] = {
    "wood": (textures.neutral_wood, 0.6),
    "fabric": (textures.neutral_fabric, 0.12),
    "leather": (textures.neutral_leather, 0.4),
    "wicker": (textures.neutral_wicker, 0.16),
}
"""Nearly white patterns that a paint tints: how to draw them and the size of one repeat in m."""


@lru_cache
def _pattern(name: str) -> Texture:
    draw, _ = PATTERNS[name]
    return Texture(f"pattern/{name}", draw(np.random.default_rng([*name.encode()])))


@dataclass(frozen=True)
class Picture:
    """A picture that fills a sheet; equal keys are the same picture."""

    key: str
    draw: Callable[[], textures.Pixels] = field(compare=False)


@dataclass(frozen=True)
class Paint:
    """A finish by name; its texture is drawn when first needed."""

    rgb: Rgb
    pattern: str = ""
    roughness: float = 0.7
    metallic: float = 0.0
    alpha: float = 1.0
    emission: float = 0.0
    picture: Picture | None = None

    def finish(self) -> Finish:
        """Return the finish for the engine."""
        texture = _pattern(self.pattern) if self.pattern else None
        if self.picture is not None:
            texture = Texture(f"picture/{self.picture.key}", self.picture.draw())
        return Finish(
            self.rgb, texture, None, self.roughness, self.metallic, self.alpha, self.emission
        )

    @property
    def repeat_m(self) -> float:
        """Edge of one repeat of the pattern."""
        return PATTERNS[self.pattern][1] if self.pattern else 1.0


@dataclass(frozen=True)
class Solid:
    """One solid of a piece."""

    paint: Paint
    build: Callable[[], Mesh]
    colliders: tuple[Box, ...]
    area_m2: float
    """About how much of it one sees; decides the colour word."""

    def tipped(self, at: Point) -> Solid:
        """Return it without colliders, its z axis turned to -y, its origin moved to a point."""
        return replace(self, build=partial(_tipped, self.build, at), colliders=())


def block(
    paint: Paint, center: Point, size: Point, radius: float = 0.006, collides: bool = True
) -> Solid:
    """Return a rounded box by centre and full size in metres."""
    half = (size[0] / 2, size[1] / 2, size[2] / 2)
    segments = 3 if radius > 0.02 else 1
    area = 2 * (size[0] * size[1] + size[1] * size[2] + size[0] * size[2])
    boxes = (Box(center, half),) if collides else ()
    return Solid(
        paint,
        partial(_placed, partial(mesh.rounded_box, half, radius, segments), center),
        boxes,
        area,
    )


def rod(
    paint: Paint,
    bottom: Point,
    radius: float,
    height: float,
    top_radius: float | None = None,
    collides: bool = True,
) -> Solid:
    """Return an upright cylinder or frustum that stands on a point."""
    widest = max(radius, radius if top_radius is None else top_radius)
    center = (bottom[0], bottom[1], bottom[2] + height / 2)
    boxes = (Box(center, (widest * 0.89, widest * 0.89, height / 2)),) if collides else ()
    area = 2 * np.pi * widest * height + np.pi * widest**2
    return Solid(
        paint,
        partial(_placed, partial(mesh.cylinder, radius, height, top_radius), bottom),
        boxes,
        area,
    )


def lathe(
    paint: Paint,
    profile: Iterable[tuple[float, float]],
    at: Point = (0, 0, 0),
    collides: bool = True,
    segments: int = 24,
    sharp: bool = False,
) -> Solid:
    """Return a turned solid; collides as the boxes inside and around its outline."""
    points = tuple(profile)
    radius = max(r for r, _ in points)
    low, high = min(z for _, z in points), max(z for _, z in points)
    center = (at[0], at[1], at[2] + (low + high) / 2)
    half = (radius * 0.89, radius * 0.89, (high - low) / 2)
    area = 2 * np.pi * radius * (high - low)
    build = partial(_placed, partial(mesh.turned, points, segments, sharp), at)
    return Solid(paint, build, (Box(center, half),) if collides else (), area)


def bar(paint: Paint, points: Iterable[Point], radius: float) -> Solid:
    """Return a bent round bar without a collider."""
    path = tuple(points)
    length = float(np.linalg.norm(np.diff(np.array(path), axis=0), axis=1).sum())
    return Solid(paint, partial(mesh.tube, path, radius), (), 2 * np.pi * radius * length)


def shaped(
    paint: Paint, build: Callable[[], Mesh], area_m2: float, colliders: tuple[Box, ...] = ()
) -> Solid:
    """Return any other mesh."""
    return Solid(paint, build, colliders, area_m2)


def printed(
    key: str,
    draw: Callable[[], textures.Pixels],
    center: Point,
    size: tuple[float, float],
    lies: str,
) -> Solid:
    """Return a sheet with a picture: on the "wall" (facing -y) or on the "floor" (facing up)."""
    paint = Paint((1.0, 1.0, 1.0), roughness=0.9, picture=Picture(key, draw))
    build = partial(_placed, partial(cloth.sheet, size[0], size[1], lies == "wall"), center)
    return Solid(paint, build, (), size[0] * size[1])


def _tipped(build: Callable[[], Mesh], offset: Point) -> Mesh:
    return mesh.moved(build(), offset, mesh.rotation_x(np.pi / 2))


def _placed(build: Callable[[], Mesh], offset: Point) -> Mesh:
    return mesh.moved(build(), offset)


@dataclass(frozen=True)
class Design:
    """A finished design of one kind."""

    size_m: Point
    solids: tuple[Solid, ...]
    support_height_m: float | None = None
    movable: bool = False
    mass_kg: float = 10.0
    color_word: str | None = None
    """None: by the paints."""
    mount_height_m: float | None = None
    """Height of its bottom on the wall; None if it stands."""

    def parts(self) -> tuple[MeshPart, ...]:
        """Build the meshes, one part per paint."""
        by_paint: dict[Paint, list[Mesh]] = {}
        for solid in self.solids:
            by_paint.setdefault(solid.paint, []).append(solid.build())
        return tuple(_part(paint, mesh.merged(meshes)) for paint, meshes in by_paint.items())

    def word(self) -> str:
        """Return the colour word."""
        if self.color_word is not None:
            return self.color_word
        return dominant_word((color_word(solid.paint.rgb), solid.area_m2) for solid in self.solids)


def _part(paint: Paint, shape: Mesh) -> MeshPart:
    return MeshPart(
        shape.vertices_m.astype(np.float32),
        shape.normals.astype(np.float32),
        (shape.uv_m / paint.repeat_m).astype(np.float32)
        if paint.pattern or paint.picture
        else None,
        shape.faces.astype(np.int32),
        paint.finish(),
    )


def to_piece(
    piece_id: str,
    category: str,
    design: Design,
    rooms: frozenset[str],
    plural: str = "",
    askable: bool = True,
) -> Piece:
    """Return the design as a piece of furniture."""
    return Piece(
        piece_id=piece_id,
        category=category,
        size_m=design.size_m,
        load_parts=design.parts,
        colliders=tuple(box for solid in design.solids for box in solid.colliders),
        maker=MAKER,
        color_word=design.word(),
        plural=plural,
        support_height_m=design.support_height_m,
        movable=design.movable,
        mass_kg=design.mass_kg,
        askable=askable,
        rooms=rooms,
        mount_height_m=design.mount_height_m,
        triangles=TYPICAL_TRIANGLES,
    )
