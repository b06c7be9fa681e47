"""From lmms-eval's own output, of every benchmark, to boards and a site."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import published
import pyarrow.parquet as pq
import pytest
import sat_folder
from harness import run_command

from leaderboard import cli
from leaderboard.run_boards import run_boards
from leaderboard.store import Store

TASKS = ("sat_static", "sat_dynamic", "sat_dynamic_blind", "sat_cv_bench", "sat_blink",
         "sat_vsr_random", "sat_vsr_zeroshot")  # fmt: skip


@pytest.mark.slow
def test_every_benchmark_reaches_the_site(tmp_path: Path) -> None:
    data = sat_folder.write_folder(tmp_path / "data", sat_folder.rows(90))
    environment = {
        "SAT_CACHE": str(tmp_path / "cache"),
        "SAT_DATA": str(data),
        "CV_BENCH_DATA": str(published.cv_bench(tmp_path / "cv")),
        "BLINK_DATA": str(published.blink(tmp_path / "blink")),
        "VSR_RANDOM_DATA": str(published.vsr(tmp_path / "vsr_random", tmp_path / "coco")),
        "VSR_ZEROSHOT_DATA": str(published.vsr(tmp_path / "vsr_zeroshot", tmp_path / "coco", 12)),
        "COCO_IMAGES": str(tmp_path / "coco"),
    }
    results, store = tmp_path / "results", tmp_path / "store"
    words = ["--tasks", ",".join(TASKS), "--model", "random_choice", "--log_samples"]
    done = run_command([*words, "--output_path", str(results)], **environment)
    assert done.returncode == 0, done.stderr[-2000:]
    assert cli.main(["add", str(results), "--store", str(store), "--note", "baseline"]) == 0
    assert len(Store.open(store).rows()) == len(TASKS)
    boards = run_boards(Store.open(store))
    assert sorted((board.benchmark, board.protocol) for board in boards) == [
        ("blink_spatial", "circular"),
        ("cv_bench", "circular"),
        ("sat", "circular"),
        ("sat", "circular_blind"),
        ("vsr", "circular"),
        ("vsr", "circular"),
    ]
    for board in boards:
        (entry,) = board.entries
        assert entry.model == "random_choice"
        assert entry.standing is not None
        assert entry.cells["overall"].questions == board.questions
    words = ["build", "--store", str(store), "--out", str(tmp_path / "site"), "--data", str(data)]
    assert cli.main(words) == 0
    _check_cv_benchs_own(tmp_path / "site")
    text = (tmp_path / "site" / "index.html").read_text()
    for title in ("SAT, generated", "CV-Bench", "BLINK, spatial subsets", "VSR"):
        assert f">{title}</h2>" in text
    _check_submissions(results, tmp_path, environment)


def _check_submissions(results: Path, tmp_path: Path, environment: dict[str, str]) -> None:
    """As docs/submit.md has it: what lmms-eval wrote is packed, and judged as it was scored."""
    out, store = tmp_path / "submissions", tmp_path / "sent"
    options = ["--name", "Sent in", "--access", "baseline"]
    assert cli.main(["pack", str(results), "--out", str(out), *options]) == 0
    archives = sorted(out.glob("*.zip"))
    assert len(archives) == len(TASKS)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        for path in archives:
            words = ["validate", str(path), "--store", str(store), "--add"]
            assert cli.main(words) == 0, path.name
    before = {row.key.split("--", 1)[1]: row for row in Store.open(tmp_path / "store").rows()}
    after = {row.key.split("--", 1)[1]: row for row in Store.open(store).rows()}
    assert before.keys() == after.keys()
    for key, row in after.items():
        assert row.badge == "recomputed"
        assert row.samples_sha256 == before[key].samples_sha256
        assert row.prompts_sha256 == before[key].prompts_sha256
        assert row.by_type == before[key].by_type


def _check_cv_benchs_own(site: Path) -> None:
    """Recompute CV-Bench's averages from the samples on the site."""
    table = pd.read_csv(site / "data" / "leaderboard.csv")
    table = table[(table["benchmark"] == "cv_bench") & (table["badge"] == "reproduced")]
    figures = table.set_index("part")["accuracy"]
    (path,) = (site / "data" / "runs").glob("*--sat_cv_bench--*.parquet")
    questions = (
        pq.read_table(path)
        .to_pandas()
        .groupby("id")
        .agg(score=("correct", "mean"), kind=("question_type", "first"), made=("origin", "first"))
    )
    flat = questions["kind"].isin(["count", "relation"])
    deep = questions[~flat]["score"].mean()
    sources = questions[flat].groupby("made")["score"].mean()
    assert sorted(sources.index) == ["ADE20K", "COCO"]
    assert figures["official"] == pytest.approx((sources.mean() + deep) / 2)
    assert figures["paper"] == pytest.approx((questions[flat]["score"].mean() + deep) / 2)
    assert figures["overall"] == pytest.approx(questions["score"].mean())
    ends = table.set_index("part").loc["official"]
    assert ends["low"] < ends["accuracy"] < ends["high"]
