"""``pack`` and ``validate``: submissions of raw replies."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from leaderboard.commands import Commands, add_store
from leaderboard.commands.runs import about_of, declare_about
from sat_tasks import console
from sat_tasks.console import Parser


def declare(commands: Commands[Parser]) -> None:
    """Declare the commands of this module."""
    _declare_pack(commands)
    _declare_validate(commands)


def _declare_pack(commands: Commands[Parser]) -> None:
    own = commands.add_parser(
        "pack",
        help="make submissions out of lmms-eval output",
        description="Write one archive per task that lmms-eval ran, ready to be submitted.",
        epilog="example:\n  sat-leaderboard pack results --out submissions --name Model\n",
    )
    own.add_argument("results", type=Path, help="folder that lmms-eval --output_path wrote")
    own.add_argument("--out", type=Path, required=True, help="folder for the archives")
    declare_about(own)
    own.set_defaults(action=_pack)


def _pack(arguments: argparse.Namespace) -> int:
    from leaderboard.submissions.pack import pack

    for path in pack(arguments.results, arguments.out, about_of(arguments)):
        print(path)
    return 0


def _declare_validate(commands: Commands[Parser]) -> None:
    own = commands.add_parser(
        "validate",
        help="judge a submission",
        description="Judge a submission, a folder or a zip archive of raw replies: every reply is "
        "read and scored again. Exit status 1 and all reasons if it is refused.",
        epilog="example:\n  sat-leaderboard validate model.zip --data DIR --store store --add\n",
    )
    own.add_argument("submission", type=Path, help="folder or zip archive")
    own.add_argument(
        "--data",
        type=Path,
        help="data set folder with the pinned questions; default: those that the task asks",
    )
    add_store(own, required=False)
    own.add_argument("--add", action="store_true", help="keep it in the store if it is accepted")
    own.add_argument("--replace", action="store_true", help="replace an earlier run of this model")
    own.add_argument("--json", action="store_true", help="print JSON")
    own.set_defaults(action=_validate)


def _validate(arguments: argparse.Namespace) -> int:
    from leaderboard.boards import cell_of
    from leaderboard.store import Store
    from leaderboard.submissions.validate import validate
    from leaderboard.tables import format_cell

    if arguments.add and arguments.store is None:
        raise console.UserError("--add needs --store")
    if not arguments.submission.exists():
        raise console.UserError(f"{arguments.submission} does not exist")
    if arguments.data is not None:
        os.environ |= dict.fromkeys(("SAT_DATA", "SAT_REAL_DATA"), str(arguments.data))
    store = Store(arguments.store) if arguments.store else None
    verdict = validate(arguments.submission, store)
    row = verdict.row
    if row is not None and verdict.accepted and arguments.add and store is not None:
        store.put(row, verdict.samples, verdict.prompts, arguments.replace)
    if arguments.json:
        accuracy = row.overall.accuracy if row else None
        found = {"accepted": verdict.accepted, "reasons": verdict.reasons, "accuracy": accuracy}
        print(json.dumps(found, indent=1))
    elif row is not None and verdict.accepted:
        print(f"accepted: {row.model} on {row.task}: {format_cell(cell_of(row.overall))}")
    else:
        print("\n".join(f"refused: {reason}" for reason in verdict.reasons), file=sys.stderr)
    return 0 if verdict.accepted else 1
