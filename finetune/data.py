"""What is trained on: a reproducible plan of references, and pictures read when a step needs them.

The plan is decided before training: which sample comes when, in which option order, and in
batches of samples with the same number of pictures, so that little is padded. A plan is a small
table; the samples stay where they are on disk. Training reads it front to back, so that a resumed
run goes on exactly where it stopped.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from finetune.instruct import InstructData
from finetune.lessons import Lesson, lesson
from finetune.pairs import PairData, endless
from finetune.presets import OptionOrder, Preset
from sat_tasks.console import UserError
from sat_tasks.data import (
    DataSet,
    Question,
    encoded_pictures,
    open_data_set,
    read_questions,
    rows_without_picture,
)
from sat_tasks.pictures import open_picture
from sat_tasks.prompt import Picture, build_prompt, reply_text
from sat_tasks.protocol import Style, rotations
from sat_tasks.taxonomy import canonical_type, split_of

MAX_FAULTY_SHARE = 0.01
"""Above this share of unusable samples training does not start."""

SAT, INSTRUCT, LESSON = "sat", "instruct", "lesson"
TWO_PICTURE_LESSONS = 0.35
"""Least share of the lessons that are about a movement."""


@dataclass(frozen=True)
class Sources:
    """The data of a run, opened and checked."""

    sat: tuple[Question, ...]
    instruct: InstructData | None = None
    left_out: dict[str, int] = field(default_factory=dict)
    """Unusable rows by reason."""
    revisions: dict[str, str] = field(default_factory=dict)
    """Source -> revision, for the record of the run."""
    pairs: PairData | None = None
    """What lessons and the pre-training of a new vision tower take."""


@dataclass(frozen=True)
class Reference:
    """One training sample: where it is and how it is asked."""

    source: str
    index: int
    """Within the source."""
    order: tuple[int, ...]
    """Of the options of a SAT question; empty otherwise."""
    picture_count: int
    draw: int = 0
    """What a lesson asks is drawn from this."""


def open_sources(
    folders: Sequence[Path],
    preset: Preset,
    instruct: Path | None = None,
    pictures: Path | None = None,
    split: str = "train",
) -> Sources:
    """Open the data of a run.

    Args:
        folders: Data set folders of SAT questions.
        preset: Says which questions and how much else.
        instruct: A LLaVA-Instruct JSON file.
        pictures: The folder that its picture paths start from.
        split: Of the SAT questions.

    Raises:
        UserError: Something is missing, damaged, or too much of it unusable.
    """
    if not folders:
        raise UserError("no training data: name at least one data set folder with --data")
    left_out: Counter[str] = Counter()
    opened = [open_data_set(folder) for folder in folders]
    usable = [question for data in opened for question in _usable(data, split, left_out)]
    _check_share(", ".join(map(str, folders)), left_out, len(usable))
    questions = tuple(
        question
        for question in usable
        if preset.question_split in ("all", split_of(question.question_type))
    )
    if not questions:
        raise UserError(f"no {preset.question_split} questions in the {split} split of the data")
    revisions = {str(data.folder): data.revision for data in opened}
    pairs = PairData(folders, split) if preset.needs_pairs else None
    if preset.sat_share == 1:
        return Sources(questions, None, dict(left_out), revisions, pairs)
    if instruct is None:
        raise UserError(
            f"{1 - preset.sat_share:.0%} of this preset's samples are LLaVA-Instruct: name its "
            "file with --instruct, or train on SAT alone with --set sat_share=1"
        )
    other = InstructData(instruct, pictures or instruct.parent)
    _check_share(str(instruct), other.faults, len(other))
    revisions[str(instruct)] = other.revision
    return Sources(questions, other, dict(left_out + other.faults), revisions, pairs)


def _check_share(name: str, left_out: Counter[str], usable: int) -> None:
    """Refuse a source of which too much is unusable, or nothing usable."""
    faulty = left_out.total()
    if not usable or faulty > MAX_FAULTY_SHARE * (faulty + usable):
        counts = ", ".join(f"{reason}: {count}" for reason, count in sorted(left_out.items()))
        raise UserError(
            f"{name}: {faulty} of {faulty + usable} rows unusable ({counts or 'empty'})"
        )


def _usable(data: DataSet, split: str, left_out: Counter[str]) -> Iterator[Question]:
    """Yield the questions of a split that can be trained on; count the others by reason."""
    without: dict[str, set[int]] = {}
    for question in read_questions(data, split, left_out):
        if question.file not in without:
            without[question.file] = set(rows_without_picture(question.file))
        try:
            kind = canonical_type(question.question_type)
        except ValueError:
            left_out[f"unknown question type {question.question_type!r}"] += 1
            continue
        if not question.picture_count or question.row in without[question.file]:
            left_out["missing picture"] += 1
            continue
        yield replace(question, question_type=kind)


def make_plan(sources: Sources, preset: Preset) -> list[Reference]:
    """Return the samples of a run in the order in which they are trained on.

    The same sources, preset and seed give the same plan. Every block of ``batch_size`` samples
    has one number of pictures; what fills no block at the end is left out.
    """
    rng = np.random.default_rng(preset.seed)
    sat_count = round(preset.sample_count * preset.sat_share)
    mixed = np.zeros(preset.sample_count, bool)
    mixed[:sat_count] = True
    rng.shuffle(mixed)
    sat = sat_references(sources.sat, rng, preset.option_order)
    instruct = _instruct_references(sources.instruct, rng)
    lessons = lesson_references(sources.pairs, np.random.default_rng([preset.seed, 2]))
    is_lesson = lesson_places(preset, np.random.default_rng([preset.seed, 3]))
    samples = (
        next(lessons) if taught else next(sat) if is_sat else next(instruct)
        for is_sat, taught in zip(mixed, is_lesson, strict=True)
    )
    return list(in_batches(samples, preset.batch_size))


def lesson_places(preset: Preset, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Return which of a run's samples are lessons: many at first, hardly any at the end."""
    progress = np.arange(preset.sample_count) / preset.sample_count
    # Where half or more are lessons the first are nothing else.
    only = max(0.0, 2 * preset.lesson_share - 1)
    chance = np.clip((1 - progress) / max(1 - only, 1e-9), 0, 1) * min(1.0, 2 * preset.lesson_share)
    result: NDArray[np.bool_] = rng.random(preset.sample_count) < chance
    return result


def lesson_references(data: PairData | None, rng: np.random.Generator) -> Iterator[Reference]:
    """Yield lessons about all pairs, again and again in a new order; none where there are none."""
    if data is not None:
        for index in endless(len(data), rng):
            about_movement = rng.random() < TWO_PICTURE_LESSONS or not data.has_things(index)
            count = 2 if about_movement else 1
            yield Reference(LESSON, index, (), count, int(rng.integers(2**31)))


def sat_references(
    questions: Sequence[Question], rng: np.random.Generator, option_order: OptionOrder
) -> Iterator[Reference]:
    """Yield all questions again and again in a new order."""
    for index in endless(len(questions), rng):
        question = questions[index]
        orders = rotations(len(question.options))
        order = orders[int(rng.integers(len(orders)))]
        if option_order == "random":
            order = tuple(map(int, rng.permutation(order)))
        yield Reference(SAT, index, order, question.picture_count)


def _instruct_references(
    data: InstructData | None, rng: np.random.Generator
) -> Iterator[Reference]:
    if data is not None:
        for index in endless(len(data), rng):
            yield Reference(INSTRUCT, index, (), data.picture_count(index))


def in_batches(samples: Iterator[Reference], batch_size: int) -> Iterator[Reference]:
    """Yield samples in blocks of about one length, each as soon as it is full.

    A block has one number of pictures, and lessons, which are long, are in blocks of their own.
    """
    waiting: dict[tuple[bool, int], list[Reference]] = defaultdict(list)
    for sample in samples:
        block = waiting[sample.source == LESSON, sample.picture_count]
        block.append(sample)
        if len(block) == batch_size:
            yield from block
            block.clear()


def read_lesson(data: PairData, reference: Reference) -> Lesson:
    """Return the lesson of a reference."""
    rng = np.random.default_rng(reference.draw)
    return lesson(data[reference.index], reference.picture_count, rng)


def conversation(sources: Sources, reference: Reference, preset: Preset) -> dict[str, Any]:
    """Return a sample as TRL takes it: ``{"messages": [...], "images": [PIL...]}``."""
    if reference.source == INSTRUCT:
        assert sources.instruct is not None
        return sources.instruct.conversation(reference.index)
    if reference.source == LESSON:
        assert sources.pairs is not None
        drawn = read_lesson(sources.pairs, reference)
        return {"messages": drawn.messages, "images": drawn.images}
    question = sources.sat[reference.index]
    style: Style = "letters" if preset.replies == "letters" else "text"
    options = [question.options[i] for i in reference.order]
    answer = reference.order.index(question.answer_index)
    prompt = build_prompt(question.question, options, question.picture_count, style)
    content = [
        {"type": "image"} if isinstance(part, Picture) else {"type": "text", "text": part}
        for part in prompt
    ]
    reply = [{"type": "text", "text": reply_text(options, answer, style)}]
    pictures = encoded_pictures(question.file, question.row)
    return {
        "messages": [
            {"role": "user", "content": content},
            {"role": "assistant", "content": reply},
        ],
        "images": [open_picture(picture).convert("RGB") for picture in pictures],
    }


def training_set(sources: Sources, plan: Sequence[Reference], preset: Preset) -> Any:
    """Return the plan as a ``datasets.Dataset`` whose samples are read when asked for."""
    from datasets import Dataset

    def read(batch: dict[str, list[int]]) -> dict[str, list[Any]]:
        samples = [conversation(sources, plan[i], preset) for i in batch["sample"]]
        return {key: [sample[key] for sample in samples] for key in ("messages", "images")}

    return Dataset.from_dict({"sample": list(range(len(plan)))}).with_transform(read)


def describe(plan: Sequence[Reference], sources: Sources) -> dict[str, Any]:
    """Return what a plan holds, for the record of a run."""
    types = Counter(
        sources.sat[sample.index].question_type if sample.source == SAT else sample.source
        for sample in plan
    )
    pictures = Counter(sample.picture_count for sample in plan)
    return {
        "samples": len(plan),
        "by_type": dict(sorted(types.items())),
        "by_picture_count": {str(count): n for count, n in sorted(pictures.items())},
        "revisions": sources.revisions,
        "plan_sha256": hashlib.sha256(repr(list(plan)).encode()).hexdigest(),
    }
