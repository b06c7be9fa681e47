"""Parsed meshes on disk: one npz file per model, written whole or not at all."""

from __future__ import annotations

import json
import logging
import os
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

from generation.assets.piece import Finish, MeshPart, Texture

_log = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Return the folder for parsed meshes: $XDG_CACHE_HOME/sat-bench/meshes."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "sat-bench" / "meshes"


def store(path: Path, parts: tuple[MeshPart, ...]) -> None:
    """Write parts to a file; a failure (full disk, no permission) is logged and costs only time."""
    arrays: dict[str, np.ndarray[tuple[int, ...], np.dtype[np.generic]]] = {}
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
    arrays["finishes"] = np.frombuffer(json.dumps(records).encode(), np.uint8)
    _replace(path, lambda file: np.savez(file, allow_pickle=False, **arrays))


def store_json(path: Path, record: dict[str, Any]) -> None:
    """Write a JSON object to a file, like :func:`store`."""
    _replace(path, lambda file: file.write(json.dumps(record).encode()))


def _replace(path: Path, write: Callable[[IO[bytes]], object]) -> None:
    temporary = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".tmp", delete=False) as file:
            temporary = file.name
            write(file)
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


def load(path: Path) -> tuple[MeshPart, ...] | None:
    """Read what :func:`store` wrote; None if there is no such file or it is broken (logged)."""
    try:
        with np.load(path, allow_pickle=False) as arrays:
            records = json.loads(arrays["finishes"].tobytes())
            textures = {
                name.removeprefix("texture:"): Texture(name.removeprefix("texture:"), arrays[name])
                for name in arrays.files
                if name.startswith("texture:")
            }
            return tuple(
                MeshPart(
                    arrays[f"vertices{number}"],
                    arrays[f"normals{number}"],
                    arrays[f"uv{number}"] if f"uv{number}" in arrays.files else None,
                    arrays[f"faces{number}"],
                    _finish(record, textures),
                )
                for number, record in enumerate(records)
            )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as exc:
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
