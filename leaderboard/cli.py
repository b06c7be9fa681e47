"""``sat-leaderboard``: collect runs, compare them, and publish them as a static site."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from leaderboard.commands import pages, runs, submit, suite
from sat_tasks import console
from sat_tasks.console import Parser

_EPILOG = """example:
  sat-leaderboard add results/llava --store store --name "LLaVA 1.5 13B" --access open --params 13
  sat-leaderboard build --store store --out site
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return console.run(_command, argv)


def _command(argv: Sequence[str] | None) -> int:
    parser = Parser(
        prog="sat-leaderboard",
        description="Collect evaluation runs, compare them, and publish them as a static site.",
        epilog=_EPILOG,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for module in (suite, runs, pages, submit):
        module.declare(commands)
    arguments = parser.parse_args(argv)
    action: Callable[[argparse.Namespace], int] = arguments.action
    return action(arguments)


if __name__ == "__main__":
    sys.exit(main())
