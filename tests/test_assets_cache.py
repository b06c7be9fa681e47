"""Arrays and meshes on disk: the same as made, and made again where a file cannot be trusted."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from generation.assets import cache, procedural


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    cache._digest.cache_clear()
    return tmp_path


class Maker:
    """Counts how often an array is made."""

    def __init__(self, shape: tuple[int, ...] = (4, 3)) -> None:
        self.made = np.random.default_rng(0).random(shape)
        self.calls = 0

    def __call__(self) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
        self.calls += 1
        return self.made


def test_an_array_is_made_once_for_each_name_and_code(folder: Path) -> None:
    code, make = folder / "code.py", Maker()
    code.write_text("one")
    for _ in range(2):
        np.testing.assert_array_equal(cache.array("a", [code], make), make.made)
    assert make.calls == 1
    cache.array("b", [code], make)
    assert make.calls == 2
    code.write_text("two")
    cache._digest.cache_clear()
    cache.array("a", [code], make)
    assert make.calls == 3


@pytest.mark.parametrize("content", [b"", b"nonsense", None])
def test_a_broken_file_is_made_again(
    folder: Path, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    make = Maker()
    cache.array("a", [], make)
    (path,) = cache.cache_folder().iterdir()
    path.write_bytes(path.read_bytes()[:-5] if content is None else content)
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(cache.array("a", [], make), make.made)
    assert make.calls == 2
    assert "making it again" in caplog.text
    np.testing.assert_array_equal(cache.array("a", [], make), make.made)
    assert make.calls == 2


def test_meshes_come_back_as_they_were(folder: Path) -> None:
    piece = next(piece for piece in procedural.pieces() if piece.load_parts()[0].uv is not None)
    parts, path = piece.load_parts(), folder / f"piece{cache.SUFFIX}"
    cache.store(path, parts)
    loaded = cache.load(path)
    assert loaded is not None
    for part, again in zip(parts, loaded, strict=True):
        for name in ("vertices_m", "normals", "uv", "faces"):
            np.testing.assert_array_equal(getattr(again, name), getattr(part, name))
            assert np.asarray(getattr(again, name)).dtype == np.asarray(getattr(part, name)).dtype
        assert again.finish.rgb == pytest.approx(part.finish.rgb)
        if part.finish.texture is not None:
            np.testing.assert_array_equal(again.finish.texture.pixels, part.finish.texture.pixels)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    assert cache.load(path) is None
