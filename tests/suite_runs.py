"""Suites that run against a local server, are killed, and go on."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from fault_server import FaultServer

from leaderboard.store import Store

KEY = "sk-live-0123456789abcdef"
KEYS = {"OPENAI_API_KEY": KEY, "GEMINI_API_KEY": KEY}
PATIENT = {"timeout": 5, "backoff": 0.01, "patience": 60, "max_concurrent": 2}
READY_S = 1800


def two_apis(server: FaultServer) -> list[dict[str, Any]]:
    """Return the entries of a model of each API that the server speaks."""
    openai = {"model": "gpt-4o", "base_url": f"{server.url}/v1", **PATIENT}
    google = {"model": "gemini-2.5-pro", "base_url": server.url, **PATIENT}
    return [
        {"name": "first API", "adapter": "openai_api", "arguments": openai},
        {"name": "second API", "adapter": "google_api", "arguments": google},
    ]


def write_suite(folder: Path, data: Path, tasks: Sequence[str], models: Sequence[Any]) -> Path:
    """Write a suite whose journals lie beside it, and return its file."""
    folder.mkdir()
    path = folder / "suite.yaml"
    content = {
        "tasks": list(tasks),
        "environment": {"SAT_DATA": str(data), "SAT_JOURNALS": str(folder / "journals")},
        "defaults": {"batch_size": 8},
        "models": list(models),
    }
    path.write_text(yaml.safe_dump(content))
    return path


def run_suite(path: Path) -> subprocess.CompletedProcess[str]:
    """Run a suite to its end; it must end well."""
    done = subprocess.run(_command(path), env=_keyed(), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr + logs(path)
    return done


def kill_suite(path: Path, is_time: Callable[[], bool]) -> None:
    """Start a suite and kill it with SIGKILL once it is time; nothing of it may live on."""
    process = subprocess.Popen(_command(path), env=_keyed(), stderr=subprocess.DEVNULL)
    end_s = time.monotonic() + READY_S
    while not is_time() and process.poll() is None:
        assert time.monotonic() < end_s, logs(path)
        time.sleep(0.02)
    assert process.poll() is None, f"it is killed while it runs\n{logs(path)}"
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until_gone(str(path.parent / "journals"))


def wait_until_gone(mark: str, within_s: float = 30) -> None:
    """Wait until no process has a text in its environment."""
    end_s = time.monotonic() + within_s
    while left := processes_with(mark):
        assert time.monotonic() < end_s, f"still there: {left}"
        time.sleep(0.1)


def answers(path: Path) -> int:
    """Return how many answers of APIs are in the journals."""
    journals = (path.parent / "journals").glob("*.jsonl")
    return sum(journal.read_bytes().count(b"\n") for journal in journals)


def logs(path: Path) -> str:
    """Return the ends of the logs of all models."""
    found = (path.parent / "out").glob("*/log.txt")
    return "\n".join(f"== {log.parent.name}\n{log.read_text()[-3000:]}" for log in found)


def table(path: Path) -> Mapping[tuple[str, str], Any]:
    """Return all that was counted for each model and task; dates and commands aside."""
    rows = Store.open(path.parent / "out" / "store").rows()
    return {
        (row.model, row.task): (row.overall, row.by_type, row.by_order, row.by_position)
        for row in rows
    }


def _command(path: Path) -> list[str]:
    out = ["--out", str(path.parent / "out")]
    return [sys.executable, "-m", "leaderboard.cli", "run", str(path), *out]


def _keyed() -> dict[str, str]:
    return {**os.environ, **KEYS}


def processes_with(mark: str) -> list[str]:
    """Return numbers and commands of the processes that have a text in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            environment = (folder / "environ").read_bytes()
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:  # it ended, or is not ours
            continue
        if mark.encode() in environment:
            found.append(f"{folder.name} {command[:120]}")
    return found
