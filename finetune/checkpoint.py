"""Checkpoint folders: written whole or not at all, with weights named as their makers name them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sat_tasks.console import UserError

VISION, VLLM_VISION = "vision_tower.", "vision_tower.vision_model."


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Yield an empty folder that takes a checkpoint folder's place when the block ends.

    Args:
        out: The folder; must not exist, or be a checkpoint that may be replaced.

    Raises:
        UserError: The folder cannot be written, or holds something else.
    """
    if out.exists() and not (out / "config.json").is_file():
        raise UserError(f"{out} exists and is no checkpoint; name a new folder")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        temporary.mkdir(parents=True)
        yield temporary
        if out.exists():
            shutil.rmtree(out)
        os.replace(temporary, out)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def use_published_names(folder: Path) -> None:
    """Rename CLIP weights as published LLaVA checkpoints have them; vLLM reads no others."""
    from safetensors.torch import load_file, save_file

    for path in folder.glob("*.safetensors"):
        tensors = load_file(path)
        if any(name.startswith(VISION) and VLLM_VISION not in name for name in tensors):
            renamed = {
                name.replace(VISION, VLLM_VISION, 1)
                if name.startswith(VISION) and not name.startswith(VLLM_VISION)
                else name: tensor
                for name, tensor in tensors.items()
            }
            save_file(renamed, path, metadata={"format": "pt"})
        path.chmod(0o644)  # safetensors makes files that only their owner can read
