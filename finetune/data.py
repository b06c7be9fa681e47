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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from finetune.instruct import InstructData
from finetune.presets import Preset
from sat_tasks.console import UserError
from sat_tasks.data import DataSet, Question, encoded_pictures, open_data_set, read_questions
from sat_tasks.pictures import open_picture
from sat_tasks.prompt import Picture, build_prompt, reply_text
from sat_tasks.protocol import Style, rotations
from sat_tasks.taxonomy import split_of

MAX_FAULTY_SHARE = 0.01
"""Above this share of unusable samples training does not start."""

SAT, INSTRUCT = "sat", "instruct"


@dataclass(frozen=True)
class Sources:
    """The data of a run, opened and checked."""

    sat: tuple[Question, ...]
    instruct: InstructData | None = None
    revisions: dict[str, str] = field(default_factory=dict)
    """Source -> revision, for the record of the run."""


@dataclass(frozen=True)
class Reference:
    """One training sample: where it is and how it is asked."""

    source: str
    index: int
    """Within the source."""
    order: tuple[int, ...]
    """Of the options of a SAT question; empty otherwise."""
    picture_count: int


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
    opened = [open_data_set(folder) for folder in folders]
    questions = tuple(question for data in opened for question in _questions(data, split, preset))
    if not questions:
        raise UserError(f"no {preset.question_split} questions in the {split} split of the data")
    revisions = {str(data.folder): data.revision for data in opened}
    if preset.sat_share == 1:
        return Sources(questions, None, revisions)
    if instruct is None:
        raise UserError(
            f"{1 - preset.sat_share:.0%} of this preset's samples are LLaVA-Instruct: name its "
            "file with --instruct, or train on SAT alone with --set sat_share=1"
        )
    other = InstructData(instruct, pictures or instruct.parent)
    faulty = sum(other.faults.values())
    if faulty > MAX_FAULTY_SHARE * (faulty + len(other)):
        counts = ", ".join(f"{reason}: {count}" for reason, count in sorted(other.faults.items()))
        raise UserError(f"{instruct}: {faulty} of {faulty + len(other)} rows unusable ({counts})")
    return Sources(questions, other, {**revisions, str(instruct): other.revision})


def _questions(data: DataSet, split: str, preset: Preset) -> Iterator[Question]:
    for question in read_questions(data, split):
        if preset.question_split in ("all", split_of(question.question_type)):
            yield question


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
    sat = _sat_references(sources.sat, rng)
    instruct = _instruct_references(sources.instruct, rng)
    samples = (next(sat) if is_sat else next(instruct) for is_sat in mixed)
    return list(_in_batches(samples, preset.batch_size))


def _endless(count: int, rng: np.random.Generator) -> Iterator[int]:
    """Yield indices in a new random order each time all were seen."""
    while True:
        yield from map(int, rng.permutation(count))


def _sat_references(questions: Sequence[Question], rng: np.random.Generator) -> Iterator[Reference]:
    for index in _endless(len(questions), rng):
        question = questions[index]
        orders = rotations(len(question.options))
        order = orders[int(rng.integers(len(orders)))]
        yield Reference(SAT, index, order, question.picture_count)


def _instruct_references(
    data: InstructData | None, rng: np.random.Generator
) -> Iterator[Reference]:
    if data is not None:
        for index in _endless(len(data), rng):
            yield Reference(INSTRUCT, index, (), data.picture_count(index))


def _in_batches(samples: Iterator[Reference], batch_size: int) -> Iterator[Reference]:
    """Yield samples in blocks of one picture count, each as soon as it is full."""
    waiting: dict[int, list[Reference]] = defaultdict(list)
    for sample in samples:
        block = waiting[sample.picture_count]
        block.append(sample)
        if len(block) == batch_size:
            yield from block
            block.clear()


def conversation(sources: Sources, reference: Reference, preset: Preset) -> dict[str, Any]:
    """Return a sample as TRL takes it: ``{"messages": [...], "images": [PIL...]}``."""
    if reference.source == INSTRUCT:
        assert sources.instruct is not None
        return sources.instruct.conversation(reference.index)
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
        sources.sat[sample.index].question_type if sample.source == SAT else INSTRUCT
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
