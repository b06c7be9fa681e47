"""What a submission says of itself: ``submission.json``."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from leaderboard.results import ACCESS, Access
from sat_tasks.protocol import PROTOCOLS

SCHEMA_VERSION = 1
MAX_PARAMS_B = 100_000.0
_NAME = re.compile(r"[^\W_](?:[\w .,:+()/&'@-]{0,78}[\w+)])?")
_REVISION = re.compile(r"[A-Za-z0-9._/:@+-]{0,100}")
_LINK = re.compile(r"https://[A-Za-z0-9._~:/?#@!$&()*+,;=%-]{1,200}")
_DATE = re.compile(r"20\d\d-\d\d-\d\d", re.ASCII)


@dataclass(frozen=True)
class Metadata:
    """A submission's own words on the model and the run."""

    schema_version: int
    model: str
    revision: str
    access: Access
    params_b: float | None
    """Parameters in billions; null where unknown."""
    task: str
    protocol: str
    data: str
    """Revision of the data, as results name it."""
    date: str
    """Day of the run, as 2026-11-23."""
    adapter: str
    """What asked the model, such as "llava" or "own script"."""
    url: str
    """Where the model or a report on it can be found; may be empty."""
    claimed: float
    """Overall accuracy, in [0, 1]."""


def strict_json(text: str) -> Any:
    """Parse JSON without the liberties of Python's parser.

    Raises:
        ValueError: Not JSON, NaN or an infinity, a key twice, or nested too deeply.
    """

    def refuse(constant: str) -> float:
        raise ValueError(f"{constant} is no number")

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            raise ValueError("a key is there twice")
        return found

    try:
        return json.loads(text, parse_constant=refuse, object_pairs_hook=unique)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def decode(content: bytes) -> str:
    """Return UTF-8 text.

    Raises:
        ValueError: It is none.
    """
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 (byte {error.start})") from error


def read_metadata(content: bytes, tasks: tuple[str, ...]) -> tuple[Metadata | None, list[str]]:
    """Return the metadata, or None and every reason to refuse it."""
    try:
        raw = strict_json(decode(content))
    except ValueError as error:
        return None, [f"submission.json: {error}"]
    if not isinstance(raw, dict):
        return None, ["submission.json is no JSON object"]
    rules = _rules(tasks)
    reasons = [f"submission.json: {name!r} is missing" for name in rules if name not in raw]
    reasons += [
        f"submission.json: unknown field {name[:40]!r}" for name in raw if name not in rules
    ]
    for name, rule in rules.items():
        if name in raw and (problem := rule(raw[name])):
            reasons.append(f"submission.json: {name} {problem}")
    if reasons:
        return None, reasons
    params = raw["params_b"]
    return Metadata(**(raw | {"params_b": None if params is None else float(params)})), []


_Rule = Callable[[Any], str | None]
"""Returns what is wrong with a value, or None."""


def _rules(tasks: tuple[str, ...]) -> dict[str, _Rule]:
    return {
        "schema_version": _one_of((SCHEMA_VERSION,)),
        "model": _matches(_NAME, "is no plain name of 1 to 80 letters, digits and .,:+()/&'@-"),
        "revision": _matches(_REVISION, "is no revision of at most 100 plain characters"),
        "access": _one_of(ACCESS),
        "params_b": _parameters,
        "task": _one_of(tasks),
        "protocol": _one_of(tuple(PROTOCOLS)),
        "data": _matches(_REVISION, "is no revision"),
        "date": _day,
        "adapter": _matches(_NAME, "is no plain name"),
        "url": _link,
        "claimed": _share,
    }


def _matches(pattern: re.Pattern[str], problem: str) -> _Rule:
    def rule(value: Any) -> str | None:
        return None if isinstance(value, str) and pattern.fullmatch(value) else problem

    return rule


def _one_of(allowed: tuple[Any, ...]) -> _Rule:
    words = ", ".join(str(value) for value in allowed)

    def rule(value: Any) -> str | None:
        same = [known for known in allowed if type(known) is type(value) and known == value]
        return None if same else f"is none of: {words}"

    return rule


def _day(value: Any) -> str | None:
    problem = "is no day such as 2026-11-23"
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return problem
    try:
        date.fromisoformat(value)
    except ValueError:
        return problem
    return None


def _link(value: Any) -> str | None:
    plain = isinstance(value, str) and (value == "" or _LINK.fullmatch(value))
    return None if plain else "is no https address of at most 200 plain characters"


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _share(value: Any) -> str | None:
    number = _number(value)
    return None if number is not None and 0 <= number <= 1 else "is no number from 0 to 1"


def _parameters(value: Any) -> str | None:
    number = _number(value)
    if value is None or (number is not None and 0 < number <= MAX_PARAMS_B):
        return None
    return f"is neither null nor a number of billions up to {MAX_PARAMS_B:.0f}"
