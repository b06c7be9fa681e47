"""Which models of a suite run side by side, on which GPUs, and what a person sees meanwhile."""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from rich.live import Live

from leaderboard.store import Store
from leaderboard.suite.job import Job, jobs_of
from leaderboard.suite.run import Progress, run_jobs
from leaderboard.suite.show import Lines, LiveTable, summary
from leaderboard.suite.suitefile import Model, Suite, load_suite
from sat_tasks.models.prices import find_price
from sat_tasks.models.vllm_presets import PRESETS, Use, engine_arguments

DIARY = """
import os, sys, time
from pathlib import Path
folder, name, together = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
began_s = time.monotonic()
(folder / f"{name}.began").touch()
while len(list(folder.glob("*.began"))) < together and time.monotonic() < began_s + 30:
    time.sleep(0.01)
devices = os.environ.get("CUDA_VISIBLE_DEVICES", "")
(folder / f"{name}.diary").write_text(f"{began_s} {time.monotonic()} {devices}")
"""


class Diary(Job):
    """A run that notes when it ran and on which GPUs, and ends once so many have begun."""

    together = 1

    def command(self) -> list[str]:
        words = [str(self.folder.parent), self.model.name, str(self.together)]
        return [sys.executable, "-c", DIARY, *words]


def saw(
    tmp_path: Path, models: list[Model], together: int = 1, parallel: int = 4, gpus: int = 0
) -> dict[str, str]:
    """Run the models and return who ran at the same time as each."""
    suite = Suite("mine", ("sat_dynamic",), tuple(models))
    jobs = [Diary(suite, job.model, job.folder) for job in jobs_of(suite, tmp_path)]
    Diary.together = together
    run_jobs(jobs, Store(tmp_path / "store"), parallel, gpus, Lines())
    times = {model.name: diary(tmp_path, model.name)[:2] for model in models}
    return {
        name: "".join(sorted(n for n, (a, b) in times.items() if a < end and begin < b))
        for name, (begin, end) in times.items()
    }


def diary(tmp_path: Path, name: str) -> tuple[float, float, str]:
    """Return when a model began and ended, and its GPUs."""
    begin, end, *devices = (tmp_path / f"{name}.diary").read_text().split()
    return float(begin), float(end), "".join(devices)


def api(name: str, **arguments: Any) -> Model:
    return Model(name, "openai_api", {"model": name, **arguments})


def test_apis_are_asked_side_by_side_and_beside_a_model_that_runs_here(tmp_path: Path) -> None:
    models = [api("a"), api("b"), Model("c", "llava"), Model("d", "random_choice")]
    found = saw(tmp_path, models, together=3)
    assert (found["a"], found["b"], found["c"]) == ("abc",) * 3
    assert "c" not in found["d"], "without a GPU one model runs here at a time"


def test_no_more_apis_at_once_than_the_suite_says(tmp_path: Path) -> None:
    found = saw(tmp_path, [api(name) for name in "abcd"], together=2, parallel=2)
    assert all(len(seen) <= 2 for seen in found.values())
    assert found["a"] == "ab"


@pytest.mark.parametrize(
    ("first", "second", "beside"),
    [
        ({"reasoning_effort": "low"}, {"reasoning_effort": "high"}, False),
        ({"journal": "x.jsonl", "model": "m"}, {"journal": "x.jsonl"}, False),
        ({"base_url": "http://one"}, {"base_url": "http://two"}, True),
        ({"journal": "x.jsonl"}, {"journal": "y.jsonl"}, True),
    ],
)
def test_runs_that_would_share_a_journal_wait_for_each_other(
    tmp_path: Path, first: dict[str, Any], second: dict[str, Any], beside: bool
) -> None:
    models = [
        Model("a", "openai_api", {"model": "same", **first}),
        Model("b", "openai_api", {"model": "same", **second}),
    ]
    found = saw(tmp_path, models, together=2 if beside else 1)
    assert found == ({"a": "ab", "b": "ab"} if beside else {"a": "a", "b": "b"})


def test_every_model_has_gpus_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,5,6")
    models = [Model("a", "llava", gpus=2), Model("b", "vllm"), Model("c", "llava", gpus=3)]
    found = saw(tmp_path, models, together=2, gpus=3)
    given = {name: diary(tmp_path, name)[2] for name in "abc"}
    assert (given["a"], given["b"]) == ("4,5", "6")
    assert sorted(given["c"].split(",")) == ["4", "5", "6"]
    assert found["a"] == "ab"


def test_several_gpus_are_used() -> None:
    def told(adapter: str, **arguments: Any) -> dict[str, Any]:
        return Model("x", adapter, arguments, gpus=4).all_arguments

    assert told("vllm", model="m") == {"model": "m", "tensor_parallel_size": 4}
    assert told("llava", pretrained="m") == {"pretrained": "m", "device_map": "auto"}
    two_by_two = {"data_parallel_size": 2, "tensor_parallel_size": 2}
    assert told("vllm", **two_by_two) == two_by_two
    suite = Suite("s", ("sat_dynamic",), (Model("x", "vllm", two_by_two, gpus=4),))
    (job,) = jobs_of(suite, Path("out"))
    words = job.command()
    assert words[words.index("--num_processes") + 1] == "4"
    assert words[words.index("--num_processes") + 2 :][:2] == ["-m", "lmms_eval"]


PROGRESS = """
import sys, time
print("llava:  40%|####", file=sys.stderr, flush=True)
time.sleep(1.5)
print("note: asked for old, answered by new", file=sys.stderr)
sys.exit("ValueError: out of memory")
"""


def test_the_live_table_shows_how_far_a_model_is_and_why_it_failed(tmp_path: Path) -> None:
    class Slow(Job):
        def command(self) -> list[str]:
            return [sys.executable, "-c", PROGRESS]

    suite = Suite("mine", ("sat_dynamic",), (Model("big model", "random_choice"),))
    (job,) = jobs_of(suite, tmp_path)
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=120)
    with Live(console=console, auto_refresh=False) as live:
        shown = LiveTable(live)

        class Drawn:
            def show(self, models: list[Progress]) -> None:
                shown.show(models)
                live.refresh()

        (progress,) = run_jobs(
            [Slow(suite, job.model, job.folder)], Store(tmp_path / "store"), 1, 0, Drawn()
        )
    text = screen.getvalue()
    assert "big model" in text
    assert "running" in text
    assert "40%" in text
    assert "out of memory (exit status 1)" in text
    lines = summary([progress]).splitlines()
    assert lines[0] == "0 of 1 models done"
    assert "out of memory" in lines[-1]
    assert str(job.log) in lines[-1]


def test_what_a_finished_model_noted_is_in_the_summary(tmp_path: Path) -> None:
    suite = Suite("mine", ("sat_dynamic",), (api("old"),))
    (job,) = jobs_of(suite, tmp_path)
    job.begin()
    job.log.write_text("old: 100%|###\nnote: asked for old, answered by new\ntable\n")
    said = summary([Progress(job, state="done")])
    assert said == "1 of 1 models done\n  old: asked for old, answered by new"


def test_open_models_are_run_with_the_arguments_of_their_presets() -> None:
    models = [model for model in load_suite("open").models if model.adapter == "vllm"]
    assert len(models) >= 3
    for model in models:
        (preset,) = [p for p in PRESETS.values() if p.model == model.arguments["model"]]
        wanted = {**engine_arguments(preset, Use()), "max_new_tokens": 1}
        assert model.arguments == wanted | {"trust_remote_code": False}


def test_the_papers_proprietary_models_have_prices() -> None:
    models = [model for model in load_suite("paper").models if model.is_remote]
    assert len(models) >= 3
    assert [m.name for m in models if find_price(str(m.arguments["model"])) is None] == []
