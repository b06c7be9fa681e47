"""The data set card: what a data set holds, how it was made and checked, whose furniture it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import jinja2

from generation import audit, variety
from generation.reports import VERIFY, read_report
from generation.shard import ShardRecord, data_set_rows, load_records, replacing, write_text
from sat_tasks.data import DataSet
from sat_tasks.manifest import Manifest
from sat_tasks.rows import Row
from sat_tasks.taxonomy import QUESTION_TYPES

CARD_NAME = "README.md"
PICTURES = "pictures"
"""Folder of the card's sample pictures."""

SIZE_CATEGORIES = (
    (1_000, "n<1K"),
    (10_000, "1K<n<10K"),
    (100_000, "10K<n<100K"),
    (1_000_000, "100K<n<1M"),
)
"""The hub's names for numbers of rows below a limit."""


@dataclass(frozen=True)
class Sample:
    """A question of a type with its pictures as files."""

    row: Row
    pictures: tuple[str, ...]
    """Paths relative to the data set folder."""


def write_card(data: DataSet) -> variety.Variety:
    """Write the card of a finished data set with samples and the results of its checks.

    Raises:
        UserError: The data set was not written by sat-generate, or the card cannot be written.
    """
    records = load_records(data)
    text = card_text(
        data.manifest,
        records,
        samples=_write_samples(data),
        findings=audit.read_audit(data),
        verified=read_report(data, VERIFY),
    )
    write_text(data.folder / CARD_NAME, text)
    return variety.measure(records)


def card_text(
    manifest: Manifest,
    records: Sequence[ShardRecord],
    *,
    samples: Sequence[Sample] = (),
    findings: Sequence[audit.Finding] = (),
    verified: Mapping[str, Any] | None = None,
) -> str:
    """Return the text of a card; samples and the results of checks come when there are any."""
    total = sum(sum(counts.values()) for counts in manifest.counts.values())
    used = {name for counts in manifest.counts.values() for name in counts}
    return template("card.md").render(
        manifest=manifest,
        counts=manifest.counts,
        total=total,
        size_category=size_category(total),
        types=[info for info in QUESTION_TYPES.values() if info.name in used],
        skips=[
            (kind, reason, number)
            for kind, reasons in manifest.skips.items()
            for reason, number in reasons.items()
        ],
        variety=variety.measure(records).lines(),
        makers=variety.makers(records),
        samples=samples,
        findings=findings,
        verified=verified,
    )


def template(name: str) -> jinja2.Template:
    """Return a template of this package; HTML is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("generation"),
        autoescape=jinja2.select_autoescape(["html"]),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    return environment.get_template(name)


def size_category(rows: int) -> str:
    """Return the hub's name for a number of rows."""
    return next((name for limit, name in SIZE_CATEGORIES if rows < limit), "1M<n<10M")


def _write_samples(data: DataSet) -> list[Sample]:
    """Write the pictures of the first question of each type."""
    first: dict[str, Row] = {}
    for row in data_set_rows(data):
        first.setdefault(row.question_type, row)
    samples = []
    for name in QUESTION_TYPES:
        if name not in first:
            continue
        paths = [f"{PICTURES}/{name}-{number}.jpg" for number in range(len(first[name].images))]
        for path, image in zip(paths, first[name].images, strict=True):
            with replacing(data.folder / path) as temporary:
                temporary.write_bytes(image)
        samples.append(Sample(first[name], tuple(paths)))
    return samples
