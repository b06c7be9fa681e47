"""The samples of a run: one row per reply, from which every number of the run is counted."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from leaderboard.results import Tally
from sat_tasks import stats
from sat_tasks.replies import REFUSED, read_no_reply

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("order", pa.int16(), nullable=False),
        pa.field("scene_id", pa.string(), nullable=False),
        pa.field("question_type", pa.string(), nullable=False),
        pa.field("origin", pa.string(), nullable=False),
        pa.field("options", pa.int16(), nullable=False),
        pa.field("answer", pa.int16(), nullable=False),
        pa.field("reading", pa.int16()),
        pa.field("correct", pa.bool_(), nullable=False),
        pa.field("failed", pa.bool_(), nullable=False),
        pa.field("reply", pa.string(), nullable=False),
    ]
)
"""``origin`` is what made the pictures; ``options`` counts those offered; ``answer`` and
``reading`` are indices among them as the data has them; ``reading`` is null where no option could
be read. ``order`` is the index of the option that was offered first: orders are rotations of the
data's own."""

PROMPT_SCHEMA = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("order", pa.int16()),
        pa.field("scene_id", pa.string()),
        pa.field("question_type", pa.string()),
        pa.field("options", pa.list_(pa.string())),
        pa.field("answer", pa.int16()),
        pa.field("prompt", pa.string()),
    ]
)
"""Of a prompts file, one row per sample; ``options`` are texts in the order of the data."""


def in_order(samples: pa.Table) -> pa.Table:
    """Return samples sorted by id and option order, so that runs can be laid side by side."""
    return samples.sort_by([("id", "ascending"), ("order", "ascending")]).combine_chunks()


def questions_sha256(samples: pa.Table) -> str:
    """Return what identifies the ids and orders of sorted samples."""
    return digest(samples.select(["id", "order"]))


def samples_sha256(samples: pa.Table) -> str:
    """Return what identifies sorted samples, replies included."""
    return digest(samples.select(SCHEMA.names))


def digest(table: pa.Table) -> str:
    """Return the SHA-256 of a table's names and values, however they lie in memory.

    Arrow's own bytes would not do: what lies under a null or beyond the last bit is arbitrary.
    """
    found = hashlib.sha256()
    for name in table.column_names:
        kind = table[name].type
        word = f"list<{kind.value_type}>" if pa.types.is_list(kind) else str(kind)
        found.update(f"{name}:{word};".encode())
        for part in _plain_bytes(table[name].combine_chunks()):
            found.update(part)
    return found.hexdigest()


def _plain_bytes(column: pa.Array) -> Iterator[bytes | memoryview]:
    """Yield what a column of numbers, truths, texts or lists of these says, and nothing else."""
    yield len(column).to_bytes(8, "little")
    yield pc.is_null(column).to_numpy(zero_copy_only=False).tobytes()
    if pa.types.is_list(column.type):
        yield pc.fill_null(pc.list_value_length(column), 0).to_numpy().astype("<i8").tobytes()
        yield from _plain_bytes(column.flatten())
    elif pa.types.is_string(column.type):
        texts = pc.fill_null(column, "")
        lengths = pc.binary_length(texts).to_numpy()
        yield lengths.astype("<i8").tobytes()
        if lengths.any():
            first = int(np.frombuffer(texts.buffers()[1], np.int32)[texts.offset])
            yield memoryview(texts.buffers()[2])[first : first + int(lengths.sum())]
    else:
        numbers = pc.fill_null(column, False if pa.types.is_boolean(column.type) else 0)
        yield numbers.to_numpy(zero_copy_only=False).astype("<i8").tobytes()


def write(samples: pa.Table, path: Path) -> None:
    """Write samples as compressed parquet."""
    pq.write_table(samples, path, compression="zstd", row_group_size=65536)


def read(path: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read samples, or some of their columns."""
    return pq.read_table(path, columns=list(columns) if columns else None, memory_map=True)


def joined(tables: Sequence[pa.Table]) -> pa.Table:
    """Return the samples of several tasks as one sorted table."""
    return tables[0] if len(tables) == 1 else in_order(pa.concat_tables(tables))


class QuestionScores:
    """The samples of a run, one number per question: its mean over the option orders.

    Attributes:
        score: Share of orders answered rightly, of shape (questions,).
        scene: Index of each question's scene, of shape (questions,).
        types: Type of each question, of shape (questions,).
        origin: Index of what made each question's pictures, of shape (questions,).
        options: Number of options of each question, of shape (questions,).
        question: Index of the question of each sample, of shape (samples,).
        first: Index of each question's first sample, of shape (questions,).
        ids: Ids of the questions, sorted, of shape (questions,).
    """

    def __init__(self, samples: pa.Table) -> None:
        ids = samples["id"].combine_chunks()
        starts = np.ones(len(ids), dtype=bool)
        if len(ids) > 1:
            starts[1:] = pc.not_equal(ids[1:], ids[:-1]).to_numpy(zero_copy_only=False)
        self.first: npt.NDArray[np.int64] = np.flatnonzero(starts)
        self.ids: pa.Array = ids.take(pa.array(self.first))
        self.question: npt.NDArray[np.int64] = np.cumsum(starts) - 1
        correct = samples["correct"].to_numpy().astype(float)
        self._replies = np.bincount(self.question)
        self._right = np.bincount(self.question, weights=correct)
        self.score: npt.NDArray[np.float64] = self._right / self._replies
        self.scene = codes(samples["scene_id"])[self.first]
        self.origin = codes(samples["origin"])[self.first]
        self.options = samples["options"].to_numpy()[self.first]
        self.types: npt.NDArray[np.object_] = samples["question_type"].to_numpy()[self.first]
        self._unparsed = np.bincount(
            self.question, weights=pc.is_null(samples["reading"]).to_numpy()
        )

    def pairs_with(self, other: QuestionScores) -> bool:
        """Tell whether another run was asked the same questions."""
        return bool(self.ids.equals(other.ids))

    def tally(self, chosen: npt.NDArray[np.bool_] | None = None) -> Tally:
        """Count the questions for which ``chosen`` (questions,) is true, or all."""
        at = slice(None) if chosen is None else chosen
        score, scene = self.score[at], self.scene[at]
        low, high = stats.clustered_wilson(score, scene)
        return Tally(
            points=float(score.sum()),
            questions=len(score),
            correct=int(self._right[at].sum()),
            replies=int(self._replies[at].sum()),
            scenes=len(np.unique(scene)),
            low=low,
            high=high,
            chance=stats.chance_level(self.options[at].tolist()),
            unparsed=int(self._unparsed[at].sum()),
            all_orders=int((score == 1).sum()),
        )


@dataclass(frozen=True)
class Counts:
    """Everything that is counted from the samples of a run; fields as in ResultRow."""

    questions_sha256: str
    samples_sha256: str
    overall: Tally
    by_type: Mapping[str, Tally]
    by_order: Mapping[str, tuple[int, int]]
    by_position: Mapping[str, tuple[int, int]]
    failed: int
    refused: int


def count(samples: pa.Table, questions: QuestionScores | None = None) -> Counts:
    """Count sorted samples.

    Args:
        samples: Of :data:`SCHEMA`.
        questions: Their scores by question, if they are known already.
    """
    questions = questions or QuestionScores(samples)
    correct, order = samples["correct"].to_numpy(), samples["order"].to_numpy()
    position = (samples["answer"].to_numpy() - order) % samples["options"].to_numpy()
    names = sorted(set(questions.types))
    return Counts(
        questions_sha256=questions_sha256(samples),
        samples_sha256=samples_sha256(samples),
        overall=questions.tally(),
        by_type={name: questions.tally(questions.types == name) for name in names},
        by_order=_counts(order, correct),
        by_position=_counts(position, correct),
        failed=int(samples["failed"].to_numpy().sum()),
        refused=refusals(samples["reply"]),
    )


def refusals(replies: pa.ChunkedArray) -> int:
    """Count the replies in which the model or its safety filter declined to answer."""
    marked = replies.filter(pc.starts_with(pc.utf8_ltrim_whitespace(replies), "["))
    found = (read_no_reply(reply) for reply in marked.to_pylist())
    return sum(none is not None and none.kind == REFUSED for none in found)


def _counts(
    index: npt.NDArray[np.int16], correct: npt.NDArray[np.bool_]
) -> dict[str, tuple[int, int]]:
    replies, right = np.bincount(index), np.bincount(index, weights=correct)
    return {str(i): (int(right[i]), int(n)) for i, n in enumerate(replies) if n}


def data_name(revision: str, samples: pa.Table) -> str:
    """Return a revision of data as people read it.

    >>> import pyarrow as pa
    >>> data_name("array/SAT/0123abcd", pa.table({"origin": ["AI2-THOR"]}))
    'array/SAT 0123abcd'
    >>> data_name("0123abcd", pa.table({"origin": ["mujoco", "mujoco"]}))
    'made with mujoco, data 0123abcd'
    """
    source, _, digest = revision.rpartition("/")
    if source:
        return f"{source} {digest}"
    made = samples["origin"].unique().to_pylist()
    return f"made with {made[0]}, data {digest}" if len(made) == 1 else f"data {digest}"


def codes(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Return the index of each value among the distinct values."""
    encoded = column.combine_chunks().dictionary_encode()
    return np.asarray(encoded.indices.to_numpy(), dtype=np.int64)
