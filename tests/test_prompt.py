"""The wording of prompts."""

from __future__ import annotations

import pytest

from sat_tasks.prompt import (
    Picture,
    build_prompt,
    chat_content,
    labels,
    prompt_text,
    question_text,
    reply_text,
)


def test_one_picture_has_no_number() -> None:
    assert build_prompt("Which?", ["left", "right"], 1) == (
        Picture(0),
        "Which?\nA. left\nB. right\nAnswer with the letter of the right option only.",
    )


def test_several_pictures_are_numbered_and_in_order() -> None:
    prompt = build_prompt("Which?", ["left", "right"], 2)
    assert prompt[:4] == ("Image 1:", Picture(0), "Image 2:", Picture(1))


def test_no_picture_asks_the_same_question() -> None:
    sighted = build_prompt("Which?", ["left", "right"], 1)
    assert build_prompt("Which?", ["left", "right"], 0) == sighted[1:]


def test_text_style_shows_no_letters() -> None:
    prompt = build_prompt("Which way?", ["left", "right"], 2, "text")
    assert prompt == (
        Picture(0),
        Picture(1),
        (
            "Answer in natural language. Which way? Answer the question using a single word or "
            'phrase. Choose between the following options: "left" or "right".'
        ),
    )


def test_listed_style_is_the_papers_for_other_benchmarks() -> None:
    prompt = build_prompt("How many?", ["1", "2", "3"], 1, "listed")
    assert prompt == (
        Picture(0),
        "Answer in natural language. How many? Choose between the following options: 1, 2, or 3.",
    )


def test_options_that_are_letters_get_numbers() -> None:
    assert labels(["left", "right"]) == ("A", "B")
    assert labels(["B", "A"]) == ("1", "2")
    assert labels(["C", "D"]) == ("A", "B")
    assert "1. B\n2. A\nAnswer with the number" in question_text("Which?", ["B", "A"], "letters")


def test_chat_content_puts_pictures_in_their_places() -> None:
    content = chat_content(build_prompt("Which?", ["left", "right"], 2), ["first", "second"])
    assert [part["type"] for part in content] == ["text", "image", "text", "image", "text"]
    assert [part["url"] for part in content if part["type"] == "image"] == ["first", "second"]


def test_words_of_a_prompt() -> None:
    text = prompt_text(build_prompt("Which?", ["left", "right"], 2))
    assert text.startswith("Image 1:\nImage 2:\nWhich?\nA. left")


@pytest.mark.parametrize(
    ("style", "reply"), [("letters", "B"), ("text", "right"), ("reasoning", "Answer: B")]
)
def test_reply_that_is_asked_for(style: str, reply: str) -> None:
    assert reply_text(["left", "right"], 1, style) == reply  # type: ignore[arg-type]
