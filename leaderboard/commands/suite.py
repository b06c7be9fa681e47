"""``run``: a suite of models, from one file to the leaderboard."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from leaderboard.commands import Commands
from sat_tasks.console import Parser

_EPILOG = """example:
  sat-leaderboard run suite.yaml --out runs/mine
  sat-leaderboard run paper --check      (shipped: demo, open, paper)

The same command runs what is missing. Exit status 0: every model is done; 1: one failed.
"""


def declare(commands: Commands[Parser]) -> None:
    """Declare the command of this module."""
    own = commands.add_parser(
        "run",
        help="run a suite of models and collect the results",
        description="Run every model of a suite in lmms-eval, one process each, models behind "
        "APIs side by side, and put the results into a store.",
        epilog=_EPILOG,
    )
    own.add_argument("suite", help="a YAML file, or demo, open, paper")
    own.add_argument("--out", type=Path, metavar="DIR", help="default: runs/NAME")
    own.add_argument("--store", type=Path, metavar="DIR", help="default: OUT/store")
    own.add_argument("--check", action="store_true", help="only say what would go wrong")
    own.set_defaults(action=_run)


def _run(arguments: argparse.Namespace) -> int:
    from leaderboard.store import Store
    from leaderboard.suite import checks, run, show
    from leaderboard.suite.job import jobs_of
    from leaderboard.suite.suitefile import load_suite

    suite = load_suite(arguments.suite)
    gpus = checks.gpus_here()
    found = checks.problems(suite, gpus)
    for line in found:
        print(f"error: {line}", file=sys.stderr)
    if found:
        return 2
    jobs = jobs_of(suite, arguments.out or Path("runs") / suite.name)
    if arguments.check:
        for job in jobs:
            print(f"{job.model.name}: {'done' if job.is_done() else 'to be run'}")
        return 0
    out = arguments.out or Path("runs") / suite.name
    store = Store(arguments.store or out / "store")
    with run.only_one(out), run.ends_on_sigterm(), show.display() as display:
        models = run.run_jobs(jobs, store, suite.parallel, len(gpus), display)
    print(show.summary(models))
    return 0 if all(progress.state == "done" for progress in models) else 1
