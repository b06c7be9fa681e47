"""The commands of ``python -m sat_tasks``."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from sat_tasks.console import Parser, UserError, one_of

FORMATS = ("lmms-eval", "vlmevalkit", "inspect")
_EXAMPLES = """examples:
  python -m sat_tasks list
  SAT_DATA=data python -m sat_tasks run --tasks sat_dynamic --model llava \\
      --model_args pretrained=llava-hf/llava-1.5-7b-hf --batch_size 8 --out results
  python -m sat_tasks report results
  python -m sat_tasks check results
  python -m sat_tasks export data --format inspect --out exported
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status."""
    parser = Parser(
        prog="python -m sat_tasks",
        description="Ask a model spatial questions and look at its answers.",
        epilog=_EXAMPLES,
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND", parser_class=Parser)
    _add_list(commands)
    _add_run(commands)
    _add_report(commands)
    _add_check(commands)
    _add_export(commands)
    arguments = parser.parse_args(argv)
    command: Callable[[argparse.Namespace], int] = arguments.command
    return command(arguments)


# --- list


def _add_list(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser("list", help="tasks, protocols and models")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(command=_list)


def _list(arguments: argparse.Namespace) -> int:
    from sat_tasks.plugin import MODELS, TASK_FOLDER
    from sat_tasks.protocol import PROTOCOLS

    found = {
        "tasks": sorted(path.stem for path in TASK_FOLDER.glob("*.yaml") if path.stem[0] != "_"),
        "protocols": {name: protocol.about for name, protocol in PROTOCOLS.items()},
        "models": list(MODELS),
    }
    if arguments.json:
        print(json.dumps(found, indent=1))
        return 0
    print("tasks and groups\n  " + "\n  ".join(found["tasks"]))
    print("protocols (SAT_PROTOCOL)")
    for name, about in PROTOCOLS.items():
        print(f"  {name:20} {about.about}")
    print("models\n  " + "\n  ".join(found["models"]))
    return 0


# --- run


def _add_run(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "run", help="evaluate a model with lmms-eval, without its scan of all task files"
    )
    parser.add_argument("--tasks", required=True, help="comma-separated; see list")
    parser.add_argument("--model", required=True, help="a model id of lmms-eval")
    parser.add_argument("--model_args", default="", help="as in lmms-eval")
    parser.add_argument("--batch_size", default="1", help="questions at once (default: 1)")
    parser.add_argument("--limit", type=int, help="only so many calls per task, for trying out")
    parser.add_argument("--out", type=Path, required=True, help="folder for results and samples")
    parser.set_defaults(command=_run)


def _run(arguments: argparse.Namespace) -> int:
    from sat_tasks.evaluate import evaluate
    from sat_tasks.report import read_run, table

    results = evaluate(
        tasks=arguments.tasks.split(","),
        model=arguments.model,
        model_args=arguments.model_args,
        batch_size=arguments.batch_size,
        limit=arguments.limit,
        out=arguments.out,
    )
    runs = read_run(results)
    print(table(runs))
    print(results)
    return 1 if any(run.failed for run in runs) else 0


# --- report and check


def _add_report(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser("report", help="a table of the newest results of a folder")
    parser.add_argument("results", type=Path, help="--output_path of lmms-eval")
    parser.add_argument("--json", action="store_true", help="for programs")
    parser.set_defaults(command=_report)


def _report(arguments: argparse.Namespace) -> int:
    from sat_tasks.report import lines_of, newest_results, read_run, table

    runs = read_run(newest_results(arguments.results))
    if arguments.json:
        listed = [
            {
                "task": run.task,
                "model": run.model,
                "protocol": run.protocol,
                "failed": run.failed,
                "lines": [asdict(line) for line in lines_of(run)],
            }
            for run in runs
        ]
        print(json.dumps(listed, indent=1))
    else:
        print(table(runs))
    return 0


def _add_check(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "check", help="exit status 0 only if the newest results are whole and no call failed"
    )
    parser.add_argument("results", type=Path, help="--output_path of lmms-eval")
    parser.add_argument("--newer-than", type=Path, help="a file older than the results")
    parser.set_defaults(command=_check)


def _check(arguments: argparse.Namespace) -> int:
    from sat_tasks.report import newest_results, read_run

    path = newest_results(arguments.results)
    mark = arguments.newer_than
    if mark is not None and path.stat().st_mtime_ns <= mark.stat().st_mtime_ns:
        raise UserError(f"{path} is older than {mark}: the last run wrote no results")
    for run in read_run(path):
        if run.failed:
            raise UserError(
                f"{path}: {run.failed} of {len(run.samples)} calls of {run.task} failed"
            )
    print(path)
    return 0


# --- export


def _add_export(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser("export", help="write questions for another suite")
    parser.add_argument("data", help="a data set folder, or the name of a table such as sat_real")
    parser.add_argument("--format", required=True, help=", ".join(FORMATS))
    parser.add_argument("--out", type=Path, required=True, help="new folder")
    parser.add_argument("--name", help="of the task (default: sat_PART)")
    parser.add_argument("--part", default="all", help="static, dynamic, a question type, or all")
    parser.add_argument("--split", help="of a data set folder (default: test)")
    parser.add_argument("--every-order", action="store_true", help="each question in every order")
    parser.set_defaults(command=_export)


def _export(arguments: argparse.Namespace) -> int:
    from sat_tasks.exports import inspect, lmms_eval, vlmevalkit, write_export
    from sat_tasks.tables import load_folder, load_table

    writers = dict(zip(FORMATS, (lmms_eval.write, vlmevalkit.write, inspect.write), strict=True))
    write = writers[one_of("format", arguments.format, FORMATS)]
    if Path(arguments.data).exists():
        _, questions = load_folder(Path(arguments.data), arguments.split, arguments.part)
    else:
        _, questions = load_table(arguments.data, arguments.part)
    name = arguments.name or f"sat_{arguments.part}"
    count = write_export(write, questions, name, arguments.out, arguments.every_order)
    print(f"{count} rows in {arguments.out}")
    return 0
