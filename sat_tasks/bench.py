"""Time that the harness itself takes: python -m sat_tasks.bench

4,000 questions of two pictures, in circular order (8,000 calls), answered by a dummy. Ours and
lmms-eval's own ``sat`` task build and score the same rows on the same machine in one run. Times
are processor time, so that other programs do not count.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import re
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from sat_tasks import data, score
from sat_tasks.console import Parser, run
from sat_tasks.convert import convert
from sat_tasks.docs import doc_to_text, expand
from sat_tasks.protocol import PROTOCOLS
from sat_tasks.rows import Row
from sat_tasks.tables import TABLES

QUESTIONS = 4_000
PICTURE_PX = 512
DISTINCT_PICTURES = 24
REPLIES = (
    "A",
    "B.",
    "The correct answer is B",
    "**A**",
    "In frame {index} the lamp is farther to the left, so the camera rotated right. Answer: B",
    "rotated left",
)
"""What models say; one in six is a text that was never said before."""

TARGETS = {"build_s": 1.5, "score_s": 1.0, "growth_mb": 300.0, "row_groups_read": 0.0}
"""What ours may take at most."""


@dataclass(frozen=True)
class Cost:
    """What building and scoring took."""

    build_s: float
    """From files to the texts of all calls."""
    score_s: float
    """From replies to metrics."""
    growth_mb: float
    """Growth of the process's own memory until the metrics are there."""
    row_groups_read: float
    """How often pictures were read from the files."""
    calls: int


def our_cost(folder: Path) -> Cost:
    """Return what our circular task costs."""
    from datasets import Dataset

    before = _resident_mb()
    started = time.process_time()
    table = TABLES["sat"]
    opened = data.open_data_set(folder)
    questions = data.read_questions(opened, "test")
    docs = Dataset.from_dict(expand(opened, questions, PROTOCOLS["circular"], table))
    texts = [doc_to_text(doc) for doc in docs]
    built = time.process_time()
    items = [score.dynamic_results(doc, [_reply(i)]) for i, doc in enumerate(docs)]
    for metric in score.DYNAMIC_METRICS:
        metric["aggregation"]([item[metric["metric"]] for item in items])
    scored = time.process_time()
    reads = data._read_pictures.cache_info().misses
    return Cost(built - started, scored - built, _resident_mb() - before, reads, len(texts))


def upstream_cost(folder: Path) -> Cost:
    """Return what lmms-eval's ``sat`` task costs for the same questions in one order."""
    from datasets import load_dataset
    from lmms_eval.tasks.sat import utils

    before = _resident_mb()
    started = time.process_time()
    docs = load_dataset(
        "parquet",
        data_files=str(folder / "upstream.parquet"),
        cache_dir=str(folder / "cache"),
        split="train",
    )
    plain = docs.remove_columns("image_bytes")  # lmms-eval drops pictures for these steps, too
    texts = [utils.sat_doc_to_text(doc) for doc in plain]
    built = time.process_time()
    read = utils.MultiChoiceRegexFilter(regex_pattern=r"(\([A-Z]\))")
    replies = read.apply([[_reply(i)] for i in range(len(texts))], plain)
    right = [r == utils.sat_doc_to_target(doc) for r, doc in zip(replies, plain, strict=True)]
    np.mean(right)
    scored = time.process_time()
    return Cost(built - started, scored - built, _resident_mb() - before, 0, len(texts))


def _alone(measure: Callable[[Path], Cost], folder: Path) -> Cost:
    """Measure in a process of its own, whose memory nothing else has grown."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(measure, folder).result()


def write_rows(folder: Path, count: int) -> Path:
    """Write the questions in our layout and in that of lmms-eval's task."""
    pictures = [_picture(number) for number in range(DISTINCT_PICTURES)]
    options = ("rotated left", "rotated right")

    def images(number: int) -> tuple[bytes, bytes]:
        return tuple(pictures[(2 * number + k) % DISTINCT_PICTURES] for k in (0, 1))  # type: ignore[return-value]

    def rows(path: Path, split: str) -> Any:
        for number in range(count):
            yield Row(
                images=images(number),
                question=f"How did the camera likely rotate when shooting video {number}?",
                answers=options,
                correct_answer=options[number % 2],
                question_type="ego_movement",
                id=f"q{number}",
                scene_id=f"s{number // 4}",
                engine="bench",
                seed=0,
                split=split,
                evidence="{}",
            )

    made = convert({folder: "test"}, rows, folder / "ours", name="bench", source_revision="0")
    features = {
        "image_bytes": {"feature": {"_type": "Image"}, "_type": "List"},
        "question": {"dtype": "string", "_type": "Value"},
        "answers": {"feature": {"dtype": "string", "_type": "Value"}, "_type": "List"},
        "correct_answer_idx": {"dtype": "int32", "_type": "Value"},
    }
    records = [
        {
            "image_bytes": [{"bytes": image, "path": None} for image in images(number)],
            "question": f"How did the camera likely rotate when shooting video {number}?",
            "answers": list(options),
            "correct_answer_idx": number % 2,
        }
        for number in range(count)
    ]
    table = pa.Table.from_pylist(records).replace_schema_metadata(
        {"huggingface": json.dumps({"info": {"features": features}})}
    )
    index = table.schema.get_field_index("correct_answer_idx")
    table = table.set_column(index, "correct_answer_idx", table[index].cast(pa.int32()))
    pq.write_table(table, folder / "upstream.parquet", row_group_size=64, use_dictionary=False)
    return made.folder


def _picture(number: int) -> bytes:
    """Return a JPEG with as much detail as a photograph."""
    rng = np.random.default_rng(number)
    coarse = rng.integers(0, 255, (PICTURE_PX // 4, PICTURE_PX // 4, 3), dtype=np.uint8)
    image = Image.fromarray(coarse).resize((PICTURE_PX, PICTURE_PX), Image.Resampling.BICUBIC)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=60)
    return buffer.getvalue()


def _reply(index: int) -> str:
    return REPLIES[index % len(REPLIES)].format(index=index)


def _resident_mb() -> float:
    status = Path("/proc/self/status").read_text()
    anonymous = re.search(r"RssAnon:\s+(\d+)", status)
    return int(anonymous[1]) / 1024 if anonymous else 0.0


def report(ours: Cost, theirs: Cost) -> tuple[str, bool]:
    """Return a table for people, and whether every target is met."""
    lines = [f"{'':18}{'ours':>12}{'lmms-eval sat':>16}{'target':>10}"]
    met = True
    for name, value in asdict(ours).items():
        target = TARGETS.get(name)
        met &= target is None or value <= target
        shown = "" if target is None else f"<= {target:g}"
        lines.append(f"{name:18}{value:12.2f}{getattr(theirs, name):16.2f}{shown:>10}")
    return "\n".join(lines), met


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = Parser(prog="python -m sat_tasks.bench", description=__doc__)
    parser.add_argument("--questions", type=int, default=QUESTIONS, help="default: 4000")
    parser.add_argument("--json", action="store_true", help="for programs")
    arguments = parser.parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        ours = write_rows(Path(name), arguments.questions)
        costs = [_alone(our_cost, ours), _alone(upstream_cost, Path(name))]
    text, met = report(*costs)
    if arguments.json:
        print(json.dumps({"ours": asdict(costs[0]), "lmms_eval_sat": asdict(costs[1])}, indent=1))
    else:
        print(text)
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(run(main))
