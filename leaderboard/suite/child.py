"""Runs a command that, with all that it starts, does not outlive the process that asked for it.

python -m leaderboard.suite.child PARENT_PID COMMAND ...

A model may run in processes of its own (vLLM's engine does). They share the command's process
group, and the group ends when the command does, when the parent asks for it, and when the parent is
gone, be it by SIGKILL.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from contextlib import suppress
from types import FrameType

PR_SET_PDEATHSIG = 1
GRACE_S = 8
"""Between asking the group to end and ending it; less than the parent waits."""


def main() -> None:
    """Run the command and end as it ends."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    group: list[int] = []

    def on_sigterm(number: int, frame: FrameType | None) -> None:
        if not group:
            sys.exit("the suite ended before its model began")
        if os.getppid() != parent:
            _signal(group[0], signal.SIGKILL)
        else:
            _signal(group[0], signal.SIGTERM)
            signal.alarm(GRACE_S)

    signal.signal(signal.SIGTERM, on_sigterm)
    signal.signal(signal.SIGALRM, lambda number, frame: _signal(group[0], signal.SIGKILL))
    _when_parent_ends(signal.SIGTERM)
    if os.getppid() != parent:
        sys.exit("the suite ended before its model began")
    process = subprocess.Popen(
        command, process_group=0, preexec_fn=lambda: _when_parent_ends(signal.SIGKILL)
    )
    group.append(process.pid)
    code = process.wait()
    signal.alarm(0)
    _signal(process.pid, signal.SIGKILL)
    if code < 0:
        with suppress(OSError):  # SIGKILL has no handler to take back
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def _when_parent_ends(number: signal.Signals) -> None:
    """Ask Linux for a signal when the parent ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, number)


def _signal(group: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.killpg(group, number)


if __name__ == "__main__":
    main()
