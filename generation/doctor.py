"""Says what works on this machine and how to fix what does not: `sat-generate doctor`.

A check is a function that returns :class:`Check` rows and a line in CHECKS.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path

LEAST_PYTHON = (3, 11)
LEAST_DISK_GB = 2.0
LEAST_SHM_GB = 0.25
LEAST_MEMORY_GB = 2.0
GB = 1e9


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    ok: bool
    detail: str
    fix: str = ""
    """What to do if it is not ok."""
    required: bool = True
    """Whether nothing can be generated without it."""


CHECKS: dict[str, str] = {
    "machine": "generation.doctor:machine",
    "mujoco": "generation.engines.mujoco.checks:checks",
    "furniture": "generation.doctor:furniture",
    "thor": "generation.engines.thor.checks:checks",
}
"""Title -> "module:function"; the function takes nothing and returns a list of checks."""


def diagnose() -> dict[str, list[Check]]:
    """Run all checks, by title."""
    found = {}
    for title, path in CHECKS.items():
        module, function = path.split(":")
        check: Callable[[], list[Check]] = getattr(import_module(module), function)
        found[title] = check()
    return found


def report(as_json: bool = False) -> int:
    """Print all checks; return 1 if something that is needed does not work, else 0."""
    found = diagnose()
    failed = [c for checks in found.values() for c in checks if c.required and not c.ok]
    if as_json:
        rows = {title: [asdict(check) for check in checks] for title, checks in found.items()}
        print(json.dumps({"ok": not failed, "checks": rows}, indent=2))
        return 1 if failed else 0
    for title, checks in found.items():
        print(title)
        for check in checks:
            mark = "ok" if check.ok else "FAILED" if check.required else "missing"
            print(f"  {mark:8}{check.name}: {check.detail}")
            if not check.ok and check.fix:
                print(f"          fix: {check.fix}")
    print("Ready to generate." if not failed else f"{len(failed)} needed thing(s) do not work.")
    return 1 if failed else 0


def machine() -> list[Check]:
    """Look at Python, processors, memory and disk."""
    memory_gb = _memory_gb()
    checks = [
        Check(
            "python",
            sys.version_info >= LEAST_PYTHON,
            platform.python_version(),
            f"use Python {'.'.join(map(str, LEAST_PYTHON))} or later",
        ),
        Check("cores", True, f"{len(os.sched_getaffinity(0))} usable (one worker each)"),
        Check(
            "memory",
            memory_gb >= LEAST_MEMORY_GB,
            f"{memory_gb:.1f} GB available (a worker takes about 1 GB)",
            "close other programs or use fewer workers",
        ),
    ]
    return [
        *checks,
        _free_space("disk", Path.cwd(), LEAST_DISK_GB, "free some space, or write elsewhere"),
        _free_space(
            "shared memory", Path("/dev/shm"), LEAST_SHM_GB, "docker run --shm-size=1g", False
        ),
    ]


def furniture() -> list[Check]:
    """Look for the furniture catalogue."""
    from generation.assets import sweethome3d

    folder = sweethome3d.folder()
    return [
        Check(
            "Sweet Home 3D catalogue",
            folder is not None,
            str(folder) if folder else "not here, procedural furniture is used",
            "sat-generate assets --fetch",
            required=False,
        )
    ]


def _free_space(name: str, folder: Path, least_gb: float, fix: str, required: bool = True) -> Check:
    if not folder.exists():
        return Check(name, False, f"{folder} does not exist", fix, required)
    free_gb = shutil.disk_usage(folder).free / GB
    return Check(name, free_gb >= least_gb, f"{free_gb:.1f} GB free in {folder}", fix, required)


def _memory_gb() -> float:
    """Return the memory that a program can still have, container limits included."""
    available_kb = next(
        int(line.split()[1])
        for line in Path("/proc/meminfo").read_text().splitlines()
        if line.startswith("MemAvailable:")
    )
    limits = [available_kb * 1024]
    folder = Path("/sys/fs/cgroup")
    limit, used = folder / "memory.max", folder / "memory.current"
    if limit.exists() and used.exists() and limit.read_text().strip().isdecimal():
        limits.append(int(limit.read_text()) - int(used.read_text()))
    return min(limits) / GB
