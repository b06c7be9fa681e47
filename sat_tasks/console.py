"""What every command of the project shares: one-line errors and a strict parser.

A command's ``main`` is wrapped in :func:`run`; a :class:`UserError` raised anywhere below it
becomes one line on stderr and exit status 2. Anything else is a bug and keeps its traceback.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn


class UserError(Exception):
    """Something the user can put right; the message is one line that says how."""


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line."""

    def __init__(self, *args: object, **kwargs: object) -> None:
        kwargs.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: error: {message} (see {self.prog} --help)\n")


def run(command: Callable[[Sequence[str] | None], int], argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status.

    Args:
        command: Takes the arguments (None means ``sys.argv[1:]``) and returns an exit status.
        argv: The arguments.
    """
    try:
        return command(argv)
    except UserError as error:
        print(f"error: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        return 141


def one_of(what: str, value: str, allowed: Sequence[str]) -> str:
    """Return the value if it is allowed, else raise a UserError that names what is."""
    if value not in allowed:
        raise UserError(f"unknown {what} {value!r}; known: {', '.join(allowed)}")
    return value
