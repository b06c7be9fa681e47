"""Fetches the Sweet Home 3D catalogue from the system's package archive, without root."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from generation.assets import sweethome3d
from generation.scene import EngineError

PACKAGE = "sweethome3d-furniture"
DOWNLOAD_MB = 120
TIMEOUT_S = 900
HINT = f"install {PACKAGE} yourself, or set SAT_FURNITURE to a folder with its .sh3f files"


def fetch(target: Path | None = None) -> Path:
    """Download the package and put its libraries into a folder (default: the user's).

    Returns:
        The folder; it is complete or left as it was.

    Raises:
        EngineError: Not a Debian or Ubuntu machine, no network, or the folder is not writable.
    """
    target = sweethome3d.user_folder() if target is None else target
    for program in ("apt-get", "dpkg"):
        if shutil.which(program) is None:
            raise EngineError(f"no {program} here to fetch {PACKAGE}; {HINT}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as name:
            work = Path(name)
            _run(["apt-get", "download", PACKAGE], work)
            packages = sorted(work.glob("*.deb"))
            if not packages:
                raise EngineError(f"apt-get downloaded no package {PACKAGE}; {HINT}")
            _run(["dpkg", "-x", packages[0].name, "unpacked"], work)
            libraries = work / "unpacked" / sweethome3d.SYSTEM_FOLDER.relative_to("/")
            if not any(libraries.glob("*.sh3f")):
                raise EngineError(f"{packages[0].name} holds no furniture libraries; {HINT}")
            if target.exists():
                os.replace(target, work / "old")
            os.replace(libraries, target)
    except OSError as exc:
        raise EngineError(f"cannot put furniture into {target}: {exc}") from exc
    return target


def _run(command: list[str], where: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=where, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as exc:
        raise EngineError(f"{' '.join(command)} took longer than {TIMEOUT_S} s; {HINT}") from exc
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise EngineError(f"{' '.join(command)} failed: {reason}; {HINT}")
