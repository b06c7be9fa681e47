"""What one run is: who was asked, what, how, and with which outcome. Stored as one JSON file."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

SCHEMA_VERSION = 3

Badge = Literal["reported", "recomputed", "reproduced"]
"""reported: a figure printed elsewhere. recomputed: counted again from published replies.
reproduced: every reply was made and scored by SAT Bench."""
BADGES: tuple[Badge, ...] = get_args(Badge)

Access = Literal["open", "proprietary", "baseline", "unknown"]
ACCESS: tuple[Access, ...] = get_args(Access)


@dataclass(frozen=True)
class Tally:
    """How a set of questions was answered. A question may be asked in several option orders."""

    points: float
    """Each question adds the share of its orders that were answered rightly."""
    questions: int
    correct: int
    """Replies that chose the right option."""
    replies: int
    scenes: int
    """Clusters: questions of one scene are not independent of each other."""
    low: float
    """Lower end of the 95% interval of the accuracy, in [0, 1]."""
    high: float
    chance: float
    """Expected accuracy of choosing at random, in [0, 1]."""
    unparsed: int
    """Replies from which no option could be read; counted as wrong."""
    all_orders: int
    """Questions that were answered rightly in every order in which they were asked."""

    @property
    def accuracy(self) -> float:
        """Mean over the questions, in [0, 1]."""
        return self.points / self.questions

    @property
    def above_chance(self) -> float:
        """Accuracy on a scale on which choosing at random is 0 and all right is 1."""
        return (self.accuracy - self.chance) / (1 - self.chance)


@dataclass(frozen=True)
class ResultRow:
    """One run of one model on one task under one protocol."""

    model: str
    """Display name."""
    adapter: str
    """lmms-eval's id of the code that asked the model."""
    task: str
    protocol: str
    data: str
    """Name of the data set and its revision, for people."""
    data_fingerprint: str
    """Identifies the rows that were asked about."""
    questions_sha256: str
    """Identifies the ids and orders of the samples; equal for runs that can be paired."""
    prompts_sha256: str
    """Identifies the wording of what was asked."""
    samples_sha256: str
    """Identifies the samples as stored, replies included."""
    date: str
    """ISO 8601 day, or day and minute."""
    badge: Badge
    overall: Tally
    by_type: Mapping[str, Tally]
    by_order: Mapping[str, tuple[int, int]]
    """Right replies and replies by option order."""
    by_position: Mapping[str, tuple[int, int]]
    """The same by the position of the right option: a model that prefers a position shows here."""
    failed: int
    """Calls that gave nothing to score. A run with any is not admitted, so this is 0."""
    refused: int
    """Replies in which the model or its safety filter declined; not read, counted as wrong."""
    note: str = ""
    """A word that is shown next to the name, such as "untrained"."""
    revision: str = ""
    tuned_from: str = ""
    """Name of the model that this one is a tuning of; the board shows the gain over it."""
    access: Access = "unknown"
    licence: str = ""
    """Of the weights, as an SPDX identifier where there is one."""
    params_b: float | None = None
    """Parameters in billions."""
    source: str = ""
    command: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    seconds: float | None = None
    """Wall clock of the whole evaluation, which may have had other tasks, too."""
    run_replies: int | None = None
    """Replies of that whole evaluation."""
    output_tokens: int | None = None
    """Written for this task."""
    cost_usd: float | None = None
    """Of the whole evaluation: as given, else its tokens at the price table's prices."""
    schema_version: int = SCHEMA_VERSION

    @property
    def key(self) -> str:
        """Name of the run within a store: a second run of the same kind has the same key."""
        parts = (slug(self.model), self.task, self.protocol, slug(self.data_fingerprint)[-12:])
        return "--".join(parts)

    @property
    def replies_per_second(self) -> float | None:
        """Throughput over the whole evaluation, start-up included."""
        return self.run_replies / self.seconds if self.seconds and self.run_replies else None

    def to_json(self) -> str:
        """Return the row as indented JSON."""
        return json.dumps(asdict(self), indent=1, sort_keys=True, allow_nan=False) + "\n"


def slug(name: str) -> str:
    """Return a name as it may stand in a file name and an address.

    >>> slug("LLaVA-1.5-13B + SAT")
    'llava-1.5-13b-sat'
    """
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.") or "model"


def parse_row(text: str) -> ResultRow:
    """Parse a run's JSON.

    Raises:
        ValueError: Not a run, or one of another schema version.
    """
    try:
        raw: dict[str, Any] = json.loads(text)
        version = raw["schema_version"]
        if version != SCHEMA_VERSION:
            raise ValueError(
                f"schema version {version}; this release reads {SCHEMA_VERSION}: "
                "add its results to a new store"
            )
        raw["overall"] = Tally(**raw["overall"])
        raw["by_type"] = {name: Tally(**tally) for name, tally in raw["by_type"].items()}
        for field_name in ("by_order", "by_position"):
            raw[field_name] = {name: (k, n) for name, (k, n) in raw[field_name].items()}
        return ResultRow(**raw)
    except (KeyError, TypeError, AttributeError, json.JSONDecodeError) as error:
        raise ValueError(f"not a run of this leaderboard ({error})") from error
