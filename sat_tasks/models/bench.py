"""Questions per second of our ``llava`` and of lmms-eval's ``llava_hf``, in one run.

    python -m sat_tasks.models.bench --questions 60

Both run the same checkpoint on the same questions in all option orders; llava_hf takes one
question at a time, which is all it can.
"""

from __future__ import annotations

import argparse
import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from sat_tasks.console import Parser, UserError, run
from sat_tasks.data import open_data_set, read_questions
from sat_tasks.docs import doc_to_messages, doc_to_text, doc_to_visual, expand
from sat_tasks.protocol import PROTOCOLS
from sat_tasks.tables import TABLES

OPTIONS = {"max_new_tokens": 8, "temperature": 0, "do_sample": False}
PLAIN_TEMPLATE = "{% for m in messages %}USER: {{ m['content'] }} ASSISTANT:{% endfor %}"


def documents(folder: Path, count: int) -> Any:
    """Return the first questions of a data set folder in all option orders."""
    from datasets import Dataset

    data = open_data_set(folder)
    questions = read_questions(data, "test")[:count]
    if not questions:
        raise UserError(f"{folder} has no test questions")
    return Dataset.from_dict(expand(data, questions, PROTOCOLS["circular"], TABLES["sat"]))


def ours(checkpoint: Path, docs: Any, batch_size: int) -> tuple[float, float]:
    """Return our questions per second, and the share of pictures that were encoded."""
    from sat_tasks.models.llava import Llava

    model = Llava(pretrained=str(checkpoint), batch_size=batch_size)
    speed = _speed(model, docs, doc_to_messages)
    return speed, model.vision.computed / max(1, sum(docs["picture_count"]))


def theirs(checkpoint: Path, docs: Any) -> float:
    """Return llava_hf's questions per second."""
    import torch
    from lmms_eval.models.simple.llava_hf import LlavaHf

    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = LlavaHf(
        pretrained=str(checkpoint),
        device=device,
        device_map=device,
        batch_size=1,
        chat_template=PLAIN_TEMPLATE,
    )
    return _speed(model, docs, doc_to_visual)


def _speed(model: Any, docs: Any, show: Any) -> float:
    model.task_dict = {"bench": {"test": docs}}
    requests = [
        SimpleNamespace(args=(doc_to_text(doc), *_places(show, index)))
        for index, doc in enumerate(docs)
    ]
    model.generate_until(requests[:2])  # warm up
    start_s = time.perf_counter()
    replies = model.generate_until(requests)
    assert len(replies) == len(requests)
    return len(requests) / (time.perf_counter() - start_s)


def _places(show: Any, index: int) -> tuple[Any, ...]:
    """Return the arguments after the text: the two adapters take them in different order."""
    options = dict(OPTIONS)
    if show is doc_to_messages:
        return (show, options, index, "bench", "test")
    return (options, show, index, "bench", "test")


def table(speeds: Sequence[tuple[str, float]]) -> str:
    """Return speeds as a Markdown table; the last is what others are compared with."""
    base = speeds[-1][1]
    rows = [f"| {name} | {speed:.1f} | {speed / base:.1f} |" for name, speed in speeds]
    head = "| adapter | questions/s | against llava_hf |\n| --- | ---: | ---: |"
    return "\n".join([head, *rows])


def _command(argv: Sequence[str] | None) -> int:
    parser = Parser(
        prog="python -m sat_tasks.models.bench",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="example:\n  python -m sat_tasks.models.bench --model DIR --data DIR",
    )
    parser.add_argument("--model", type=Path, default=Path("demo/sat-tiny"), metavar="DIR")
    parser.add_argument("--data", type=Path, default=Path("demo/data"), metavar="DIR")
    parser.add_argument("--questions", type=int, default=60, metavar="N")
    parser.add_argument("--batch-size", type=int, default=16, metavar="N")
    arguments = parser.parse_args(argv)
    if not (arguments.model / "config.json").is_file():
        raise UserError(f"no model in {arguments.model}; `make demo` makes one, or name --model")
    logging.disable(logging.WARNING)
    docs = documents(arguments.data, arguments.questions)
    speed, encoded = ours(arguments.model, docs, arguments.batch_size)
    speeds = [
        (f"llava, batch {arguments.batch_size}", speed),
        ("llava_hf, batch 1", theirs(arguments.model, docs)),
    ]
    print(table(speeds))
    print(f"\n{len(docs)} calls; {encoded:.0%} of their pictures went through the vision tower.")
    return 0


if __name__ == "__main__":
    sys.exit(run(_command))
