"""The import rules of the project, checked on the source and in a fresh interpreter."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MAY_IMPORT = {
    "sat_tasks": {"sat_tasks"},
    "generation": {"generation", "sat_tasks"},
    "finetune": {"finetune", "sat_tasks"},
    "leaderboard": {"leaderboard", "sat_tasks"},
}
SIMULATORS = {"mujoco", "ai2thor"}


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module.split(".")[0]


def python_files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("package", MAY_IMPORT)
def test_packages_import_only_what_lies_below_them(package: str) -> None:
    ours = set(MAY_IMPORT) | {"tests"}
    wrong = {
        (str(path.relative_to(ROOT)), name)
        for path in python_files(package)
        for name in imports_of(path)
        if name in ours - MAY_IMPORT[package]
    }
    assert not wrong


def test_only_engines_import_a_simulator() -> None:
    wrong = [
        str(path.relative_to(ROOT))
        for package in MAY_IMPORT
        for path in python_files(package)
        if SIMULATORS & set(imports_of(path))
        and not path.is_relative_to(ROOT / "generation" / "engines")
        and path.name != "doctor.py"
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("module", "heavy"),
    [
        ("sat_tasks.taxonomy", ["torch", "lmms_eval", "datasets", "numpy"]),
        ("sat_tasks.rows", ["torch", "lmms_eval", "datasets"]),
        ("sat_tasks.answer", ["torch", "lmms_eval", "datasets"]),
        ("generation.engines", ["mujoco", "torch", "lmms_eval"]),
        ("generation.cli", ["mujoco", "torch", "lmms_eval"]),
        ("leaderboard.cli", ["torch", "lmms_eval"]),
    ],
)
def test_light_modules_stay_light(module: str, heavy: list[str]) -> None:
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_bare_or_blanket_except() -> None:
    pattern = re.compile(r"except\s*:|except\s+(Base)?Exception\b")
    wrong = [
        f"{path.relative_to(ROOT)}:{number}"
        for package in MAY_IMPORT
        for path in python_files(package)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line) and "# boundary:" not in line
    ]
    assert not wrong, "narrow these, or mark a process boundary with `# boundary: why`"


def test_no_machine_path_in_the_sources() -> None:
    home = re.compile(r"/(root|home/\w+|work)/")
    wrong = [
        str(path.relative_to(ROOT))
        for package in (*MAY_IMPORT, "tests", "docs")
        for path in (ROOT / package).rglob("*")
        if path.suffix in {".py", ".md", ".yaml", ".json", ".csv", ".html"}
        and path.name != Path(__file__).name
        and home.search(path.read_text())
    ]
    assert not wrong
