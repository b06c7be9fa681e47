"""What an API call costs: a price table that users can edit, and estimates of token counts.

``prices.csv`` beside this module holds one line per model: dollars per million tokens of input
and output (thinking is output), how the vendor counts the tokens of a picture, and the month in
which the line was checked. Prices change; ``prices=FILE`` reads another table of the same form.

Token rules of pictures: OpenAI, "Images and vision" guide (tiles of 512 px; patches of 32 px);
Google, "Understand and count tokens" (258 per tile) and "Media resolution" (fixed, Gemini 3).
"""

from __future__ import annotations

import csv
import math
import re
from dataclasses import dataclass
from pathlib import Path

from sat_tasks.console import UserError
from sat_tasks.models.chat import ChatRequest
from sat_tasks.models.journal import Usage
from sat_tasks.pictures import EncodedPicture

DEFAULT_TABLE = Path(__file__).with_name("prices.csv")
COLUMNS = ("model", "input_usd", "output_usd", "picture_tokens", "as_of")

_VERSION = re.compile(r"(-latest|-preview|-exp|-\d[\d-]*)+")
"""What may follow a model's name in the table and still be the same price."""
_UTF8_BYTES_PER_TOKEN = 3
"""English takes about 4.2, so estimates lie above the truth."""
_TOKENS_PER_MESSAGE = 10
_UNKNOWN_PATCH_PX = 28


@dataclass(frozen=True)
class Price:
    """One line of the table."""

    input_usd: float
    """Per million tokens."""
    output_usd: float
    """Per million tokens, thinking included."""
    picture_tokens: str
    """tiles:BASE:TILE, patches:FACTOR, gemini, fixed:TOKENS, or empty for a rough guess."""
    as_of: str

    def of(self, usage: Usage) -> float:
        """Return the cost of a call in dollars."""
        return (
            usage.input_tokens * self.input_usd + usage.output_tokens * self.output_usd
        ) / 1_000_000


def find_price(model: str, table: Path = DEFAULT_TABLE) -> Price | None:
    """Return the price of a model, or None if the table does not have it.

    A name in the table also stands for its dated and preview versions.

    Raises:
        UserError: The table cannot be read.
    """
    prices = _read(table)
    bare = model.removeprefix("models/")
    names = [n for n in prices if bare == n or (bare.startswith(n) and _is_version(bare, n))]
    return prices[max(names, key=len)] if names else None


def _is_version(model: str, name: str) -> bool:
    return _VERSION.fullmatch(model, len(name)) is not None


def _read(table: Path) -> dict[str, Price]:
    try:
        with table.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise UserError(f"{table}: the first line has to be {','.join(COLUMNS)}")
            return {row["model"]: _price(row, f"{table} line {reader.line_num}") for row in reader}
    except OSError as error:
        raise UserError(f"cannot read the price table {table}: {error.strerror}") from error


def _price(row: dict[str, str], where: str) -> Price:
    try:
        price = Price(
            float(row["input_usd"]), float(row["output_usd"]), row["picture_tokens"], row["as_of"]
        )
        picture_tokens(EncodedPicture(b"", "image/png", 1, 1), price.picture_tokens)
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{where}: {error}") from error
    if not (price.input_usd >= 0 and price.output_usd >= 0):
        raise UserError(f"{where}: a price cannot be negative")
    return price


def estimate_input_tokens(request: ChatRequest, picture_rule: str = "") -> int:
    """Return about how many tokens a request has; rather too many than too few."""
    total = 0
    for message in request.messages:
        total += _TOKENS_PER_MESSAGE
        for part in message.parts:
            if isinstance(part, str):
                total += math.ceil(len(part.encode()) / _UTF8_BYTES_PER_TOKEN)
            else:
                total += picture_tokens(part, picture_rule)
    return total


def picture_tokens(picture: EncodedPicture, rule: str) -> int:
    """Return how many tokens a picture takes under a rule of the price table.

    Raises:
        ValueError: The rule is not known.
    """
    width, height = picture.width_px, picture.height_px
    match rule.split(":"):
        case [""]:
            return _cells(width, height, _UNKNOWN_PATCH_PX)
        case ["tiles", base, tile]:
            scale = min(1.0, 2048 / max(width, height), 768 / min(width, height))
            return int(base) + int(tile) * _cells(width * scale, height * scale, 512)
        case ["patches", factor]:
            return math.ceil(min(_cells(width, height, 32), 1536) * float(factor))
        case ["gemini"]:
            if max(width, height) <= 384:
                return 258
            return 258 * _cells(width, height, math.floor(min(width, height) / 1.5))
        case ["fixed", tokens]:
            return int(tokens)
    raise ValueError(
        f"unknown rule {rule!r} for picture tokens; known: tiles:BASE:TILE, patches:FACTOR, "
        "gemini, fixed:TOKENS, or nothing"
    )


def _cells(width_px: float, height_px: float, side_px: int) -> int:
    return math.ceil(width_px / max(side_px, 1)) * math.ceil(height_px / max(side_px, 1))
