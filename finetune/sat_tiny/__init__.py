"""The trained sat-tiny: its weights lie in this folder, with how they came about in README.md."""

from __future__ import annotations

import os
import shutil
from importlib.resources import as_file, files
from pathlib import Path

from sat_tasks.console import UserError


def write(out: Path) -> None:
    """Write the shipped checkpoint into a folder that transformers and vLLM load.

    Args:
        out: The folder; must not exist, or be a checkpoint that may be replaced.

    Raises:
        UserError: The folder cannot be written, or holds something else.
    """
    if out.exists() and not (out / "config.json").is_file():
        raise UserError(f"{out} exists and is no checkpoint; name a new folder")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with as_file(files(__name__)) as shipped:
            shutil.copytree(shipped, temporary, ignore=shutil.ignore_patterns("*.py", "__*"))
        if out.exists():
            shutil.rmtree(out)
        os.replace(temporary, out)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
