"""Output folders as lmms-eval leaves them, scored by the real hooks, without running lmms-eval."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sat_tasks import score
from sat_tasks.data import open_data_set, read_questions
from sat_tasks.docs import Doc, doc_to_target, doc_to_text, expand
from sat_tasks.protocol import PROTOCOLS
from sat_tasks.tables import TABLES
from sat_tasks.taxonomy import split_of

Reply = Callable[[Doc], str]

HOOKS = {
    "static": (score.static_results, score.STATIC_METRICS),
    "dynamic": (score.dynamic_results, score.DYNAMIC_METRICS),
}
"""What the task files of the two halves name."""


def always(label: str) -> Reply:
    """Return a model that gives one reply to everything."""
    return lambda doc: label


def right(doc: Doc) -> str:
    """Answer rightly."""
    return doc_to_target(doc)


def right_in(share: float, salt: int = 0) -> Reply:
    """Return a model that is right on about a share of the questions, whatever their order."""

    def reply(doc: Doc) -> str:
        target = doc_to_target(doc)
        number = int(doc["id"].rsplit("-", 1)[-1])
        if (number * 7919 + salt * 104729) % 1000 < 1000 * share:
            return target
        return "B" if target == "A" else "A"

    return reply


def documents(data: Path, half: str, protocol: str = "circular") -> list[Doc]:
    """Return the documents of the static or dynamic half of a data set folder."""
    opened = open_data_set(data)
    questions = [q for q in read_questions(opened, "test") if split_of(q.question_type) == half]
    columns = expand(opened, questions, PROTOCOLS[protocol], TABLES["sat"])
    return [
        dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)
    ]


def sample(doc: Doc, reply: str, half: str) -> dict[str, Any]:
    """Return a line of a samples file."""
    return {
        "doc_id": 0,
        "target": doc_to_target(doc),
        "filtered_resps": reply,
        "doc_hash": "0",
        **HOOKS[half][0](doc, [reply]),
        "input": doc_to_text(doc),
    }


def write_run(
    folder: Path,
    data: Path,
    reply: Reply,
    protocol: str = "circular",
    halves: tuple[str, ...] = ("static", "dynamic"),
    date: str = "20261123_070102",
    questions: int | None = None,
    **settings: Any,
) -> Path:
    """Write one run over the halves of a data set folder and return its results.json.

    ``questions`` cuts each half to its first questions.
    """
    folder.mkdir(parents=True, exist_ok=True)
    results: dict[str, Any] = {}
    counts: dict[str, Any] = {}
    for half in halves:
        task = f"sat_{half}"
        docs = documents(data, half, protocol)
        ids = list(dict.fromkeys(doc["id"] for doc in docs))[:questions]
        lines = [sample(doc, reply(doc), half) for doc in docs if doc["id"] in ids]
        (folder / f"{date}_samples_{task}.jsonl").write_text(
            "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8"
        )
        results[task] = {"alias": task} | {
            f"{metric['metric']},{protocol}": metric["aggregation"](
                [line[metric["metric"]] for line in lines]
            )
            for metric in HOOKS[half][1]
        }
        counts[task] = {"original": len(lines), "effective": len(lines)}
    content = {
        "results": results,
        "n-samples": counts,
        "versions": dict.fromkeys(results, 1.0),
        "config": {"model": "stub_model", "model_args": "pretrained=/tmp/x/weights,dtype=auto"},
        "model_name": "",
        "lmms_eval_version": "0.7.3",
        "date": date,
        "total_evaluation_time_seconds": "12.5",
    } | settings
    path = folder / f"{date}_results.json"
    path.write_text(json.dumps(content, indent=1), "utf-8")
    return path
