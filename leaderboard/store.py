"""The store: a folder with one JSON file and one parquet file of samples per run.

Layout::

    STORE/runs/KEY.json          the run and its counts; written last, so that it is whole
    STORE/samples/KEY.parquet    its samples
    STORE/prompts/HASH.parquet   what was asked, once for all runs that were asked the same
    STORE/comparisons.json       the pairs of models that have a page of their own
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pyarrow as pa

from leaderboard import samples as sample_files
from leaderboard.files import make_folder, replacing, write_text
from leaderboard.results import ResultRow, parse_row
from sat_tasks.console import UserError


class Store:
    """The runs of a leaderboard, on disk."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @classmethod
    def open(cls, root: Path) -> Store:
        """Return an existing store.

        Raises:
            UserError: There is none.
        """
        if not (root / "runs").is_dir():
            raise UserError(f"{root} is no store: `sat-leaderboard add RESULTS --store {root}`")
        return cls(root)

    def row_path(self, key: str) -> Path:
        """Return where a run's JSON lies."""
        return self.root / "runs" / f"{key}.json"

    def samples_path(self, key: str) -> Path:
        """Return where a run's samples lie."""
        return self.root / "samples" / f"{key}.parquet"

    def prompts_path(self, prompts_sha256: str) -> Path:
        """Return where the wording of a set of questions lies."""
        return self.root / "prompts" / f"{prompts_sha256}.parquet"

    def rows(self) -> list[ResultRow]:
        """Return all runs, sorted by key.

        Raises:
            UserError: A file is no run, or its samples are missing.
        """
        return [self.row(path) for path in sorted((self.root / "runs").glob("*.json"))]

    def row(self, path: Path) -> ResultRow:
        """Return the run in a JSON file of this store."""
        try:
            row = parse_row(path.read_text(encoding="utf-8"))
        except ValueError as error:
            raise UserError(f"{path}: {error}") from error
        if row.key != path.stem:
            raise UserError(f"{path}: holds the run {row.key!r}; a run's file has its key as name")
        if not self.samples_path(row.key).is_file():
            raise UserError(f"{path}: its samples {self.samples_path(row.key)} are missing")
        return row

    def put(self, row: ResultRow, samples: pa.Table, prompts: pa.Table, replace: bool) -> bool:
        """Keep a run; return False if exactly this run is here already.

        Raises:
            UserError: Another run has the same key, and ``replace`` is false.
        """
        if self.refuse_other(row, replace):
            return False
        path = self.row_path(row.key)
        path.unlink(missing_ok=True)  # from here to the end the run is absent, never inconsistent
        for folder in ("runs", "samples", "prompts"):
            make_folder(self.root / folder)
        if not self.prompts_path(row.prompts_sha256).is_file():
            with replacing(self.prompts_path(row.prompts_sha256)) as temporary:
                sample_files.write(prompts, temporary)
        with replacing(self.samples_path(row.key)) as temporary:
            sample_files.write(samples, temporary)
        write_text(path, row.to_json())
        return True

    def refuse_other(self, row: ResultRow, replace: bool) -> bool:
        """Tell whether exactly this run is here already.

        Raises:
            UserError: Another run has the same key, and ``replace`` is false.
        """
        path = self.row_path(row.key)
        if not path.is_file():
            return False
        old = self.row(path)
        if old != row and not replace:
            raise UserError(
                f"the store holds another run of {old.model!r} on {row.task} ({row.protocol}), "
                f"of {old.date}; replace it with --replace, or keep both with another --name"
            )
        return old == row

    def read_samples(self, row: ResultRow, columns: Iterable[str] | None = None) -> pa.Table:
        """Return the samples of a run, or some of their columns."""
        return sample_files.read(self.samples_path(row.key), list(columns) if columns else None)

    def comparisons(self) -> list[tuple[str, str]]:
        """Return the pairs of model names that were asked to be compared."""
        path = self.root / "comparisons.json"
        if not path.is_file():
            return []
        try:
            return [(first, second) for first, second in json.loads(path.read_text())]
        except (ValueError, TypeError) as error:
            raise UserError(f"{path}: not a list of pairs of names ({error})") from error

    def add_comparison(self, first: str, second: str) -> None:
        """Remember a pair of models."""
        pairs = dict.fromkeys([*self.comparisons(), (first, second)])
        write_text(self.root / "comparisons.json", json.dumps(list(pairs), indent=1) + "\n")
