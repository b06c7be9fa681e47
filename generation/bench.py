"""Speed of generation on this machine: `make bench`.

Every number of a table comes from one run of the program, so that ratios hold even where other
programs slow the machine down.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from generation.pool import default_workers, local_executor
from generation.questions import QUESTION_TYPES
from generation.scene import SceneKey
from generation.settings import RunSettings
from generation.shard import write_parquet
from generation.worker import SceneResult
from sat_tasks.console import Parser, run

PAPER_SCENES = 22_000
STAGES = {
    "render": "RGB pictures",
    "observe": "segmentation and depth",
    "load": "building and loading scenes",
    "ask": "choosing views and questions",
    "encode": "marks and JPEG",
}


@dataclass(frozen=True)
class Speed:
    """How fast so many workers are once they are warm."""

    workers: int
    scenes: int
    questions: int
    pictures: int
    scenes_per_s: float
    questions_per_s: float
    start_s: float
    """Until every worker has done its first scene; not part of the rates."""
    cpu_share: dict[str, float]
    """Share of the workers' processor time by stage."""
    cpu_s_per_scene: float
    peak_memory_mb: float
    """Of the largest worker."""
    write_s: float
    """To write all rows into one parquet file."""
    bytes_per_question: float


def measure(settings: RunSettings, workers: int, scenes_each: int) -> Speed:
    """Return the speed of some workers over so many scenes each, after one to warm up."""
    count = workers * (scenes_each + 1)
    keys = [SceneKey("test", index, settings.seed) for index in range(count)]
    started_s = time.perf_counter()
    timed = [
        (result, time.perf_counter()) for result in local_executor(workers)(settings.job(), keys)
    ]
    results = [result for result, _ in timed[workers:]]
    warm_s = timed[workers - 1][1]
    wall_s = timed[-1][1] - warm_s
    write_s, size_bytes = _write(results)
    cpu_s = {stage: sum(result.cpu_s.get(stage, 0.0) for result in results) for stage in STAGES}
    total_cpu_s = sum(cpu_s.values()) or float("nan")
    questions = sum(len(result.rows) for result in results)
    return Speed(
        workers=workers,
        scenes=len(results),
        questions=questions,
        pictures=len({image for result in results for row in result.rows for image in row.images}),
        scenes_per_s=len(results) / wall_s,
        questions_per_s=questions / wall_s,
        start_s=warm_s - started_s,
        cpu_share={stage: seconds / total_cpu_s for stage, seconds in cpu_s.items()},
        cpu_s_per_scene=total_cpu_s / len(results),
        peak_memory_mb=max(result.peak_memory_mb for result in results),
        write_s=write_s,
        bytes_per_question=size_bytes / max(1, questions),
    )


def _write(results: Sequence[SceneResult]) -> tuple[float, int]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.parquet"
        started_s = time.perf_counter()
        write_parquet(path, (row for result in results for row in result.rows))
        return time.perf_counter() - started_s, path.stat().st_size


def table(speeds: Sequence[Speed]) -> str:
    """Return the speeds as a Markdown table, one column per number of workers."""
    first, last = speeds[0], speeds[-1]
    rows = [
        ("scenes/s", [f"{speed.scenes_per_s:.2f}" for speed in speeds]),
        ("questions/s", [f"{speed.questions_per_s:.1f}" for speed in speeds]),
        ("processor seconds per scene", [f"{speed.cpu_s_per_scene:.2f}" for speed in speeds]),
        *(
            (f"of these: {what}", [f"{speed.cpu_share[stage]:.0%}" for speed in speeds])
            for stage, what in STAGES.items()
        ),
        ("largest worker, MB", [f"{speed.peak_memory_mb:.0f}" for speed in speeds]),
        ("KB per question", [f"{speed.bytes_per_question / 1000:.0f}" for speed in speeds]),
        ("start until all are warm, s", [f"{speed.start_s:.0f}" for speed in speeds]),
        ("writing all rows, s", [f"{speed.write_s:.2f}" for speed in speeds]),
    ]
    head = ["", *(f"{speed.workers} worker{'s' * (speed.workers > 1)}" for speed in speeds)]
    lines = [head, ["---", *("---:" for _ in speeds)], *([name, *cells] for name, cells in rows)]
    text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    hours = PAPER_SCENES / last.scenes_per_s / 3600
    text += f"\n\n{PAPER_SCENES} scenes would take {hours:.1f} hours with {last.workers} workers."
    if last is not first:
        ratio = last.scenes_per_s / first.scenes_per_s
        text += f" {last.workers} workers are {ratio:.2f} times as fast as {first.workers}."
    return text


def _command(argv: Sequence[str] | None) -> int:
    parser = Parser(
        prog="python -m generation.bench",
        description=__doc__,
        epilog="example:\n  python -m generation.bench --workers 8 --scenes 10",
    )
    parser.add_argument("--workers", type=int, default=default_workers(), metavar="N")
    parser.add_argument("--scenes", type=int, default=8, metavar="N", help="per worker")
    parser.add_argument("--size", type=int, default=512, metavar="PX")
    parser.add_argument("--renderer", default="auto", metavar="NAME")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args(argv)
    settings = RunSettings(
        types=tuple(QUESTION_TYPES), size_px=arguments.size, renderer=arguments.renderer
    )
    counts = sorted({1, max(1, arguments.workers)})
    speeds = [measure(settings, count, max(1, arguments.scenes)) for count in counts]
    print(json.dumps([asdict(speed) for speed in speeds]) if arguments.json else table(speeds))
    return 0


if __name__ == "__main__":
    sys.exit(run(_command))
