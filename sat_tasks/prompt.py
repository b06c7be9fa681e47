"""Row to prompt: the one place where the wording of a question is decided.

A prompt is a sequence of texts and pictures. Training, evaluation and export all use it, so a
model is asked as it was taught.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sat_tasks.protocol import Style

PROMPT_VERSION = 1
"""Goes up when a prompt's wording changes; recorded with every result."""

UNLABELLED: tuple[Style, ...] = ("text", "listed")
"""Styles that offer options without letters."""

LETTERS_CLOSING = "Answer with the {label} of the right option only."
REASONING_CLOSING = (
    "Think step by step. Then end with a line that reads 'Answer: ' "
    "followed by the {label} of the right option."
)
PAPER_OPENING = "Answer in natural language."
PAPER_CLOSING = "Answer the question using a single word or phrase."
PAPER_OPTIONS = "Choose between the following options: {options}."


@dataclass(frozen=True)
class Picture:
    """A picture within a prompt."""

    index: int
    """Which of the question's pictures."""


Part = str | Picture


def labels(options: Sequence[str]) -> tuple[str, ...]:
    """Return what the options are labelled with: A, B, ..., or 1, 2, ...

    Digits are used where an option is itself one of the letters ("which point is nearer, A or
    B?"), so that a reply of "B" has one meaning.
    """
    letters = tuple(string.ascii_uppercase[: len(options)])
    taken = {option.strip().rstrip(".").upper() for option in options}
    if taken.isdisjoint(letters):
        return letters
    return tuple(str(number + 1) for number in range(len(options)))


def question_text(question: str, options: Sequence[str], style: Style) -> str:
    """Return the text that follows the pictures.

    The styles "text" and "listed" are the SAT paper's, for SAT and for other benchmarks.

    Args:
        question: The question itself.
        options: The options in the order in which they are offered.
        style: How the options are offered and what kind of reply is asked for.
    """
    question = question.strip()
    if style == "text":
        choices = PAPER_OPTIONS.format(options=" or ".join(f'"{option}"' for option in options))
        return f"{PAPER_OPENING} {question} {PAPER_CLOSING} {choices}"
    if style == "listed":
        listed = ", ".join(options[:-1]) + f", or {options[-1]}"
        return f"{PAPER_OPENING} {question} {PAPER_OPTIONS.format(options=listed)}"
    marks = labels(options)
    lines = [f"{mark}. {option}" for mark, option in zip(marks, options, strict=True)]
    closing = REASONING_CLOSING if style == "reasoning" else LETTERS_CLOSING
    label = "number" if marks[0] == "1" else "letter"
    return "\n".join([question, *lines, closing.format(label=label)])


def build_prompt(
    question: str, options: Sequence[str], picture_count: int, style: Style = "letters"
) -> tuple[Part, ...]:
    """Return the prompt of a question; several pictures are numbered in their order.

    The SAT paper's styles show the pictures first and without numbers.

    >>> build_prompt("Which way?", ["left", "right"], 1)[1]
    'Which way?\\nA. left\\nB. right\\nAnswer with the letter of the right option only.'
    """
    text = question_text(question, options, style)
    if picture_count == 1 or style in UNLABELLED:
        return (*map(Picture, range(picture_count)), text)
    parts: list[Part] = []
    for index in range(picture_count):
        parts += [f"Image {index + 1}:", Picture(index)]
    return (*parts, text)


def prompt_text(prompt: Sequence[Part]) -> str:
    """Return the words of a prompt without its pictures."""
    return "\n".join(part for part in prompt if isinstance(part, str))


def chat_content(prompt: Sequence[Part], pictures: Sequence[Any]) -> list[dict[str, Any]]:
    """Return a prompt as the content of one chat message.

    Args:
        prompt: The prompt.
        pictures: One for each Picture in the prompt, of whatever type the model takes.
    """
    return [
        {"type": "text", "text": part}
        if isinstance(part, str)
        else {"type": "image", "url": pictures[part.index]}
        for part in prompt
    ]


def reply_text(options: Sequence[str], answer_index: int, style: Style = "letters") -> str:
    """Return the reply that a prompt asks for when the right option is the given one."""
    if style in UNLABELLED:
        return options[answer_index]
    label = labels(options)[answer_index]
    return f"Answer: {label}" if style == "reasoning" else label
