"""Parsed meshes on disk: one file per model, written whole or not at all.

A piece is read for every house that it stands in, so files are plain safetensors: reading a zip
archive of arrays took several times as long.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save

from generation.assets.piece import Finish, MeshPart, Texture

Array = np.ndarray[tuple[int, ...], np.dtype[Any]]

SUFFIX = ".safetensors"
FINISHES, ARRAY = "finishes", "array"

_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return the folder for parsed meshes: $XDG_CACHE_HOME/sat-bench/meshes."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sat-bench" / "meshes"


def store(path: Path, parts: tuple[MeshPart, ...]) -> None:
    """Write parts to a file; a failure (full disk, no permission) is logged and costs only time."""
    arrays: dict[str, Array] = {}
    records = []
    for number, part in enumerate(parts):
        arrays[f"vertices{number}"] = part.vertices_m
        arrays[f"normals{number}"] = part.normals
        arrays[f"faces{number}"] = part.faces
        if part.uv is not None:
            arrays[f"uv{number}"] = part.uv
        texture = part.finish.texture
        if texture is not None:
            arrays[f"texture:{texture.key}"] = texture.pixels
        records.append(_finish_record(part.finish))
    arrays[FINISHES] = np.frombuffer(json.dumps(records).encode(), np.uint8)
    _replace(path, save({name: np.ascontiguousarray(array) for name, array in arrays.items()}))


def store_json(path: Path, record: dict[str, Any]) -> None:
    """Write a JSON object to a file, like :func:`store`."""
    _replace(path, json.dumps(record).encode())


def _replace(path: Path, content: bytes) -> None:
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            temporary = file.name
            file.write(content)
        os.replace(temporary, path)
    except OSError as exc:
        _log.warning("cannot write mesh cache %s: %s", path, exc)
        if temporary:
            Path(temporary).unlink(missing_ok=True)


def load_json(path: Path) -> dict[str, Any] | None:
    """Read what :func:`store_json` wrote; None if there is no such file or it is broken."""
    try:
        record = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as exc:
        _log.warning("broken cache file %s (%s): measuring the model again", path, exc)
        return None
    return record if isinstance(record, dict) else None


def array(name: str, code: Sequence[Path], make: Callable[[], Array]) -> Array:
    """Return an array from its cache file, or make it and write that.

    Args:
        name: Tells it from all others of the same code.
        code: Files of the code that makes it; when they change, it is made again.
        make: Returns it, the same one every time.
    """
    facts = "\n".join([name, *map(_digest, code)])
    path = cache_folder() / f"array-{hashlib.sha256(facts.encode()).hexdigest()[:32]}{SUFFIX}"
    try:
        kept: Array = load_arrays(path.read_bytes())[ARRAY]
        return kept
    except FileNotFoundError:
        pass
    except (OSError, KeyError, SafetensorError) as exc:
        _log.warning("broken cache file %s (%s): making it again", path, exc)
    made = make()
    _replace(path, save({ARRAY: np.ascontiguousarray(made)}))
    return made


@lru_cache
def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def load(path: Path) -> tuple[MeshPart, ...] | None:
    """Read what :func:`store` wrote; None if there is no such file or it is broken (logged)."""
    try:
        arrays = load_arrays(path.read_bytes())
        records = json.loads(arrays[FINISHES].tobytes())
        textures = {
            name.removeprefix("texture:"): Texture(name.removeprefix("texture:"), array)
            for name, array in arrays.items()
            if name.startswith("texture:")
        }
        return tuple(
            MeshPart(
                arrays[f"vertices{number}"],
                arrays[f"normals{number}"],
                arrays.get(f"uv{number}"),
                arrays[f"faces{number}"],
                _finish(record, textures),
            )
            for number, record in enumerate(records)
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, SafetensorError) as exc:
        _log.warning("broken mesh cache file %s (%s): parsing the model again", path, exc)
        return None


def _finish_record(finish: Finish) -> dict[str, object]:
    return {
        "rgb": finish.rgb,
        "texture": finish.texture.key if finish.texture is not None else None,
        "roughness": finish.roughness,
        "metallic": finish.metallic,
        "alpha": finish.alpha,
        "emission": finish.emission,
    }


def _finish(record: dict[str, object], textures: dict[str, Texture]) -> Finish:
    values = dict(record)
    key = values.pop("texture")
    rgb = values.pop("rgb")
    return Finish(
        rgb=tuple(rgb),  # type: ignore[arg-type]
        texture=None if key is None else textures[str(key)],
        **values,  # type: ignore[arg-type]
    )
