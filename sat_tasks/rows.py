"""The row format: one question with its pictures, as written to parquet shards.

The first five columns are those of array/SAT-v2; the rest says where the row comes from and
proves its answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

ROW_GROUP_ROWS = 64
"""At most this many rows per parquet row group, so that readers can stream."""

IMAGE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])

_HF_STRING = {"dtype": "string", "_type": "Value"}
_HF_FEATURES: dict[str, Any] = {
    "images": {"feature": {"_type": "Image"}, "_type": "List"},
    "question": _HF_STRING,
    "answers": {"feature": _HF_STRING, "_type": "List"},
    "correct_answer": _HF_STRING,
    "question_type": _HF_STRING,
    "id": _HF_STRING,
    "scene_id": _HF_STRING,
    "engine": _HF_STRING,
    "seed": {"dtype": "int64", "_type": "Value"},
    "split": _HF_STRING,
    "evidence": _HF_STRING,
}


def arrow_schema() -> pa.Schema:
    """Return the schema of a shard; its metadata lets ``datasets`` decode the pictures."""
    import json

    return pa.schema(
        [
            pa.field("images", pa.list_(IMAGE)),
            pa.field("question", pa.string()),
            pa.field("answers", pa.list_(pa.string())),
            pa.field("correct_answer", pa.string()),
            pa.field("question_type", pa.string()),
            pa.field("id", pa.string()),
            pa.field("scene_id", pa.string()),
            pa.field("engine", pa.string()),
            pa.field("seed", pa.int64()),
            pa.field("split", pa.string()),
            pa.field("evidence", pa.string()),
        ],
        metadata={"huggingface": json.dumps({"info": {"features": _HF_FEATURES}})},
    )


@dataclass(frozen=True)
class Row:
    """One question with its encoded pictures."""

    images: tuple[bytes, ...]
    """JPEG or PNG files, in the order in which they are shown."""
    question: str
    answers: tuple[str, ...]
    """The options, in the order in which they are offered."""
    correct_answer: str
    question_type: str
    id: str
    scene_id: str
    engine: str
    seed: int
    split: str
    """train, val or test."""
    evidence: str
    """JSON: the numbers that prove the answer."""

    def __post_init__(self) -> None:
        if self.correct_answer not in self.answers:
            raise ValueError(
                f"row {self.id}: answer {self.correct_answer!r} is not among {self.answers}"
            )

    def to_record(self) -> dict[str, Any]:
        """Return the row as a dict that fits :func:`arrow_schema`."""
        record: dict[str, Any] = dict(self.__dict__)
        record["images"] = [{"bytes": image, "path": None} for image in self.images]
        record["answers"] = list(self.answers)
        return record
