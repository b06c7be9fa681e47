"""Boards: rankings that tests support, and published figures with their sources."""

from __future__ import annotations

import csv
import json
import math
from pathlib import Path

import lmms_results
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import sat_folder
from statsmodels.stats.proportion import proportion_confint, proportions_ztest

from leaderboard import cli
from leaderboard.boards import OVERALL, Board
from leaderboard.means import mean_cells
from leaderboard.published import FOLDER, TABLES, reported_boards
from leaderboard.ranking import detectable_of, paired_difference, rank, unpaired_differs
from leaderboard.run_boards import run_boards
from leaderboard.samples import SCHEMA, QuestionScores
from leaderboard.store import Store
from leaderboard.tables import long_table
from sat_tasks import metrics


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Three models, one also without pictures, one under another protocol, one cut in half."""
    root = tmp_path_factory.mktemp("boards")
    data = sat_folder.write_folder(root / "data", sat_folder.rows(180))
    runs = {
        "strong": ("Strong", lmms_results.right_in(0.9, 1), {}),
        "weak": ("Weak", lmms_results.right_in(0.35, 2), {}),
        "same": ("Nearly strong", lmms_results.right_in(0.88, 3), {}),
        "blind": ("Strong", lmms_results.right_in(0.5, 1), {"protocol": "circular_blind"}),
        "single": ("Strong", lmms_results.right_in(0.9, 1), {"protocol": "single"}),
        "half": ("Static only", lmms_results.right, {"halves": ("static",)}),
    }
    for folder, (name, reply, settings) in runs.items():
        lmms_results.write_run(root / folder, data, reply, **settings)
        options = ["--store", str(root / "store"), "--name", name]
        assert cli.main(["add", str(root / folder), *options]) == 0
    return Store.open(root / "store")


def board_of(store: Store, protocol: str) -> Board:
    (board,) = [board for board in run_boards(store) if board.protocol == protocol]
    return board


def test_protocols_never_share_a_board(store: Store) -> None:
    boards = run_boards(store)
    assert sorted(board.protocol for board in boards) == ["circular", "circular_blind", "single"]
    for board in boards:
        assert {row.protocol for entry in board.entries for row in entry.rows} == {board.protocol}


def test_models_that_no_test_tells_apart_share_a_rank(store: Store) -> None:
    board = board_of(store, "circular")
    ranks = {entry.model: entry.standing for entry in board.entries}
    assert ranks["Static only"] is None, "it lacks half of the questions"
    assert ranks["Strong"] is not None
    assert ranks["Nearly strong"] is not None
    assert ranks["Weak"] is not None
    assert (ranks["Strong"].rank, ranks["Strong"].tied) == (1, True)
    assert (ranks["Nearly strong"].rank, ranks["Nearly strong"].tied) == (1, True)
    assert (ranks["Weak"].rank, ranks["Weak"].tied) == (3, False)


def test_the_blind_gap_is_the_paired_difference(store: Store) -> None:
    strong = next(e for e in board_of(store, "circular").entries if e.model == "Strong")
    blind = next(e for e in board_of(store, "circular_blind").entries if e.model == "Strong")
    assert strong.blind_gap is not None
    gap = strong.cells[OVERALL].accuracy - blind.cells[OVERALL].accuracy
    assert strong.blind_gap.accuracy == pytest.approx(gap)
    assert strong.blind_gap.low is not None
    assert 0 < strong.blind_gap.low < gap
    assert all(
        entry.blind_gap is None
        for entry in board_of(store, "circular").entries
        if entry.model != "Strong"
    )


def test_totals_add_up(store: Store) -> None:
    for board in run_boards(store):
        for entry in board.entries:
            if OVERALL not in entry.cells:
                continue
            halves = [entry.tallies[row.task] for row in entry.rows]
            whole = entry.tallies[OVERALL]
            assert whole.points == pytest.approx(sum(half.points for half in halves))
            assert whole.questions == sum(half.questions for half in halves) == 180


def test_a_run_on_part_of_the_questions_has_its_own_board(tmp_path: Path) -> None:
    data = sat_folder.write_folder(tmp_path / "data", sat_folder.rows(36))
    lmms_results.write_run(tmp_path / "whole", data, lmms_results.right)
    lmms_results.write_run(tmp_path / "part", data, lmms_results.right, questions=10)
    for name in ("whole", "part"):
        folder, options = tmp_path / name, ["--store", str(tmp_path / "s"), "--name", name]
        assert cli.main(["add", str(folder), *options]) == 0
    boards = run_boards(Store.open(tmp_path / "s"))
    assert len(boards) == 2
    assert sorted(board.questions or 0 for board in boards) == [20, 36]
    assert [len(board.entries) for board in boards] == [1, 1]


def test_another_wording_is_another_board(tmp_path: Path) -> None:
    data = sat_folder.write_folder(tmp_path / "data", sat_folder.rows(18))
    for name in ("old", "new"):
        lmms_results.write_run(tmp_path / name, data, lmms_results.right)
        options = ["--store", str(tmp_path / "s"), "--name", name]
        assert cli.main(["add", str(tmp_path / name), *options]) == 0
    assert len(run_boards(Store.open(tmp_path / "s"))) == 1
    for path in (tmp_path / "s" / "runs").glob("old--*"):
        run = json.loads(path.read_text())
        run["versions"]["prompt"] = "0"
        path.write_text(json.dumps(run))
    boards = run_boards(Store.open(tmp_path / "s"))
    assert sorted(entry.model for board in boards for entry in board.entries) == ["new", "old"]
    assert len(boards) == 2


# --- ranking


def cv_bench_samples(rng: np.random.Generator, questions: int = 400) -> pa.Table:
    """Return samples of two orders each, with few ADE20K pictures and easier COCO ones."""
    records = []
    for number in range(questions):
        kind = ("count", "relation", "depth", "distance")[number % 4]
        flat = kind in ("count", "relation")
        origin = ("ADE20K" if rng.random() < 0.2 else "COCO") if flat else "Omni3D"
        for order in range(2):
            right = bool(rng.random() < {"ADE20K": 0.3, "COCO": 0.9, "Omni3D": 0.5}[origin])
            records.append(
                {"id": f"{number:05d}", "order": order, "scene_id": f"{origin}-{number // 6}",
                 "question_type": kind, "origin": origin, "options": 4 if kind == "count" else 2,
                 "answer": 0, "reading": int(not right), "correct": right, "failed": False,
                 "reply": "A"}
            )  # fmt: skip
    return pa.Table.from_pylist(records, schema=SCHEMA)


def test_cv_benchs_own_averages_are_those_of_the_tasks() -> None:
    samples = cv_bench_samples(np.random.default_rng(3))
    calls = [
        metrics.Call(s["id"], s["scene_id"], s["question_type"], s["origin"], s["options"], 2,
                     float(s["correct"]))
        for s in samples.to_pylist()
    ]  # fmt: skip
    cells = mean_cells("sat_cv_bench", QuestionScores(samples))
    expected = {
        "official": metrics.cv_bench_official(calls),
        "paper": metrics.cv_bench_paper(calls),
        "average_2d": metrics.average_2d(calls),
        "average_3d": metrics.average_3d(calls),
    }
    assert {key: cell.accuracy for key, cell in cells.items()} == pytest.approx(expected)
    assert cells["official"].accuracy != pytest.approx(cells["paper"].accuracy, abs=0.02)
    assert cells["paper"].chance == pytest.approx((0.375 + 0.5) / 2)
    types = mean_cells("sat_blink", QuestionScores(samples))["type_mean"]
    assert types.accuracy == pytest.approx(metrics.type_mean(calls))


def test_their_interval_draws_whole_scenes() -> None:
    samples = cv_bench_samples(np.random.default_rng(4))
    frame = samples.to_pandas().groupby("id").agg(
        score=("correct", "mean"), scene=("scene_id", "first"), origin=("origin", "first")
    )  # fmt: skip
    scenes = dict(iter(frame.groupby("scene")))
    rng = np.random.default_rng(5)
    means = []
    for _ in range(1000):
        drawn = pd.concat([scenes[name] for name in rng.choice(list(scenes), len(scenes))])
        by = drawn.groupby("origin")["score"].mean()
        means.append(((by["ADE20K"] + by["COCO"]) / 2 + by["Omni3D"]) / 2)
    cell = mean_cells("sat_cv_bench", QuestionScores(samples))["official"]
    assert (cell.low, cell.high) == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.01)


def test_an_average_needs_all_of_its_parts_and_is_never_certain() -> None:
    samples = cv_bench_samples(np.random.default_rng(6))
    flat = samples.filter(pc.is_in(samples["question_type"], pa.array(["count", "relation"])))
    assert set(mean_cells("sat_cv_bench", QuestionScores(flat))) == {"average_2d"}
    wrong = samples.set_column(
        samples.column_names.index("correct"), "correct", pa.array([False] * samples.num_rows)
    )
    cell = mean_cells("sat_cv_bench", QuestionScores(wrong))["official"]
    assert cell.accuracy == cell.low == 0
    assert cell.high is not None
    assert cell.high > 0.01


def test_ranks_are_shared_with_the_leader_only() -> None:
    accuracies = [0.5, 0.9, 0.7, 0.88, 0.69]
    standings = rank(accuracies, lambda i, j: abs(accuracies[i] - accuracies[j]) > 0.05)
    assert [s.index for s in standings] == [1, 3, 2, 4, 0]
    assert [s.rank for s in standings] == [1, 1, 3, 3, 5]
    assert [s.tied for s in standings] == [True, True, True, True, False]


@pytest.mark.parametrize(("first", "second"), [(0.6, 0.7), (0.5, 0.52), (0.9, 0.8), (0.5, 0.5)])
def test_unpaired_test_agrees_with_statsmodels(first: float, second: float) -> None:
    counts = np.array([round(first * 150), round(second * 150)])
    _, p_value = proportions_ztest(counts, np.array([150, 150]))
    differs = unpaired_differs(counts[0] / 150, counts[1] / 150, 150, 150)
    assert differs == (p_value < 0.05)


def test_detectable_difference_of_150_questions_is_about_16_points() -> None:
    assert detectable_of(150) == pytest.approx(0.16, abs=0.005)


def test_paired_difference_needs_more_than_one_scene(store: Store) -> None:
    row = store.rows()[0]
    samples = store.read_samples(row).slice(0, 2)
    one = QuestionScores(samples)
    assert paired_difference(one, one)[1:] == (-1.0, 1.0)


# --- published figures


@pytest.fixture(scope="module")
def reported() -> pd.DataFrame:
    return long_table(reported_boards())


def test_every_published_figure_is_shown_as_it_is(reported: pd.DataFrame) -> None:
    shown = {(row.benchmark, row.source, row.model, row.part): row for row in reported.itertuples()}
    count = 0
    for name in TABLES:
        with (FOLDER / name).open(newline="") as file:
            for figure in csv.DictReader(file):
                key = (figure["benchmark"], figure["source"], figure["model"], figure["subtask"])
                row = shown[key]
                if "correct" in figure:
                    assert (row.k, row.n) == (int(figure["correct"]), int(figure["total"]))
                    low, high = proportion_confint(row.k, row.n, method="wilson")
                    assert (row.low, row.high) == pytest.approx((low, high))
                    assert row.badge == "recomputed"
                else:
                    assert row.accuracy * 100 == pytest.approx(float(figure["accuracy"]))
                    assert row.badge == "reported"
                    assert math.isnan(row.k), "a published percentage has no k"
                count += 1
    assert count == sum(len(pd.read_csv(FOLDER / name)) for name in TABLES)


def test_pooled_counts_are_the_only_figures_of_our_own(reported: pd.DataFrame) -> None:
    published = sum(len(pd.read_csv(FOLDER / name)) for name in TABLES)
    own = reported[(reported["part"] == OVERALL) & (reported["badge"] == "recomputed")]
    assert len(reported) == published + len(own)
    gpt4v = own[own["model"] == "GPT-4V"].iloc[0]
    assert (gpt4v["k"], gpt4v["n"]) == (74 + 74 + 104, 133 + 124 + 143)


def test_every_size_and_chance_has_its_source() -> None:
    sizes = pd.read_csv(FOLDER / "benchmarks.csv")
    told = sizes[sizes["questions"].notna() | sizes["chance"].notna()]
    assert len(told) > 20
    assert told["source"].str.len().gt(20).all()
    known = set(pd.read_csv(FOLDER / "sources.csv")["source"])
    assert set(sizes["source_of_figures"].dropna()) <= known


def test_sizes_of_parts_add_up() -> None:
    sizes = pd.read_csv(FOLDER / "benchmarks.csv").set_index(["benchmark", "subtask"])["questions"]
    cv_bench = sizes["cv_bench"]
    assert cv_bench["count"] + cv_bench["relation_2d"] == cv_bench["average_2d"]
    assert cv_bench["depth_3d"] + cv_bench["distance_3d"] == cv_bench["average_3d"]
    assert cv_bench["average_2d"] + cv_bench["average_3d"] == cv_bench["overall"]
    real = sizes["sat_real"]
    assert real.drop("overall").sum() == real["overall"] == 150
    parts = sizes["blink_spatial"].drop("overall")
    assert sizes["blink_spatial", "overall"] == round(9 / (1 / parts).sum())


def test_vsr_is_sized_only_where_it_is_known_what_was_asked() -> None:
    first, second = (board for board in reported_boards() if board.benchmark == "vsr")
    known = {"v1" in board.source: board.questions for board in (first, second)}
    assert known == {True: 2195, False: None}


def test_sources_do_not_mix() -> None:
    for board in reported_boards():
        assert board.source
        assert board.source_url.startswith("https://")
    models = [
        (board.benchmark, board.source, entry.model)
        for board in reported_boards()
        for entry in board.entries
    ]
    assert len(models) == len(set(models))


def test_no_ranking_without_an_overall_figure() -> None:
    board = next(b for b in reported_boards() if b.key == "blink_spatial--robobrain-2.0-paper")
    assert [column.key for column in board.columns] == ["relative_depth", "spatial_relation"]
    assert all(entry.standing is None for entry in board.entries)


def test_the_papers_before_and_after_pair_differs_on_cv_bench() -> None:
    board = next(b for b in reported_boards() if b.key == "cv_bench--sat-paper-v1-main-results")
    ranks = {entry.model: entry.standing.rank for entry in board.entries if entry.standing}
    assert ranks["LLaVA-1.5-13B + SAT"] == 1
    assert ranks["LLaVA-1.5-13B"] > 2
