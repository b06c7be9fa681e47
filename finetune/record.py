"""What a run was: written beside it, and compared when it is gone on with."""

from __future__ import annotations

import json
import subprocess
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from finetune.data import Sources
from finetune.presets import Preset
from sat_tasks.console import UserError

RUN_RECORD = "run.json"
_PACKAGES = ("torch", "transformers", "trl", "peft", "accelerate", "datasets")


def record_run(
    preset: Preset, plan: dict[str, Any], sources: Sources, devices: int, out: Path
) -> None:
    """Write what the run is beside it, or make sure that the folder holds this very run."""
    path = out / RUN_RECORD
    if path.exists():
        earlier = json.loads(path.read_text())
        same = {
            "preset": Preset(**earlier["preset"]) == preset,
            "data": earlier["data"] == json.loads(json.dumps(plan)),
            "devices": earlier.get("devices", devices) == devices,
        }
        if not all(same.values()):
            differ = ", ".join(key for key, is_same in same.items() if not is_same)
            raise UserError(
                f"{out} holds another run ({differ} differ, see {RUN_RECORD}); name a new folder"
            )
        return
    record = {
        "preset": asdict(preset),
        "data": plan,
        "left_out": sources.left_out,
        "devices": devices,
        "versions": {package: version(package) for package in _PACKAGES},
        "commit": _commit(),
    }
    try:
        out.mkdir(parents=True, exist_ok=True)
        temporary = path.with_suffix(".part")
        temporary.write_text(json.dumps(record, indent=1) + "\n")
        temporary.replace(path)
    except OSError as error:
        raise UserError(f"cannot write to {out}: {error.strerror or error}") from error


def _commit() -> str | None:
    """Return the git commit of the project, or None where it is installed without git."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return None
    return done.stdout.strip() if done.returncode == 0 else None
