"""Prices are found for exactly the models meant, and estimates do not fall below the truth."""

from __future__ import annotations

from pathlib import Path

import pytest

from sat_tasks.console import UserError
from sat_tasks.models.chat import ChatRequest, Message
from sat_tasks.models.journal import Usage
from sat_tasks.models.prices import (
    DEFAULT_TABLE,
    Price,
    estimate_input_tokens,
    find_price,
    picture_tokens,
)
from sat_tasks.pictures import EncodedPicture

HEADER = "model,input_usd,output_usd,picture_tokens,as_of\n"


def picture(width: int, height: int) -> EncodedPicture:
    return EncodedPicture(b"", "image/jpeg", width, height)


@pytest.mark.parametrize(
    ("model", "input_usd"),
    [
        ("gpt-4o", 2.5),
        ("gpt-4o-2024-08-06", 2.5),
        ("gpt-4o-mini", 0.15),
        ("gpt-4o-mini-2024-07-18", 0.15),
        ("gpt-4.1-nano", 0.1),
        ("gpt-5", 1.25),
        ("gpt-5-mini", 0.25),
        ("gemini-2.5-flash", 0.3),
        ("models/gemini-2.5-flash-lite", 0.1),
        ("gemini-3.1-pro-preview", 2.0),
        ("gpt-4o-audio-preview", None),
        ("gpt-5.9", None),
        ("gpt-4", None),
        ("my-gpt-4o", None),
    ],
)
def test_a_name_stands_for_its_versions_and_for_nothing_else(
    model: str, input_usd: float | None
) -> None:
    price = find_price(model)
    assert (price.input_usd if price else None) == input_usd


def test_cost_is_per_million_tokens() -> None:
    price = Price(2.0, 8.0, "", "2026-01")
    assert price.of(Usage(1_000_000, 500_000, 400_000)) == pytest.approx(6.0)


@pytest.mark.parametrize(
    ("width", "height", "rule", "tokens"),
    [
        # OpenAI's and Google's own examples.
        (1024, 1024, "tiles:85:170", 765),
        (2048, 4096, "tiles:85:170", 1105),
        (512, 512, "tiles:85:170", 255),
        (1024, 1024, "patches:1.62", 1659),
        (384, 384, "gemini", 258),
        (960, 540, "gemini", 6 * 258),
        (4000, 4000, "patches:1", 1536),
        (4000, 100, "fixed:1120", 1120),
        (56, 57, "", 6),
    ],
)
def test_tokens_of_a_picture(width: int, height: int, rule: str, tokens: int) -> None:
    assert picture_tokens(picture(width, height), rule) == tokens


def test_estimate_counts_every_part() -> None:
    question = "Is the red chair to the left of the table?"
    request = ChatRequest(
        (Message("user", ("Image 1:", picture(512, 512), picture(512, 512), question)),), 16
    )
    tokens = estimate_input_tokens(request, "tiles:85:170")
    assert 2 * 255 + 15 < tokens < 2 * 255 + 45


def test_the_shipped_table_is_whole() -> None:
    for line in DEFAULT_TABLE.read_text().splitlines()[1:]:
        name, as_of = line.split(",")[0], line.split(",")[-1]
        assert find_price(name) is not None
        assert as_of.startswith("202")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("model,price\nm,1\n", "the first line has to be model,input_usd"),
        (HEADER + "m,one,2,,2026-01\n", "line 2: could not convert"),
        (HEADER + "m,1,2,cubes,2026-01\n", "line 2: unknown rule 'cubes'.*known: tiles"),
        (HEADER + "m,-1,2,,2026-01\n", "line 2: a price cannot be negative"),
        (HEADER + "m,1\n", "line 2"),
    ],
)
def test_a_bad_table_is_one_line(tmp_path: Path, content: str, message: str) -> None:
    table = tmp_path / "prices.csv"
    table.write_text(content)
    with pytest.raises(UserError, match=message):
        find_price("m", table)


def test_a_missing_table_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read the price table"):
        find_price("m", tmp_path / "none.csv")
