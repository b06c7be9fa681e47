"""Commands fail in one line and with a status."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from sat_tasks.console import Parser, UserError, one_of, run


def test_user_errors_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    def command(argv: Sequence[str] | None) -> int:
        raise UserError("first\n  second")

    assert run(command, []) == 2
    assert capsys.readouterr().err == "error: first second\n"


def test_bugs_keep_their_traceback() -> None:
    def command(argv: Sequence[str] | None) -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(command, [])


def test_interrupt_has_its_own_status() -> None:
    def command(argv: Sequence[str] | None) -> int:
        raise KeyboardInterrupt

    assert run(command, []) == 130


def test_wrong_arguments_are_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        Parser(prog="p").parse_args(["--nonsense"])
    assert stopped.value.code == 2
    assert (
        capsys.readouterr().err == "p: error: unrecognized arguments: --nonsense (see p --help)\n"
    )


def test_one_of_names_what_is_allowed() -> None:
    assert one_of("split", "test", ["train", "test"]) == "test"
    with pytest.raises(UserError, match="unknown split 'tset'; known: train, test"):
        one_of("split", "tset", ["train", "test"])
