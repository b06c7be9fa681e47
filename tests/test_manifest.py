"""Manifests survive writing and reading, and nothing else passes for one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from sat_tasks.manifest import Manifest, ShardFile, parse_manifest, sha256_of

MANIFEST = Manifest(
    engine="toy",
    engine_version="1",
    seed=3,
    files=(ShardFile("data/test-00000.parquet", "test", 2, "ab"),),
    counts={"test": {"depth": 2}},
    skips={"depth": {"too close": 1}},
    scenes={"test": 1},
    settings={"size": 64},
)


def test_round_trip() -> None:
    assert parse_manifest(MANIFEST.to_json()) == MANIFEST


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema_version": 1}', "not json", "null"])
def test_other_files_are_no_manifest(text: str) -> None:
    with pytest.raises(ValueError, match="not a SAT Bench manifest"):
        parse_manifest(text)


def test_another_version_says_what_is_read() -> None:
    later = MANIFEST.to_json().replace('"schema_version": 1', '"schema_version": 9')
    with pytest.raises(ValueError, match="schema version 9; this release reads 1"):
        parse_manifest(later)


def test_sha256_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"abc")
    assert sha256_of(path) == hashlib.sha256(b"abc").hexdigest()
