"""The leaderboard stays fast and small; in full: ``python -m leaderboard.bench --runs 1000``."""

from __future__ import annotations

from pathlib import Path

import pytest

from leaderboard.bench import measure
from leaderboard.run_boards import run_boards
from leaderboard.store import Store

RUNS = 60


@pytest.mark.slow
def test_sixty_runs_of_8000_samples(tmp_path: Path) -> None:
    """Bounds are those for 1,000 runs, scaled where they grow, with room for a busy machine."""
    found = measure(tmp_path, RUNS)
    assert found.samples_per_s > 40_000
    assert found.build_s < 30
    assert found.page_bytes < 900_000 + RUNS * 1_000
    assert found.peak_memory_gb < 2
    (board,) = run_boards(Store.open(tmp_path / "store"))
    assert len(board.entries) == RUNS
    ranks = [entry.standing.rank for entry in board.entries if entry.standing]
    assert len(ranks) == RUNS
    assert ranks == sorted(ranks)
    assert len(set(ranks)) > 5
