"""The doctor says what works here, and never dies of what does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from generation import doctor
from generation.doctor import Check


def test_every_listed_check_runs(capsys: pytest.CaptureFixture[str]) -> None:
    status = doctor.report()
    printed = capsys.readouterr().out
    for title in doctor.CHECKS:
        assert f"\n{title}\n" in f"\n{printed}"
    assert status == (0 if "Ready to generate." in printed else 1)


def _only(monkeypatch: pytest.MonkeyPatch, *checks: Check) -> None:
    monkeypatch.setattr(doctor, "CHECKS", {"only": f"{__name__}:_checks"})
    monkeypatch.setattr(f"{__name__}._checks", lambda: list(checks))


def _checks() -> list[Check]:
    return []


@pytest.mark.parametrize(
    ("required", "status", "mark"), [(True, 1, "FAILED"), (False, 0, "missing")]
)
def test_only_what_is_needed_fails(
    required: bool,
    status: int,
    mark: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _only(monkeypatch, Check("lamp", False, "is off", "switch it on", required))
    assert doctor.report() == status
    printed = capsys.readouterr().out
    assert mark in printed
    assert "fix: switch it on" in printed


def test_json_is_for_programs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _only(monkeypatch, Check("lamp", True, "is on", "switch it on"))
    assert doctor.report(as_json=True) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["ok"] is True
    assert answer["checks"]["only"][0]["name"] == "lamp"


def test_a_machine_without_vulkan_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("VK_ICD_FILENAMES", "VK_DRIVER_FILES"):
        monkeypatch.setenv(name, str(tmp_path / "none.json"))
    monkeypatch.setattr(doctor, "CHECKS", {"mujoco": doctor.CHECKS["mujoco"]})
    rows = {check.name: check for check in doctor.diagnose()["mujoco"]}
    assert not rows["Vulkan devices"].ok
    assert "mesa-vulkan-drivers" in rows["filament renderer"].fix
    assert rows["pictures"].ok == (rows["egl renderer"].ok or rows["osmesa renderer"].ok)
