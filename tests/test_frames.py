"""Pairs of pictures: what their labels say is what the engine sees."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image
from toy_engine import open_engine, toy_camera

from finetune.pairs import PairData, matches, mirrored
from generation import engines, frames
from generation.engines import EngineConfig
from generation.pipeline import generate
from generation.pool import local_executor
from generation.scene import SceneKey
from generation.settings import Run, RunSettings
from generation.shard import write_pairs
from sat_tasks.console import UserError

KEY = SceneKey("train", 3, 1)
CONFIG = EngineConfig(toy_camera(128))


def _pairs(count: int = 6) -> list[frames.FramePair]:
    session = open_engine(CONFIG).load(KEY)
    return list(frames.take_pairs(session, KEY, count, KEY.rng("pairs")))


def test_the_same_seed_gives_the_same_pairs() -> None:
    assert _pairs() == _pairs()
    assert len({pair.id for pair in _pairs()}) == 6


def test_pictures_and_labels_have_their_shapes() -> None:
    for pair in _pairs():
        for picture in (pair.first, pair.second, pair.marked):
            assert Image.open(io.BytesIO(picture)).size == (128, 128)
        cells = np.frombuffer(pair.cells, np.uint8)
        depth_m = np.frombuffer(pair.depth_m, np.float16)
        assert len(cells) == len(depth_m) == 2 * frames.GRID**2
        assert cells.max() < len(pair.categories)
        assert depth_m.min() > 0


def test_a_cell_shows_the_category_at_its_middle() -> None:
    session = open_engine(CONFIG).load(KEY)
    for pair in _pairs():
        cells = np.frombuffer(pair.cells, np.uint8).reshape(2, frames.GRID, frames.GRID)
        for thing in json.loads(pair.objects):
            column, row = (int(thing[axis] * frames.GRID) for axis in ("u", "v"))
            near = cells[0, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            assert thing["category"] in {pair.categories[n] for n in near.ravel()}
    session.close()


def test_marks_are_drawn_where_the_objects_are() -> None:
    drawn = 0
    for pair in _pairs():
        plain, marked = (
            np.asarray(Image.open(io.BytesIO(p)), np.float64) for p in (pair.first, pair.marked)
        )
        changed = np.abs(plain - marked).sum(axis=2) > 60
        for thing in json.loads(pair.objects):
            if thing["mark"]:
                u, v = int(thing["u"] * 128), int(thing["v"] * 128)
                assert changed[max(v - 9, 0) : v + 9, max(u - 9, 0) : u + 9].mean() > 0.3
                drawn += 1
    assert drawn


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path / "cache"))
    write_pairs(tmp_path / "data" / "pairs" / "train-00000.parquet", _pairs(8))
    return tmp_path / "data"


def test_matching_patches_look_alike(folder: Path) -> None:
    """A patch of the first view has the colours of the patch that it is said to be seen at."""
    data, patches = PairData([folder]), 16
    gaps, other_gaps = [], []
    rng = np.random.default_rng(0)
    for index in range(len(data)):
        for pair in (data[index], mirrored(data[index])):
            first, second = (
                np.asarray(picture.resize((patches, patches), Image.Resampling.BOX), np.float64)
                for picture in (pair.first, pair.second)
            )
            place = matches(pair, patches)
            seen = place >= 0
            assert seen.mean() > 0.05
            colors, found = first.reshape(-1, 3)[seen], second.reshape(-1, 3)[place[seen]]
            gaps.append(np.abs(colors - found).mean())
            other_gaps.append(np.abs(colors - rng.permutation(found)).mean())
    assert np.mean(gaps) < 0.5 * np.mean(other_gaps)


def test_a_run_writes_pairs_beside_its_rows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engines.ENGINES, "toy", "toy_engine:open_engine")
    settings = RunSettings(
        types=("relation",), engine="toy", size_px=96, questions_per_scene=2, pairs_per_scene=3
    )
    generate(tmp_path, Run(settings, {"train": 2}), local_executor(1), progress=False)
    table = pq.read_table(tmp_path / "pairs" / "train-00000.parquet")
    assert table.num_rows == 6
    assert set(table["scene_id"].to_pylist()) == {"train-0-000000", "train-0-000001"}


def test_data_without_pairs_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--pairs-per-scene"):
        PairData([tmp_path])
