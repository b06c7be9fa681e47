"""A player that misbehaves: a clear error in time, no process left, and the next house works."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("ai2thor", reason="needs the extra thor")

from thor_setup import (
    QUICK,
    HouseJson,
    child_processes,
    make_player,
    quick_settings,
    small_house,
    wait_until_gone,
    write_houses,
)
from toy_engine import toy_camera

from generation.engines import EngineConfig
from generation.engines.thor.engine import ThorEngine
from generation.pose import Pose
from generation.scene import EngineError, SceneKey

pytestmark = pytest.mark.slow

SERVERS = ["fifo", "wsgi"]
SLACK_S = 15.0
"""For starting interpreters on a busy machine."""
SCANS = 32
"""Pictures that loading takes, before the first observation."""


@pytest.fixture(autouse=True)
def _alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep away from the user's ~/.ai2thor, and see to it that no process is left."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    before = child_processes()
    yield
    assert child_processes() <= before, "a player was left behind"


def start(folder: Path, server: str, *faults: str) -> ThorEngine:
    """Start an engine with one small house per fault ("" means none)."""
    return start_with(folder, server, [small_house(fault=fault) for fault in faults])


def start_with(folder: Path, server: str, houses: list[HouseJson]) -> ThorEngine:
    """Start an engine with houses."""
    path = write_houses(folder / "train.jsonl.gz", houses)
    config = EngineConfig(toy_camera(96), houses=str(path))
    return ThorEngine(config, quick_settings(make_player(folder), server))


def key(index: int) -> SceneKey:
    return SceneKey("train", index, 3)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("exit", r"exited"),
        ("exit_late", r"exited"),
        ("silent", r"did not answer in 8 s"),
        ("deaf", r"did not answer in 4 s"),
        ("die:Initialize", r"exited|closed its pipe"),
        ("hang:Initialize", r"did not answer in 4 s"),
        ("refuse:Initialize", r"Initialize failed: injected refusal"),
    ],
)
def test_a_bad_start_is_an_error_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: str, fault: str, message: str
) -> None:
    if (server, fault) == ("wsgi", "deaf"):
        pytest.skip("over HTTP there is no pipe that nobody reads")
    monkeypatch.setenv("FAKE_UNITY_FAULT", fault)
    began = time.monotonic()
    with pytest.raises(EngineError, match=f"AI2-THOR did not start: .*({message})") as error:
        start(tmp_path, server, "")
    assert time.monotonic() - began < QUICK.start_s + SLACK_S
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ("die:CreateHouse", r"exited|closed its pipe"),
        ("hang:CreateHouse", r"CreateHouse: the player did not answer in 4 s"),
        ("refuse:CreateHouse", r"CreateHouse failed: injected refusal"),
        ("die:GetReachablePositions", r"exited|closed its pipe"),
        ("refuse:GetReachablePositions", r"GetReachablePositions failed"),
        ("die:UpdateThirdPartyCamera:5", r"exited|closed its pipe"),
        ("hang:UpdateThirdPartyCamera:5", r"did not answer in 4 s"),
        ("out_of_step:UpdateThirdPartyCamera:5", r"makes no sense|exited|did not answer"),
        ("blind:UpdateThirdPartyCamera:5", r"no colour, instance or depth picture"),
        ("mirror:UpdateThirdPartyCamera", r"of the object pixels lie in their object's"),
        ("level_camera:UpdateThirdPartyCamera:5", r"put the camera 0.000 m and 20.0 degrees away"),
    ],
)
def test_a_house_that_fails_costs_one_house(
    tmp_path: Path, server: str, fault: str, message: str
) -> None:
    engine = start(tmp_path, server, "", fault, "")
    try:
        engine.load(key(0))
        began = time.monotonic()
        with pytest.raises(EngineError, match=message):
            engine.load(key(1))
        assert time.monotonic() - began < QUICK.step_s + SLACK_S
        session = engine.load(key(2))
        assert session.objects()
    finally:
        engine.close()


def test_a_player_that_stops_reading_is_noticed(tmp_path: Path) -> None:
    """A house is longer than a pipe holds: writing it must not block for ever."""
    engine = start(tmp_path, "fifo", "deaf:AddThirdPartyCamera", "")
    with pytest.raises(EngineError, match="did not answer in 4 s"):
        engine.load(key(0))
    engine.load(key(1))
    engine.close()


def test_a_long_house_is_sent_whole_and_not_for_ever(tmp_path: Path) -> None:
    long_house = small_house(fault="deaf:Pass", padding="x" * 300_000)
    engine = start_with(tmp_path, "fifo", [long_house, long_house, small_house()])
    engine.load(key(0))
    engine._controller.step("Pass")  # the player answers this and reads nothing more
    began = time.monotonic()
    with pytest.raises(EngineError, match="did not answer in 4 s"):
        engine.load(key(1))
    assert time.monotonic() - began < QUICK.step_s + SLACK_S
    engine.load(key(2))
    engine.close()


def test_a_message_of_no_known_kind_is_an_error(tmp_path: Path) -> None:
    engine = start(tmp_path, "fifo", "garble:UpdateThirdPartyCamera:3")
    with pytest.raises(EngineError, match="makes no sense"):
        engine.load(key(0))
    engine.close()


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize(
    ("kind", "message"), [("die", "exited|closed"), ("hang", "did not answer")]
)
def test_a_player_lost_while_observing_is_an_error(
    tmp_path: Path, server: str, kind: str, message: str
) -> None:
    engine = start(tmp_path, server, f"{kind}:UpdateThirdPartyCamera:{SCANS + 2}", "")
    session = engine.load(key(0))
    x, y = session.standing_points_m()[0]
    session.observe(Pose(x, y, 1.5, 0.0))
    with pytest.raises(EngineError, match=f"UpdateThirdPartyCamera: .*({message})"):
        session.observe(Pose(x, y, 1.5, 1.0))
    with pytest.raises(EngineError, match="the player has been stopped"):
        session.observe(Pose(x, y, 1.5, 2.0))
    assert engine.load(key(1)).objects()
    engine.close()


def test_one_player_serves_all_houses(tmp_path: Path) -> None:
    before = child_processes()
    engine = start(tmp_path, "fifo", "", "refuse:CreateHouse", "")
    players = child_processes() - before
    assert len(players) == 1
    for index in (0, 2, 0):
        engine.load(key(index))
        with pytest.raises(EngineError):
            engine.load(key(1))
        assert child_processes() - before == players
    engine.close()


def test_an_unknown_asset_names_itself(tmp_path: Path) -> None:
    house = small_house()
    house["objects"][0]["assetId"] = "Thing_of_the_future"
    engine = start_with(tmp_path, "fifo", [house])
    with pytest.raises(EngineError, match=r"CreateHouse failed: .*Thing_of_the_future"):
        engine.load(key(0))
    engine.close()


def test_closing_twice_is_allowed(tmp_path: Path) -> None:
    engine = start(tmp_path, "fifo", "")
    engine.close()
    engine.close()


KILLED = """
import sys, time
sys.path.insert(0, {tests!r})
from pathlib import Path
from test_thor_faults import start
engine = start(Path({folder!r}), {server!r}, "")
print(engine._controller.unity_pid, flush=True)
time.sleep(600)
"""


@pytest.mark.parametrize("server", SERVERS)
def test_a_killed_worker_takes_its_player_along(tmp_path: Path, server: str) -> None:
    code = KILLED.format(tests=str(Path(__file__).parent), folder=str(tmp_path), server=server)
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        player = int(worker.stdout.readline())
        os.kill(player, 0)
        worker.send_signal(signal.SIGKILL)
    assert wait_until_gone(tmp_path), f"player {player} outlived its worker"
