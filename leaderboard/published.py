"""Boards of published figures, from the tables in ``reported/``.

A figure keeps its source: each source has its own boards, since protocols differ between papers
and are often not stated.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd

from leaderboard.boards import OVERALL, Board, Cell, Column, Entry
from leaderboard.ranking import detectable_of, rank, unpaired_differs
from leaderboard.results import slug
from sat_tasks import stats

FOLDER = Path(__file__).parent / "reported"
TABLES = ("sat_paper.csv", "robobrain2_paper.csv", "blink_saved_outputs.csv")

_Record = dict[Hashable, Any]
"""A row of a table."""


def benchmark_titles() -> dict[str, str]:
    """Return the title of each benchmark, in the order in which they are shown."""
    titles = _read("benchmarks.csv").dropna(subset="title")
    return dict(zip(titles["benchmark"], titles["title"], strict=True))


def reported_boards() -> list[Board]:
    """Return one board per source and benchmark."""
    figures = pd.concat([_read(name) for name in TABLES], ignore_index=True)
    figures = figures.drop(columns="protocol").merge(
        _read("models.csv"), on="model", how="left", suffixes=("", "_known")
    )
    for name in ("access", "params_b"):
        figures[name] = figures[name].fillna(figures.pop(f"{name}_known"))
    sources = {record["source"]: record for record in _read("sources.csv").to_dict("records")}
    sizes = _read("benchmarks.csv").dropna(subset="subtask")
    return [
        _board(str(benchmark), str(source), group, sources[source], sizes)
        for (benchmark, source), group in figures.groupby(["benchmark", "source"], sort=False)
    ]


def _read(name: str) -> pd.DataFrame:
    return pd.read_csv(FOLDER / name)


def _board(
    benchmark: str, source: str, figures: pd.DataFrame, about: _Record, sizes: pd.DataFrame
) -> Board:
    applies = sizes["source_of_figures"].isna() | (sizes["source_of_figures"] == source)
    known = sizes[(sizes["benchmark"] == benchmark) & applies].set_index("subtask")
    entries = [
        _entry(str(model), group, about, known)
        for model, group in figures.groupby("model", sort=False)
    ]
    present = {name for entry in entries for name in entry.cells}
    columns = tuple(
        Column(str(name), str(label), _about(str(name)), total=name == OVERALL)
        for name, label in known["label"].items()
        if name in present
    )
    ranked, tested = _ranked(entries)
    overall = next((e.cells[OVERALL] for e in ranked if OVERALL in e.cells), None)
    questions = overall.questions if overall else None
    return Board(
        key=f"{benchmark}--{slug(str(about['short']))}",
        benchmark=benchmark,
        title=str(about["short"]),
        protocol=str(about["protocol"]),
        about="",
        columns=columns,
        entries=tuple(ranked),
        source=source,
        source_url=str(about["url"]),
        questions=questions,
        detectable=detectable_of(questions) if questions else None,
        tested=tested,
    )


def _about(subtask: str) -> str:
    return "as the source averages" if subtask == OVERALL else subtask.replace("_", " ")


def _entry(model: str, figures: pd.DataFrame, about: _Record, known: pd.DataFrame) -> Entry:
    cells = {}
    for figure in figures.to_dict("records"):
        subtask = figure["subtask"]
        size = known.loc[subtask] if subtask in known.index else pd.Series(dtype=object)
        cells[str(subtask)] = _cell(figure, size)
    counted = [cell for cell in cells.values() if cell.points is not None]
    if OVERALL not in cells and len(counted) == len(cells):
        cells[OVERALL] = _pooled(counted)
    first = figures.iloc[0]
    return Entry(
        model=model,
        badge=about["badge"],
        date=str(about["date"]),
        cells=cells,
        access=first["access"] if pd.notna(first["access"]) else "unknown",
        params_b=_number(first["params_b"]),
    )


def _cell(figure: _Record, size: pd.Series) -> Cell:
    chance = _number(size.get("chance"))
    correct, total = _number(figure["correct"]), _number(figure["total"])
    if correct is not None and total is not None:
        low, high = stats.wilson(correct, total)
        return Cell(correct / total, correct, int(total), low, high, chance)
    accuracy = figure["accuracy"] / 100
    questions = _number(size.get("questions"))
    if questions is None:
        return Cell(accuracy, chance=chance)
    low, high = stats.wilson(accuracy * questions, questions)
    return Cell(accuracy, None, int(questions), low, high, chance, approximate=True)


def _pooled(cells: list[Cell]) -> Cell:
    """Return the figure over all questions of several subsets."""
    correct = sum(cell.points or 0 for cell in cells)
    total = sum(cell.questions or 0 for cell in cells)
    low, high = stats.wilson(correct, total)
    chances = {cell.chance for cell in cells}
    return Cell(
        correct / total, correct, total, low, high, chances.pop() if len(chances) == 1 else None
    )


def _ranked(entries: list[Entry]) -> tuple[list[Entry], bool]:
    """Return the entries best first, and whether ties could be tested for."""
    whole = [entry for entry in entries if OVERALL in entry.cells]
    cells = [entry.cells[OVERALL] for entry in whole]
    sizes = [cell.questions for cell in cells if cell.questions is not None]
    tested = bool(cells) and len(sizes) == len(cells)

    def differs(i: int, j: int) -> bool:
        first, second = cells[i].accuracy, cells[j].accuracy
        return unpaired_differs(first, second, sizes[i], sizes[j]) if tested else first != second

    ranked = [
        replace(whole[standing.index], standing=standing)
        for standing in rank([cell.accuracy for cell in cells], differs)
    ]
    return ranked + [entry for entry in entries if OVERALL not in entry.cells], tested


def _number(value: Any) -> float | None:
    return None if value is None or pd.isna(value) else float(value)
