"""``build``, ``serve``, ``publish`` and ``card``: from a store to readers."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from leaderboard.commands import Commands, add_store
from sat_tasks import console
from sat_tasks.console import Parser


def declare(commands: Commands[Parser]) -> None:
    """Declare the commands of this module."""
    _declare_build(commands)
    _declare_serve(commands)
    _declare_publish(commands)
    _declare_card(commands)


def _declare_build(commands: Commands[Parser]) -> None:
    own = commands.add_parser(
        "build",
        help="write the static site",
        description="Write a static site that works from a file and from any host. A second "
        "build touches only what changed.",
        epilog="example:\n  sat-leaderboard build --store store --out site --data data\n",
    )
    add_store(own)
    own.add_argument("--out", type=Path, required=True, help="folder of the site")
    own.add_argument(
        "--data",
        type=Path,
        action="append",
        default=[],
        help="data set folder whose pictures are shown with the samples (may be repeated)",
    )
    own.set_defaults(action=_build)


def _build(arguments: argparse.Namespace) -> int:
    from leaderboard.site import build
    from leaderboard.store import Store

    built = build(Store.open(arguments.store), arguments.out, arguments.data)
    print(
        f"{arguments.out / 'index.html'}: {len(built.boards)} boards, "
        f"{built.written} files written, {built.kept} unchanged",
        file=sys.stderr,
    )
    return 0


def _declare_serve(commands: Commands[Parser]) -> None:
    own = commands.add_parser(
        "serve",
        help="preview a site on this machine",
        description="Serve a built site to this machine only (127.0.0.1) until interrupted.",
        epilog="example:\n  sat-leaderboard serve site --port 8000\n",
    )
    own.add_argument("site", type=Path, help="folder that build wrote")
    own.add_argument("--port", type=int, default=8000, help="0 takes any free port")
    own.set_defaults(action=_serve)


def _serve(arguments: argparse.Namespace) -> int:
    from leaderboard.publish import check_site
    from leaderboard.serve import serve

    return serve(check_site(arguments.site), arguments.port)


def _declare_publish(commands: Commands[Parser]) -> None:
    own = commands.add_parser(
        "publish",
        help="upload a site; a dry run unless --yes is given",
        description="Upload a built site: to a folder, to the gh-pages branch of a git remote, or "
        "to a static Space on the Hugging Face hub. Without --yes it only says what it would do.",
        epilog="example:\n  sat-leaderboard publish site --to hub --target me/sat-leaderboard\n",
    )
    own.add_argument("site", type=Path, help="folder that build wrote")
    own.add_argument("--to", required=True, metavar="KIND", help="folder, gh-pages or hub")
    own.add_argument(
        "--target", required=True, help="a folder, a git remote, or OWNER/NAME of a Space"
    )
    own.add_argument("--yes", action="store_true", help="really upload")
    own.set_defaults(action=_publish)


def _publish(arguments: argparse.Namespace) -> int:
    from leaderboard.publish import TARGETS, check_site, publish

    kind = console.one_of("kind of target", arguments.to, tuple(TARGETS))
    if not arguments.target.strip():
        raise console.UserError("--target is empty; name where the site should go")
    print(publish(check_site(arguments.site), kind, arguments.target, arguments.yes))
    return 0


def _declare_card(commands: Commands[Parser]) -> None:
    own = commands.add_parser(
        "card",
        help="print a model's figures as metadata for its model card",
        description="Print the evaluation results of a model in the form that model cards on the "
        "Hugging Face hub carry (model-index).",
        epilog='example:\n  sat-leaderboard card "LLaVA 13B" --store store >> README.md\n',
    )
    own.add_argument("model", help="name of a model in the store")
    add_store(own)
    own.set_defaults(action=_card)


def _card(arguments: argparse.Namespace) -> int:
    from leaderboard.model_card import model_index
    from leaderboard.store import Store

    print(model_index(Store.open(arguments.store).rows(), arguments.model))
    return 0
