"""Results of checks, kept in the data set folder until its rows change."""

from __future__ import annotations

import json
from typing import Any

from generation.shard import write_text
from sat_tasks.data import DataSet

AUDIT = "audit"
VERIFY = "verify"


def write_report(data: DataSet, name: str, content: Any) -> None:
    """Keep the JSON-able result of a check as DIR/NAME.json, with the revision it is about."""
    text = json.dumps({"revision": data.revision, name: content}, indent=1)
    write_text(data.folder / f"{name}.json", text + "\n")


def read_report(data: DataSet, name: str) -> Any | None:
    """Return the result of a check of exactly these rows, or None if there is none."""
    path = data.folder / f"{name}.json"
    if not path.is_file():
        return None
    report = json.loads(path.read_text(encoding="utf-8"))
    return report[name] if report["revision"] == data.revision else None
