"""docs/protocol.md: every reported number has a task and a metric here, and the averages agree."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from pathlib import Path

import pytest
from lmms_eval.utils import load_yaml_config

from sat_tasks import score
from sat_tasks.metrics import COMMON
from sat_tasks.plugin import TASK_FOLDER
from sat_tasks.protocol import PROTOCOLS

ROOT = Path(__file__).parent.parent
REPORTED = ROOT / "leaderboard" / "reported"
TEXT = (ROOT / "docs" / "protocol.md").read_text("utf-8")


def reported(name: str) -> list[dict[str, str]]:
    with (REPORTED / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_every_number_of_the_paper_has_a_task_and_a_metric() -> None:
    table = re.findall(r"^\| (\w+) (\w+) \| `(\w+)` \| `(\w+)` \|$", TEXT, flags=re.M)
    mapped = {(benchmark, subtask): (task, metric) for benchmark, subtask, task, metric in table}
    needed = {(row["benchmark"], row["subtask"]) for row in reported("sat_paper.csv")}
    assert needed <= set(mapped)
    for task, metric in mapped.values():
        config = load_yaml_config(str(TASK_FOLDER / f"{task}.yaml"), mode="full")
        assert metric in {entry["metric"] for entry in config["metric_list"]}, (task, metric)


def test_metrics_protocols_and_tasks_are_told() -> None:
    for name in COMMON:
        assert f"`{name}`" in TEXT
    for name, protocol in PROTOCOLS.items():
        assert protocol.blind or f"`{name}`" in TEXT
    for path in TASK_FOLDER.glob("*.yaml"):
        plain = re.sub(r"_(single|text_choice|cot|blind)$", "", path.stem)
        told = (
            plain
            if not re.match(r"sat_(static|dynamic)_", plain)
            else f"{plain[: plain.index('_', 4)]}_TYPE"
        )
        assert path.stem[0] == "_" or f"`{told}`" in TEXT, path.stem


@pytest.mark.parametrize(
    ("benchmark", "parts", "weights"),
    [
        (
            "sat_dynamic",
            score.DYNAMIC_TYPES,
            dict.fromkeys(score.DYNAMIC_TYPES, 1 / 5),
        ),
        ("blink_spatial", score.BLINK_TYPES, dict.fromkeys(score.BLINK_TYPES, 1 / 3)),
        (
            "cv_bench",
            ("count", "relation_2d", "depth_3d", "distance_3d"),
            {
                "count": 788 / 1438 / 2,
                "relation_2d": 650 / 1438 / 2,
                "depth_3d": 1 / 4,
                "distance_3d": 1 / 4,
            },
        ),
    ],
)
def test_averages_of_the_papers_third_version_are_ours(
    benchmark: str, parts: tuple[str, ...], weights: dict[str, float]
) -> None:
    by_model: dict[str, dict[str, float]] = defaultdict(dict)
    for row in reported("sat_paper.csv"):
        if row["benchmark"] == benchmark and "v3" in row["source"] and "main" in row["source"]:
            by_model[row["model"]][row["subtask"]] = float(row["accuracy"])
    whole = [row for row in by_model.values() if {*parts, "overall"} <= set(row)]
    assert len(whole) >= 8
    for row in whole:
        average = sum(weights[name] * row[name] for name in parts)
        assert average == pytest.approx(row["overall"], abs=0.11)


@pytest.mark.parametrize("style", ["({})", "{}", "({}) ", "({}) {text}"])
def test_saved_answers_of_blink_give_the_same_counts(style: str) -> None:
    """BLINK's authors save "(A)"; the counts are those of their files."""
    options = {"multi_view": ("left", "right"), "relative_depth": ("A is closer", "B is closer")}
    for row in reported("blink_saved_outputs.csv"):
        kind, correct, total = row["subtask"], int(row["correct"]), int(row["total"])
        offered = options.get(kind, ("yes", "no"))
        items = []
        for number in range(total):
            answer = number % 2
            said = answer if number < correct else 1 - answer
            doc = {
                "id": f"{kind}{number}",
                "scene_id": str(number),
                "question_type": kind,
                "origin": "BLINK",
                "options": offered,
                "order": (0, 1),
                "answer_index": answer,
                "protocol": "single",
                "style": "letters",
                "revision": "saved",
            }
            reply = style.format("AB"[said], text=offered[said])
            items.append(score.blink_results(doc, [reply]))
        assert sum(item["sat"]["correct"] for item in items) == correct, (row["model"], kind)
        assert all(item["sat"]["reading"] is not None for item in items)
