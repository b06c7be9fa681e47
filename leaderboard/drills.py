"""Looking into the samples of runs: what a page needs to load them on demand."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pyarrow as pa

from leaderboard import samples as sample_files
from leaderboard import shards
from leaderboard.pictures import Gallery
from leaderboard.results import ResultRow
from leaderboard.shards import Pictures
from leaderboard.store import Store

QUESTIONS = "questions"
SAMPLES = "samples"
_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class DrillRun:
    """A run to look into."""

    name: str
    """Of the model; empty where there is only one."""
    folder: str
    """Of its shards, relative to the site."""
    marks: str
    """See :func:`leaderboard.shards.marks`."""


@dataclass(frozen=True)
class Drill:
    """One set of questions with the replies of one run, or of several."""

    id: str
    """Part of the address of each sample."""
    title: str
    questions: str
    """Folder of the questions' shards, relative to the site."""
    types: tuple[str, ...]
    kinds: str
    """A base-36 digit per sample: the index of its type."""
    runs: tuple[DrillRun, ...]
    shard: int = shards.SHARD_SAMPLES

    @property
    def runs_json(self) -> str:
        """The runs for the page's script."""
        return json.dumps([asdict(run) for run in self.runs])

    @property
    def count(self) -> int:
        """How many samples there are."""
        return len(self.kinds)


class Drills:
    """Writes the shards of a store's runs into a site, each once."""

    def __init__(self, store: Store, out: Path, gallery: Gallery) -> None:
        self.store, self.out, self.gallery = store, out, gallery
        self.folders: dict[str, set[str]] = {QUESTIONS: set(), SAMPLES: set()}
        self.pictures: set[str] = set()
        self._known: dict[str, Drill] = {}
        self._asked: dict[str, tuple[str, tuple[str, ...], str]] = {}

    def of_run(self, row: ResultRow) -> Drill:
        """Write what a run said, and what it was asked."""
        if row.key not in self._known:
            self._known[row.key] = self._of_run(row)
        return self._known[row.key]

    def _of_run(self, row: ResultRow) -> Drill:
        samples = self.store.read_samples(row, ["reading", "correct", "reply"])
        folder = row.samples_sha256[:16]
        self.folders[SAMPLES].add(folder)
        path = self.out / SAMPLES / folder
        if not path.is_dir():
            shards.write_shards(path, list(shards.sample_columns(samples)))
        questions, types, kinds = self._questions(row)
        return Drill(
            id=row.key.split("--", 1)[1],
            title=f"{row.task}, {row.protocol}",
            questions=questions,
            types=types,
            kinds=kinds,
            runs=(DrillRun("", f"{SAMPLES}/{folder}", shards.marks(samples)),),
        )

    def _questions(self, row: ResultRow) -> tuple[str, tuple[str, ...], str]:
        """Return the folder of the questions, their types, and the type of each sample."""
        known = self._asked.get(row.prompts_sha256)
        if known is None:
            prompts = sample_files.read(self.store.prompts_path(row.prompts_sha256))
            pictures = self._pictures(row, prompts)
            folder = _folder_name(row.prompts_sha256, pictures)
            self.folders[QUESTIONS].add(folder)
            path = self.out / QUESTIONS / folder
            if not path.is_dir():
                shards.write_shards(path, list(shards.question_columns(prompts, pictures)))
            names = prompts["question_type"].to_pylist()
            types = tuple(sorted(set(names)))
            digit = {name: _DIGITS[index] for index, name in enumerate(types)}
            kinds = "".join(digit[name] for name in names)
            known = self._asked[row.prompts_sha256] = (f"{QUESTIONS}/{folder}", types, kinds)
        return known

    def _pictures(self, row: ResultRow, prompts: pa.Table) -> Pictures:
        ids = set(prompts["id"].unique().to_pylist())
        pictures = self.gallery.copy(row.data_fingerprint, ids, self.out)
        self.pictures |= {path.rsplit("/", 1)[-1] for paths in pictures.values() for path in paths}
        return pictures

    def forget_others(self) -> None:
        """Remove the shards and pictures that earlier builds left and none of these runs needs."""
        for name, folders in self.folders.items():
            shards.keep_only(self.out / name, folders)
        shards.keep_only(self.out / "pictures", self.pictures)


def side_by_side(first: Drill, second: Drill, names: tuple[str, str]) -> Drill:
    """Return two runs that were asked the same as one."""
    runs = zip(names, (*first.runs, *second.runs), strict=True)
    return replace(first, runs=tuple(replace(run, name=name) for name, run in runs))


def _folder_name(prompts_sha256: str, pictures: Pictures) -> str:
    """Return a name that is another one for other questions, pictures or columns."""
    paths = sorted(path for paths in pictures.values() for path in paths)
    text = "".join([shards.QUESTION_FORMAT, *paths])
    return f"{prompts_sha256[:16]}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"
