"""``add``, ``show``, ``compare`` and ``recount``: runs into a store, and what they say."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from leaderboard.commands import Commands, add_store
from sat_tasks import console
from sat_tasks.console import Parser

if TYPE_CHECKING:
    from leaderboard.add import About


def declare(commands: Commands[Parser]) -> None:
    """Declare the commands of this module."""
    _declare_add(commands)
    _declare_show(commands)
    _declare_compare(commands)
    _declare_recount(commands)


def _declare_add(commands: Commands[Parser]) -> None:
    own = commands.add_parser(
        "add",
        help="read lmms-eval output folders into a store",
        description="Read what lmms-eval --log_samples wrote, count every figure again from the "
        "samples, and keep the runs in a store. Without --name, several folders may be given.",
        epilog='example:\n  sat-leaderboard add results/llava --store store --name "LLaVA 13B"\n',
    )
    own.add_argument(
        "results", type=Path, nargs="+", help="folder that lmms-eval --output_path wrote"
    )
    add_store(own)
    declare_about(own)
    own.add_argument(
        "--tuned-from", default="", metavar="NAME", help="name of the model before its tuning"
    )
    own.add_argument("--replace", action="store_true", help="replace an earlier run of this model")
    own.set_defaults(action=_add)


def declare_about(own: Parser) -> None:
    """Declare the options that say what lmms-eval's output does not."""
    own.add_argument("--name", default="", help="display name of the model")
    own.add_argument("--note", default="", help='a word shown next to it, such as "untrained"')
    own.add_argument("--revision", default="", help="revision of the weights")
    own.add_argument("--access", default="unknown", help="open, proprietary, baseline, unknown")
    own.add_argument("--licence", default="", help="licence of the weights, such as apache-2.0")
    own.add_argument("--params", type=float, metavar="BILLIONS", help="number of parameters")
    own.add_argument("--source", default="", help="address of the model or of a report on it")
    own.add_argument(
        "--cost",
        type=float,
        metavar="USD",
        help="what the run cost; default: an API's tokens at the price table's prices",
    )


def about_of(arguments: argparse.Namespace) -> About:
    """Return what those options say.

    Raises:
        UserError: One has a value that is not allowed.
    """
    from leaderboard.add import About
    from leaderboard.results import ACCESS, Access

    access: Access = console.one_of("access", arguments.access, ACCESS)  # type: ignore[assignment]
    if arguments.params is not None and not 0 < arguments.params < 1e5:
        raise console.UserError(f"--params {arguments.params:g} is no number of billions")
    return About(
        name=arguments.name.strip(),
        note=arguments.note.strip(),
        revision=arguments.revision,
        access=access,
        licence=arguments.licence.strip(),
        params_b=arguments.params,
        source=arguments.source,
        cost_usd=arguments.cost,
    )


def _add(arguments: argparse.Namespace) -> int:
    from leaderboard.add import add
    from leaderboard.boards import cell_of
    from leaderboard.store import Store
    from leaderboard.tables import format_cell

    if len(arguments.results) > 1 and arguments.name:
        raise console.UserError("--name is the name of one model; add several folders without it")
    store = Store(arguments.store)
    about = replace(about_of(arguments), tuned_from=arguments.tuned_from.strip())
    for added in add(arguments.results, store, about, arguments.replace):
        row = added.row
        word = "added" if added.new else "already there"
        figures = format_cell(cell_of(row.overall))
        print(f"{word}: {row.model} on {row.task} ({row.protocol}): {figures}")
    return 0


def _declare_show(commands: Commands[Parser]) -> None:
    own = commands.add_parser(
        "show",
        help="print the store's boards",
        description="Print the boards of a store's runs as text.",
        epilog="example:\n  sat-leaderboard show --store store\n",
    )
    add_store(own)
    own.add_argument("--json", action="store_true", help="print every figure as JSON")
    own.set_defaults(action=_show)


def _show(arguments: argparse.Namespace) -> int:
    from leaderboard.run_boards import run_boards
    from leaderboard.store import Store
    from leaderboard.tables import long_table, summary_table

    boards = run_boards(Store.open(arguments.store))
    if arguments.json:
        print(long_table(boards).to_json(orient="records", indent=1, double_precision=15))
    else:
        print(summary_table(boards))
    return 0


def _declare_compare(commands: Commands[Parser]) -> None:
    own = commands.add_parser(
        "compare",
        help="compare two models question by question",
        description="Compare two models on every board that has replies of both: exact McNemar "
        "(a sign test where a question was asked in several orders) and a bootstrap over scenes, "
        "overall and by type, and the questions that differ (all of them with --json).",
        epilog='example:\n  sat-leaderboard compare "LLaVA" "LLaVA + SAT" --store store\n',
    )
    own.add_argument("first", help="name of a model in the store")
    own.add_argument("second", help="name of another")
    add_store(own)
    own.add_argument("--json", action="store_true", help="print JSON")
    own.add_argument("--page", action="store_true", help="also give the pair a page on the site")
    own.set_defaults(action=_compare)


def _compare(arguments: argparse.Namespace) -> int:
    from leaderboard.compare import compare_models, describe, questions_that_differ, to_record
    from leaderboard.run_boards import run_boards
    from leaderboard.store import Store

    store = Store.open(arguments.store)
    found = compare_models(store, run_boards(store), arguments.first, arguments.second)
    if arguments.page:
        store.add_comparison(arguments.first, arguments.second)
    both = [(comparison, questions_that_differ(store, comparison)) for comparison in found]
    if arguments.json:
        print(json.dumps([to_record(*each) for each in both], indent=1))
    else:
        print("\n\n".join(describe(*each) for each in both))
    return 0


def _declare_recount(commands: Commands[Parser]) -> None:
    own = commands.add_parser(
        "recount",
        help="count every figure of a store again from its samples",
        description="Count every figure of a store again from its samples. Exit status 1, and "
        "what differs, if a figure was altered.",
        epilog="example:\n  sat-leaderboard recount --store store\n",
    )
    add_store(own)
    own.set_defaults(action=_recount)


def _recount(arguments: argparse.Namespace) -> int:
    from leaderboard.add import altered_fields
    from leaderboard.store import Store

    store = Store.open(arguments.store)
    rows = store.rows()
    altered = {row.key: altered_fields(row, store.read_samples(row)) for row in rows}
    for key, fields in altered.items():
        if fields:
            print(f"{store.row_path(key)}: {', '.join(fields)} differ from the samples")
    if any(altered.values()):
        return 1
    replies = sum(row.overall.replies for row in rows)
    print(f"{len(rows)} runs agree with their {replies} replies")
    return 0
