"""The catalogue source on a small library of our own, and its tables."""

from __future__ import annotations

import csv
import logging
import os
import stat
import zipfile
import zlib
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import numpy as np
import pytest

from generation.assets import cache, curated, measure, sweethome3d
from generation.assets.color import COLOR_WORDS
from generation.assets.curated import Entry, Shape
from generation.assets.fetch import fetch
from generation.assets.measure import support_height_m
from generation.assets.piece import Box
from generation.houses.recipes import RECIPES
from generation.scene import EngineError

PROPERTIES = """
id=test
name#1=Red cube
model#1=/lib/cube/cube.obj
width#1=40
depth#1=20
height#1=60
creator#1=Ann Example
name#2=Broken
model#2=/lib/broken/broken.obj
width#2=10
depth#2=10
height#2=10
"""
CUBE = """mtllib cube.mtl
v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nv 0 0 1\nv 1 0 1\nv 1 1 1\nv 0 1 1
usemtl red
f 1 4 3 2\nf 5 6 7 8\nf 1 2 6 5\nf 2 3 7 6\nf 3 4 8 7\nf 4 1 5 8
"""
CUBE_MTL = "newmtl red\nKd 0.8 0.1 0.1\n"


def entry(model: str, use: str = "base") -> Entry:
    return Entry("Scopia", model, "cube", frozenset(), use, None, 0.0, "")


def write_library(folder: Path, cube: str = CUBE) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "Scopia.sh3f"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("PluginFurnitureCatalog.properties", PROPERTIES)
        file.writestr("lib/cube/cube.obj", cube)
        file.writestr("lib/cube/cube.mtl", CUBE_MTL)
        file.writestr("lib/broken/broken.obj", "v 1 2\nf 1 2 3\n")
    return folder


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A furniture folder with two models, both in use."""
    used = (entry("lib/cube/cube.obj"), entry("lib/broken/broken.obj", "small"))
    box = Box((0, 0, 0.3), (0.2, 0.1, 0.3))
    shapes = {
        "Scopia/cube/cube": Shape(zlib.crc32(CUBE.encode()), 12, "red", 0.6, (box,)),
        "Scopia/broken/broken": Shape(
            zlib.crc32(b"v 1 2\nf 1 2 3\n"), 1, "", None, (Box((0, 0, 0.05), (0.05,) * 3),)
        ),
    }
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("SAT_FURNITURE", str(tmp_path / "furniture"))
    monkeypatch.setattr(sweethome3d, "entries", lambda: used)
    monkeypatch.setattr(sweethome3d, "shapes", lambda: shapes)
    sweethome3d.pieces.cache_clear()
    yield write_library(tmp_path / "furniture")
    sweethome3d.pieces.cache_clear()


def test_pieces_have_size_maker_and_mesh(library: Path) -> None:
    cube, _ = sweethome3d.pieces()
    assert cube.piece_id == "sh3d/Scopia/cube/cube"
    assert cube.size_m == pytest.approx((0.4, 0.2, 0.6))
    assert cube.maker.creator == "Ann Example"
    assert cube.maker.licence == "CC-BY 3.0"
    assert cube.plural == "cubes"
    (part,) = cube.load_parts()
    np.testing.assert_allclose(np.ptp(part.vertices_m, axis=0), (0.4, 0.2, 0.6), atol=1e-6)
    assert part.finish.rgb == pytest.approx((0.8, 0.1, 0.1))


def test_parsed_meshes_are_cached_on_disk(library: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cube, _ = sweethome3d.pieces()
    first = cube.load_parts()
    (file,) = cache.cache_folder().glob(f"*{cache.SUFFIX}")
    monkeypatch.setattr(sweethome3d, "_loaded", {})
    monkeypatch.setattr(sweethome3d, "parse", lambda model: pytest.fail("parsed again"))
    second = cube.load_parts()
    assert first[0] is not second[0]
    np.testing.assert_array_equal(first[0].vertices_m, second[0].vertices_m)
    assert first[0].finish == second[0].finish
    assert file.stat().st_size > 0


def test_broken_cache_file_is_named_and_replaced(
    library: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    cube, _ = sweethome3d.pieces()
    cube.load_parts()
    (file,) = cache.cache_folder().glob(f"*{cache.SUFFIX}")
    whole = file.read_bytes()
    for content in (b"", b"no mesh", whole[: len(whole) // 2]):
        file.write_bytes(content)
        monkeypatch.setattr(sweethome3d, "_loaded", {})
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            assert len(cube.load_parts()) == 1
        assert str(file) in caplog.text
        assert len(file.read_bytes()) == len(whole)


def test_changed_model_has_another_cache_file(library: Path) -> None:
    first = sweethome3d.models(library)[0].cache_path()
    write_library(library, CUBE.replace("v 1 1 1", "v 1 1 2"))
    assert sweethome3d.models(library)[0].cache_path() != first


def test_model_of_another_version_is_left_out(
    library: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_library(library, CUBE.replace("v 1 1 1", "v 1 1 2"))
    assert [piece.piece_id for piece in sweethome3d.pieces()] == ["sh3d/Scopia/broken/broken"]
    assert "Scopia/cube/cube" in caplog.text


def test_broken_model_names_file_and_library(library: Path) -> None:
    _, broken = sweethome3d.pieces()
    with pytest.raises(ValueError, match=r"lib/broken/broken\.obj in .*Scopia\.sh3f"):
        broken.load_parts()


def test_broken_library_is_left_out_with_its_name(
    library: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (library / "Scopia.sh3f").write_bytes(b"not a zip")
    assert sweethome3d.pieces() == ()
    assert "Scopia.sh3f" in caplog.text


def test_unwritable_cache_costs_only_time(
    library: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert len(sweethome3d.pieces()[0].load_parts()) == 1


def test_without_catalogue_there_are_no_pieces(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAT_FURNITURE", str(tmp_path))
    sweethome3d.pieces.cache_clear()
    assert sweethome3d.folder() is None
    assert sweethome3d.pieces() == ()
    sweethome3d.pieces.cache_clear()


def test_measuring_finds_colour_support_and_boxes(library: Path) -> None:
    model = sweethome3d.models(library)[0]
    parts, size_m = sweethome3d.parse(model), model.placement.size_m
    shape = measure.measure_shape(parts, size_m, model.entry.use, model.checksum)
    assert shape.color == "red"
    assert shape.triangles == 12
    assert shape.support_m == pytest.approx(0.6)
    assert shape.boxes[0].half_size_m == pytest.approx((0.2, 0.1, 0.015), abs=0.01)
    assert Shape.from_json(shape.to_json()) == shape
    assert support_height_m(sweethome3d.parse(model), (0.4, 0.2, 0.6)) == pytest.approx(0.6)


# The tables that come with the project


def rows() -> list[dict[str, str]]:
    text = resources.files("generation.assets").joinpath("sweethome3d.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def test_every_line_is_used_or_says_why_not() -> None:
    table = rows()
    assert len(table) == 820
    assert len({(row["library"], row["model"]) for row in table}) == len(table)
    for row in table:
        assert bool(row["category"]) != bool(row["dropped"]), row
    assert sum(bool(row["category"]) for row in table) >= 400
    assert len({row["category"] for row in table}) >= 120


def test_lines_hold_known_values_only() -> None:
    for item in curated.entries():
        assert item.library in sweethome3d.LICENCES
        assert item.rooms <= set(RECIPES)
        assert item.use in {"floor", "base", "bed", "small", "fixed", "wall", "flat"}
        assert (item.use == "wall") == (item.mount_height_m is not None)
        assert item.color in {*COLOR_WORDS, "-", ""}
        assert item.category == item.category.strip()


def test_every_used_model_is_measured() -> None:
    shapes = curated.shapes()
    assert set(shapes) == {item.key for item in curated.entries()}
    for key, shape in shapes.items():
        assert shape.boxes, key
        assert shape.triangles <= 130_000
        assert shape.color in {*COLOR_WORDS, ""}
        for box in shape.boxes:
            assert min(box.half_size_m) > 0
            assert box.center_m[2] - box.half_size_m[2] > -0.01
        if shape.support_m is not None:
            tops = [box.center_m[2] + box.half_size_m[2] for box in shape.boxes]
            assert any(abs(top - shape.support_m) < 0.002 for top in tops), key


# Fetching


def programs(folder: Path, **scripts: str) -> None:
    folder.mkdir()
    for name, script in scripts.items():
        path = folder / name.replace("_", "-")
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IEXEC)


INSIDE = f"unpacked{sweethome3d.SYSTEM_FOLDER}"
UNPACK = f"mkdir -p {INSIDE} && echo x > {INSIDE}/A.sh3f"


def test_fetch_unpacks_the_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs(tmp_path / "bin", apt_get="touch furniture.deb", dpkg=UNPACK)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    target = tmp_path / "data" / "sweethome3d"
    target.mkdir(parents=True)
    (target / "old.sh3f").write_text("")
    assert fetch(target) == target
    assert [path.name for path in target.iterdir()] == ["A.sh3f"]
    assert [path.name for path in target.parent.iterdir()] == ["sweethome3d"]


@pytest.mark.parametrize(
    ("scripts", "message"),
    [
        ({}, "no apt-get here"),
        ({"apt_get": "exit 0"}, "no dpkg here"),
        ({"apt_get": "echo 'E: no network' >&2; exit 100", "dpkg": ""}, "E: no network"),
        ({"apt_get": "true", "dpkg": "true"}, "downloaded no package"),
        ({"apt_get": "touch f.deb", "dpkg": "true"}, "holds no furniture"),
    ],
)
def test_fetch_failures_are_one_line_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, scripts: dict[str, str], message: str
) -> None:
    programs(tmp_path / "bin", **scripts)
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("touch", "true", "mkdir", "sh"):
        (tools / name).symlink_to(
            next(p for p in (Path("/bin") / name, Path("/usr/bin") / name) if p.exists())
        )
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{tools}")
    target = tmp_path / "data" / "sweethome3d"
    with pytest.raises(EngineError, match=message) as failed:
        fetch(target)
    assert "\n" not in str(failed.value)
    assert not target.exists()
    assert not target.parent.exists() or not list(target.parent.iterdir())
