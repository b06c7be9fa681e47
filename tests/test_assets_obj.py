"""Reading OBJ and MTL files, and making pieces of them."""

from __future__ import annotations

import io
import math
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from generation.assets.model import (
    MAX_TEXTURE_PX,
    Placement,
    creased_normals,
    load_model,
    triangle_count,
)
from generation.assets.obj import parse_mtl, parse_obj

QUAD = b"""
mtllib box.mtl
v 0 0 0
v 2 0 0
v 2 1 0
v 0 1 0
vt 0 0
vt 1 0
vt 1 1
vt 0 1
vn 0 0 1
usemtl red paint
f 1/1/1 2/2/1 3/3/1 4/4/1
"""
BOX_MTL = b"""
newmtl red paint
Kd 0.8 0.1 0.1
Ns 100
d 0.5
map_Kd C:\\textures\\wood grain.png
"""
UNTURNED = np.eye(3)


def png(width: int, height: int) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (width, height), (10, 200, 30)).save(file, "PNG")
    return file.getvalue()


def reader(files: dict[str, bytes]) -> Callable[[str], bytes]:
    return files.__getitem__


def test_polygons_become_fans_of_triangles() -> None:
    mesh = parse_obj(QUAD)
    corners = mesh.triangles["red paint"]
    assert corners[..., 0].tolist() == [[0, 1, 2], [0, 2, 3]]
    assert corners[..., 1].tolist() == [[0, 1, 2], [0, 2, 3]]
    assert (corners[..., 2] == 0).all()
    assert mesh.libraries == ["box.mtl"]


def test_negative_indices_count_from_the_end() -> None:
    mesh = parse_obj(b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\nv 9 9 9\n")
    assert mesh.triangles[""][0, :, 0].tolist() == [0, 1, 2]
    assert (mesh.triangles[""][..., 1:] == -1).all()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "no faces"),
        (b"v 0 0 0\n", "no faces"),
        (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 4\n", "does not exist"),
        (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 x\n", "line 4"),
        (b"v 0 0 0\nv 1 0 0\nv 0 1 zero\nf 1 2 3\n", "bad number"),
        (b"v 0 0 0\nv 1 0\nv 0 1 0\nf 1 2 3\n", "bad number"),
        (b"v 0 0 0\nv 1 0 0\nv 0 nan 0\nf 1 2 3\n", "not finite"),
        (b"v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1/1/1/1 2 3\n", "line 4"),
        (b"\x00\x01\x02 garbage", "no faces"),
    ],
)
def test_broken_files_are_refused(text: bytes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_obj(text)


def test_materials() -> None:
    material = parse_mtl(BOX_MTL)["red paint"]
    assert material.diffuse == (0.8, 0.1, 0.1)
    assert material.alpha == 0.5
    assert material.picture == "wood grain.png"
    assert parse_mtl(b"newmtl a\nTr 0.25\n")["a"].alpha == 0.75


def test_model_is_scaled_stood_up_and_turned_towards_its_front() -> None:
    # A wedge, y up, front towards +z, whose highest edge is at the back (-z).
    text = (
        b"v 0 0 0\nv 4 0 0\nv 4 0 2\nv 0 0 2\nv 0 1 0\nv 4 1 0\nf 1 2 3 4\nf 5 6 3 4\nf 1 2 6 5\n"
    )
    files = {"a/wedge.obj": text}
    size = (1.0, 0.5, 0.25)
    for turn_deg, back in ((0, (1, 1)), (90, (0, -1)), (180, (1, -1)), (270, (0, 1))):
        width, depth = (size[0], size[1]) if turn_deg % 180 == 0 else (size[1], size[0])
        placement = Placement((width, depth, size[2]), UNTURNED, math.radians(turn_deg))
        (part,) = load_model(reader(files), "a/wedge.obj", "k", placement)
        low, high = part.vertices_m.min(0), part.vertices_m.max(0)
        np.testing.assert_allclose(high - low, (width, depth, size[2]), atol=1e-6)
        np.testing.assert_allclose((low[:2] + high[:2]) / 2, 0, atol=1e-6)
        assert low[2] == pytest.approx(0, abs=1e-6)
        top = part.vertices_m[part.vertices_m[:, 2] > size[2] - 1e-6]
        axis, sign = back
        assert np.all(np.sign(top[:, axis]) == sign)


def test_triangles_run_with_their_normals() -> None:
    inside_out = QUAD.replace(b"f 1/1/1 2/2/1 3/3/1 4/4/1", b"f 4/4/1 3/3/1 2/2/1 1/1/1")
    placement = Placement((2.0, 0.01, 1.0), UNTURNED)
    files = {"a/box.obj": inside_out, "a/box.mtl": BOX_MTL}
    (part,) = load_model(reader(files), "a/box.obj", "k", placement)
    a, b, c = (part.vertices_m[part.faces[:, i]].astype(float) for i in range(3))
    flat = np.cross(b - a, c - a)
    assert (np.einsum("fk,fk->f", flat, part.normals[part.faces[:, 0]]) > 0).all()
    np.testing.assert_allclose(part.normals, np.tile([0, -1, 0], (4, 1)), atol=1e-6)


def test_textures_are_shrunk_and_missing_ones_fall_back_to_the_colour() -> None:
    placement = Placement((2.0, 0.01, 1.0), UNTURNED)
    files = {"a/box.obj": QUAD, "a/box.mtl": BOX_MTL, "a/wood grain.png": png(1600, 400)}
    (part,) = load_model(reader(files), "a/box.obj", "k", placement)
    assert part.finish.texture is not None
    assert part.finish.texture.key == "k/wood grain.png"
    assert part.finish.texture.pixels.shape == (MAX_TEXTURE_PX // 4, MAX_TEXTURE_PX, 3)
    assert part.finish.rgb == (1.0, 1.0, 1.0)
    assert part.uv is not None
    del files["a/wood grain.png"]
    (part,) = load_model(reader(files), "a/box.obj", "k", placement)
    assert part.finish.texture is None
    assert part.finish.rgb == pytest.approx((0.8, 0.1, 0.1))


def test_last_word_of_a_texture_path_is_tried_too() -> None:
    placement = Placement((2.0, 0.01, 1.0), UNTURNED)
    files = {"a/box.obj": QUAD, "a/box.mtl": BOX_MTL, "a/grain.png": png(8, 8)}
    (part,) = load_model(reader(files), "a/box.obj", "k", placement)
    assert part.finish.texture is not None


def test_broken_texture_is_refused() -> None:
    files = {"a/box.obj": QUAD, "a/box.mtl": BOX_MTL, "a/wood grain.png": b"no picture"}
    with pytest.raises(ValueError, match="broken texture"):
        load_model(reader(files), "a/box.obj", "k", Placement((2.0, 0.01, 1.0), UNTURNED))


def test_model_without_area_is_refused() -> None:
    files = {"a/line.obj": b"v 0 0 0\nv 1 0 0\nv 2 0 0\nf 1 2 3\n"}
    with pytest.raises(ValueError, match="area"):
        load_model(reader(files), "a/line.obj", "k", Placement((1.0, 1.0, 1.0), UNTURNED))


def test_equal_corners_are_merged() -> None:
    placement = Placement((2.0, 0.01, 1.0), UNTURNED)
    parts = load_model(reader({"a/box.obj": QUAD}), "a/box.obj", "k", placement)
    assert triangle_count(parts) == 2
    assert len(parts[0].vertices_m) == 4


def test_creased_normals_smooth_gentle_edges_only() -> None:
    # Two triangles share an edge: folded by 30 degrees, then by 90.
    vertices = np.array([[0, 1, 2], [0, 2, 3]])
    for fold_deg, smooth in ((30, True), (90, False)):
        fold = math.radians(fold_deg)
        flat = np.array([[0, 0, 1.0], [math.sin(fold), 0, math.cos(fold)]])
        normals = creased_normals(vertices, flat, np.ones(2))
        same = np.allclose(normals[0, 0], normals[1, 0])
        assert same is smooth
        np.testing.assert_allclose(normals[0, 1], flat[0], atol=1e-12)
