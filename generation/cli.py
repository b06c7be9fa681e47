"""The sat-generate command: make data, look at it, prove it."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from generation.run_command import add_run, positive
from sat_tasks import console
from sat_tasks.console import Parser

Commands = argparse._SubParsersAction


def _add_gallery(commands: Commands[Parser]) -> None:
    parser = commands.add_parser(
        "gallery",
        help="show a data set as one HTML page",
        description="Write one self-contained HTML page with pictures, questions and answers.",
        epilog="example:\n  sat-generate gallery data/mini --out gallery.html --per-type 20",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="data set folder")
    parser.add_argument("--out", type=Path, metavar="FILE", help="default: DIR/gallery.html")
    parser.add_argument("--per-type", type=positive, default=12, metavar="N")
    parser.set_defaults(command=_gallery)


def _gallery(arguments: argparse.Namespace) -> int:
    from generation.gallery import write_gallery

    out = arguments.out or arguments.folder / "gallery.html"
    shown = write_gallery(arguments.folder, out, arguments.per_type)
    print(f"{shown} questions: {out}")
    return 0


def _add_verify(commands: Commands[Parser]) -> None:
    parser = commands.add_parser(
        "verify",
        help="prove the answers of a data set again",
        description=(
            "Answer every question again from rendered pixels, depth and segmentation of its "
            "recorded scene and poses. Exit status 1 if any answer differs."
        ),
        epilog="example:\n  sat-generate verify data/mini --limit 200",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="data set folder")
    parser.add_argument("--limit", type=positive, metavar="N", help="only the first N questions")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    from tqdm import tqdm

    from generation.reports import VERIFY, write_report
    from generation.verify import Verdict, verify_dataset
    from sat_tasks.data import open_data_set

    data = open_data_set(arguments.folder)
    rows = sum(file.rows for file in data.manifest.files)
    total = min(rows, arguments.limit or rows)
    with tqdm(total=total, unit="question", disable=arguments.json) as bar:

        def note(verdict: Verdict) -> None:
            bar.update()

        report = verify_dataset(arguments.folder, limit=arguments.limit, progress=note)
    write_report(data, VERIFY, report.to_json())
    if arguments.json:
        print(json.dumps(report.to_json(), indent=1))
    else:
        for verdict in report.failures:
            print(verdict.line())
        for name, number in sorted(report.checked.items()):
            print(f"{name:20}{report.agreed[name]:6} of {number} agree")
    return 1 if report.failures else 0


def _add_audit(commands: Commands[Parser]) -> None:
    parser = commands.add_parser(
        "audit",
        help="test whether text alone gives the answers away",
        description=(
            "Answer the questions without their pictures: by the majority answer, position, "
            "answer length, and a text classifier. Exit status 1 if one of them beats chance."
        ),
        epilog="example:\n  sat-generate audit data/mini",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="data set folder")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_audit)


def _audit(arguments: argparse.Namespace) -> int:
    from generation import audit
    from sat_tasks.data import open_data_set

    data = open_data_set(arguments.folder)
    findings = audit.audit(data)
    audit.write_audit(data, findings)
    print(audit.as_json(findings) if arguments.json else audit.table(findings))
    return 1 if any(finding.leak for finding in findings) else 0


def _add_card(commands: Commands[Parser]) -> None:
    parser = commands.add_parser(
        "card",
        help="write the data set card",
        description=(
            "Write DIR/README.md anew, with the variety of the data set, sample pictures, and the "
            "results of verify and audit where they were run; print the variety."
        ),
        epilog="example:\n  sat-generate card data/mini",
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="data set folder")
    parser.add_argument("--json", action="store_true", help="print the variety as JSON")
    parser.set_defaults(command=_card)


def _card(arguments: argparse.Namespace) -> int:
    from generation.card import CARD_NAME, write_card
    from sat_tasks.data import open_data_set

    variety = write_card(open_data_set(arguments.folder))
    if arguments.json:
        print(json.dumps(variety.__dict__, indent=1))
        return 0
    for what, number in variety.lines():
        print(f"{what:20}{number}")
    print(f"Card: {arguments.folder / CARD_NAME}")
    return 0


def _add_doctor(commands: Commands[Parser]) -> None:
    parser = commands.add_parser(
        "doctor",
        help="check what this machine can do",
        description="Check engines, renderers and furniture, and say what to install.",
        epilog="example:\n  sat-generate doctor --json",
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    from generation.doctor import report

    return report(as_json=arguments.json)


def _add_assets(commands: Commands[Parser]) -> None:
    parser = commands.add_parser(
        "assets",
        help="show or fetch furniture",
        description="Show the furniture sources and fetch the Sweet Home 3D catalogue.",
        epilog="example:\n  sat-generate assets --fetch",
    )
    parser.add_argument("--fetch", action="store_true", help="download the catalogue (120 MB)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.set_defaults(command=_assets)


def _assets(arguments: argparse.Namespace) -> int:
    from generation.assets import FURNITURE_SOURCES
    from generation.assets.fetch import fetch
    from generation.assets.sweethome3d import folder

    if arguments.fetch and folder() is None:
        fetch()
    where, sources = (
        folder(),
        {name: list_pieces() for name, list_pieces in FURNITURE_SOURCES.items()},
    )
    if arguments.json:
        counts = {name: len(pieces) for name, pieces in sources.items()}
        print(json.dumps({"sweethome3d": str(where) if where else None, "pieces": counts}))
        return 0
    for name, pieces in sources.items():
        kinds = len({piece.category for piece in pieces})
        licences = ", ".join(sorted({piece.maker.licence for piece in pieces}))
        print(
            f"{name}: {len(pieces)} pieces of {kinds} kinds"
            + (f" ({licences})" if licences else "")
        )
    print(
        f"Sweet Home 3D catalogue: {where}"
        if where
        else "Sweet Home 3D catalogue: not here; `sat-generate assets --fetch` fetches it."
    )
    return 0


def make_parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser(prog="sat-generate", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (
        add_run,
        _add_gallery,
        _add_verify,
        _add_audit,
        _add_card,
        _add_doctor,
        _add_assets,
    ):
        add(commands)
    return parser


def _command(argv: Sequence[str] | None) -> int:
    arguments = make_parser().parse_args(argv)
    status: int = arguments.command(arguments)
    return status


def main(argv: Sequence[str] | None = None) -> int:
    """Run sat-generate and return its exit status."""
    return console.run(_command, argv)


if __name__ == "__main__":
    sys.exit(main())
