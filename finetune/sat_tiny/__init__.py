"""The trained sat-tiny: its weights lie in this folder, with how they came about in README.md."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from pathlib import Path

from finetune.checkpoint import replacing


def write(out: Path) -> None:
    """Write the shipped checkpoint into a folder that transformers and vLLM load.

    Args:
        out: The folder; must not exist, or be a checkpoint that may be replaced.

    Raises:
        UserError: The folder cannot be written, or holds something else.
    """
    with replacing(out) as folder, as_file(files(__name__)) as shipped:
        ignored = shutil.ignore_patterns("*.py", "__*")
        shutil.copytree(shipped, folder, ignore=ignored, dirs_exist_ok=True)
