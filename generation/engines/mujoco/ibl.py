"""Light from all around a room, as the KTX file that Filament takes for an image-based light.

Format: KTX 1, cube map of R11G11B10F texels with mip levels that get rougher, and the diffuse
part as nine spherical harmonics in the metadata entry "sh"
(https://google.github.io/filament/Filament.html, section 5.3).
"""

from __future__ import annotations

import struct
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from generation.assets.piece import Rgb
from generation.houses.house import Ambience

Floats = NDArray[np.float64]

FACE_PX = 32
SAMPLES = 1200
MERIDIAN_STEPS = 33
CEILING_FROM = 0.55
"""Height (z of a unit direction) above which a room's surroundings are ceiling."""
FLOOR_UNTIL = -0.45
EDGE = 0.12
"""Half width of the soft border between ceiling, wall and floor."""

GL_R11F_G11F_B10F = 35898
GL_RGB = 6407
SH_BASIS = np.array(
    [0.282095, 0.488603, 0.488603, 0.488603, 1.092548, 1.092548, 0.315392, 1.092548, 0.546274]
)
SH_COSINE = np.array([1.0, *[2 / 3] * 3, *[1 / 4] * 5])


def ambience_ktx(ambience: Ambience) -> bytes:
    """Return the KTX file of a room's ambience; its intensity is left to the light."""
    return _room_ktx(ambience.ceiling_rgb, ambience.wall_rgb, ambience.floor_rgb)


@lru_cache(maxsize=16)
def _room_ktx(ceiling: Rgb, wall: Rgb, floor: Rgb) -> bytes:
    directions = _sphere(SAMPLES)
    light = _radiance(directions[:, 1], ceiling, wall, floor)
    metadata = b"sh\0" + "".join(
        " ".join(f"{value:.6g}" for value in row) + "\n" for row in _harmonics(directions, light)
    ).encode("ascii")
    entry = struct.pack("<I", len(metadata)) + metadata + b"\0" * (-len(metadata) % 4)
    sizes_px = [FACE_PX >> level for level in range(FACE_PX.bit_length() - 1)]
    header = b"\xabKTX 11\xbb\r\n\x1a\n" + struct.pack(
        "<13I",
        0x04030201,
        # The type and base format are odd, but they are what MuJoCo's reader looks for.
        GL_R11F_G11F_B10F,
        1,
        GL_RGB,
        GL_R11F_G11F_B10F,
        GL_R11F_G11F_B10F,
        FACE_PX,
        FACE_PX,
        0,
        0,
        6,
        len(sizes_px),
        len(entry),
    )
    chunks = [header, entry]
    for level, size_px in enumerate(sizes_px):
        heights = _face_directions(size_px)[..., 1]
        blurred = (
            _blur(heights, level / (len(sizes_px) - 1), directions, light)
            if level
            else _radiance(heights, ceiling, wall, floor)
        )
        texels = _pack_r11g11b10(blurred).tobytes()
        chunks += [struct.pack("<I", len(texels) // 6), texels]
    return b"".join(chunks)


def _sphere(count: int) -> Floats:
    """Return evenly spread unit vectors, shape (count, 3), in Filament's frame (y up)."""
    index = np.arange(count) + 0.5
    polar, azimuth = np.arccos(1 - 2 * index / count), np.pi * (1 + 5**0.5) * index
    return np.stack(
        [np.cos(azimuth) * np.sin(polar), np.cos(polar), np.sin(azimuth) * np.sin(polar)], axis=-1
    )


def _radiance(height: Floats, ceiling: Rgb, wall: Rgb, floor: Rgb) -> Floats:
    """Return the light, shape (..., 3), from directions of the given heights."""
    up = np.clip((height - CEILING_FROM) / EDGE + 0.5, 0, 1)[..., None]
    down = np.clip((FLOOR_UNTIL - height) / EDGE + 0.5, 0, 1)[..., None]
    result: Floats = (
        up * np.array(ceiling) + down * np.array(floor) + (1 - up - down) * np.array(wall)
    )
    return result


def _harmonics(directions: Floats, light: Floats) -> Floats:
    """Return the diffuse light as 9 RGB coefficients, shape (9, 3), ready for the shader."""
    x, y, z = directions.T
    polynomials = np.stack(
        [np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y]
    )
    integral = (SH_BASIS[:, None] * polynomials) @ light * (4 * np.pi / len(light))
    result: Floats = integral * (SH_COSINE * SH_BASIS)[:, None]
    return result


def _blur(heights: Floats, roughness: float, directions: Floats, light: Floats) -> Floats:
    """Return the light a surface of the given roughness mirrors, shape (*heights.shape, 3).

    The light depends on the height only, so the blur is worked out along one meridian.
    """
    exponent = float(np.clip(2 / roughness**4 - 2, 1, 600))
    meridian = np.linspace(-1, 1, MERIDIAN_STEPS)
    lobes = np.stack([np.sqrt(1 - meridian**2), meridian, np.zeros_like(meridian)], axis=-1)
    weight = np.maximum(lobes @ directions.T, 0) ** exponent
    blurred = weight @ light / weight.sum(axis=1, keepdims=True)
    return np.stack([np.interp(heights, meridian, blurred[:, c]) for c in range(3)], axis=-1)


def _face_directions(size_px: int) -> Floats:
    """Return unit vectors, shape (6, size, size, 3), in the order +x -x +y -y +z -z."""
    ticks = (np.arange(size_px) + 0.5) / size_px * 2 - 1
    u, v = np.meshgrid(ticks, ticks)
    one = np.ones_like(u)
    faces = [(one, -v, -u), (-one, -v, u), (u, one, v), (u, -one, -v), (u, -v, one), (-u, -v, -one)]
    vectors = np.stack([np.stack(face, axis=-1) for face in faces])
    result: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return result


def _pack_r11g11b10(rgb: Floats) -> NDArray[np.uint32]:
    """Pack colours, shape (..., 3), into unsigned small floats (5 bit exponents)."""
    half = np.maximum(rgb, 0).astype(np.float16).view(np.uint16).astype(np.uint32)
    packed = (half[..., 0] >> 4) | (half[..., 1] >> 4) << 11 | (half[..., 2] >> 5) << 22
    return packed.astype(np.dtype("<u4"))
