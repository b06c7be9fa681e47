"""Reader of Sweet Home 3D's catalogue files (Java properties, Latin-1 with \\u escapes)."""

from __future__ import annotations

import re

_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)
_LETTERS = {"n": "\n", "t": "\t", "r": "\r", "f": "\f"}
_SEPARATOR = re.compile(r"(?<!\\)\s*[=:]\s*|(?<!\\)\s+")


def parse_properties(data: bytes) -> dict[str, str]:
    """Return keys and values of a properties file; the last of equal keys wins."""
    lines: list[str] = []
    pending = ""
    for raw in data.decode("latin-1").splitlines():
        line = pending + raw.lstrip()
        if not pending and (not line or line[0] in "#!"):
            continue
        trailing = len(line) - len(line.rstrip("\\"))
        if trailing % 2:
            pending = line[:-1]
            continue
        pending = ""
        lines.append(line)
    if pending:
        lines.append(pending)
    result = {}
    for line in lines:
        parts = _SEPARATOR.split(line, maxsplit=1)
        result[_unescaped(parts[0])] = _unescaped(parts[1]) if len(parts) > 1 else ""
    return result


def _unescaped(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) == 5:
            return chr(int(code[1:], 16))
        return _LETTERS.get(code, code)

    return _ESCAPE.sub(replace, text)


def numbered(properties: dict[str, str]) -> dict[int, dict[str, str]]:
    """Group keys such as `name#3` by their number: {3: {"name": ...}}."""
    entries: dict[int, dict[str, str]] = {}
    for key, value in properties.items():
        name, _, number = key.rpartition("#")
        if name and number.isdigit():
            entries.setdefault(int(number), {})[name] = value
    return dict(sorted(entries.items()))
