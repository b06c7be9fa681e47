"""Set-up of system packages: what is missing is found, said in one line, and never fatal."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from generation import system
from sat_tasks.console import UserError


def test_names_the_packages_that_are_missing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(system, "VULKAN_ICD_FOLDERS", (str(tmp_path),))
    for name in ("VK_DRIVER_FILES", "VK_ICD_FILENAMES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    assert system.missing_packages() == system.VULKAN_PACKAGES
    (tmp_path / "lvp_icd.json").write_text("{}")
    monkeypatch.setattr("ctypes.util.find_library", lambda name: f"lib{name}.so.1")
    assert system.missing_packages() == ()


def test_a_failing_apt_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    apt = tmp_path / "apt-get"
    apt.write_text("#!/bin/sh\necho reading lists\necho 'E: no such package' >&2\nexit 100\n")
    apt.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    with pytest.raises(UserError, match="apt-get update failed: E: no such package"):
        system.install(["nothing"])
    assert subprocess.run(["apt-get"], capture_output=True, check=False).returncode == 100


def test_without_permission_it_says_what_to_install_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(system, "missing_packages", lambda: ("libvulkan1",))
    monkeypatch.setattr(system, "can_install", lambda: False)
    monkeypatch.setattr(system, "_prepare_furniture", lambda may_install: None)
    assert system.main(["--install"]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert "libvulkan1" in line
    assert "going on" in line
