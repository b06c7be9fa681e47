"""Killed at any moment, the same command asks only what is missing, for the same scores."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from api_questions import KEY, PROVIDERS, Make, Questions, kinds, maker
from fault_server import ANY, FaultServer, running
from sat_folder import row, write_folder

COUNT = 60
CONCURRENT = 4
FAULTS = [["429"], ["500", "429"], ["truncated"], ["cut_json"], ["html"], [], ["hang"], ["empty"]]


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with running(FaultServer()) as server:
        yield server


@pytest.fixture(params=PROVIDERS)
def make(
    request: pytest.FixtureRequest,
    server: FaultServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Make:
    return maker(request.param, server, tmp_path, monkeypatch)


def wait_until(condition: Callable[[], bool], seconds: float = 120) -> None:
    end_s = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def answered(journal: Path) -> int:
    """Return how many whole lines of answers a journal has."""
    return max(0, journal.read_bytes().count(b"\n") - 1) if journal.exists() else 0


def labels(journal: Path) -> list[str]:
    whole = journal.read_bytes().rpartition(b"\n")[0].splitlines()[1:]
    return [json.loads(line)["label"].rpartition("/")[2] for line in whole]


def test_killed_three_times_the_run_ends_as_if_undisturbed(
    make: Make, server: FaultServer, tmp_path: Path
) -> None:
    faultless = Questions(COUNT).ask(make(journal=str(tmp_path / "faultless.jsonl")))
    server.forget()
    server.behaviour.plan = {str(n): FAULTS[n % len(FAULTS)] for n in range(COUNT)}
    server.behaviour.delay_s = 0.02
    journal = tmp_path / "journal.jsonl"

    def run() -> None:
        Questions(COUNT).ask(make(max_concurrent=CONCURRENT, timeout=2))

    for goal in (10, 25, 45):
        process = multiprocessing.get_context("fork").Process(target=run)
        process.start()
        wait_until(lambda goal=goal: answered(journal) >= goal)  # type: ignore[misc]
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        kept = labels(journal)
        assert goal <= len(kept) < COUNT
        before = server.count()
        again = {number for number in kept if before[number] > 1}
        assert len(again) <= 2 * CONCURRENT, "only what was under way at a kill is asked again"

    already = {number: count for number, count in server.count().items() if number in set(kept)}
    assert Questions(COUNT).ask(make(timeout=2)) == faultless
    assert kinds(faultless) == ["answered"] * COUNT
    assert {number: server.count()[number] for number in already} == already
    assert sorted(labels(journal), key=int) == [str(number) for number in range(COUNT)]


def test_interrupted_it_says_in_one_line_where_it_goes_on(
    make: Make, server: FaultServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    server.behaviour.delay_s = 0.05

    def run() -> None:
        # What runs in the background of a shell ignores interrupts, and so would its children.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        Questions(COUNT).ask(make(max_concurrent=2))

    process = multiprocessing.get_context("fork").Process(target=run)
    process.start()
    wait_until(lambda: answered(tmp_path / "journal.jsonl") >= 5)
    assert process.pid is not None
    os.kill(process.pid, signal.SIGINT)
    process.join()
    assert process.exitcode == 130
    errors = capfd.readouterr().err
    assert "Traceback" not in errors
    assert "interrupted; answers are safe in" in errors.splitlines()[-1]


def lmms_eval(
    folder: Path, server: FaultServer, journal: str, out: str, *more: str
) -> subprocess.Popen[str]:
    """Start lmms-eval on a small data set with a model behind the server."""
    arguments = {
        "model": "served",
        "base_url": f"{server.url}/v1",
        "journal": folder / journal,
        "timeout": 3,
        "backoff": 0.01,
        "max_concurrent": CONCURRENT,
    }
    command = [
        *(sys.executable, "-m", "lmms_eval", "--model", "openai_api"),
        *("--model_args", ",".join([*(f"{k}={v}" for k, v in arguments.items()), *more])),
        *("--tasks", "sat_dynamic", "--log_samples", "--output_path", str(folder / out)),
    ]
    environment = os.environ | {"SAT_DATA": str(folder / "data"), "OPENAI_API_KEY": KEY}
    return subprocess.Popen(
        command,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def scores(out: Path) -> dict[str, Any]:
    """Return the metrics of the one result in a folder."""
    (path,) = out.rglob("*_results.json")
    results = json.loads(path.read_text())["results"]["sat_dynamic"]
    return {name: value for name, value in results.items() if "," in name}


def samples(out: Path) -> list[Any]:
    (path,) = out.rglob("*_samples_*.jsonl")
    return [json.loads(line)["sat"] for line in path.read_text().splitlines()]


@pytest.mark.slow
def test_lmms_eval_killed_in_mid_run_ends_with_the_scores_of_a_faultless_run(
    server: FaultServer, tmp_path: Path
) -> None:
    write_folder(
        tmp_path / "data",
        [row(n, "ego_movement" if n % 2 else "perspective") for n in range(20)],
    )
    undisturbed = lmms_eval(tmp_path, server, "a.jsonl", "faultless")
    output = undisturbed.communicate()[0]
    assert undisturbed.returncode == 0, output
    count = len(server.served)
    assert count == len(samples(tmp_path / "faultless")) > 40

    questions = list(server.count())
    server.behaviour.plan = {q: FAULTS[n % len(FAULTS)] for n, q in enumerate(questions)}
    server.behaviour.delay_s = 0.05
    server.forget()
    killed = lmms_eval(tmp_path, server, "b.jsonl", "disturbed")
    wait_until(lambda: answered(tmp_path / "b.jsonl") >= count // 2, 300)
    killed.kill()
    output += killed.communicate()[0]
    assert not list((tmp_path / "disturbed").rglob("*_results.json"))

    resumed = lmms_eval(tmp_path, server, "b.jsonl", "disturbed")
    last = resumed.communicate()[0]
    assert resumed.returncode == 0, last
    assert scores(tmp_path / "disturbed") == scores(tmp_path / "faultless")
    assert samples(tmp_path / "disturbed") == samples(tmp_path / "faultless")
    assert sum(times - 1 for times in server.count().values()) <= CONCURRENT
    written = "".join(p.read_text() for p in tmp_path.rglob("*.json*") if p.is_file())
    assert KEY not in output + last + written


@pytest.mark.slow
def test_a_run_that_stops_says_so_in_one_line_and_its_exit_status(
    server: FaultServer, tmp_path: Path
) -> None:
    write_folder(tmp_path / "data", [row(0, "perspective")])
    server.behaviour.plan = {ANY: ["401"]}
    run = lmms_eval(tmp_path, server, "a.jsonl", "out")
    output = run.communicate()[0]
    assert run.returncode == 1
    assert "Traceback" not in output
    assert output.splitlines()[-1].startswith("error: 401 planned 401 for Bearer ***.")
    assert not list((tmp_path / "out").rglob("*_results.json"))
