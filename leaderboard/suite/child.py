"""Starts a command that does not outlive the process that asked for it.

python -m leaderboard.suite.child PARENT_PID COMMAND ...
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    """Ask Linux for a signal when the parent ends, and become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            sys.exit("the suite ended before its model began")
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
