"""What of AI2-THOR is installed on this machine, and what to do where it does not start."""

from __future__ import annotations

import json
from importlib.metadata import version
from pathlib import Path

from ai2thor.build import COMMIT_ID

PLATFORM = "CloudRendering"
BUILD_URL = "http://s3-us-west-2.amazonaws.com/ai2-thor-public/builds"
MAX_LAST_WORDS = 200


def release_name() -> str:
    """Return the name of the player that this ai2thor wants."""
    return f"thor-{PLATFORM}-{COMMIT_ID}"


def release_folder() -> Path:
    """Return where ai2thor looks for its player."""
    return Path.home() / ".ai2thor" / "releases" / release_name()


def release_problem() -> str | None:
    """Return what is missing of the installed player, or None if it is whole."""
    folder = release_folder()
    executable = folder / folder.name
    if not folder.is_dir():
        return f"{folder} does not exist"
    if not executable.is_file() or not executable.stat().st_mode & 0o100:
        return f"{executable} is no executable file"
    try:
        kinds = json.loads((folder / "metadata.json").read_text())["server_types"]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{folder / 'metadata.json'} cannot be read"
    return None if "FIFO" in kinds else f"{folder / 'metadata.json'} lists no FIFO server"


def engine_version(executable: Path | None) -> str:
    """Return the version that data sets record: the library's and the player's."""
    player = f"local {executable.name}" if executable else str(COMMIT_ID)[:8]
    return f"{version('ai2thor')} (player {player})"


def explain_start_failure(error: Exception) -> str:
    """Return one line for the user that says why the player did not start."""
    text = " ".join(str(error).split()) or type(error).__name__
    if "no build exists" in text:
        text = (
            f"its player is not installed and could not be fetched from {BUILD_URL}/"
            f"{release_name()}.zip"
        )
    return (
        f"AI2-THOR did not start: {text}{_last_words()} (more in ~/.ai2thor/log/unity.log and from "
        "`sat-generate doctor`)"
    )


def _last_words() -> str:
    """Return what a player last printed on this machine, which may say why it exited."""
    log = Path.home() / ".ai2thor" / "log" / "unity.log"
    lines = log.read_text(errors="replace").split("\n") if log.is_file() else []
    words = [" ".join(line.split()) for line in lines if line.strip()]
    return f"; its last words: {words[-1][:MAX_LAST_WORDS]!r}" if words else ""
