"""Plurals of category names."""

from __future__ import annotations

IRREGULAR = {"shelf": "shelves", "knife": "knives", "computer mouse": "computer mice"}


def plural(category: str) -> str:
    """Return the plural of a category: "pair of shoes" -> "pairs of shoes"."""
    head, separator, rest = category.partition(" of ")
    if separator:
        return f"{plural(head)} of {rest}"
    before, space, last = category.rpartition(" ")
    if last in IRREGULAR:
        return f"{before}{space}{IRREGULAR[last]}"
    if last.endswith(("s", "x", "ch", "sh")):
        return f"{category}es"
    if last.endswith("y") and last[-2:-1] not in "aeiou":
        return f"{category[:-1]}ies"
    return f"{category}s"
