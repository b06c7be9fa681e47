"""The commands of ``sat-leaderboard``; each module declares its own and imports late."""

from __future__ import annotations

import argparse
from pathlib import Path

from sat_tasks.console import Parser

Commands = argparse._SubParsersAction  # argparse gives this type no public name


def add_store(parser: Parser, required: bool = True) -> None:
    """Declare the option that names a store."""
    parser.add_argument(
        "--store", type=Path, required=required, metavar="DIR", help="folder that keeps the runs"
    )
