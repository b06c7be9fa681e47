"""The figures of all boards as tables for other programs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from leaderboard.boards import OVERALL, Board, Cell, Entry
from leaderboard.compare import Comparison

COLUMNS = (
    "benchmark",
    "data",
    "protocol",
    "source",
    "rank",
    "model",
    "note",
    "tuned_from",
    "badge",
    "access",
    "licence",
    "params_b",
    "date",
    "part",
    "accuracy",
    "k",
    "n",
    "low",
    "high",
    "approximate",
    "chance",
    "above_chance",
    "replies",
    "unparsed",
    "all_orders",
    "blind_gap",
    "blind_gap_low",
    "blind_gap_high",
    "detectable",
)
COMPARISON_COLUMNS = (
    "board",
    "first",
    "second",
    "second_is_tuned_from_first",
    "part",
    "n",
    "first_accuracy",
    "second_accuracy",
    "difference",
    "low",
    "high",
    "better_first",
    "better_second",
    "p_value",
)


def long_table(boards: Iterable[Board]) -> pd.DataFrame:
    """Return one row per figure: a model's accuracy on a board's total or one of its parts.

    Accuracies, interval ends and chance are in [0, 1]; ``k`` is the sum over questions of the
    share of option orders answered rightly, ``n`` the number of questions. ``replies``, those of
    them that were ``unparsed``, and questions answered rightly in ``all_orders`` are known of runs
    only. The gap to the run without pictures and the smallest ``detectable`` difference are of
    all questions of a board and stand in the lines of its overall figure.
    """
    return pd.DataFrame(list(_records(boards)), columns=list(COLUMNS)).astype(
        dict.fromkeys(("rank", "n", "replies", "unparsed", "all_orders"), "Int64")
    )


def _records(boards: Iterable[Board]) -> Iterator[dict[str, Any]]:
    for board in boards:
        for entry in board.entries:
            for column in board.columns:
                if column.key in entry.cells:
                    yield _record(board, entry, column.key, entry.cells[column.key])


def _record(board: Board, entry: Entry, part: str, cell: Cell) -> dict[str, Any]:
    tally = entry.tallies.get(part)
    gap = entry.blind_gap if part == OVERALL else None
    return {
        "benchmark": board.benchmark,
        "data": board.title,
        "protocol": board.protocol,
        "source": board.source,
        "rank": entry.standing.rank if entry.standing else None,
        "model": entry.model,
        "note": entry.note,
        "tuned_from": entry.tuned_from,
        "badge": entry.badge,
        "access": entry.access,
        "licence": entry.licence,
        "params_b": entry.params_b,
        "date": entry.date,
        "part": part,
        "accuracy": cell.accuracy,
        "k": cell.points,
        "n": cell.questions,
        "low": cell.low,
        "high": cell.high,
        "approximate": cell.approximate,
        "chance": cell.chance,
        "above_chance": cell.above_chance,
        "replies": tally.replies if tally else None,
        "unparsed": tally.unparsed if tally else None,
        "all_orders": tally.all_orders if tally else None,
        "blind_gap": gap.accuracy if gap else None,
        "blind_gap_low": gap.low if gap else None,
        "blind_gap_high": gap.high if gap else None,
        "detectable": board.detectable if part == OVERALL else None,
    }


def comparison_table(comparisons: Iterable[Comparison]) -> pd.DataFrame:
    """Return one row per pair of models and part of the questions.

    Accuracies, the difference and the ends of its interval are in [0, 1]; the columns are the
    fields of :class:`leaderboard.compare.Part`.
    """
    records = [
        {
            "board": comparison.board.key,
            "first": comparison.first.model,
            "second": comparison.second.model,
            "second_is_tuned_from_first": comparison.is_tuning,
            "part": part.name,
            "n": part.questions,
            "first_accuracy": part.first,
            "second_accuracy": part.second,
            "difference": part.difference.mean,
            "low": part.difference.low,
            "high": part.difference.high,
            "better_first": part.better_first,
            "better_second": part.better_second,
            "p_value": part.p_value,
        }
        for comparison in comparisons
        for part in comparison.parts
    ]
    return pd.DataFrame(records, columns=list(COMPARISON_COLUMNS))


def summary_table(boards: Iterable[Board]) -> str:
    """Return the boards as text for a terminal, totals only."""
    lines: list[str] = []
    for board in boards:
        lines += ["", f"{board.benchmark}: {board.title}, protocol {board.protocol}"]
        totals = [column for column in board.columns if column.total]
        frame = pd.DataFrame(
            [
                {"": entry.standing.rank if entry.standing else "-", "model": _name(entry)}
                | {c.label: format_cell(entry.cells.get(c.key)) for c in totals}
                for entry in board.entries
            ]
        )
        lines.append(frame.to_string(index=False, justify="left"))
        if board.detectable:
            lines.append(f"differences below {100 * board.detectable:.1f} points may be noise")
    return "\n".join(lines[1:])


def format_cell(cell: Cell | None) -> str:
    """Return a figure as "53.1% 102/192 [46, 60] chance 50"; a dash where there is none."""
    if cell is None:
        return "-"
    parts = [f"{100 * cell.accuracy:.1f}%"]
    if cell.points is not None:
        parts.append(f"{cell.points:g}/{cell.questions}")
    if cell.low is not None and cell.high is not None:
        parts.append(f"[{100 * cell.low:.0f}, {100 * cell.high:.0f}]")
    if cell.chance is not None:
        parts.append(f"chance {100 * cell.chance:.0f}")
    return " ".join(parts)


def _name(entry: Entry) -> str:
    return f"{entry.model} ({entry.note})" if entry.note else entry.model
