"""Triangle meshes of simple solids: rounded boxes, turned shapes, cylinders, spheres, tubes.

Every function returns a closed mesh around the origin, z up, with unit normals, counter-clockwise
faces and texture coordinates in metres, so that a pattern keeps its scale on every size.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Mesh(NamedTuple):
    """Triangles with one normal and one texture coordinate per vertex."""

    vertices_m: Floats
    """Shape (V, 3)."""
    normals: Floats
    """Shape (V, 3), unit length."""
    uv_m: Floats
    """Shape (V, 2), in metres along the surface; v upwards."""
    faces: NDArray[np.int64]
    """Shape (F, 3), counter-clockwise from outside."""


def merged(meshes: Sequence[Mesh]) -> Mesh:
    """Return one mesh with the triangles of all."""
    offsets = np.cumsum([0] + [len(mesh.vertices_m) for mesh in meshes[:-1]])
    return Mesh(
        np.vstack([mesh.vertices_m for mesh in meshes]),
        np.vstack([mesh.normals for mesh in meshes]),
        np.vstack([mesh.uv_m for mesh in meshes]),
        np.vstack([mesh.faces + offset for mesh, offset in zip(meshes, offsets, strict=True)]),
    )


def moved(mesh: Mesh, offset_m: Sequence[float], rotation: Floats | None = None) -> Mesh:
    """Return the mesh rotated by a matrix of shape (3, 3), then shifted."""
    turn = np.eye(3) if rotation is None else rotation
    return mesh._replace(
        vertices_m=mesh.vertices_m @ turn.T + np.asarray(offset_m), normals=mesh.normals @ turn.T
    )


def rounded_box(half_size_m: Sequence[float], radius_m: float, segments: int = 3) -> Mesh:
    """Return a box with rounded edges; radius 0 gives a plain box of 12 triangles."""
    half = np.asarray(half_size_m, float)
    radius = min(radius_m, 0.999 * float(half.min()))
    if radius <= 0:
        return _sides(half, 0.0, np.array([-1.0, 1.0]), np.array([-1.0, 1.0]))
    ramp = np.tan(np.linspace(0, np.pi / 4, segments + 1))
    tangent = np.concatenate([-ramp[::-1], ramp])
    side = np.repeat([-1.0, 1.0], segments + 1)
    return _sides(half, radius, tangent, side)


def _sides(half: Floats, radius: float, tangent: Floats, side: Floats) -> Mesh:
    """Build six patches; each grid point is a core corner plus radius along its normal."""
    count = len(tangent)
    rows, columns = (grid.ravel() for grid in np.meshgrid(*[np.arange(count)] * 2, indexing="ij"))
    corner = (np.arange(count - 1)[:, None] * count + np.arange(count - 1)).ravel()
    quads = np.concatenate(
        [
            np.stack([corner, corner + count, corner + count + 1], 1),
            np.stack([corner, corner + count + 1, corner + 1], 1),
        ]
    )
    patches = []
    for axis in range(3):
        first, second = [(1, 2), (2, 0), (0, 1)][axis]
        for sign in (-1.0, 1.0):
            normals = np.zeros((count * count, 3))
            normals[:, axis] = sign
            if radius > 0:
                normals[:, first], normals[:, second] = tangent[rows], tangent[columns]
                normals /= np.linalg.norm(normals, axis=1, keepdims=True)
            core = np.empty_like(normals)
            core[:, axis] = sign * (half[axis] - radius)
            core[:, first] = side[rows] * (half[first] - radius)
            core[:, second] = side[columns] * (half[second] - radius)
            points = core + radius * normals
            uv = points[:, [second, first]] if axis == 1 else points[:, [first, second]]
            patches.append(Mesh(points, normals, uv, quads if sign > 0 else quads[:, ::-1]))
    return merged(patches)


def turned(
    profile_m: Sequence[tuple[float, float]], segments: int = 24, sharp: bool = False
) -> Mesh:
    """Return the solid that a lathe makes.

    Args:
        profile_m: Points (radius, height), outside surface from bottom to top; it may go on down
            the inside of a hollow.
        segments: Corners of the circle.
        sharp: Keep the edges of the profile instead of shading them smoothly.
    """
    points = np.asarray(profile_m, float)
    steps = np.diff(points, axis=0)
    keep = np.linalg.norm(steps, axis=1) > 1e-9
    points = points[np.concatenate([[True], keep])]
    steps = np.diff(points, axis=0)
    outward = np.column_stack([steps[:, 1], -steps[:, 0]])
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(steps, axis=1))])
    bands = [
        _band(points[i : i + 2], _edge_normals(outward, i, sharp), length[i : i + 2], segments)
        for i in range(len(steps))
    ]
    return merged(bands)


def _edge_normals(outward: Floats, index: int, sharp: bool) -> Floats:
    """Return the profile's normals at both ends of a segment, shape (2, 2), smooth below 50°."""
    own = outward[index]
    ends = []
    for neighbour in (index - 1, index + 1):
        normal = own
        if not sharp and 0 <= neighbour < len(outward) and own @ outward[neighbour] > 0.64:
            normal = own + outward[neighbour]
        ends.append(normal / np.linalg.norm(normal))
    return np.array(ends)


def _band(ends: Floats, normals: Floats, length: Floats, segments: int) -> Mesh:
    angle = np.linspace(0, 2 * np.pi, segments + 1)
    around = np.column_stack([np.cos(angle), np.sin(angle)])
    vertices = np.vstack(
        [np.column_stack([radius * around, np.full(len(angle), height)]) for radius, height in ends]
    )
    directions = np.vstack(
        [np.column_stack([flat * around, np.full(len(angle), up)]) for flat, up in normals]
    )
    girth = float(ends[:, 0].max())
    uv = np.vstack([np.column_stack([angle * girth, np.full(len(angle), at)]) for at in length])
    low = np.arange(segments)
    high = low + segments + 1
    faces = np.concatenate(
        [np.stack([low, low + 1, high + 1], 1), np.stack([low, high + 1, high], 1)]
    )
    kept = np.concatenate(
        [np.full(segments, ends[0, 0] > 1e-9), np.full(segments, ends[1, 0] > 1e-9)]
    )
    return Mesh(vertices, directions, uv, faces[kept])


def cylinder(
    radius_m: float, height_m: float, top_radius_m: float | None = None, segments: int = 20
) -> Mesh:
    """Return an upright cylinder or cone frustum, its bottom centre at the origin."""
    top = radius_m if top_radius_m is None else top_radius_m
    return turned([(0, 0), (radius_m, 0), (top, height_m), (0, height_m)], segments)


def sphere(radius_m: float, segments: int = 20, flatten: float = 1.0) -> Mesh:
    """Return a ball, its height scaled by flatten, its bottom at the origin."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, segments // 2 + 1)
    profile = [
        (radius_m * float(np.cos(a)), radius_m * flatten * (1 + float(np.sin(a)))) for a in angle
    ]
    profile[0], profile[-1] = (0.0, 0.0), (0.0, 2 * radius_m * flatten)
    return turned(profile, segments)


def tube(points_m: Sequence[Sequence[float]], radius_m: float, segments: int = 10) -> Mesh:
    """Return a round bar along a polyline of points, shape (N, 3), with capped ends."""
    path = np.asarray(points_m, float)
    bars = []
    for start, end in pairwise(path):
        axis = end - start
        length = float(np.linalg.norm(axis))
        bars.append(
            moved(cylinder(radius_m, length, segments=segments), start, _turn_to(axis / length))
        )
    joints = [moved(sphere(radius_m, segments), point - (0, 0, radius_m)) for point in path[1:-1]]
    return merged(bars + joints)


def _turn_to(axis: Floats) -> Floats:
    """Return a rotation, shape (3, 3), that takes z to the axis."""
    helper = np.array([1.0, 0, 0]) if abs(axis[0]) < 0.9 else np.array([0, 1.0, 0])
    side = np.cross(helper, axis)
    side /= np.linalg.norm(side)
    return np.column_stack([side, np.cross(axis, side), axis])


def rotation_z(angle_rad: float) -> Floats:
    """Return the rotation about the vertical, shape (3, 3)."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[cos, -sin, 0], [sin, cos, 0], [0, 0, 1.0]])


def rotation_x(angle_rad: float) -> Floats:
    """Return the rotation about the x axis, shape (3, 3)."""
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[1.0, 0, 0], [0, cos, -sin], [0, sin, cos]])
