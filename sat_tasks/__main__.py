"""``python -m sat_tasks``: list what can be asked, evaluate, look at results, export."""

from __future__ import annotations

from sat_tasks.cli import main
from sat_tasks.console import run

if __name__ == "__main__":
    raise SystemExit(run(main))
