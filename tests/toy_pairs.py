"""Pairs of pictures from toy scenes, alone and beside questions."""

from __future__ import annotations

from pathlib import Path

import pytest
from toy_engine import open_engine, toy_camera

from finetune.pairs import PairData
from generation import engines
from generation.engines import EngineConfig
from generation.frames import take_pairs
from generation.pipeline import generate
from generation.pool import local_executor
from generation.scene import SceneKey
from generation.settings import Run, RunSettings
from generation.shard import write_pairs


def toy_pairs(folder: Path) -> PairData:
    """Write 18 pairs of three scenes into a folder and open them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_DATASETS_CACHE", str(folder / "cache"))
        pairs = []
        for index in range(3):
            key = SceneKey("train", index, 1)
            session = open_engine(EngineConfig(toy_camera(128))).load(key)
            pairs += list(take_pairs(session, key, 6, key.rng("pairs")))
        write_pairs(folder / "pairs" / "train-00000.parquet", pairs)
        return PairData([folder])


def toy_run(folder: Path) -> Path:
    """Generate a data set of toy scenes with marks, movements and pairs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(engines.ENGINES, "toy", "toy_engine:open_engine")
        settings = RunSettings(
            types=("relation", "depth", "perspective", "ego_movement"),
            engine="toy",
            size_px=96,
            questions_per_scene=16,
            pairs_per_scene=4,
        )
        generate(folder, Run(settings, {"train": 3}), local_executor(1), progress=False)
    return folder
