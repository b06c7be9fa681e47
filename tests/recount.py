"""Recomputing what a built site shows from the samples that lie on it, with pandas alone.

Nothing of the leaderboard is used here: files of the site are read as any visitor could.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

MINUS = "−"
TASKS = {"sat_static": "Static", "sat_dynamic": "Dynamic"}


@dataclass
class Table:
    """A table of a page."""

    classes: str
    board: str
    """Id of the board it belongs to."""
    rows: list[list[str]] = field(default_factory=list)
    """Words of each cell, pieces of it apart by spaces."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tables: list[Table] = []
        self.board = ""
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if "board" in found.get("class", "").split():
            self.board = found["id"]
        if tag == "table":
            self.tables.append(Table(found.get("class", ""), self.board))
        if tag == "tr":
            self.tables[-1].rows.append([])
        if tag in ("td", "th"):
            self.tables[-1].rows[-1].append("")
            self.inside = True

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        if self.inside and data.strip():
            cells = self.tables[-1].rows[-1]
            cells[-1] = f"{cells[-1]} {data.strip()}".strip()


def tables_of(page: Path) -> list[Table]:
    """Return the tables of a page."""
    reader = _Reader()
    reader.feed(page.read_text("utf-8"))
    return reader.tables


@dataclass(frozen=True)
class Run:
    """A model under one protocol: its samples on all tasks, and what was said of it."""

    model: str
    protocol: str
    about: dict[str, dict[str, Any]]
    """The run's JSON, by task."""
    samples: pd.DataFrame

    def parts(self) -> dict[str, pd.DataFrame]:
        """Return the samples of each part, under the name that pages give it."""
        kinds = {_label(name): own for name, own in self.samples.groupby("question_type")}
        halves = {TASKS[name]: own for name, own in self.samples.groupby("task") if name in TASKS}
        return {"Overall": self.samples, **(halves if len(self.about) > 1 else {}), **kinds}


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def runs_of(site: Path) -> list[Run]:
    """Return the runs whose files lie on a site, of one data set each."""
    found: dict[tuple[str, str, str], list[tuple[dict[str, Any], pd.DataFrame]]] = {}
    for path in sorted((site / "data" / "runs").glob("*.json")):
        about = json.loads(path.read_text("utf-8"))
        samples = pq.read_table(path.with_suffix(".parquet")).to_pandas()
        key = (about["model"], about["protocol"], about["data_fingerprint"])
        found.setdefault(key, []).append((about, samples.assign(task=about["task"])))
    return [
        Run(
            model,
            protocol,
            {about["task"]: about for about, _ in own},
            pd.concat([samples for _, samples in own]).sort_values(["id", "order"]),
        )
        for (model, protocol, _), own in found.items()
    ]


def questions_of(samples: pd.DataFrame) -> pd.DataFrame:
    """Return score, scene and number of options by question."""
    right = samples["reading"].eq(samples["answer"])
    return (
        samples.assign(right=right)
        .groupby("id")
        .agg(score=("right", "mean"), scene=("scene_id", "first"), options=("options", "first"))
    )


def standard_error(values: pd.Series, scenes: pd.Series) -> float:
    """Return the error of a mean, with whole scenes as what was drawn."""
    sums = (values - values.mean()).groupby(scenes).sum()
    count = len(sums)
    return float(np.sqrt((sums**2).sum() * count / (count - 1)) / len(values))


def interval(questions: pd.DataFrame) -> tuple[float, float]:
    """Return Wilson's interval at the size that the scenes leave."""
    mean, error = questions["score"].mean(), standard_error(questions["score"], questions["scene"])
    scenes = questions["scene"].nunique()
    size = min(mean * (1 - mean) / error**2, len(questions)) if error else scenes
    low, high = proportion_confint(mean * size, size, method="wilson")
    return low, high


def paired(first: pd.DataFrame, second: pd.DataFrame) -> tuple[float, float, float]:
    """Return how much higher the second scores, and the ends of the 95% interval."""
    difference = second["score"] - first["score"]
    margin = norm.ppf(0.975) * standard_error(difference, first["scene"])
    return difference.mean(), difference.mean() - margin, difference.mean() + margin


def detectable(runs: list[Run]) -> float:
    """Return the smallest difference that two runs mostly show."""
    asked = [questions_of(run.samples) for run in runs]
    errors = [standard_error(q["score"], q["scene"]) for q in asked]
    error = max(*errors, np.sqrt(0.25 / len(asked[0])))
    return float((norm.ppf(0.975) + norm.ppf(0.8)) * np.sqrt(2) * error)


def ranks(runs: list[Run]) -> dict[str, str]:
    """Return the rank of each model as pages show it: shared with the best that it equals."""
    asked = {run.model: questions_of(run.samples) for run in runs}
    order = sorted(asked, key=lambda model: -asked[model]["score"].mean())
    leader, found = 0, {}
    for place, model in enumerate(order):
        _, low, high = paired(asked[order[leader]], asked[model])
        leader = place if low > 0 or high < 0 else leader
        found[model] = leader + 1
    shared = list(found.values())
    return {
        model: f"{rank}{'=' if shared.count(rank) > 1 else ''}" for model, rank in found.items()
    }


def pct(share: float) -> str:
    """Return a share as pages show it."""
    return f"{round(100 * share, 1) + 0.0:.1f}".replace("-", MINUS)


def signed(share: float) -> str:
    """Return points as pages show them."""
    return f"{round(100 * share, 1) + 0.0:+.1f}".replace("-", MINUS)


def k_of(points: float) -> str:
    """Return a sum of shares as pages show it."""
    return f"{round(points, 1):g}"


def figure(samples: pd.DataFrame) -> str:
    """Return what the cell of a ranking says of some samples."""
    questions = questions_of(samples)
    low, high = interval(questions)
    score = questions["score"]
    return f"{pct(score.mean())} {pct(low)}–{pct(high)} {k_of(score.sum())}/{len(score)}"


def chance(samples: pd.DataFrame) -> float:
    """Return the mean over questions of one divided by the number of options."""
    return float((1 / questions_of(samples)["options"]).mean())


def above_chance(samples: pd.DataFrame) -> float:
    """Return accuracy on a scale from chance to all right."""
    luck = chance(samples)
    return float((questions_of(samples)["score"].mean() - luck) / (1 - luck))


def same(shown: str, recomputed: str) -> bool:
    """Compare words whose numbers may differ by the rounding of a tie in their last digit."""
    numbers: Callable[[str], list[str]] = lambda text: re.findall(r"[\d.]+", text)  # noqa: E731
    words = [re.sub(r"[\d.]+", "#", text) for text in (shown, recomputed)]
    pairs = list(zip(numbers(shown), numbers(recomputed), strict=False))
    near = all(abs(float(a) - float(b)) < 0.1001 if "." in a + b else a == b for a, b in pairs)
    return words[0] == words[1] and near
