"""SAT, published or generated, in the formats of suites that people already run.

python -m sat_tasks export DATA --format lmms-eval|vlmevalkit|inspect --out DIR
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sat_tasks.console import UserError
from sat_tasks.data import Question, encoded_pictures
from sat_tasks.prompt import labels
from sat_tasks.protocol import rotations

_NAME = re.compile(r"[A-Za-z]\w*")


@dataclass(frozen=True)
class Exported:
    """A question in one option order, with its pictures."""

    id: str
    scene_id: str
    category: str
    """The question type."""
    question: str
    options: tuple[str, ...]
    """In the order in which they are offered."""
    answer_index: int
    """Among the options as they are offered."""
    pictures: tuple[bytes, ...]
    """JPEG or PNG files."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What the options are labelled with."""
        return labels(self.options)


def exported(questions: list[Question], every_order: bool) -> Iterator[Exported]:
    """Yield questions for export.

    Args:
        questions: What to export.
        every_order: In every option order, or only in that of the data.
    """
    for question in questions:
        orders = rotations(len(question.options))
        for number, order in enumerate(orders if every_order else orders[:1]):
            yield Exported(
                id=f"{question.id}/{number}" if every_order else question.id,
                scene_id=question.scene_id,
                category=question.question_type,
                question=question.question,
                options=tuple(question.options[index] for index in order),
                answer_index=order.index(question.answer_index),
                pictures=encoded_pictures(question.file, question.row),
            )


def write_export(
    write: Callable[[Iterator[Exported], str, Path], int],
    questions: list[Question],
    name: str,
    out: Path,
    every_order: bool = False,
) -> int:
    """Write an export, whole or not at all, and return its number of rows.

    Args:
        write: One of the formats: takes rows, the name and an empty folder.
        questions: What to export.
        name: Of the task or file; a Python identifier.
        out: The folder; must not exist.
        every_order: See :func:`exported`.

    Raises:
        UserError: The folder exists or cannot be written, or the name will not do.
    """
    if not _NAME.fullmatch(name):
        raise UserError(f"name {name!r}; allowed: letters, digits and _, a letter first")
    if out.exists():
        raise UserError(f"{out} exists; name a new folder")
    temporary = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        temporary.mkdir(parents=True)
        count = write(exported(questions, every_order), name, temporary)
        os.replace(temporary, out)
    except OSError as error:
        raise UserError(f"cannot write {out}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return count


def picture_suffix(picture: bytes) -> str:
    """Return the file name ending of an encoded picture."""
    return ".png" if picture.startswith(b"\x89PNG") else ".jpg"
