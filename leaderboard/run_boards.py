"""From the runs of a store to boards."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from leaderboard import samples as sample_files
from leaderboard.boards import OVERALL, Board, Cell, Column, Entry, cell_of
from leaderboard.means import MEANS, mean_cells
from leaderboard.ranking import detectable, paired_difference, paired_differs, rank
from leaderboard.results import ResultRow, Tally, slug
from leaderboard.samples import QuestionScores
from leaderboard.store import Store
from sat_tasks import taxonomy
from sat_tasks.protocol import BLIND_SUFFIX, PROTOCOLS

SUITES: dict[str, tuple[str, ...]] = {"sat": ("sat_static", "sat_dynamic")}
"""Tasks whose figures stand side by side in one board; any other task has a board of its own."""
BENCHMARKS = {
    "sat_cv_bench": "cv_bench",
    "sat_blink": "blink_spatial",
    "sat_vsr_random": "vsr",
    "sat_vsr_zeroshot": "vsr",
}
"""Under which title a task's boards are shown, where its name is not that of the benchmark."""


class _Key(NamedTuple):
    """What the entries of a board share."""

    suite: str
    data_fingerprint: str
    protocol: str
    wording: str
    """Version of the prompts."""
    part: str
    """Of the questions, for runs that were not asked all of them; else empty."""


@dataclass(frozen=True)
class _Run:
    """A model's samples on all tasks of a board, joined."""

    rows: tuple[ResultRow, ...]
    questions: QuestionScores


def run_boards(store: Store) -> list[Board]:
    """Return the boards of a store's runs, by benchmark, those with most models first."""
    rows = store.rows()
    whole = _whole_sets(rows)
    by_model: dict[tuple[_Key, str], list[ResultRow]] = defaultdict(list)
    for row in rows:
        wording = row.versions.get("prompt", "")
        key = _Key(suite_of(row.task), row.data_fingerprint, row.protocol, wording, "")
        by_model[key, row.model].append(row)
    runs: dict[_Key, dict[str, _Run]] = defaultdict(dict)
    for (key, model), own in by_model.items():
        asked = sorted(row.questions_sha256 for row in own)
        part = "" if whole.issuperset(asked) else "-".join(name[:8] for name in asked)
        runs[key._replace(part=part)][model] = _Run(tuple(own), joined_scores(store, own))
    boards = [_board(key, runs) for key in list(runs)]
    return sorted(boards, key=lambda board: (board.benchmark, -len(board.entries), board.key))


def _whole_sets(rows: Sequence[ResultRow]) -> set[str]:
    """Return the largest set of questions of each task, data and protocol."""
    largest: dict[tuple[str, str, str], ResultRow] = {}
    for row in rows:
        key = (row.task, row.data_fingerprint, row.protocol)
        if key not in largest or row.overall.questions > largest[key].overall.questions:
            largest[key] = row
    return {row.questions_sha256 for row in largest.values()}


def suite_of(task: str) -> str:
    """Return the benchmark a task belongs to."""
    return next((suite for suite, tasks in SUITES.items() if task in tasks), task)


def benchmark_of(suite: str) -> str:
    """Return the benchmark under whose title a suite or a task of its own is shown."""
    types = [f"{task}_" for task in SUITES["sat"]]
    if any(suite.startswith(start) for start in types):
        return "sat"
    return BENCHMARKS.get(suite, suite)


def _title(key: _Key, row: ResultRow) -> str:
    words = [row.data]
    if key.suite not in (benchmark_of(key.suite), *BENCHMARKS) or key.suite.startswith("sat_vsr"):
        words.append(key.suite)
    if key.part:
        words.append("part of the questions")
    return ", ".join(words)


def joined_scores(store: Store, rows: Sequence[ResultRow]) -> QuestionScores:
    """Return the samples of a model's runs on several tasks, one score per question."""
    columns = [name for name in sample_files.SCHEMA.names if name not in ("reply", "answer")]
    tables = [store.read_samples(row, columns) for row in rows]
    return QuestionScores(sample_files.joined(tables))


def _board(key: _Key, all_runs: Mapping[_Key, Mapping[str, _Run]]) -> Board:
    asked = {row.task for run in all_runs[key].values() for row in run.rows}
    tasks = tuple(task for task in SUITES.get(key.suite, (key.suite,)) if task in asked)
    blind = all_runs.get(key._replace(protocol=key.protocol + BLIND_SUFFIX), {})
    runs = list(all_runs[key].items())
    entries = [_entry(run, tasks, blind.get(model)) for model, run in runs]
    scores = [run.questions for _, run in runs]
    wording = f"v{key.wording}" if key.wording else ""
    parts = (key.suite, key.protocol, slug(key.data_fingerprint)[-12:], wording, key.part)
    return Board(
        key="--".join(part for part in parts if part),
        benchmark=benchmark_of(key.suite),
        title=_title(key, entries[0].rows[0]),
        protocol=key.protocol,
        about=_about(key),
        columns=_columns(tasks, entries),
        entries=tuple(_ranked(entries, scores)),
        questions=max(len(run.score) for run in scores),
        detectable=detectable(scores),
    )


def _about(key: _Key) -> str:
    words = [PROTOCOLS[key.protocol].about] if key.protocol in PROTOCOLS else []
    if key.wording:
        words.append(f"prompt version {key.wording}")
    return ", ".join(words)


def _entry(run: _Run, tasks: Sequence[str], blind: _Run | None) -> Entry:
    tallies: dict[str, Tally] = {}
    overall = run.questions.tally()
    if {row.task for row in run.rows} == set(tasks):
        tallies[OVERALL] = overall
    for row in run.rows:
        if len(tasks) > 1:
            tallies[row.task] = row.overall
        tallies |= row.by_type
    cells = {name: cell_of(tally) for name, tally in tallies.items()}
    if len(tasks) == 1:
        cells |= mean_cells(tasks[0], run.questions)
    newest = max(run.rows, key=lambda row: row.date)
    return Entry(
        model=newest.model,
        badge=newest.badge,
        date=newest.date,
        cells=cells,
        access=newest.access,
        licence=newest.licence,
        params_b=newest.params_b,
        note=newest.note,
        tuned_from=newest.tuned_from,
        rows=tuple(sorted(run.rows, key=lambda row: tasks.index(row.task))),
        tallies=tallies,
        unparsed=overall.unparsed / overall.replies,
        blind_gap=_blind_gap(run.questions, blind.questions if blind else None),
    )


def _blind_gap(sighted: QuestionScores, blind: QuestionScores | None) -> Cell | None:
    if blind is None or not sighted.pairs_with(blind):
        return None
    difference = paired_difference(blind, sighted)
    return Cell(difference.mean, low=difference.low, high=difference.high)


def _columns(tasks: Sequence[str], entries: Sequence[Entry]) -> tuple[Column, ...]:
    present = {name for entry in entries for name in entry.cells}
    columns = [Column(OVERALL, "Overall", "all questions", total=True)]
    for mean in MEANS.get(tasks[0], ()) if len(tasks) == 1 else ():
        columns.append(Column(mean.key, mean.label, mean.about, total=True))
    known = [
        Column(name, _label(name), info.asks) for name, info in taxonomy.QUESTION_TYPES.items()
    ]
    for task in tasks:
        if len(tasks) > 1:
            split = task.removeprefix("sat_")
            columns.append(Column(task, split.capitalize(), f"all {split} questions", total=True))
        types = {
            name
            for entry in entries
            for row in entry.rows
            if row.task == task
            for name in row.by_type
        }
        columns += [column for column in known if column.key in types]
        columns += [
            Column(name, _label(name), "")
            for name in sorted(types)
            if name not in taxonomy.QUESTION_TYPES
        ]
    return tuple(column for column in columns if column.key in present)


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _ranked(entries: Sequence[Entry], scores: Sequence[QuestionScores]) -> list[Entry]:
    """Return the entries best first; those without an overall figure come last, unranked."""
    whole = [i for i, entry in enumerate(entries) if OVERALL in entry.cells]
    standings = rank(
        [entries[i].cells[OVERALL].accuracy for i in whole],
        lambda i, j: paired_differs(scores[whole[i]], scores[whole[j]]),
    )
    ranked = [replace(entries[whole[s.index]], standing=s) for s in standings]
    return ranked + [entry for entry in entries if OVERALL not in entry.cells]
