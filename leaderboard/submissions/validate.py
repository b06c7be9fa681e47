"""Judging a submission: every reply is read and scored here, and nothing else counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from leaderboard.lmms_output import split_fields
from leaderboard.results import ResultRow, slug
from leaderboard.samples import count, data_name, digest
from leaderboard.store import Store
from leaderboard.submissions.archive import METADATA, REPLIES, Refused, read_files
from leaderboard.submissions.metadata import Metadata, read_metadata
from leaderboard.submissions.replies import (
    Reply,
    completeness_problems,
    prompt_digest,
    read_replies,
)
from sat_tasks.docs import Doc, doc_to_text, expand
from sat_tasks.plugin import TASK_FOLDER
from sat_tasks.prompt import PROMPT_VERSION
from sat_tasks.protocol import PROTOCOLS
from sat_tasks.replies import FAILED, read_no_reply
from sat_tasks.score import record
from sat_tasks.tables import find_table

CLAIM_TOLERANCE = 0.0005
"""A claim may be rounded to three decimals."""
COPIED_SHARE = 0.95
"""A run whose longer replies agree with another's to this share was copied from it."""
LONGER_CHARACTERS = 40
"""Replies of this length on average do not agree by chance."""
LEAST_COPIED = 20
"""Fewer identical short replies prove nothing."""


@dataclass(frozen=True)
class Verdict:
    """What became of a submission."""

    reasons: tuple[str, ...]
    """Why it is refused; none if it is accepted."""
    row: ResultRow | None = None
    samples: pa.Table | None = None
    prompts: pa.Table | None = None

    @property
    def accepted(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.reasons


@cache
def task_tables() -> dict[str, str]:
    """Return the table of questions behind each task, by name of the task."""
    found = {}
    for path in sorted(TASK_FOLDER.glob("*.yaml")):
        fields = dict(re.findall(r"^(task|dataset_name): *(\S+)$", path.read_text("utf-8"), re.M))
        if {"task", "dataset_name"} <= fields.keys():
            found[fields["task"]] = fields["dataset_name"].partition("@")[0]
    return found


def validate(path: Path, store: Store | None = None) -> Verdict:
    """Judge a folder or a zip archive; nothing is written.

    The pinned questions are those that the task itself would ask (SAT_DATA and its like).

    Args:
        path: The submission.
        store: Runs that it must not be copied from.

    Raises:
        UserError: The pinned questions cannot be had.
    """
    try:
        files = read_files(path)
    except Refused as error:
        return Verdict(tuple(error.reasons))
    metadata, reasons = read_metadata(files[METADATA], tuple(task_tables()))
    replies, more = read_replies(files[REPLIES])
    reasons += more
    if metadata is None:
        return Verdict(tuple(reasons))
    revision, docs = _documents(metadata.task, metadata.protocol)
    if metadata.data != revision:
        reasons.append(f"data is revision {metadata.data!r}; the pinned one is {revision!r}")
        return Verdict(tuple(reasons))
    prompts = {key: doc_to_text(doc) for key, doc in docs.items()}
    expected = {key: prompt_digest(prompt) for key, prompt in prompts.items()}
    reasons += completeness_problems(replies, expected)
    reasons += _failures(replies)
    if reasons:
        return Verdict(tuple(reasons))
    return _score(metadata, replies, docs, prompts, store)


def _documents(task: str, protocol: str) -> tuple[str, dict[tuple[str, int], Doc]]:
    """Return the revision of the data and what is to be asked, by id and order."""
    table, part = find_table(task_tables()[task])
    data, questions = table.load(part)
    columns = expand(data, questions, PROTOCOLS[protocol], table)
    docs = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return data.revision, {(doc["id"], int(doc["order"][0])): doc for doc in docs}


def _failures(replies: list[Reply]) -> list[str]:
    failed = [
        reply.id
        for reply in replies
        if (none := read_no_reply(reply.reply)) is not None and none.kind == FAILED
    ]
    return [f"{len(failed)} calls failed, such as {failed[0]!r}: ask again"] if failed else []


def _score(
    metadata: Metadata,
    replies: list[Reply],
    docs: dict[tuple[str, int], Doc],
    prompts: dict[tuple[str, int], str],
    store: Store | None,
) -> Verdict:
    records = [record(docs[reply.key], reply.reply) for reply in replies]
    words = pa.chunked_array([pa.array([prompts[reply.key] for reply in replies], pa.string())])
    samples, asked = split_fields(pa.Table.from_pylist(records), words)
    row = ResultRow(
        **vars(count(samples)),
        model=metadata.model,
        adapter=metadata.adapter,
        task=metadata.task,
        protocol=metadata.protocol,
        data=data_name(metadata.data, samples),
        data_fingerprint=metadata.data,
        prompts_sha256=digest(asked),
        date=metadata.date,
        badge="recomputed",
        revision=metadata.revision,
        access=metadata.access,
        params_b=metadata.params_b,
        source=metadata.url,
        versions={"prompt": str(PROMPT_VERSION)},
    )
    reasons = [] if store is None else _copies(row, samples, store)
    if abs(row.overall.accuracy - metadata.claimed) > CLAIM_TOLERANCE:
        reasons.append(
            f"claimed {metadata.claimed:.4f}; the replies give {row.overall.accuracy:.4f}"
        )
    return Verdict(tuple(reasons), row, samples, asked)


def _copies(row: ResultRow, samples: pa.Table, store: Store) -> list[str]:
    """Return the runs of other models that these replies repeat."""
    reasons = []
    own = samples["reply"]
    for other in store.rows():
        if other.questions_sha256 != row.questions_sha256 or slug(other.model) == slug(row.model):
            continue
        theirs = store.read_samples(other, ["reply"])["reply"]
        equal = pc.mean(pc.equal(own, theirs)).as_py()
        longer = pc.mean(pc.utf8_length(own)).as_py() >= LONGER_CHARACTERS
        if (longer and equal >= COPIED_SHARE) or (equal == 1 and len(own) >= LEAST_COPIED):
            reasons.append(f"{100 * equal:.0f}% of the replies are those of {other.model!r}")
    return reasons
