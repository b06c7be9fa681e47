"""sat-generate from outside: what it writes, what it says, and how it fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from sat_folder import rows, write_folder

from generation import engines
from generation.cli import main, make_parser
from generation.presets import PRESETS, estimate
from generation.run_command import requested_run
from generation.shard import data_set_rows
from sat_tasks.data import open_data_set
from sat_tasks.rows import Row

HERE = Path(__file__).parent
RUN = ["run", "--engine", "toy", "--size", "64", "--questions-per-scene", "4", "--workers", "2"]
PROGRAM = f"""
import sys
sys.path[:0] = [{str(HERE)!r}, {str(HERE.parent)!r}]
from generation import engines, settings
engines.ENGINES["toy"] = "toy_engine:open_engine"
from generation.cli import main
if __name__ == "__main__":
    sys.exit(main())
"""


@pytest.fixture(autouse=True)
def _toy_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(engines.ENGINES, "toy", "toy_engine:open_engine")


def rows_of(folder: Path) -> list[Row]:
    return list(data_set_rows(open_data_set(folder)))


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the one line of a command that fails."""
    try:
        status = main(arguments)
    except SystemExit as exit_:
        status = int(str(exit_.code))
    captured = capsys.readouterr()
    assert status == 2
    assert captured.out == ""
    assert captured.err.count("\n") == 1
    return captured.err


def test_a_run_ends_with_a_data_set_a_gallery_and_a_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    assert main([*RUN, "--out", str(folder), "--scenes", "5"]) == 0
    said = capsys.readouterr().out
    count = len(rows_of(folder))
    assert f"Made {count} questions over 5 scenes" in said
    assert f"Data set: {folder}" in said

    assert main(["gallery", str(folder)]) == 0
    assert f"{count} questions: {folder}/gallery.html" in capsys.readouterr().out
    assert main(["audit", str(folder)]) in {0, 1}
    assert "guesser" in capsys.readouterr().out
    assert main(["card", str(folder), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["scenes"] == 5
    card = (folder / "README.md").read_text()
    assert "## Blind test" in card
    assert "## One question of each type" in card
    assert all((folder / path).is_file() for path in _pictures_of(card))


def _pictures_of(card: str) -> list[str]:
    return [part.split('"')[0] for part in card.split('<img src="')[1:]]


def test_shards_of_a_batch_queue_make_one_data_set(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    small = [*RUN, "--scenes", "20", "--types", "depth", "--workers", "1"]
    assert main([*small, "--out", str(whole)]) == 0
    assert main([*small, "--out", str(parts), "--shard", "2/2"]) == 0
    assert "other parts are not" in capsys.readouterr().out
    assert main([*small, "--out", str(parts), "--shard", "1/2"]) == 0
    assert rows_of(parts) == rows_of(whole)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["run", "--out", "{out}", "--split", "dev"],
            "unknown split 'dev'; known: train, val, test",
        ),
        (["run", "--out", "{out}", "--engine", "unity"], "unknown engine 'unity'; known: mujoco"),
        (
            ["run", "--out", "{out}", "--types", "depth,smell"],
            "unknown question type 'smell'; known:",
        ),
        (["run", "--out", "{out}", "--houses", "/no/such"], "--houses /no/such: no such file"),
        (["run", "--out", "{out}", "--shard", "3/2"], "--shard '3/2': expected I/N"),
        (["run", "--out", "{out}", "--preset", "huge"], "unknown preset 'huge'; known: paper"),
        (["run", "--out", "{out}", "--scenes", "0"], "'0' is not a whole number above 0"),
        (["run", "--out", "{out}", "--preset", "paper", "--scenes", "9"], "needs --split"),
        (["run", "--out", "{out}", "--preset", "mini", "--split", "val"], "known: test"),
        (["run"], "required: --out"),
        (["gallery", "{out}"], "expected a data set made by sat-generate"),
        (["audit", "{out}"], "expected a data set made by sat-generate"),
        (["card", "{out}"], "expected a data set made by sat-generate"),
        (["verify", "{out}"], "expected a data set made by sat-generate"),
        (["paint"], "invalid choice: 'paint'"),
    ],
)
def test_bad_input_is_one_line_and_writes_nothing(
    arguments: list[str], message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert message in error_of(capsys, *(part.format(out=out) for part in arguments))
    assert not out.exists()


def test_an_unwritable_folder_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    message = error_of(capsys, *RUN, "--out", str(tmp_path / "file" / "data"))
    assert "cannot write into" in message


def test_an_engine_that_cannot_open_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(engines.ENGINES, "toy", "broken_engine:open_nothing")
    assert main([*RUN, "--out", str(tmp_path), "--scenes", "2"]) == 2
    errors = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error:")]
    assert errors == ["error: no renderer works here; install libosmesa6"]
    assert not list(tmp_path.glob("data/*"))


def test_a_data_set_of_others_has_no_card(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_folder(tmp_path / "data", rows(9))
    assert "it tells how" in error_of(capsys, "card", str(folder))
    assert not (folder / "README.md").exists()


def test_a_preset_asks_before_it_begins(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [*RUN, "--preset", "mini", "--scenes", "1", "--out", str(tmp_path)]
    assert main(command) == 2
    said = capsys.readouterr().err
    assert "1 scenes, about 10 questions" in said
    assert "add --yes" in said
    assert list(tmp_path.iterdir()) == []
    assert main([*command, "--yes"]) == 0
    assert open_data_set(tmp_path).manifest.scenes == {"test": 1}
    # What was begun goes on without a question.
    assert main(command) == 0


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_a_run_with_an_estimate(name: str) -> None:
    arguments = make_parser().parse_args(["run", "--out", "x", "--preset", name])
    run = requested_run(arguments)
    preset = PRESETS[name]
    assert run.scenes == preset.scenes
    assert run.settings.size_px == preset.size_px
    one, four = (estimate(preset, run.scenes, workers) for workers in (1, 4))
    assert one.hours == pytest.approx(4 * four.hours)
    assert one.questions == pytest.approx(
        sum(preset.scenes.values()) * preset.questions_per_scene, rel=0.1
    )


def test_the_paper_preset_is_as_large_as_the_paper() -> None:
    paper = PRESETS["paper"]
    cost = estimate(paper, paper.scenes, workers=2)
    assert cost.scenes == 22_000
    assert cost.questions == pytest.approx(218_000, rel=0.03)


def test_options_win_over_a_preset() -> None:
    arguments = make_parser().parse_args(
        [
            "run",
            "--out",
            "x",
            "--preset",
            "paper",
            "--split",
            "val",
            "--scenes",
            "7",
            "--size",
            "96",
        ]
    )
    run = requested_run(arguments)
    assert run.scenes == {"val": 7}
    assert run.settings.size_px == 96
    assert run.settings.questions_per_scene == PRESETS["paper"].questions_per_scene


@pytest.mark.parametrize(
    "command", ["run", "gallery", "verify", "audit", "card", "doctor", "assets"]
)
def test_every_command_has_help_with_an_example(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as done:
        main([command, "--help"])
    assert done.value.code == 0
    assert f"sat-generate {command}" in capsys.readouterr().out.split("example:")[1]


@pytest.mark.slow
def test_a_run_killed_at_ten_random_moments_ends_with_the_same_rows(tmp_path: Path) -> None:
    """Each start is killed, its workers left to themselves, until one of them gets through."""
    options = [*RUN, "--scenes", "40"]
    started_s = time.monotonic()
    assert _start([*options, "--out", str(tmp_path / "whole")]).wait() == 0
    whole_s = time.monotonic() - started_s
    expected = rows_of(tmp_path / "whole")
    rng = np.random.default_rng(20)
    kills = 0
    folder = tmp_path / "killed-0"
    while kills < 10 or folder.exists():
        process = _start([*options, "--out", str(folder)])
        try:
            patience_s = rng.uniform(0.05, 0.8) * whole_s if kills < 10 else None
            assert process.wait(patience_s) == 0
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
            continue
        assert rows_of(folder) == expected
        assert not list(folder.rglob("*.part"))
        folder = tmp_path / f"killed-{kills}"


def _start(arguments: list[str]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"PYTHONDONTWRITEBYTECODE": "1"},
    )
