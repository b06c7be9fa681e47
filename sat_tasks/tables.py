"""The tables of questions that tasks ask from: which data, which split, which types."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sat_tasks import benchmarks, vsr
from sat_tasks.console import UserError, one_of
from sat_tasks.convert import Reader, sat_rows
from sat_tasks.data import DataSet, Question, open_data_set, read_questions
from sat_tasks.hub import converted, published, published_files
from sat_tasks.manifest import MANIFEST_NAME
from sat_tasks.protocol import Style
from sat_tasks.taxonomy import QUESTION_TYPES, SPLITS, canonical_type, split_of

SAT_REPOSITORY = "array/SAT"
SAT_TRAINING_FILES = ("SAT_train.parquet",)
DATA_VARIABLE = "SAT_DATA"
SPLIT_VARIABLE = "SAT_SPLIT"
REVISION_VARIABLE = "SAT_REVISION"

_VIDEO = "The first image is from the beginning of the video and the second image is from the end."


def _unchanged(question: Question) -> Question:
    return question


@dataclass(frozen=True)
class Table:
    """A source of questions."""

    load: Callable[[str], tuple[DataSet, list[Question]]]
    """Takes the part that is asked for."""
    paper_wording: Callable[[Question], Question] = _unchanged
    """How the SAT paper words a question."""
    paper_style: Style = "text"
    """How the SAT paper lists the options."""


def find_table(name: str) -> tuple[Table, str]:
    """Return a table and the part of it that is meant.

    Args:
        name: ``TABLE`` or ``TABLE.PART``, such as "cv_bench" or "sat.depth".

    Raises:
        UserError: There is no such table.
    """
    table, _, part = name.partition(".")
    return TABLES[one_of("table", table, tuple(TABLES))], part or "all"


def load_table(name: str, part: str = "all") -> tuple[DataSet, list[Question]]:
    """Return the questions of a table.

    Raises:
        UserError: There is no such table or part, or its data cannot be had.
    """
    return find_table(name)[0].load(part)


def load_folder(
    folder: Path, split: str | None = None, part: str = "all"
) -> tuple[DataSet, list[Question]]:
    """Return the questions of a data set folder, or of a folder of array/SAT's files.

    Raises:
        UserError: It is no data set, or has no such questions.
    """
    data = _sat_data(str(folder), "")
    return data, _of_part(data, split or _default_split(data), part)


def open_training_data(name: str) -> DataSet:
    """Return a data set folder, a folder of array/SAT's files, or array/SAT's training data.

    Raises:
        UserError: It is no data set, or cannot be had.
    """
    if name == SAT_REPOSITORY and not Path(name).exists():
        return published(SAT_REPOSITORY, SAT_TRAINING_FILES, sat_rows, DATA_VARIABLE)
    return _sat_data(name, "")


def _sat(part: str) -> tuple[DataSet, list[Question]]:
    """Synthetic questions: SAT_DATA, or the validation split of array/SAT."""
    data = _sat_data(os.environ.get(DATA_VARIABLE), "SAT_val.parquet")
    return data, _of_part(data, os.environ.get(SPLIT_VARIABLE) or _default_split(data), part)


def _sat_real(part: str) -> tuple[DataSet, list[Question]]:
    """The 150 real photographs of array/SAT."""
    data = _sat_data(os.environ.get("SAT_REAL_DATA"), "SAT_test.parquet")
    return data, _of_part(data, "test", part)


def _sat_paper_wording(question: Question) -> Question:
    """Say which picture comes first in a video, and drop what the authors drop from options."""
    options = tuple(
        " ".join(option.replace("in the first frame", "").split()) for option in question.options
    )
    video = question.question_type == "ego_movement" and question.picture_count > 1
    text = f"{_VIDEO} {question.question}" if video else question.question
    return replace(question, question=text, options=options)


def _other(
    repository: str, files: Sequence[str], reader: Reader, variable: str, split: str
) -> Callable[[str], tuple[DataSet, list[Question]]]:
    """Return the loader of another benchmark: a local copy that a variable names, or the hub."""

    def load(part: str) -> tuple[DataSet, list[Question]]:
        one_of("part", part, ("all",))
        local = os.environ.get(variable)
        if local:
            paths = [_local_file(Path(local), repository, name) for name in files]
            data = converted(paths, reader, repository)
        else:
            data = published(repository, files, reader, variable=variable)
        return data, read_questions(data, split)

    return load


TABLES: dict[str, Table] = {
    "sat": Table(_sat, _sat_paper_wording),
    "sat_real": Table(_sat_real, _sat_paper_wording),
    "cv_bench": Table(
        _other(
            benchmarks.CV_BENCH_REPOSITORY,
            benchmarks.CV_BENCH_FILES,
            benchmarks.cv_bench_rows,
            "CV_BENCH_DATA",
            "test",
        ),
        paper_style="listed",
    ),
    "blink": Table(
        _other(
            benchmarks.BLINK_REPOSITORY,
            benchmarks.BLINK_FILES,
            benchmarks.blink_rows,
            "BLINK_DATA",
            "val",
        ),
        benchmarks.blink_paper_wording,
        "listed",
    ),
} | {
    f"vsr_{name}": Table(
        _other(repository, (vsr.TEST_FILE,), vsr.vsr_rows, f"VSR_{name.upper()}_DATA", "test"),
        vsr.paper_wording,
    )
    for name, repository in vsr.REPOSITORIES.items()
}


def _sat_data(local: str | None, hub_file: str) -> DataSet:
    """Open a data set folder, a folder of published files, or the hub's file."""
    if not local:
        revision = os.environ.get(REVISION_VARIABLE)
        return published(SAT_REPOSITORY, [hub_file], sat_rows, DATA_VARIABLE, revision)
    folder = Path(local)
    if (folder / MANIFEST_NAME).exists() or not folder.is_dir():
        return open_data_set(folder)
    files = published_files(folder)
    return converted(files, sat_rows, SAT_REPOSITORY) if files else open_data_set(folder)


def _local_file(folder: Path, repository: str, name: str) -> Path:
    """Return a file of a local copy of a repository."""
    path = folder / name
    if not path.is_file():
        raise UserError(f"{folder} has no {name}; expected a copy of {repository}")
    return path


def _default_split(data: DataSet) -> str:
    """Return what is evaluated: test, but array/SAT's test split holds the photographs."""
    return "val" if data.manifest.engine == SAT_REPOSITORY else "test"


def _of_part(data: DataSet, split: str, part: str) -> list[Question]:
    """Return the questions of a split that belong to a part: static, dynamic, a type, or all."""
    one_of("part", part, ("all", *SPLITS, *QUESTION_TYPES))
    found = []
    for question in read_questions(data, split):
        try:
            kind = canonical_type(question.question_type)
        except ValueError as error:
            raise UserError(f"{question.file} row {question.row}: {error}") from error
        if part in ("all", kind, split_of(kind)):
            found.append(replace(question, question_type=kind))
    if not found:
        counts = data.manifest.counts.get(split, {})
        has = ", ".join(f"{kind} ({count})" for kind, count in sorted(counts.items()))
        raise UserError(f"{data.folder} has no {part} questions in {split!r}; it has {has}")
    return found
