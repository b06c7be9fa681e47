"""The workflow that judges pull requests, run as the shell runs it, in repositories of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import lmms_results
import pytest
import sat_folder
import yaml

from leaderboard import cli

WORKFLOW = Path(__file__).parents[1] / ".github" / "workflows" / "submission.yml"
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def workflow() -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    return content


def test_it_runs_nothing_of_the_pull_request(workflow: dict[str, Any]) -> None:
    assert workflow["permissions"] == {"contents": "read"}
    assert set(workflow[True]) == {"pull_request"}, "YAML reads `on` as true"
    steps = workflow["jobs"]["validate"]["steps"]
    checkouts = [step["with"] for step in steps if step.get("uses", "").startswith("actions/check")]
    assert [step["path"] for step in checkouts] == ["bench", "proposed"]
    assert "base.sha" in checkouts[0]["ref"]
    assert checkouts[1]["persist-credentials"] is False
    commands = [step["run"] for step in steps if "run" in step]
    assert commands[0] == "pip install -c bench/constraints.txt ./bench"
    assert len(commands) == 2
    assert "${{" not in commands[1], "names from outside reach the shell as variables only"


@pytest.fixture(scope="module")
def archives(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return a data set, and a folder with a submission of each of three models."""
    root = tmp_path_factory.mktemp("archives")
    data = sat_folder.write_folder(root / "data", sat_folder.rows(54))
    for name, share in (("known", 0.4), ("good", 0.7), ("other", 0.9)):
        lmms_results.write_run(
            root / name, data, lmms_results.right_in(share, 3), halves=("static",)
        )
        assert cli.main(["pack", str(root / name), "--out", str(root), "--name", name]) == 0
    return data, root


@pytest.fixture
def work(tmp_path: Path, archives: tuple[Path, Path]) -> Path:
    """Return a folder with the two checkouts, which hold the submission that is known."""
    for name in ("bench", "proposed"):
        (tmp_path / name / "submissions").mkdir(parents=True)
        shutil.copy(archive(archives, "known"), tmp_path / name / "submissions" / "known.zip")
    git(tmp_path, "init", "--quiet")
    commit(tmp_path)
    return tmp_path


def archive(archives: tuple[Path, Path], name: str) -> Path:
    return archives[1] / f"{name}--sat_static--circular.zip"


def git(work: Path, *words: str) -> str:
    name = ("-c", "user.name=Test", "-c", "user.email=test@localhost")
    done = subprocess.run(
        ["git", "-C", str(work / "proposed"), *name, *words],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return done.stdout.strip()


def commit(work: Path) -> None:
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "--message", "change")


def judge(workflow: dict[str, Any], work: Path, data: Path) -> subprocess.CompletedProcess[str]:
    base = git(work, "rev-parse", "HEAD")
    commit(work)
    bin_folder = Path(sys.executable).parent
    environment = os.environ | {"BASE": base, "SAT_DATA": str(data)}
    environment["PATH"] = f"{bin_folder}{os.pathsep}{environment['PATH']}"
    script = workflow["jobs"]["validate"]["steps"][-1]["run"]
    return subprocess.run(
        ["bash", "-c", script], cwd=work, env=environment,
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip


def test_good_ones_pass(workflow: dict[str, Any], work: Path, archives: tuple[Path, Path]) -> None:
    shutil.copy(archive(archives, "good"), work / "proposed" / "submissions" / "good.zip")
    done = judge(workflow, work, archives[0])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "accepted: good on sat_static" in done.stdout
    assert "known" not in done.stdout, "what was here before is not judged again"


def test_every_bad_one_is_told(
    workflow: dict[str, Any], work: Path, archives: tuple[Path, Path]
) -> None:
    folder = work / "proposed" / "submissions"
    copied(archive(archives, "known"), folder / "a-copy.zip", "known", "copier")
    shutil.copy(archive(archives, "other"), folder / "b-fine.zip")
    copied(archive(archives, "other"), folder / "c-copy.zip", "other", "echo")
    (folder / "run.py").write_text("print('hello')")
    (folder / "deep").mkdir()
    shutil.copy(archive(archives, "good"), folder / "deep" / "good.zip")
    (folder / "$(touch owned).zip").write_text("x")
    done = judge(workflow, work, archives[0])
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "100% of the replies are those of 'known'" in said
    assert "accepted: other" in said
    assert "100% of the replies are those of 'other'" in said
    assert "only zip archives belong" in said
    assert said.count("not a plain file name") == 2
    assert not list(work.rglob("owned"))


def copied(source: Path, target: Path, old: str, new: str) -> None:
    """Write a submission again under another model's name."""
    with zipfile.ZipFile(source) as read, zipfile.ZipFile(target, "w") as written:
        for name in read.namelist():
            content = read.read(name)
            if name == "submission.json":
                content = content.replace(f'"{old}"'.encode(), f'"{new}"'.encode())
            written.writestr(name, content)
