"""Boards: one ranking per benchmark, data and protocol. Figures of two protocols never meet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from leaderboard.ranking import Standing
from leaderboard.results import Access, Badge, ResultRow, Tally

OVERALL = "overall"


@dataclass(frozen=True)
class Column:
    """A column of figures."""

    key: str
    label: str
    about: str
    total: bool = False
    """A total over the columns that follow it."""


@dataclass(frozen=True)
class Cell:
    """One figure."""

    accuracy: float
    """In [0, 1]."""
    points: float | None = None
    """k; None where only a percentage was published."""
    questions: int | None = None
    """n."""
    low: float | None = None
    high: float | None = None
    chance: float | None = None
    approximate: bool = False
    """The interval was computed from a rounded figure and the benchmark's size."""

    @property
    def above_chance(self) -> float | None:
        """Accuracy rescaled so that chance is 0 and all right is 1."""
        if self.chance is None:
            return None
        return (self.accuracy - self.chance) / (1 - self.chance)


@dataclass(frozen=True)
class Entry:
    """A model's line on a board."""

    model: str
    badge: Badge
    date: str
    cells: Mapping[str, Cell]
    access: Access = "unknown"
    licence: str = ""
    params_b: float | None = None
    note: str = ""
    tuned_from: str = ""
    """Name of the model before tuning, if it is a tuned one."""
    rows: tuple[ResultRow, ...] = ()
    """The runs behind it, in the order of the suite; none for figures from elsewhere."""
    tallies: Mapping[str, Tally] = field(default_factory=dict)
    """The counts behind the cells, where there are runs."""
    unparsed: float | None = None
    """Share of replies that could not be read."""
    blind_gap: Cell | None = None
    """How much higher the model scores than without pictures; the interval may cross 0."""
    standing: Standing | None = None


@dataclass(frozen=True)
class Board:
    """One ranking."""

    key: str
    benchmark: str
    title: str
    protocol: str
    about: str
    """What the data and the protocol are, in a line."""
    columns: tuple[Column, ...]
    entries: tuple[Entry, ...]
    source: str = ""
    source_url: str = ""
    questions: int | None = None
    detectable: float | None = None
    """Smallest difference of two runs that would mostly be found, in [0, 1]."""
    tested: bool = True
    """Whether ranks are shared by models that no test tells apart."""

    @property
    def has_unparsed(self) -> bool:
        """Whether the share of unread replies is known of any model."""
        return any(entry.unparsed is not None for entry in self.entries)

    @property
    def has_blind_gap(self) -> bool:
        """Whether any model was also asked without pictures."""
        return any(entry.blind_gap is not None for entry in self.entries)

    @property
    def has_chance(self) -> bool:
        """Whether the chance level of the overall figure is known."""
        return self.chance_of(OVERALL) is not None

    def chance_of(self, column: str) -> float | None:
        """Return the chance level of a column; all entries were asked the same."""
        cells = (entry.cells.get(column) for entry in self.entries)
        return next((cell.chance for cell in cells if cell and cell.chance is not None), None)


def cell_of(tally: Tally) -> Cell:
    """Return the figure that a tally gives."""
    return Cell(tally.accuracy, tally.points, tally.questions, tally.low, tally.high, tally.chance)
