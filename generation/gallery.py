"""The gallery: a data set as one HTML page that needs no other file."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from generation.card import template
from generation.shard import data_set_rows, merged_counts, write_text
from sat_tasks.data import open_data_set
from sat_tasks.manifest import Manifest
from sat_tasks.rows import Row
from sat_tasks.taxonomy import QUESTION_TYPES


@dataclass(frozen=True)
class Card:
    """One question as the page shows it."""

    id: str
    pictures: tuple[str, ...]
    """Data URIs."""
    question: str
    options: tuple[str, ...]
    answer: str
    evidence: str


@dataclass(frozen=True)
class Section:
    """The questions of one type."""

    name: str
    title: str
    asks: str
    total: int
    """In the data set; the cards are some of them."""
    cards: tuple[Card, ...]

    @property
    def wide(self) -> bool:
        """Whether its questions have several pictures."""
        return any(len(card.pictures) > 1 for card in self.cards)


def write_gallery(folder: Path, out: Path, per_type: int = 12) -> int:
    """Write the page of a data set.

    Args:
        folder: Of a finished data set.
        out: The HTML file.
        per_type: At most this many questions of each type, spread over the data set.

    Returns:
        The number of questions shown.

    Raises:
        UserError: No data set, a damaged one, or the file cannot be written.
    """
    data = open_data_set(folder)
    totals = merged_counts(data.manifest.counts.values())
    chosen = choose(data_set_rows(data), totals, per_type)
    sections = [
        Section(
            name=name,
            title=name.replace("_", " ").capitalize(),
            asks=info.asks[0].upper() + info.asks[1:],
            total=totals[name],
            cards=tuple(_card(row) for row in chosen[name]),
        )
        for name, info in QUESTION_TYPES.items()
        if name in chosen
    ]
    write_text(out, _page(folder, data.manifest, sections, totals))
    return sum(len(section.cards) for section in sections)


def choose(rows: Iterable[Row], totals: dict[str, int], per_type: int) -> dict[str, list[Row]]:
    """Return rows of each type at even steps, so that many scenes are shown."""
    chosen: dict[str, list[Row]] = {}
    seen = dict.fromkeys(totals, 0)
    for row in rows:
        kind = row.question_type
        number, seen[kind] = seen[kind], seen[kind] + 1
        step = max(1.0, totals[kind] / per_type)
        if number >= step * len(chosen.setdefault(kind, [])) and len(chosen[kind]) < per_type:
            chosen[kind].append(row)
    return chosen


def _page(folder: Path, manifest: Manifest, sections: list[Section], totals: dict[str, int]) -> str:
    scenes = sum(manifest.scenes.values())
    shown = sum(len(section.cards) for section in sections)
    splits = ", ".join(manifest.scenes)
    return template("gallery.html").render(
        title=f"SAT Bench gallery: {folder.resolve().name}",
        summary=f"{shown} of {sum(totals.values())} questions over {scenes} scenes ({splits})",
        shown=shown,
        sections=sections,
        size_px=manifest.settings.get("size_px", 512),
        engine=f"{manifest.engine} {manifest.engine_version}",
        release=manifest.settings.get("release", ""),
    )


def _card(row: Row) -> Card:
    return Card(
        id=row.id,
        pictures=tuple(data_uri(image) for image in row.images),
        question=row.question,
        options=row.answers,
        answer=row.correct_answer,
        evidence=json.dumps(json.loads(row.evidence), indent=1),
    )


def data_uri(image: bytes) -> str:
    """Return a JPEG or PNG file as a data URI."""
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64,{base64.b64encode(image).decode()}"
