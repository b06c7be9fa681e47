"""Other benchmarks, read from their published files into our rows.

CV-Bench  nyu-visionx/CV-Bench    test_2d.parquet, test_3d.parquet   (arXiv:2406.16860)
BLINK     BLINK-Benchmark/BLINK   SUBSET/val-*.parquet               (arXiv:2404.12390)
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sat_tasks.console import UserError
from sat_tasks.convert import stream_records
from sat_tasks.data import Question
from sat_tasks.rows import Row

CV_BENCH_REPOSITORY = "nyu-visionx/CV-Bench"
CV_BENCH_FILES = ("test_2d.parquet", "test_3d.parquet")
BLINK_REPOSITORY = "BLINK-Benchmark/BLINK"
BLINK_SUBSETS = {
    "Multi-view_Reasoning": "multi_view",
    "Relative_Depth": "relative_depth",
    "Spatial_Relation": "spatial_relation",
}
"""The three spatial subsets, and what we call them."""
BLINK_FILES = tuple(f"{name}/val-00000-of-00001.parquet" for name in BLINK_SUBSETS)

_CLOCKWISE = (
    "The camera is either moving clockwise (left) or counter-clockwise (right) around the object."
)
_STATIC_SCENE = "The video is shooting a static scene. " + _CLOCKWISE


def cv_bench_rows(path: Path, split: str) -> Iterator[Row]:
    """Yield the rows of a file of CV-Bench.

    Raises:
        UserError: The file is not in that shape.
    """
    return _rows(path, lambda record: _cv_bench_row(record, split))


def blink_rows(path: Path, split: str) -> Iterator[Row]:
    """Yield the rows of a file of one of BLINK's spatial subsets.

    Raises:
        UserError: The file is not in that shape.
    """
    return _rows(path, lambda record: _blink_row(record, split))


def blink_paper_wording(question: Question) -> Question:
    """Return a multi-view question as the SAT paper asks it.

    Without the sentence on clockwise and counter-clockwise, and with "moved" before the options.
    """
    if _CLOCKWISE not in question.question:
        return question
    text = question.question.replace(_STATIC_SCENE, "").replace("  ", " ")
    return replace(
        question, question=text, options=tuple(f"moved {option}" for option in question.options)
    )


def _rows(path: Path, to_row: Callable[[dict[str, Any]], Row]) -> Iterator[Row]:
    for index, record in enumerate(stream_records(path)):
        try:
            yield to_row(record)
        except KeyError as error:
            raise UserError(f"{path} is not in its published shape: no {error}") from error
        except ValueError as error:
            raise UserError(f"{path} row {index}: {error}") from error


def _cv_bench_row(record: dict[str, Any], split: str) -> Row:
    choices = tuple(record["choices"])
    return Row(
        images=(_encoded(record["image"]),),
        question=record["question"],
        answers=choices,
        correct_answer=choices[_answer_index(record["answer"], len(choices))],
        question_type=record["task"].lower(),
        id=f"cv_bench-{record['type'].lower()}-{record['idx']}",
        scene_id=str(record["source_filename"]),
        engine=record["source"],
        seed=0,
        split=split,
        evidence="{}",
    )


def _blink_row(record: dict[str, Any], split: str) -> Row:
    images = [record[f"image_{number}"] for number in range(1, 5)]
    pictures = tuple(_encoded(image) for image in images if image is not None)
    choices = tuple(record["choices"])
    subset = record["sub_task"]
    if subset not in BLINK_SUBSETS:
        raise ValueError(f"subset {subset!r}; known: {', '.join(BLINK_SUBSETS)}")
    # the prompt says what the marks in the picture mean, which the question alone does not
    stem, mark, _ = record["prompt"].partition("?")
    return Row(
        images=pictures,
        question=stem.strip() + "?" if mark else record["question"],
        answers=choices,
        correct_answer=choices[_answer_index(record["answer"], len(choices))],
        question_type=BLINK_SUBSETS[subset],
        id=str(record["idx"]),
        scene_id=str(record["idx"]),
        engine="BLINK",
        seed=0,
        split=split,
        evidence="{}",
    )


def _answer_index(answer: str, count: int) -> int:
    """Return the index that "(C)" stands for.

    Raises:
        ValueError: It is not the letter of an option.
    """
    letter = answer.strip().strip("()").upper()
    allowed = string.ascii_uppercase[:count]
    if len(letter) != 1 or letter not in allowed:
        raise ValueError(f"answer {answer!r}; allowed: {', '.join(allowed)}")
    return allowed.index(letter)


def _encoded(image: Any) -> bytes:
    encoded = image if isinstance(image, bytes) else (image or {}).get("bytes")
    if not encoded:
        raise ValueError("a picture is missing")
    return bytes(encoded)
