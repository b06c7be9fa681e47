"""What the doctor says about AI2-THOR, good and bad."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

pytest.importorskip("ai2thor", reason="needs the extra thor")

from thor_setup import make_player, small_house, write_houses

from generation.engines.thor import checks
from generation.engines.thor.installation import release_folder, release_problem


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep away from the user's ~/.ai2thor."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(folder))
    return folder


def tools(folder: Path, monkeypatch: pytest.MonkeyPatch, **scripts: str) -> None:
    """Put commands of their own on the path, and nothing else."""
    folder.mkdir(exist_ok=True)
    for name, script in scripts.items():
        file = folder / name.replace("_", "-")
        file.write_text(f"#!/bin/sh\n{script}\n")
        file.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder))


def test_everything_is_looked_at_and_nothing_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    found = checks.checks()
    assert not any(check.required for check in found)
    assert [check.name for check in found] == [
        "ai2thor",
        "player",
        "libvulkan",
        "Vulkan driver of the GPU",
        "CUDA_VISIBLE_DEVICES",
        "home",
        "cores for the player",
        "houses",
        "trial",
    ]
    assert all(check.fix for check in found if not check.ok)


def test_without_the_package_it_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "find_spec", lambda name: None)
    (found,) = checks.checks()
    assert (found.ok, found.fix) == (False, "pip install 'sat-bench[thor]'")


def test_another_version_of_the_package_is_no_good() -> None:
    assert checks.package("5.0.0").ok
    assert checks.package("4.3.0").fix == "pip install ai2thor==5.0.0"


def test_the_installed_player_is_looked_at_file_by_file() -> None:
    folder = release_folder()
    assert "does not exist" in str(release_problem())
    folder.mkdir(parents=True)
    assert "is no executable file" in str(release_problem())
    executable = folder / folder.name
    executable.write_text("#!/bin/sh\n")
    assert "is no executable file" in str(release_problem())
    executable.chmod(0o755)
    assert "metadata.json cannot be read" in str(release_problem())
    (folder / "metadata.json").write_text('{"server_types": ["WSGI"]}')
    assert "lists no FIFO server" in str(release_problem())
    (folder / "metadata.json").write_text('{"server_types": ["FIFO", "WSGI"]}')
    assert release_problem() is None
    assert checks.player({}).ok


def test_a_missing_player_names_the_file_to_fetch() -> None:
    found = checks.player({})
    assert not found.ok
    assert "/builds/thor-CloudRendering-f0825767cd50d69f666c7f282e54abfe58f1e917.zip" in found.fix
    assert "executable file" in checks.player({"SAT_THOR_EXECUTABLE": "/no/such"}).detail


def test_the_vulkan_driver_is_searched_and_docker_explained(tmp_path: Path) -> None:
    assert not checks.vulkan_driver({}, (tmp_path,)).ok
    (tmp_path / "lvp_icd.x86_64.json").touch()
    software = checks.vulkan_driver({"NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}, (tmp_path,))
    assert (software.ok, software.detail) == (False, "lvp_icd.x86_64.json")
    assert software.fix == (
        "docker run -e NVIDIA_DRIVER_CAPABILITIES=all (it is 'compute,utility')"
    )
    (tmp_path / "nvidia_icd.json").touch()
    assert checks.vulkan_driver({}, (tmp_path,)).ok


@pytest.mark.parametrize("value", [None, "", "GPU-5c1f2a", "GPU-5,MIG-2"])
def test_a_gpu_without_a_number_needs_no_mapping(value: str | None, tmp_path: Path) -> None:
    environ = {} if value is None else {"CUDA_VISIBLE_DEVICES": value}
    (found,) = checks.devices(environ, tmp_path)
    assert found.ok
    assert "default GPU" in found.detail


def test_a_numbered_gpu_needs_the_tools_or_the_mapping(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools(tmp_path / "bin", monkeypatch)
    environ = {"CUDA_VISIBLE_DEVICES": "1, 0"}
    form, mapping = checks.devices(environ, tmp_path)
    assert "takes GPU 1 by its number" in form.detail
    assert mapping.detail == "vulkaninfo and nvidia-smi not found"
    assert "apt-get install vulkan-tools" in mapping.fix
    two = "echo 'GPU 0: X (UUID: GPU-a)'; echo 'GPU 1: X (UUID: GPU-b)'"
    tools(tmp_path / "bin", monkeypatch, vulkaninfo="true", nvidia_smi=two)
    assert [check.ok for check in checks.devices(environ, tmp_path)] == [True, True]


@pytest.mark.parametrize(
    ("content", "ok"),
    [('{"0": 1, "1": 0}', True), ('{"0": 0}', False), ("{", False), ('{"0":0,"1":1,"2":2}', False)],
)
def test_the_mapping_is_compared_with_the_gpus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str, ok: bool
) -> None:
    two = "echo 'GPU 0: X (UUID: GPU-a)'; echo 'GPU 1: X (UUID: GPU-b)'"
    tools(tmp_path / "bin", monkeypatch, nvidia_smi=two)
    path = tmp_path / checks.MAPPING
    path.parent.mkdir()
    path.write_text(content)
    _, mapping = checks.devices({"CUDA_VISIBLE_DEVICES": "1"}, tmp_path)
    assert mapping.ok == ok
    assert f"rm {path}" in mapping.fix


def test_a_shared_home_and_a_space_in_its_path_are_no_good(tmp_path: Path) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"disk / ext4 rw 0 0\nserver:/home {tmp_path} nfs4 rw 0 0\n")
    shared = checks.home(tmp_path / "home", mounts)
    assert not shared.ok
    assert shared.detail.endswith("(nfs4)")
    mounts.write_text("disk / ext4 rw 0 0\n")
    assert checks.home(tmp_path / "home", mounts).ok
    (tmp_path / "my home").mkdir()
    assert not checks.home(tmp_path / "my home", mounts).ok
    assert not checks.home(tmp_path / "missing", mounts).ok


def test_cores_say_how_many_workers() -> None:
    assert checks.cores(16).detail == "16 cores: use at most 8 workers"
    assert not checks.cores(1).ok


def test_houses_are_checked_where_they_are_named(tmp_path: Path) -> None:
    assert checks.houses({}).ok
    path = write_houses(tmp_path / "test.jsonl.gz", [small_house()])
    found = checks.houses({"SAT_THOR_HOUSES": str(path)})
    assert (found.ok, found.detail) == (True, "house 0 of test.jsonl.gz can be read")
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    assert "git-lfs pointer" in checks.houses({"SAT_THOR_HOUSES": str(path)}).detail


def test_the_trial_does_five_things(tmp_path: Path) -> None:
    environ = {"SAT_THOR_EXECUTABLE": str(make_player(tmp_path))}
    found = checks.trial(environ)
    assert (found.ok, found.detail) == (True, "start, load, observe, render, move")
    path = write_houses(tmp_path / "val.jsonl", [small_house()])
    assert checks.trial({**environ, "SAT_THOR_HOUSES": str(path)}).ok


@pytest.mark.parametrize(
    ("fault", "detail"),
    [
        ("exit", "after nothing: AI2-THOR did not start"),
        ("refuse:CreateHouse", "after start: AI2-THOR"),
        ("die:UpdateThirdPartyCamera:33", "after start, load: AI2-THOR"),
        ("refuse:TeleportObject:2", "after start, load, observe, render: AI2-THOR"),
    ],
)
def test_the_trial_says_how_far_it_came(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str, detail: str
) -> None:
    monkeypatch.setattr(os, "environ", {**os.environ, "FAKE_UNITY_FAULT": fault})
    path = write_houses(tmp_path / "val.jsonl", [small_house()])
    player = str(make_player(tmp_path))
    found = checks.trial({"SAT_THOR_EXECUTABLE": player, "SAT_THOR_HOUSES": str(path)})
    assert not found.ok
    assert found.detail.startswith(detail)


def test_without_a_player_the_trial_is_not_tried() -> None:
    found = checks.trial({})
    assert (found.ok, found.detail) == (False, "not tried without a player")
