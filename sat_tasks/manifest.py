"""The manifest of a data set folder: written last, so that its presence means the data is whole.

Layout of a data set folder::

    DIR/README.md                  data set card, names the files of each split
    DIR/run.json                   what was asked for: settings and scenes by split
    DIR/manifest.json              this; absent while generation is under way
    DIR/data/test-00000.parquet    one file per work shard
    DIR/shards/test-00000.json     one record per finished work shard
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

SCHEMA_VERSION = 1
MANIFEST_NAME = "manifest.json"
SHARD_RECORDS = "shards"


@dataclass(frozen=True)
class ShardFile:
    """One parquet file of a data set."""

    path: str
    """Relative to the data set folder, with forward slashes."""
    split: str
    rows: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    """What a data set folder holds and how it was made."""

    engine: str
    engine_version: str
    seed: int
    files: tuple[ShardFile, ...]
    counts: dict[str, dict[str, int]]
    """Rows by split and question type."""
    skips: dict[str, dict[str, int]]
    """Cases that gave no question, by question type (or "scene") and reason."""
    scenes: dict[str, int]
    """Scenes by split."""
    settings: dict[str, Any] = field(default_factory=dict)
    """Everything else that is needed to make the same rows again."""
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> str:
        """Return the manifest as indented JSON."""
        return json.dumps(asdict(self), indent=1, sort_keys=True) + "\n"


def parse_manifest(text: str) -> Manifest:
    """Parse a manifest.

    Raises:
        ValueError: Not a manifest, or one of another schema version.
    """
    try:
        raw = json.loads(text)
        version = raw["schema_version"]
        if version != SCHEMA_VERSION:
            raise ValueError(f"schema version {version}; this release reads {SCHEMA_VERSION}")
        files = tuple(ShardFile(**entry) for entry in raw.pop("files"))
        return Manifest(files=files, **raw)
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"not a SAT Bench manifest ({error})") from error


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
