"""The suite that `make demo` runs, from models to a site whose every figure is recounted."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import recount
import sat_folder
from test_leaderboard_recount import assert_part, check_index, page_of

from leaderboard import cli

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_the_demos_runs_are_on_the_site_as_their_samples_say(tmp_path: Path) -> None:
    place = tmp_path / "here"
    place.mkdir()
    for path in ROOT.iterdir():
        if path.name not in ("demo", ".git"):
            (place / path.name).symlink_to(path)
    sat_folder.write_folder(place / "demo" / "data", sat_folder.rows(54))
    run(place, "finetune.tiny", "--shape", "sat-tiny", "--out", "demo/untrained")
    run(place, "finetune.sat_tiny", "--out", "demo/sat-tiny")
    words = ["run", "demo", "--out", "demo/results", "--store", "demo/store"]
    run(place, "leaderboard.cli", *words)
    store, site = place / "demo" / "store", place / "demo" / "site"
    folders = ["--store", str(store), "--data", str(place / "demo" / "data")]
    assert cli.main(["build", *folders, "--out", str(site)]) == 0
    runs = recount.runs_of(site)
    assert {"Random choice", "Always the first", "sat-tiny"} <= {run.model for run in runs}
    assert check_index(site / "index.html", runs) >= 14 * len(runs)
    for own in runs:
        parts = own.parts()
        (table,) = [
            t for t in recount.tables_of(page_of(site, own.model)) if t.board.startswith("sat--")
        ]
        for cells, samples in zip(table.rows[1:], ordered(parts, table), strict=True):
            assert_part(cells, samples)
    check_pairs(site, runs)
    badges = set(pd.read_csv(site / "data" / "leaderboard.csv")["badge"])
    assert badges == {"reported", "recomputed", "reproduced"}


def ordered(parts: dict[str, pd.DataFrame], table: recount.Table) -> list[pd.DataFrame]:
    names = [next(name for name in parts if row[0].startswith(name)) for row in table.rows[1:]]
    assert len(set(names)) == len(parts)
    return [parts[name] for name in names]


def check_pairs(site: Path, runs: list[recount.Run]) -> None:
    """Each model that was tuned from another one here has a page against it."""
    tuned = {
        (about["tuned_from"], run.model)
        for run in runs
        for about in run.about.values()
        if about["tuned_from"]
    }
    table = pd.read_csv(site / "data" / "comparisons.csv")
    pairs = table[table["second_is_tuned_from_first"] & (table["part"] == "overall")]
    assert set(zip(pairs["first"], pairs["second"], strict=True)) == tuned
    scores = {r.model: recount.questions_of(r.samples)["score"].mean() for r in runs}
    for pair in table[table["part"] == "overall"].itertuples():
        expected = scores[pair.second] - scores[pair.first]
        assert pair.difference == pytest.approx(expected)


def run(folder: Path, module: str, *words: str) -> None:
    environment = os.environ | {"HF_HUB_OFFLINE": "1", "SAT_CACHE": str(folder / "cache")}
    environment |= {"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", module, *words], cwd=folder, env=environment,
        capture_output=True, text=True, timeout=900, check=False,
    )  # fmt: skip
    assert done.returncode == 0, json.dumps([done.stdout[-1500:], done.stderr[-1500:]])
