"""How fast runs are added and the site is built: ``python -m leaderboard.bench --runs 1000``."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import re
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leaderboard.add import About, add
from leaderboard.site import build
from leaderboard.store import Store

QUESTIONS = 4000
ORDERS = 2
TYPES = ("ego_movement", "object_movement", "action_consequence", "goal_aiming", "perspective")
_FOLDERS_ON_DISK = 20


@dataclass(frozen=True)
class Measured:
    """What a run of the benchmark found."""

    samples_per_s: float
    build_s: float
    rebuild_s: float
    page_bytes: int
    """Of the index with its styles and scripts."""
    peak_memory_gb: float


def main(argv: Sequence[str] | None = None) -> int:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=100, help="of 8,000 samples each")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(vars(measure(Path(folder), arguments.runs)), indent=1))
    return 0


def measure(root: Path, runs: int) -> Measured:
    """Add runs to a store and build its site, in a process whose memory nothing else has grown.

    Args:
        root: An empty folder with room for 2 MB per run.
        runs: How many.
    """
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_measure, root, runs).result()


def _measure(root: Path, runs: int) -> Measured:
    store = Store(root / "store")
    add_s = 0.0
    for first in range(0, runs, _FOLDERS_ON_DISK):
        numbers = range(first, min(first + _FOLDERS_ON_DISK, runs))
        folders = [_write_results(root / "results" / str(n), n, n / runs) for n in numbers]
        start = time.perf_counter()
        add(folders, store, About())
        add_s += time.perf_counter() - start
        for path in [path for folder in folders for path in folder.iterdir()]:
            path.unlink()
    start = time.perf_counter()
    build(store, root / "site")
    built = time.perf_counter()
    build(store, root / "site")
    rebuilt = time.perf_counter()
    page = [root / "site" / "index.html", *(root / "site" / "assets").iterdir()]
    return Measured(
        samples_per_s=round(runs * QUESTIONS * ORDERS / add_s),
        build_s=round(built - start, 2),
        rebuild_s=round(rebuilt - built, 2),
        page_bytes=sum(path.stat().st_size for path in page),
        peak_memory_gb=round(_peak_memory_gb(), 3),
    )


def _peak_memory_gb() -> float:
    """Return this process's own peak; that of getrusage is inherited from the one that began it."""
    kilobytes = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert kilobytes
    return int(kilobytes[1]) * 1024 / 1e9


def _write_results(folder: Path, number: int, strength: float) -> Path:
    """Write one run of 8,000 samples as lmms-eval does."""
    folder.mkdir(parents=True)
    right = np.random.default_rng(number).random((QUESTIONS, ORDERS)) < 0.2 + 0.7 * strength
    lines = "".join(_lines(right))
    (folder / "20260101_000000_samples_sat_dynamic.jsonl").write_text(lines, encoding="utf-8")
    count = QUESTIONS * ORDERS
    content = {
        "results": {"sat_dynamic": {"overall,circular": float(right.mean())}},
        "n-samples": {"sat_dynamic": {"original": count, "effective": count}},
        "config": {"model": f"model_{number:04d}"},
    }
    (folder / "20260101_000000_results.json").write_text(json.dumps(content), encoding="utf-8")
    return folder


def _lines(right: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> Iterator[str]:
    """Yield sample lines in the form and length of those that lmms-eval writes."""
    for question, marks in enumerate(right):
        answer, number = question % 2, f"test-{question:06d}"
        kind, scene = TYPES[question % len(TYPES)], f"scene-{question // 12:05d}"
        call = [number, scene, kind, "mujoco", 2, 2]
        for first, mark in enumerate(marks):
            reading = answer if mark else 1 - answer
            sat = {
                "id": number,
                "question_type": kind,
                "scene_id": scene,
                "origin": "mujoco",
                "options": ["turn left", "turn right"],
                "order": [first, 1 - first],
                "answer": answer,
                "reply": "AB"[(reading - first) % 2],
                "reading": reading,
                "correct": bool(mark),
                "failed": False,
                "n_options": 2,
                "protocol": "circular",
                "prompt_version": 1,
                "revision": "0123456789ab",
            }
            item = {"score": float(mark), "scene": scene, "call": [*call, float(mark)]}
            line = {
                "doc_id": 2 * question + first,
                "target": "A",
                "sat": sat,
                **dict.fromkeys(("overall", "single_order", kind), item),
                **{name: [*call, float(mark)] for name in ("all_orders", "chance", "adjusted")},
                "input": f"Question {question}: which way do I turn to face the red armchair?\n"
                "A. turn left\nB. turn right\nAnswer with the letter of the right option only.",
            }
            yield json.dumps(line) + "\n"


if __name__ == "__main__":
    sys.exit(main())
