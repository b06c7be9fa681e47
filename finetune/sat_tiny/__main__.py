"""``python -m finetune.sat_tiny --out DIR``: the trained sat-tiny as a checkpoint folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from finetune.sat_tiny import write
from sat_tasks.console import Parser, run


def main(argv: Sequence[str] | None = None) -> int:
    """Write the checkpoint."""
    parser = Parser(
        prog="python -m finetune.sat_tiny",
        description="Write the trained sat-tiny as a checkpoint that transformers and vLLM load.",
        epilog="example: python -m finetune.sat_tiny --out models/sat-tiny",
    )
    parser.add_argument("--out", type=Path, required=True, help="checkpoint folder to write")
    arguments = parser.parse_args(argv)
    write(arguments.out)
    print(f"sat-tiny in {arguments.out}")
    return 0


if __name__ == "__main__":
    raise SystemExit(run(main))
