"""A wheel holds everything that the tasks need."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from sat_tasks.plugin import TASK_FOLDER

ROOT = Path(__file__).parent.parent


@pytest.mark.slow
def test_task_files_are_in_the_wheel(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "sat_tasks"):
        (source / name).symlink_to(ROOT / name)
    command = (
        f"{sys.executable} -m pip wheel --no-deps --no-build-isolation -q -w {tmp_path} {source}"
    )
    done = subprocess.run(command.split(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    (wheel,) = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    for path in TASK_FOLDER.iterdir():
        if path.is_file():
            assert f"sat_tasks/tasks/{path.name}" in names
    assert "sat_tasks/exports/lmms_eval_hooks.py" in names
