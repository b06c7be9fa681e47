"""A folder of models as a furniture source."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh
from PIL import Image

from generation.assets import FURNITURE_SOURCES, folder, scenes
from generation.scene import EngineError

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write furniture.json with some pieces."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    where = tmp_path / "models"
    where.mkdir()
    monkeypatch.setenv("SAT_MODELS", str(where))

    def table(*records: object, **common: object) -> Path:
        (where / "furniture.json").write_text(json.dumps({**common, "pieces": records}))
        folder.pieces.cache_clear()
        return where

    yield table
    folder.pieces.cache_clear()


def wedge(color: tuple[int, int, int]) -> trimesh.Trimesh:
    """A wedge, 2 wide, 1 high, 3 deep, y up, front towards +z, its highest edge at the back."""
    points = [(0, 0, 0), (2, 0, 0), (2, 0, 3), (0, 0, 3), (0, 1, 0), (2, 1, 0)]
    mesh = trimesh.Trimesh(trimesh.points.PointCloud(points).convex_hull.vertices).convex_hull
    mesh.visual = trimesh.visual.TextureVisuals(
        material=trimesh.visual.material.PBRMaterial(
            baseColorFactor=[*color, 255], roughnessFactor=0.3, metallicFactor=0.0
        )
    )
    return mesh


def export(mesh: Any, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    trimesh.Scene([mesh]).export(path)


def test_no_folder_no_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAT_MODELS", raising=False)
    folder.pieces.cache_clear()
    assert FURNITURE_SOURCES["folder"]() == ()
    folder.pieces.cache_clear()


@pytest.mark.parametrize("suffix", ["glb", "obj"])
def test_model_becomes_a_piece(write: Write, suffix: str) -> None:
    record = {"file": f"deep/wedge.{suffix}", "category": "wedge", "use": "small"}
    where = write(record, creator="Ann", licence="CC0 1.0")
    export(wedge((200, 20, 20)), where / f"deep/wedge.{suffix}")
    (piece,) = folder.pieces()
    assert piece.piece_id == f"folder/deep/wedge.{suffix}"
    assert piece.size_m == pytest.approx((2, 3, 1))
    assert piece.movable
    assert piece.plural == "wedges"
    assert (piece.maker.creator, piece.maker.licence) == ("Ann", "CC0 1.0")
    assert piece.color_word == "red"
    (part,) = piece.load_parts()
    top = part.vertices_m[part.vertices_m[:, 2] > 0.99]
    assert (top[:, 1] > 1.4).all()
    assert part.vertices_m[:, 2].min() == pytest.approx(0, abs=1e-6)


def test_size_turn_and_up(write: Write) -> None:
    common = {"file": "w.glb", "category": "wedge"}
    where = write({**common, "turn_deg": 90, "size_m": [0.5, 0.6, 0.7]}, {**common, "up": "z"})
    export(wedge((20, 20, 200)), where / "w.glb")
    turned, lying = folder.pieces()
    assert turned.size_m == pytest.approx((0.5, 0.6, 0.7))
    (part,) = turned.load_parts()
    top = part.vertices_m[part.vertices_m[:, 2] > 0.69]
    assert (top[:, 0] < -0.24).all()
    assert lying.size_m == pytest.approx((2, 1, 3))


def test_pictures_come_along(write: Write) -> None:
    mesh = trimesh.creation.box((1, 1, 1))
    picture = Image.new("RGB", (900, 300), (20, 160, 40))
    mesh.visual = trimesh.visual.TextureVisuals(
        uv=np.random.default_rng(0).random((len(mesh.vertices), 2)),
        material=trimesh.visual.material.PBRMaterial(baseColorTexture=picture),
    )
    where = write({"file": "box.glb", "category": "box", "use": "base"})
    export(mesh, where / "box.glb")
    (piece,) = folder.pieces()
    (part,) = piece.load_parts()
    assert part.finish.texture is not None
    assert max(part.finish.texture.pixels.shape) == 512
    assert part.uv is not None
    assert piece.color_word == "green"
    assert piece.support_height_m == pytest.approx(1.0, abs=0.01)


def test_second_time_nothing_is_read_or_measured(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    where = write({"file": "w.glb", "category": "wedge"})
    export(wedge((20, 20, 200)), where / "w.glb")
    (first,) = folder.pieces()
    folder.pieces.cache_clear()
    monkeypatch.setattr(folder, "load_scene", lambda *_: pytest.fail("read again"))
    monkeypatch.setattr(folder, "measure_shape", lambda *_: pytest.fail("measured again"))
    (second,) = folder.pieces()
    assert second.colliders == first.colliders
    assert second.size_m == first.size_m


def test_broken_model_is_left_out_with_its_name(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    where = write(
        {"file": "whole.glb", "category": "wedge"},
        {"file": "broken.glb", "category": "wedge"},
        {"file": "empty.obj", "category": "wedge"},
        {"file": "missing.glb", "category": "wedge"},
        {"file": "odd.xyzzy", "category": "wedge"},
    )
    export(wedge((20, 20, 200)), where / "whole.glb")
    (where / "broken.glb").write_bytes((where / "whole.glb").read_bytes()[:200])
    (where / "empty.obj").write_text("# nothing\n")
    (where / "odd.xyzzy").write_text("what is this")
    with caplog.at_level(logging.WARNING):
        assert [piece.piece_id for piece in folder.pieces()] == ["folder/whole.glb"]
    for name in ("broken.glb", "empty.obj", "missing.glb", "odd.xyzzy"):
        assert name in caplog.text


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"file": "a.glb"}, r'pieces\[0\] needs "file" and "category"'),
        ("a.glb", r'pieces\[0\] needs "file" and "category"'),
        ({"file": "a", "category": "b", "colour": "red"}, "unknown key 'colour'; known: file"),
        ({"file": "a", "category": "b", "use": "lamp"}, "unknown use 'lamp'; known: floor"),
        ({"file": "a", "category": "b", "up": "x"}, "unknown up 'x'"),
        ({"file": "a", "category": "b", "use": "wall"}, "mount_height_m belong together"),
        ({"file": "a", "category": "b", "size_m": [1, 2]}, "three numbers"),
        ({"file": "a", "category": "b", "turn_deg": 45}, "multiple of 90, not 45"),
    ],
)
def test_wrong_lines_say_what_is_allowed(write: Write, record: object, message: str) -> None:
    write(record)
    with pytest.raises(EngineError, match=message) as failed:
        folder.pieces()
    assert "\n" not in str(failed.value)
    assert "furniture.json" in str(failed.value)


def test_missing_or_wrong_table(write: Write) -> None:
    where = write()
    assert folder.pieces() == ()
    for text, message in (("{", "not JSON"), ("[]", 'needs a list "pieces"')):
        (where / "furniture.json").write_text(text)
        folder.pieces.cache_clear()
        with pytest.raises(EngineError, match=message):
            folder.pieces()
    (where / "furniture.json").unlink()
    with pytest.raises(EngineError, match=r"cannot read .*furniture\.json"):
        folder.pieces()


def test_scene_without_triangles_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "points.ply"
    trimesh.points.PointCloud(np.random.default_rng(0).random((5, 3))).export(path)
    with pytest.raises(ValueError, match="no triangles"):
        scenes.load_scene(path, "k", None, "y", 0.0)
