"""Suites: reading, checks before anything starts, and runs that are killed and go on."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import lmms_results
import pytest
import yaml
from fault_server import Behaviour, FaultServer, running
from sat_folder import row, write_folder
from suite_runs import (
    KEY,
    answers,
    kill_suite,
    processes_with,
    run_suite,
    table,
    two_apis,
    wait_until_gone,
    write_suite,
)

from leaderboard.cli import main
from leaderboard.store import Store
from leaderboard.suite.checks import problems
from leaderboard.suite.job import Job, jobs_of
from leaderboard.suite.run import run_jobs
from leaderboard.suite.show import Lines, summary
from leaderboard.suite.suitefile import SHIPPED, Model, Suite, load_suite, parse_suite
from sat_tasks.console import UserError

MODEL = {"name": "a", "adapter": "random_choice"}
GOOD: dict[str, Any] = {"tasks": ["sat_dynamic"], "models": [MODEL]}


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_suites_are_suites_of_our_tasks(name: str) -> None:
    suite = load_suite(name)
    assert suite.models
    lines = problems(suite, (80.0, 80.0))
    assert not [line for line in lines if "no task" in line or "called" in line]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"tasks": []}, "tasks must be a list"),
        ({"models": "llava"}, "models must be a list"),
        ({"speed": 1}, "unknown speed; known: defaults"),
        ({"parallel": 0}, "parallel must be"),
        ({"models": [{"name": "a"}]}, "model 1 needs adapter"),
        ({"models": [{**MODEL, "size": 3}]}, "unknown size; known: access"),
        ({"models": [{**MODEL, "access": "free"}]}, "known: open, proprietary"),
        ({"models": [{**MODEL, "arguments": "x=1"}]}, "names with values"),
        ({"models": [{**MODEL, "params": "13B"}]}, "params must be"),
        ({"models": [{**MODEL, "gpus": 0}]}, "gpus must be"),
        ({"environment": ["A=1"]}, "environment must be"),
    ],
)
def test_a_bad_suite_is_one_line(change: dict[str, Any], says: str) -> None:
    with pytest.raises(UserError, match=says) as error:
        parse_suite({**GOOD, **change}, "mine")
    assert "\n" not in str(error.value)


def test_a_missing_or_broken_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="shipped: demo, open, paper"):
        load_suite("nothing.yaml")
    (tmp_path / "broken.yaml").write_text("models: [")
    with pytest.raises(UserError, match="no YAML"):
        load_suite(str(tmp_path / "broken.yaml"))


def _suite(*models: Model, tasks: tuple[str, ...] = ("sat_dynamic",)) -> Suite:
    return Suite("mine", tasks, models)


@pytest.mark.parametrize(
    ("model", "gpus", "says"),
    [
        (Model("x", "llava", {"pretrained": "./none"}), (), "no folder ./none"),
        (Model("x", "llava", {"pretrained": "a/b"}), (), "offline"),
        (Model("x", "llava", {"pretrained": "."}, params=13), (), "no GPU here"),
        (Model("x", "llava", {"pretrained": "."}, params=70), (80.0,), "70 billion"),
        (Model("x", "llava", {"pretrained": "."}, params=34), (80.0,), "about 84 GB"),
        (Model("x", "llava", {"pretrained": "."}, gpus=2), (80.0,), "wants 2 GPUs"),
        (Model("x", "qwen2_vl", {"pretrained": "."}, revision="a"), (), "told a revision; llava"),
        (Model("x", "openai_api", {"model": "m"}), (), "set OPENAI_API_KEY"),
        (Model("x", "google_api", {"model": "m"}), (), "set GEMINI_API_KEY or GOOGLE_API_KEY"),
        (Model("x", "openai_api", {"model": "m", "api_key_env": "MINE"}), (), "set MINE"),
    ],
)
def test_what_would_go_wrong_is_said_before(
    model: Model, gpus: tuple[float, ...], says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "MINE"):
        monkeypatch.delenv(name, raising=False)
    (line,) = problems(_suite(model), gpus)
    assert says in line


def test_vllm_has_less_than_the_whole_gpu() -> None:
    def says(**arguments: float) -> list[str]:
        model = Model("x", "vllm", {"model": ".", **arguments}, params=27)
        return [line for line in problems(_suite(model), (80.0,)) if "billion" in line]

    assert "more than the 64 GB that 1 GPU(s) give" in says()[0]
    assert says(gpu_memory_utilization=0.95) == []


def test_what_is_fine_is_not_complained_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    models = (
        Model("a", "openai_api", {"model": "gpt-4o"}),
        Model("b", "google_api", {"model": "m", "base_url": "http://127.0.0.1:1"}),
        Model("c", "random_choice"),
        Model("d", "llava", {"pretrained": "."}, params=13, revision="abc"),
        Model("e", "llava", {"pretrained": ".", "load_in_4bit": True}, params=70),
    )
    assert problems(_suite(*models), (80.0,)) == []


@pytest.mark.parametrize(
    ("model", "says"),
    [
        (Model("a", "openai_api", {}), "model: Field required"),
        (Model("a", "openai_api", {"model": "m", "base_url": "nonsense"}), "nonsense"),
        (Model("a", "openai_api", {"model": "unpriced", "max_cost": 1}), "model's price"),
        (Model("a", "random_choice", environment={"SAT_DATA": "nowhere"}), "no folder: nowhere"),
        (Model("a", "random_choice", environment={"SAT_PROTOCOL": "odd"}), "SAT_PROTOCOL"),
        (Model("a", "vllm", {"model": ".", "data_parallel_size": 2}, gpus=1), "say gpus: 2"),
    ],
)
def test_arguments_and_variables_are_checked_before_a_start(
    model: Model, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    lines = problems(_suite(model), (80.0, 80.0))
    assert any(says in line for line in lines), lines
    assert not any("\n" in line for line in lines)


def test_what_the_suite_itself_gets_wrong_is_said_once() -> None:
    models = (Model("a", "random_choice"), Model("b", "always_first"))
    lines = problems(Suite("s", ("sat_dynamic",), models, {"SAT_DATA": "nowhere"}), ())
    assert lines == ["SAT_DATA names no folder: nowhere"]


def test_no_key_gets_past_the_checks_into_a_command() -> None:
    secret = "sk-secret-123456"
    for arguments in ({"api_key": secret}, {"base_url": f"http://me:{secret}@localhost/v1"}):
        (line,) = problems(_suite(Model("a", "openai_api", {"model": "m", **arguments})), ())[:1]
        assert "environment variable" in line
        assert secret not in line


def test_unknown_names_are_said_with_what_is_known(capfd: pytest.CaptureFixture[str]) -> None:
    lines = problems(_suite(Model("a", "lava"), Model("a", "llava"), tasks=("sat_dynamix",)), ())
    (line,) = (line for line in lines if "no task" in line)
    assert line.startswith("no task 'sat_dynamix' (did you mean sat_dynamic?); ours: sat_bench, ")
    assert "_blind" not in line
    assert capfd.readouterr().err == ""
    assert any("no adapter 'lava'; ours: llava" in line for line in lines)
    assert any("2 models are called 'a'" in line for line in lines)


def test_the_command_lists_every_problem_and_starts_nothing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    path = tmp_path / "mine.yaml"
    asked = {**MODEL, "adapter": "openai_api", "arguments": {"model": "gpt-4o"}}
    two = [asked, {"name": "b", "adapter": "llava", "params": 13}]
    path.write_text(yaml.safe_dump({"tasks": ["sat_dynamic"], "models": two}))
    assert main(["run", str(path), "--out", str(tmp_path / "out")]) == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 2
    assert not (tmp_path / "out").exists()


def test_a_run_is_another_when_what_it_measures_changes(tmp_path: Path) -> None:
    data = write_folder(tmp_path / "data", [row(n, "ego_movement") for n in range(2)])
    model = Model("a", "llava", {"pretrained": "x"})

    def mark(suite: Suite) -> str:
        return jobs_of(suite, tmp_path / "out")[0].fingerprint()

    here = {"SAT_DATA": str(data)}
    other = Model("a", "llava", {"pretrained": "y"})
    first = Suite("s", ("sat_dynamic",), (model,), here)
    assert mark(first) == mark(first)
    others = [
        Suite("s", ("sat_static",), (model,), here),
        Suite("s", ("sat_dynamic",), (model,), {**here, "SAT_PROTOCOL": "single"}),
        Suite("s", ("sat_dynamic",), (other,), here),
    ]
    assert len({mark(suite) for suite in [first, *others]}) == 4
    (data / "manifest.json").write_text((data / "manifest.json").read_text() + " ")
    assert mark(first) != mark(Suite("s", ("sat_dynamic",), (model,), {}))


def test_a_run_is_another_when_the_shell_says_otherwise(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SAT_PROTOCOL", raising=False)
    (job,) = jobs_of(_suite(Model("a", "llava")), tmp_path)
    before = job.fingerprint()
    monkeypatch.setenv("SAT_JOURNALS", str(tmp_path))
    assert job.fingerprint() == before
    monkeypatch.setenv("SAT_PROTOCOL", "single")
    assert job.fingerprint() != before


def test_a_run_is_another_when_the_weights_are(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / "model.safetensors").write_bytes(b"old")
    model = Model("a", "llava", {"pretrained": str(tmp_path / "weights")})
    (job,) = jobs_of(_suite(model), tmp_path / "out")
    before = job.fingerprint()
    assert job.fingerprint() == before
    (tmp_path / "weights" / "model.safetensors").write_bytes(b"trained")
    assert job.fingerprint() != before


def test_gpus_are_taken_from_those_that_may_be_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job,) = jobs_of(_suite(Model("a", "llava")), tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert job.environment((0, 1))["CUDA_VISIBLE_DEVICES"] == "0,1"
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,3")
    assert job.environment((1,))["CUDA_VISIBLE_DEVICES"] == "3"


def test_models_with_names_that_look_alike_have_folders_of_their_own(tmp_path: Path) -> None:
    jobs = jobs_of(_suite(Model("A B", "llava"), Model("a-b", "llava")), tmp_path)
    assert len({job.folder for job in jobs}) == 2


def _job(tmp_path: Path, words: list[str]) -> Job:
    """Return a job that runs another command than lmms-eval."""

    class Other(Job):
        def command(self) -> list[str]:
            return words

    model = Model("odd", "random_choice")
    return Other(_suite(model), model, tmp_path / "odd")


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("raise SystemExit('ValueError: the server refused the key')", "refused the key"),
        ("import os; os.kill(os.getpid(), 9)", "SIGKILL"),
        ("print('all fine')", "all fine"),
    ],
)
def test_a_run_that_leaves_no_whole_result_failed(tmp_path: Path, code: str, says: str) -> None:
    job = _job(tmp_path, [sys.executable, "-c", code])
    (progress,) = run_jobs([job], Store(tmp_path / "store"), 1, 0, Lines())
    assert progress.state == "failed"
    assert says in progress.said
    assert not job.is_done()
    assert "0 of 1 models done" in summary([progress])


LEAVES_ONE_BEHIND = (
    "import subprocess, sys, time; subprocess.Popen(['sleep', '300']); print('up', flush=True);"
)
PARENT = (
    "import os, subprocess, sys; sys.exit(subprocess.run([sys.executable, '-m',"
    " 'leaderboard.suite.child', str(os.getpid()), sys.executable, '-c', sys.argv[1]]).returncode)"
)


def _parent(code: str, mark: str) -> subprocess.Popen[str]:
    """Start a parent of a command that is known by a text in its environment."""
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, code],
        env={**os.environ, "SAT_TEST_MARK": mark},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_what_a_model_started_ends_when_the_suite_is_killed(tmp_path: Path) -> None:
    parent = _parent(f"{LEAVES_ONE_BEHIND} time.sleep(300)", str(tmp_path))
    assert parent.stdout is not None
    assert parent.stdout.readline() == "up\n"
    end_s = time.monotonic() + 30
    while len(processes_with(str(tmp_path))) < 4:  # one that is becoming sleep has no environment
        assert time.monotonic() < end_s
        time.sleep(0.02)
    parent.kill()
    parent.wait()
    wait_until_gone(str(tmp_path))


def test_what_a_model_left_behind_ends_with_it(tmp_path: Path) -> None:
    parent = _parent(f"{LEAVES_ONE_BEHIND} sys.exit(3)", str(tmp_path))
    assert parent.wait() == 3
    wait_until_gone(str(tmp_path))


def test_a_revision_is_handed_on_and_makes_another_run(tmp_path: Path) -> None:
    plain = Model("a", "llava", {"pretrained": "x"})
    pinned = Model("a", "llava", {"pretrained": "x"}, revision="abc")
    (before,), (after,) = (jobs_of(_suite(model), tmp_path) for model in (plain, pinned))
    assert "pretrained=x" in before.command()
    assert "pretrained=x,revision=abc" in after.command()
    assert before.fingerprint() != after.fingerprint()
    remote = Model("b", "openai_api", {"model": "m"}, revision="2026-01")
    (job,) = jobs_of(_suite(remote), tmp_path)
    assert "model=m" in job.command()


def test_a_revision_is_given_once() -> None:
    entry = {**MODEL, "arguments": {"revision": "a"}}
    assert parse_suite({**GOOD, "models": [entry]}, "mine").models[0].revision == "a"
    with pytest.raises(UserError, match="revision is 'b', and 'a' in its arguments"):
        parse_suite({**GOOD, "models": [{**entry, "revision": "b"}]}, "mine")


def test_what_a_model_was_tuned_from_reaches_the_about(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="tuned_from must name another model"):
        parse_suite({**GOOD, "models": [{**MODEL, "tuned_from": "a"}]}, "mine")
    after = {**MODEL, "name": "a + SAT", "tuned_from": "a"}
    suite = parse_suite({**GOOD, "models": [MODEL, after]}, "mine")
    jobs = jobs_of(suite, tmp_path / "out")
    data = write_folder(tmp_path / "data", [row(n, "ego_movement") for n in range(4)])
    for number, job in enumerate(jobs):
        lmms_results.write_run(
            job.results, data, lmms_results.right_in(number), halves=("dynamic",)
        )
        job.finish()
    models = run_jobs(jobs, Store(tmp_path / "store"), 1, 0, Lines())
    assert [progress.said for progress in models] == ["was done before"] * 2
    rows = Store.open(tmp_path / "store").rows()
    assert {row.model: row.tuned_from for row in rows} == {"a": "", "a + SAT": "a"}


def test_two_runs_do_not_share_a_folder(tmp_path: Path) -> None:
    from leaderboard.suite.run import only_one

    with only_one(tmp_path), pytest.raises(UserError, match="another process"), only_one(tmp_path):
        pass


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with running(FaultServer(behaviour=Behaviour(delay_s=0.05))) as server:
        yield server


@pytest.mark.slow
def test_a_suite_killed_twice_ends_with_the_table_of_an_undisturbed_one(
    server: FaultServer, tmp_path: Path
) -> None:
    from finetune.tiny import TinyConfig, build, save

    data = write_folder(tmp_path / "data", [row(n, "ego_movement") for n in range(40)])
    save(*build(TinyConfig()), tmp_path / "llava", "untrained", TinyConfig())
    llava = {
        "name": "LLaVA",
        "adapter": "llava",
        "arguments": {"pretrained": str(tmp_path / "llava")},
        "access": "open",
        "params": 0.003,
    }
    models = [*two_apis(server), llava]
    calm = write_suite(tmp_path / "calm", data, ["sat_dynamic"], models)
    run_suite(calm)

    server.forget()
    server.behaviour.plan = {"*": ["429", "500", "truncated"]}
    rough = write_suite(tmp_path / "rough", data, ["sat_dynamic"], models)
    kill_suite(rough, lambda: answers(rough) >= 15)
    kill_suite(rough, lambda: answers(rough) >= 60)
    run_suite(rough)
    assert table(rough) == table(calm)
    assert len(table(calm)) == 3
    for run in Store.open(calm.parent / "out" / "store").rows():
        assert run.output_tokens
        assert (run.cost_usd or 0) > 0 or run.adapter == "llava", "the price table knows the APIs"
    written = [path for path in rough.parent.rglob("*") if path.is_file()]
    assert not [path for path in written if KEY.encode() in path.read_bytes()]

    count = len(server.served)
    assert "3 of 3 models done" in run_suite(rough).stdout
    assert len(server.served) == count, "what is done is not asked again"
    assert json.loads(next(rough.parent.rglob("done.json")).read_text())["fingerprint"]
