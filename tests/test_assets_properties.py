"""Java properties files of the furniture catalogue."""

from __future__ import annotations

from generation.assets.properties import numbered, parse_properties
from generation.assets.words import plural


def test_escapes_comments_separators_and_continued_lines() -> None:
    text = (
        "# comment=1\n! comment\n\nname#1=Table d\\u2019appoint\nwidth#1 = 45.5\n"
        "long: one \\\n    two\npath#2=C\\:\\\\a\\=b\nempty#2=\nodd\\ key=x\nlast=end\\"
    )
    found = parse_properties(text.encode("latin-1"))
    assert found == {
        "name#1": "Table d’appoint",
        "width#1": "45.5",
        "long": "one two",
        "path#2": "C:\\a=b",
        "empty#2": "",
        "odd key": "x",
        "last": "end",
    }


def test_latin_1_letters() -> None:
    assert parse_properties("a=caf\xe9".encode("latin-1")) == {"a": "café"}


def test_numbered_entries_are_grouped_and_sorted() -> None:
    entries = numbered({"id": "x", "name#10": "b", "name#2": "a", "model#2": "m", "odd#x": "y"})
    assert entries == {2: {"name": "a", "model": "m"}, 10: {"name": "b"}}
    assert list(entries) == [2, 10]


def test_plurals() -> None:
    words = {
        "chair": "chairs",
        "box": "boxes",
        "couch": "couches",
        "glass": "glasses",
        "shelf": "shelves",
        "toy": "toys",
        "battery": "batteries",
        "chest of drawers": "chests of drawers",
        "pair of scissors": "pairs of scissors",
        "wall clock": "wall clocks",
    }
    assert {word: plural(word) for word in words} == words
