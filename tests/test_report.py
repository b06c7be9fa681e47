"""``python -m sat_tasks``: runs, tables and checks of what lmms-eval wrote."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from harness import recompute
from sat_folder import rows, write_folder

from sat_tasks import report
from sat_tasks.cli import main
from sat_tasks.console import UserError


def sample(number: int, **changes: Any) -> dict[str, Any]:
    right = number % 3 == 0
    return {
        "id": f"q{number // 2}",
        "question_type": ("depth", "count")[number // 2 % 2],
        "scene_id": f"s{number // 4}",
        "order": [[0, 1], [1, 0]][number % 2],
        "answer": 0,
        "reply": "A",
        "reading": 0 if right else 1,
        "correct": right,
        "failed": False,
        "n_options": 2,
        "protocol": "circular",
    } | changes


def write_results(
    folder: Path, samples: list[dict[str, Any]], stamp: str = "20260101_000000"
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    results = folder / f"{stamp}_results.json"
    results.write_text(json.dumps({"config": {"model": "m"}, "configs": {"sat_static": {}}}))
    lines = [json.dumps({"doc_id": i, "sat": record}) for i, record in enumerate(samples)]
    (folder / f"{stamp}_samples_sat_static.jsonl").write_text("\n".join(lines) + "\n")
    return results


def test_lines_agree_with_a_recomputation(tmp_path: Path) -> None:
    samples = [sample(number) for number in range(40)]
    (run,) = report.read_run(write_results(tmp_path, samples))
    lines = {line.name.strip(): line for line in report.lines_of(run)}
    expected = recompute(samples)
    assert lines["sat_static"].accuracy == pytest.approx(expected["overall"])
    assert lines["sat_static"].all_orders == pytest.approx(expected["all_orders"])
    assert lines["depth"].accuracy == pytest.approx(expected["depth"])
    assert (
        lines["count"].questions + lines["depth"].questions == lines["sat_static"].questions == 20
    )
    low, high = lines["sat_static"].interval
    assert low < expected["overall"] < high


def test_table_says_what_failed(tmp_path: Path) -> None:
    samples = [sample(number, failed=number == 3) for number in range(8)]
    runs = report.read_run(write_results(tmp_path, samples))
    assert "1 of 8 calls failed: not a valid result" in report.table(runs)


def test_everything_failed(tmp_path: Path) -> None:
    runs = report.read_run(write_results(tmp_path, [sample(0, failed=True)]))
    assert "1 of 1 calls failed" in report.table(runs)


def test_report_for_people_and_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_results(tmp_path / "m", [sample(number) for number in range(40)])
    assert main(["report", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "m, protocol circular" in shown
    assert "detectable" in shown
    assert main(["report", str(tmp_path), "--json"]) == 0
    (task,) = json.loads(capsys.readouterr().out)
    assert task["lines"][0]["questions"] == 20


def test_check_accepts_whole_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    mark = tmp_path / "before"
    mark.touch()
    time.sleep(0.02)
    results = write_results(tmp_path / "m", [sample(number) for number in range(4)])
    assert main(["check", str(tmp_path), "--newer-than", str(mark)]) == 0
    assert capsys.readouterr().out.strip() == str(results)


def test_check_refuses_old_results(tmp_path: Path) -> None:
    results = write_results(tmp_path / "m", [sample(0)])
    mark = tmp_path / "before"
    mark.touch()
    os.utime(results, (0, 0))
    with pytest.raises(UserError, match=r"is older than .*: the last run wrote no results"):
        main(["check", str(tmp_path), "--newer-than", str(mark)])


def test_check_refuses_failures(tmp_path: Path) -> None:
    write_results(tmp_path, [sample(number, failed=number < 3) for number in range(8)])
    with pytest.raises(UserError, match="3 of 8 calls of sat_static failed"):
        main(["check", str(tmp_path)])


def test_newest_results_win(tmp_path: Path) -> None:
    write_results(tmp_path, [sample(0)])
    time.sleep(0.02)
    newest = write_results(tmp_path / "sub", [sample(0)], "20250101_000000")
    assert report.newest_results(tmp_path) == newest


def test_what_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"has no \*_results.json"):
        report.newest_results(tmp_path)
    results = write_results(tmp_path, [sample(0)])
    samples = tmp_path / "20260101_000000_samples_sat_static.jsonl"
    samples.write_text('{"doc_id": 0}\n')
    with pytest.raises(UserError, match="has no task of SAT Bench"):
        report.read_run(results)
    samples.write_text("not json\n")
    with pytest.raises(UserError, match="cannot be read"):
        report.read_run(results)
    samples.unlink()
    with pytest.raises(UserError, match="has no samples of sat_static; run with --log_samples"):
        report.read_run(results)
    results.write_text("{}")
    with pytest.raises(UserError, match="is no results file of lmms-eval"):
        report.read_run(results)


# --- running


def test_run_evaluates_and_reports(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SAT_DATA", str(write_folder(tmp_path / "d", rows(18))))
    out = tmp_path / "out"
    command = f"run --tasks sat_static,sat_dynamic --model always_first --out {out}"
    assert main(command.split()) == 0
    shown = capsys.readouterr().out
    assert "sat_dynamic" in shown
    assert main(["check", str(out)]) == 0
    runs = {run.task: run for run in report.read_run(report.newest_results(out))}
    assert len({s["id"] for s in runs["sat_static"].samples}) == 8


def test_a_group_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write_folder(tmp_path / "d", rows(18))
    monkeypatch.setenv("SAT_DATA", str(folder))
    monkeypatch.setenv("SAT_REAL_DATA", str(folder))
    out = tmp_path / "out"
    assert main(f"run --tasks sat_bench --model always_first --out {out}".split()) == 0
    tasks = {run.task for run in report.read_run(report.newest_results(out))}
    assert tasks == {"sat_static", "sat_dynamic", "sat_real"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--tasks sat_statc --model always_first", "unknown task 'sat_statc'"),
        ("--tasks sat_static --model alway_first", "unknown model 'alway_first'; known: llava"),
    ],
)
def test_unknown_task_or_model(arguments: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        main(["run", *arguments.split(), "--out", str(tmp_path / "out")])


def test_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write .*file"):
        main(f"run --tasks sat_static --model llava --out {tmp_path}/file/out".split())


def test_start_up_is_light() -> None:
    heavy = ("torch", "lmms_eval", "numpy", "datasets")
    code = (
        "import sys; from sat_tasks.cli import main; main(['list', '--json']);"
        f"print(sum(module in sys.modules for module in {heavy}))"
    )
    started = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"
    assert time.perf_counter() - started < 10  # far below 1 s on an idle machine
    listed = json.loads("\n".join(done.stdout.splitlines()[:-1]))
    assert {"sat_static", "sat_dynamic", "sat_spatial", "sat_bench"} <= set(listed["tasks"])


def test_help_has_examples(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    assert "python -m sat_tasks run --tasks" in capsys.readouterr().out
