"""What the bodies of MJCF scenes are called, from metadata, a table, or their own names."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from generation.assets.words import plural
from generation.engines.thor.catalog import is_askable, name_of, plural_of
from generation.scene import EngineError

NAMES = "names.json"
BUILDING = frozenset(
    {
        "baseboard", "ceiling", "door", "doorframe", "doorway", "floor", "ground", "room", "roof",
        "skirting", "sky", "trim", "wall", "window", "worldbody",
    }
)  # fmt: skip
"""First or last words of the names of what belongs to the building."""
KEYS = ("building", "creator", "licence", "names")
_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


@dataclass(frozen=True)
class Called:
    """What a body is."""

    category: str
    plural: str
    askable: bool = True
    is_building: bool = False


@dataclass(frozen=True)
class NameTable:
    """names.json of a folder: its own words for categories and bodies, and its makers."""

    names: Mapping[str, Called] = field(default_factory=dict)
    """By category or body, lower case."""
    building: frozenset[str] = frozenset()
    creator: str = "unknown"
    licence: str = "unknown"

    def called(self, body: str, record: Mapping[str, Any]) -> Called:
        """Say what a body is.

        Args:
            body: Its name.
            record: Its entry in the scene's metadata, or an empty one.
        """
        category = str(record.get("category") or "")
        for key in (body, category, category_of(body)):
            if key.lower() in self.names:
                return self.names[key.lower()]
        words = name_of(category) if category[:1].isupper() else category_of(category or body)
        kind = str(record.get("object_enum") or "").lower()
        ends = {*(words.split()[:1]), *(words.split()[-1:]), kind}
        if kind in BUILDING:
            words = kind
        is_building = bool(ends & BUILDING) or bool({body, category, words} & self.building)
        askable = bool(words) and is_askable(_camel_case(words))
        return Called(words, plural_of(words) or plural(words), askable, is_building)


def category_of(name: str) -> str:
    """Return the words of a body's name: "dining_table_3", "DiningTable|1|2" -> "dining table".

    What follows the first number is a counter or a hash.
    """
    words: list[str] = []
    for token in re.split(r"[\s_|\-./]+", name):
        if any(char.isdigit() for char in token) and words:
            break
        words += [word.lower() for word in _CAMEL.findall(token) if not word.isdigit()]
    return " ".join(words)


def _camel_case(words: str) -> str:
    return "".join(word.capitalize() for word in words.split())


def read_names(folder: Path) -> NameTable:
    """Read names.json, if there is one.

    Raises:
        EngineError: It is not what it should be.
    """
    path = folder / NAMES
    if not path.is_file():
        return NameTable()
    table = _json(path)
    if not isinstance(table, dict) or set(table) - set(KEYS):
        raise EngineError(f"{path} must be an object with some of the keys {', '.join(KEYS)}")
    names, building = table.get("names", {}), table.get("building", [])
    if not isinstance(names, dict) or not isinstance(building, list):
        raise EngineError(f'{path}: "names" must be an object and "building" a list')
    return NameTable(
        {key.lower(): _called(path, key, value) for key, value in names.items()},
        frozenset(str(name) for name in building),
        str(table.get("creator", "unknown")),
        str(table.get("licence", "unknown")),
    )


def _called(path: Path, key: str, value: Any) -> Called:
    record = {"name": value} if isinstance(value, str) else value
    known = ("name", "plural", "askable")
    if not isinstance(record, dict) or "name" not in record or set(record) - set(known):
        raise EngineError(f"{path}: {key!r} takes a name or an object with {', '.join(known)}")
    name = str(record["name"])
    return Called(
        name, str(record.get("plural") or plural(name)), bool(record.get("askable", True))
    )


def read_metadata(path: Path | None) -> Mapping[str, Mapping[str, Any]]:
    """Return what a scene's metadata says of its bodies, by body name.

    Raises:
        EngineError: It is not JSON with an object "objects".
    """
    if path is None:
        return {}
    table = _json(path)
    objects = table.get("objects") if isinstance(table, dict) else None
    if not isinstance(objects, dict):
        raise EngineError(f'{path.name} needs an object "objects", by body name')
    return {
        str(name): record if isinstance(record, dict) else {"category": str(record)}
        for name, record in objects.items()
    }


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        raise EngineError(f"{path.name} is not JSON: {error}") from error
