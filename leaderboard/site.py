"""The static site: an index of boards, a page per model and per comparison, and downloads."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from leaderboard.assets import site_assets
from leaderboard.boards import Board, Entry
from leaderboard.compare import Comparison, compare_on
from leaderboard.drills import Drill, Drills, side_by_side
from leaderboard.files import make_folder, write_bytes, write_text
from leaderboard.pages import Pages
from leaderboard.pictures import Gallery
from leaderboard.published import benchmark_titles, reported_boards
from leaderboard.results import slug
from leaderboard.run_boards import run_boards
from leaderboard.shards import keep_only, shard_script
from leaderboard.store import Store
from leaderboard.tables import comparison_table, long_table
from sat_tasks.console import UserError

MARKER = ".sat-leaderboard"
"""Names a folder as one that a build may write to and clean."""
COMPARED = 5
"""Each two of a board's first models have a comparison."""


@dataclass
class Built:
    """What a build did."""

    boards: list[Board]
    written: int = 0
    """Pages and files that are new or changed."""
    kept: int = 0

    def note(self, changed: bool) -> None:
        """Count a file."""
        self.written += changed
        self.kept += not changed


def build(store: Store, out: Path, data: Sequence[Path] = ()) -> Built:
    """Write the site, touching only what changed.

    Args:
        store: The runs.
        out: Folder of the site.
        data: Data set folders whose pictures are shown with the samples.

    Raises:
        UserError: The folder cannot be written to, or holds something else.
    """
    gallery = Gallery.open(data)
    boards = ordered([*run_boards(store), *reported_boards()])
    _claim(out)
    built = Built(boards)
    for name, content in site_assets().items():
        built.note(write_bytes(out / "assets" / name, content))
    site = Pages(boards, model_slugs(boards), benchmark_titles())
    drills = Drills(store, out, gallery)
    _write_comparisons(built, site, store, drills, out)
    _write_models(built, site, store, drills, out)
    drills.forget_others()
    _write_downloads(built, out)
    built.note(write_text(out / "index.html", site.index(_write_charts(built, site, out))))
    return built


def _write_charts(built: Built, site: Pages, out: Path) -> dict[str, str]:
    """Write each board's charts as a script and return its folder, relative to the site."""
    folders: dict[str, str] = {}
    for board in built.boards:
        charts = site.charts(board)
        folders[board.key] = f"charts/{board.key}" if charts else ""
        if charts:
            script = shard_script(board.key, 0, charts)
            built.note(write_text(out / "charts" / board.key / "0.js", script))
    keep_only(out / "charts", {path.rsplit("/", 1)[-1] for path in folders.values()})
    return folders


def _write_comparisons(built: Built, site: Pages, store: Store, drills: Drills, out: Path) -> None:
    names, comparisons = set(), []
    for board, first, second in _pairs(store, built.boards):
        comparison = compare_on(store, board, first, second)
        comparisons.append(comparison)
        name = f"{board.key}--{site.slugs[first.model]}--{site.slugs[second.model]}.html"
        text = site.comparison(comparison, _compared_drills(comparison, drills))
        built.note(write_text(out / "compare" / name, text))
        site.link(comparison, f"compare/{name}")
        names.add(name)
    keep_only(out / "compare", names)
    table = comparison_table(comparisons).to_csv(index=False)
    built.note(write_text(out / "data" / "comparisons.csv", table))


def _pairs(store: Store, boards: Sequence[Board]) -> list[tuple[Board, Entry, Entry]]:
    """Return which entries are compared, the one before tuning or the lower one first.

    These are the best of each board, those asked for, and models before and after tuning.
    """
    asked = {frozenset(pair) for pair in store.comparisons()}
    found = []
    for board in boards:
        entries = [entry for entry in board.entries if entry.rows and entry.standing]
        best = {entry.model for entry in entries[:COMPARED]}
        for better, other in combinations(entries, 2):
            pair = {better.model, other.model}
            if other.tuned_from == better.model:
                found.append((board, better, other))
            elif pair <= best or pair in asked or better.tuned_from == other.model:
                found.append((board, other, better))
    return found


def _compared_drills(comparison: Comparison, drills: Drills) -> list[Drill]:
    first, second = comparison.first, comparison.second
    return [
        side_by_side(drills.of_run(one), drills.of_run(two), (first.model, second.model))
        for one, two in zip(first.rows, second.rows, strict=True)
    ]


def _write_models(built: Built, site: Pages, store: Store, drills: Drills, out: Path) -> None:
    lines: Mapping[str, list[tuple[Board, Entry]]] = defaultdict(list)
    for board in built.boards:
        for entry in board.entries:
            lines[entry.model].append((board, entry))
    for model, own in lines.items():
        runs = [row for _, entry in own for row in entry.rows]
        text = site.model(model, own, {row.key: drills.of_run(row) for row in runs})
        built.note(write_text(out / "models" / f"{site.slugs[model]}.html", text))
        for row in runs:
            files = {"json": store.row_path(row.key), "parquet": store.samples_path(row.key)}
            for ending, path in files.items():
                name = f"{row.key}.{ending}"
                built.note(write_bytes(out / "data" / "runs" / name, path.read_bytes()))
    keep_only(out / "models", {f"{name}.html" for name in site.slugs.values()})
    keys = {row.key for board in built.boards for entry in board.entries for row in entry.rows}
    keep_only(
        out / "data" / "runs", {f"{key}.{end}" for key in keys for end in ("json", "parquet")}
    )


def _write_downloads(built: Built, out: Path) -> None:
    table = long_table(built.boards)
    built.note(write_text(out / "data" / "leaderboard.csv", table.to_csv(index=False)))
    records = json.loads(table.to_json(orient="records", double_precision=15))
    text = json.dumps(records, indent=0, ensure_ascii=False)
    built.note(write_text(out / "data" / "leaderboard.json", text))


def ordered(boards: Sequence[Board]) -> list[Board]:
    """Return boards by benchmark as titled, runs of one's own before published figures."""
    titles = list(benchmark_titles())
    place = {name: index for index, name in enumerate(titles)}
    return sorted(
        boards, key=lambda board: (place.get(board.benchmark, len(titles)), bool(board.source))
    )


def model_slugs(boards: Sequence[Board]) -> dict[str, str]:
    """Return the file name of each model's page, without its ending; no two are the same."""
    names = sorted({entry.model for board in boards for entry in board.entries})
    taken: dict[str, str] = {}
    for name in names:
        own, count = slug(name), 2
        while own in taken:
            own, count = f"{slug(name)}-{count}", count + 1
        taken[own] = name
    return {name: own for own, name in taken.items()}


def _claim(out: Path) -> None:
    make_folder(out)
    if any(out.iterdir()) and not (out / MARKER).is_file():
        raise UserError(f"{out} holds files that no build made; name an empty or a new folder")
    write_text(out / MARKER, "This folder is written by sat-leaderboard build.\n")
