"""Runs enter a store only whole, unfailed and with figures that their samples bear out."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmms_results
import pytest
import sat_folder

from leaderboard import cli
from leaderboard.add import recount
from leaderboard.store import Store
from sat_tasks.replies import FAILED, REFUSED, no_reply


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sat_folder.write_folder(tmp_path_factory.mktemp("data") / "set", sat_folder.rows(63))


@pytest.fixture
def results(tmp_path: Path, data: Path) -> Path:
    lmms_results.write_run(tmp_path / "results", data, lmms_results.right_in(0.6))
    return tmp_path / "results"


def add(results: Path, store: Path, *options: str) -> int:
    return cli.main(["add", str(results), "--store", str(store), "--name", "Model", *options])


def files_of(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def edit_line(path: Path, index: int, change: Callable[[dict[str, Any]], Any]) -> None:
    lines = path.read_text("utf-8").splitlines()
    line = json.loads(lines[index])
    change(line)
    lines[index] = json.dumps(line)
    path.write_text("\n".join(lines) + "\n", "utf-8")


def test_every_figure_is_counted_from_the_samples(results: Path, tmp_path: Path) -> None:
    assert add(results, tmp_path / "store", "--note", "untrained", "--params", "7") == 0
    store = Store.open(tmp_path / "store")
    rows = {row.task: row for row in store.rows()}
    assert set(rows) == {"sat_static", "sat_dynamic"}
    for task, row in rows.items():
        (lines,) = results.glob(f"*_samples_{task}.jsonl")
        samples = [json.loads(line)["sat"] for line in lines.read_text().splitlines()]
        by_id: dict[str, list[bool]] = {}
        for sample in samples:
            by_id.setdefault(sample["id"], []).append(sample["correct"])
        shares = [sum(marks) / len(marks) for marks in by_id.values()]
        assert row.overall.points == pytest.approx(sum(shares))
        assert row.overall.questions == len(by_id)
        assert row.overall.replies == len(samples)
        assert row.overall.correct == sum(sample["correct"] for sample in samples)
        assert row.overall.all_orders == sum(share == 1 for share in shares)
        assert row.overall.scenes == len({sample["scene_id"] for sample in samples})
        assert row.overall.low < row.overall.accuracy < row.overall.high
        assert sum(tally.questions for tally in row.by_type.values()) == row.overall.questions
        assert sum(n for _, n in row.by_position.values()) == len(samples)
        assert recount(row, store.read_samples(row)) == row
        assert (row.note, row.params_b, row.badge) == ("untrained", 7.0, "reproduced")


def test_the_position_of_the_right_option_is_counted(tmp_path: Path, data: Path) -> None:
    lmms_results.write_run(tmp_path / "results", data, lmms_results.always("A"))
    assert add(tmp_path / "results", tmp_path / "store") == 0
    for row in Store.open(tmp_path / "store").rows():
        right, replies = row.by_position["0"]
        assert right == replies > 0
        assert all(k == 0 < n for position, (k, n) in row.by_position.items() if position != "0")
        assert row.overall.all_orders == 0
        assert row.overall.accuracy == pytest.approx(row.overall.chance)


def test_a_command_names_no_folder_of_the_machine(results: Path, tmp_path: Path) -> None:
    assert add(results, tmp_path / "store") == 0
    row = Store.open(tmp_path / "store").rows()[0]
    assert "pretrained=weights,dtype=auto" in row.command
    assert "/tmp" not in row.to_json()


def refusing(doc: dict[str, Any]) -> str:
    if doc["id"].endswith("5"):
        return no_reply(REFUSED, "content filter")
    return "[neither of them]" if doc["id"].endswith("7") else lmms_results.right(doc)


def test_refusals_are_counted_among_the_unread(tmp_path: Path, data: Path) -> None:
    lmms_results.write_run(tmp_path / "results", data, refusing)
    assert add(tmp_path / "results", tmp_path / "store") == 0
    store = Store.open(tmp_path / "store")
    for row in store.rows():
        samples = store.read_samples(row).to_pylist()
        declined = [sample for sample in samples if sample["id"].endswith("5")]
        assert row.refused == len(declined) > 0
        assert row.overall.unparsed > row.refused, "other replies cannot be read, either"
        assert row.failed == 0
        assert recount(row, store.read_samples(row)) == row
        assert not any(sample["correct"] for sample in declined)


def test_throughput_is_that_of_the_whole_evaluation(results: Path, tmp_path: Path) -> None:
    """The time is of all tasks together, and so are the replies that it is set against."""
    assert add(results, tmp_path / "store", "--cost", "1.5") == 0
    static, dynamic = sorted(Store.open(tmp_path / "store").rows(), key=lambda row: row.task)
    replies = static.overall.replies + dynamic.overall.replies
    for row in (static, dynamic):
        assert (row.seconds, row.run_replies, row.cost_usd) == (12.5, replies, 1.5)
        assert row.replies_per_second == pytest.approx(replies / 12.5)


@pytest.mark.parametrize("said", ["nan", "inf", "-3", "soon", None])
def test_an_absurd_time_is_no_throughput(said: str | None, tmp_path: Path, data: Path) -> None:
    settings = {"total_evaluation_time_seconds": said}
    lmms_results.write_run(tmp_path / "results", data, lmms_results.right, **settings)
    assert add(tmp_path / "results", tmp_path / "store") == 0
    row = Store.open(tmp_path / "store").rows()[0]
    assert row.seconds is None
    assert row.replies_per_second is None


def test_adding_again_changes_nothing(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(results, tmp_path / "store") == 0
    before = files_of(tmp_path / "store")
    assert add(results, tmp_path / "store") == 0
    assert files_of(tmp_path / "store") == before
    assert capsys.readouterr().out.count("already there: Model on sat_") == 2


def test_another_run_of_the_same_kind_needs_replace(
    results: Path, tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(results, tmp_path / "store") == 0
    before = files_of(tmp_path / "store")
    other = tmp_path / "other"
    lmms_results.write_run(other, data, lmms_results.right_in(0.7))
    assert add(other, tmp_path / "store") == 2
    assert "--replace" in capsys.readouterr().err
    assert files_of(tmp_path / "store") == before
    assert add(other, tmp_path / "store", "--replace") == 0
    assert files_of(tmp_path / "store") != before


def test_the_newest_of_several_runs_in_a_folder_counts(tmp_path: Path, data: Path) -> None:
    results = tmp_path / "results"
    lmms_results.write_run(results, data, lmms_results.always("A"), date="20261123_070102")
    lmms_results.write_run(results, data, lmms_results.right, date="20261124_070102")
    assert add(results, tmp_path / "store") == 0
    rows = Store.open(tmp_path / "store").rows()
    assert [row.overall.accuracy for row in rows] == [1.0, 1.0]
    assert {row.date for row in rows} == {"2026-11-23T23:01"}, "lmms-eval has the time of Singapore"


def test_a_date_that_is_none_is_refused(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "results"
    lmms_results.write_run(results, data, lmms_results.right, date="20261399_070102")
    assert add(results, tmp_path / "store") == 2
    assert "20261399_070102 is no date" in capsys.readouterr().err


def failing(doc: dict[str, Any]) -> str:
    return no_reply(FAILED, "timeout") if doc["id"].endswith("5") else "A"


def test_a_run_with_failed_calls_is_refused(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lmms_results.write_run(tmp_path / "results", data, failing)
    assert add(tmp_path / "results", tmp_path / "store") == 2
    error = capsys.readouterr().err
    assert "calls failed" in error
    assert error.count("\n") == 1
    assert not (tmp_path / "store").exists()


def raise_claim(results: Path) -> None:
    path = next(results.glob("*_results.json"))
    content = json.loads(path.read_text())
    content["results"]["sat_static"]["overall,circular"] += 0.01
    path.write_text(json.dumps(content))


def cut_json(results: Path) -> None:
    path = next(results.glob("*_results.json"))
    path.write_text(path.read_text()[:200])


def cut_samples(results: Path) -> None:
    path = next(results.glob("*sat_static.jsonl"))
    path.write_text("\n".join(path.read_text().splitlines()[:-3]) + "\n")


def cut_mid_line(results: Path) -> None:
    path = next(results.glob("*sat_static.jsonl"))
    path.write_text(path.read_text()[:-40])


def cut_by_limit(results: Path) -> None:
    """As with --limit: all is consistent, but the last question lacks an order."""
    path = next(results.glob("*sat_static.jsonl"))
    lines = path.read_text().splitlines()[:-1]
    path.write_text("\n".join(lines) + "\n")
    summary = next(results.glob("*_results.json"))
    content = json.loads(summary.read_text())
    content["n-samples"]["sat_static"]["effective"] = len(lines)
    summary.write_text(json.dumps(content))


def foreign_task(results: Path) -> None:
    path = next(results.glob("*sat_static.jsonl"))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    path.write_text("".join(json.dumps({"doc_id": line["doc_id"]}) + "\n" for line in lines))


def flip_score(results: Path) -> None:
    path = next(results.glob("*sat_static.jsonl"))
    edit_line(path, 0, lambda line: line["sat"].update(correct=not line["sat"]["correct"]))


def repeat_sample(results: Path) -> None:
    path = next(results.glob("*sat_static.jsonl"))
    lines = path.read_text().splitlines()
    lines[1] = lines[0]
    path.write_text("\n".join(lines) + "\n")


def other_protocol(results: Path) -> None:
    path = next(results.glob("*sat_static.jsonl"))
    edit_line(path, 0, lambda line: line["sat"].update(protocol="single"))


def unknown_type(results: Path) -> None:
    path = next(results.glob("*sat_static.jsonl"))
    edit_line(path, 0, lambda line: line["sat"].update(question_type="<b>telepathy"))


def wrong_order(results: Path) -> None:
    path = next(results.glob("*sat_dynamic.jsonl"))
    edit_line(path, 0, lambda line: line["sat"].update(order=[0, 0, 0, 0]))


def no_samples(results: Path) -> None:
    next(results.glob("*sat_static.jsonl")).unlink()


def no_results(results: Path) -> None:
    next(results.glob("*_results.json")).unlink()


def nothing(results: Path) -> None:
    shutil.rmtree(results)
    results.mkdir()


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (raise_claim, "results.json says overall is"),
        (cut_json, "no whole lmms-eval result"),
        (cut_samples, "samples and its results.json says"),
        (cut_mid_line, "is damaged"),
        (cut_by_limit, "not asked in every order"),
        (foreign_task, "no task of SAT Bench"),
        (flip_score, "scored unlike their reading"),
        (repeat_sample, "there twice"),
        (other_protocol, "samples of one run have one protocol"),
        (unknown_type, "is no name of a question type"),
        (wrong_order, "no rotation of the options"),
        (no_samples, "run lmms-eval with --log_samples"),
        (no_results, "the run did not finish"),
        (nothing, "holds no lmms-eval results"),
    ],
)
def test_bad_output_is_refused_in_one_line(
    damage: Callable[[Path], None],
    reason: str,
    results: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    damage(results)
    assert add(results, tmp_path / "store") == 2
    error = capsys.readouterr().err
    assert reason in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    assert not (tmp_path / "store").exists()


def test_unknown_access_names_what_is_allowed(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert add(results, tmp_path / "store", "--access", "free") == 2
    assert "known: open, proprietary, baseline, unknown" in capsys.readouterr().err


def test_an_altered_figure_is_found_by_counting_again(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    assert add(results, store) == 0
    words = ["recount", "--store", str(store)]
    assert cli.main(words) == 0
    replies = sum(row.overall.replies for row in Store.open(store).rows())
    assert f"2 runs agree with their {replies} replies" in capsys.readouterr().out
    path = next((store / "runs").glob("*static*"))
    run = json.loads(path.read_text())
    run["by_type"]["depth"]["points"] += 1
    run["refused"] = 3
    path.write_text(json.dumps(run))
    assert cli.main(words) == 1
    assert f"{path}: by_type, refused differ from the samples" in capsys.readouterr().out


def test_a_store_with_a_lost_or_edited_file_is_refused(
    results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = tmp_path / "store"
    assert add(results, store) == 0
    for path in (store / "samples").glob("*static*"):
        path.unlink()
    assert cli.main(["show", "--store", str(store)]) == 2
    assert "are missing" in capsys.readouterr().err
    assert cli.main(["show", "--store", str(tmp_path / "none")]) == 2
    assert "is no store" in capsys.readouterr().err


def told(results: Path, model: str, arguments: str, answered: int = 10) -> None:
    """Let results be those of an adapter that counts its tokens."""
    tokens = {"total_input_tokens": 2e6, "total_output_tokens": 5e5}
    counted = {"docs": 10.0, "docs_with_token_counts": float(answered), **tokens}
    for path in results.rglob("*_results.json"):
        content = json.loads(path.read_text("utf-8"))
        content["config"] = {"model": model, "model_args": arguments}
        by_task = dict.fromkeys(content["n-samples"], counted)
        content["efficiency"] = {"by_task": by_task, "overall": counted}
        path.write_text(json.dumps(content), "utf-8")


def test_tokens_and_licence_are_kept(results: Path, tmp_path: Path) -> None:
    told(results, "llava", "pretrained=a/b")
    assert add(results, tmp_path / "store", "--licence", "llama2") == 0
    for row in Store.open(tmp_path / "store").rows():
        assert (row.output_tokens, row.licence, row.cost_usd) == (500_000, "llama2", None)


@pytest.mark.parametrize(
    ("adapter", "arguments", "options", "cost_usd"),
    [
        ("openai_api", "model=gpt-4o-2024-08-06,max_cost=50", (), 2 * 2.5 + 0.5 * 10),
        ("openai_api", "model=gpt-4o", ("--cost", "3.5"), 3.5),
        ("openai_api", "model=own-model,base_url=http://localhost/v1", (), None),
        ("vllm", "model=gpt-4o", (), None),
    ],
)
def test_an_api_run_costs_its_tokens(
    adapter: str,
    arguments: str,
    options: tuple[str, ...],
    cost_usd: float | None,
    results: Path,
    tmp_path: Path,
) -> None:
    told(results, adapter, arguments)
    assert add(results, tmp_path / "store", *options) == 0
    assert {row.cost_usd for row in Store.open(tmp_path / "store").rows()} == {cost_usd}


def test_a_users_price_table_counts(results: Path, tmp_path: Path) -> None:
    prices = tmp_path / "prices.csv"
    prices.write_text("model,input_usd,output_usd,picture_tokens,as_of\nmine,1,2,,2026-11\n")
    told(results, "google_api", f"model=mine,prices={prices}")
    assert add(results, tmp_path / "store") == 0
    assert {row.cost_usd for row in Store.open(tmp_path / "store").rows()} == {3.0}
    told(results, "google_api", f"model=mine,prices={prices}", answered=0)
    assert add(results, tmp_path / "other") == 0
    assert {row.cost_usd for row in Store.open(tmp_path / "other").rows()} == {None}
