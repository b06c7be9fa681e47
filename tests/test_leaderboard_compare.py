"""Comparisons of two models on the same questions."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import lmms_results
import numpy as np
import pytest
import sat_folder
from statsmodels.stats.contingency_tables import mcnemar

from leaderboard import cli
from leaderboard.compare import compare_models
from leaderboard.run_boards import run_boards
from leaderboard.samples import QuestionScores
from leaderboard.store import Store
from sat_tasks.console import UserError


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("compare")
    data = sat_folder.write_folder(root / "data", sat_folder.rows(240))
    runs = [
        ("Before", lmms_results.right_in(0.4, 1), "single"),
        ("After", lmms_results.right_in(0.8, 2), "single"),
        ("Before", lmms_results.right_in(0.4, 1), "circular"),
        ("After", lmms_results.right_in(0.8, 2), "circular"),
        ("Alone", lmms_results.right, "text_choice"),
    ]
    for number, (name, reply, protocol) in enumerate(runs):
        folder = root / str(number)
        lmms_results.write_run(folder, data, reply, protocol)
        assert cli.main(["add", str(folder), "--store", str(root / "s"), "--name", name]) == 0
    return Store.open(root / "s")


def test_before_and_after_differ(store: Store) -> None:
    boards = run_boards(store)
    comparisons = compare_models(store, boards, "Before", "After")
    assert sorted(c.board.protocol for c in comparisons) == ["circular", "single"]
    for comparison in comparisons:
        overall = comparison.overall
        assert overall.differs
        assert overall.questions == 240
        assert overall.difference.mean == pytest.approx(overall.second - overall.first)
        assert overall.difference.low < overall.difference.mean < overall.difference.high
        assert sum(part.questions for part in comparison.parts[1:]) == 240


def test_the_p_value_is_mcnemars(store: Store) -> None:
    (single,) = [
        c
        for c in compare_models(store, run_boards(store), "Before", "After")
        if c.board.protocol == "single"
    ]
    tables = {model: QuestionScores(joined(store, model)).score for model in ("Before", "After")}
    one, two = tables["Before"] == 1, tables["After"] == 1
    table = np.array([[(one & two).sum(), (one & ~two).sum()], [(~one & two).sum(), 0]])
    assert single.overall.better_first == (one & ~two).sum()
    assert single.overall.better_second == (~one & two).sum()
    assert single.overall.p_value == pytest.approx(mcnemar(table, exact=True).pvalue)


def joined(store: Store, model: str):  # type: ignore[no-untyped-def]
    from leaderboard.samples import joined as join

    rows = [r for r in store.rows() if r.model == model and r.protocol == "single"]
    return join([store.read_samples(row) for row in rows])


def test_a_p_value_too_small_for_a_float_is_not_called_0(store: Store) -> None:
    part = compare_models(store, run_boards(store), "Before", "After")[0].overall
    assert replace(part, p_value=0.0034).p_words == "p = 0.0034"
    assert replace(part, p_value=0.0).p_words == "p < 1e-300"


def test_swapping_the_models_turns_the_difference_round(store: Store) -> None:
    boards = run_boards(store)
    there = compare_models(store, boards, "Before", "After")[0].overall
    back = compare_models(store, boards, "After", "Before")[0].overall
    assert back.difference.mean == pytest.approx(-there.difference.mean)
    assert back.difference.low == pytest.approx(-there.difference.high, abs=0.01)
    assert (back.better_first, back.better_second) == (there.better_second, there.better_first)
    assert back.p_value == there.p_value


def test_a_model_does_not_differ_from_itself(store: Store) -> None:
    for comparison in compare_models(store, run_boards(store), "After", "After"):
        assert not comparison.overall.differs
        assert comparison.overall.p_value == 1


@pytest.mark.parametrize(
    ("names", "reason"),
    [
        (("After", "Nobody"), "no replies of 'Nobody'; models with replies: After, Alone, Before"),
        (("After", "Alone"), "share no board"),
    ],
)
def test_what_cannot_be_compared_is_said(store: Store, names: tuple[str, str], reason: str) -> None:
    with pytest.raises(UserError, match=reason):
        compare_models(store, run_boards(store), *names)


def test_the_command_prints_tables_or_json(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["compare", "Before", "After", "--store", str(store.root)]
    assert cli.main(words) == 0
    printed = capsys.readouterr().out
    assert printed.count("exact McNemar p =") == printed.count("exact sign test p =") == 10
    assert "Before does better on: test-" in printed
    assert cli.main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert {comparison["first"] for comparison in found} == {"Before"}
    assert {"mean", "low", "high"} == set(found[0]["parts"][0]["difference"])


def test_the_questions_that_differ_are_those_that_the_counts_tell_of(
    store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["compare", "Before", "After", "--store", str(store.root), "--json"]) == 0
    for found in json.loads(capsys.readouterr().out):
        overall, differing = found["parts"][0], found["differing"]
        first = [question for question in differing if question["first"] > question["second"]]
        assert len(first) == overall["better_first"] > 0
        assert len(differing) - len(first) == overall["better_second"] > 0
        assert {q["question_type"] for q in differing} <= {part["name"] for part in found["parts"]}
        gained = sum(question["second"] - question["first"] for question in differing)
        assert gained / overall["questions"] == pytest.approx(overall["difference"]["mean"])


def test_a_pair_is_given_a_page_when_asked(store: Store, tmp_path: Path) -> None:
    words = ["compare", "Before", "After", "--store", str(store.root), "--page"]
    assert cli.main(words) == 0
    assert store.comparisons() == [("Before", "After")]
    assert cli.main(words) == 0
    assert store.comparisons() == [("Before", "After")]
    assert cli.main(["build", "--store", str(store.root), "--out", str(tmp_path / "site")]) == 0
    pages = sorted(path.name for path in (tmp_path / "site" / "compare").iterdir())
    assert len(pages) == 2
    text = (tmp_path / "site" / "compare" / pages[0]).read_text()
    assert "After is better:" in text
