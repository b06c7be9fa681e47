"""Which pieces a house may use: held-out pieces by split, categories, triangle budget."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.random import Generator

from generation.assets.piece import Piece

TEST_ONLY = 0.15
VAL_ONLY = 0.10
PROCEDURAL = "procedural/"
MADE_SHARE = 0.75
"""How often a modelled piece is taken where there is a procedural one too."""
HELD_OUT_WEIGHT = 3.0
HEAVY_TRIANGLES = 10_000
"""A piece with so many triangles is taken half as often as a light one."""

_log = logging.getLogger(__name__)


def split_of(piece_id: str) -> str:
    """Return the split to which a piece is held out: "test", "val", or "" for pieces of all."""
    digest = hashlib.sha256(piece_id.encode()).digest()
    share = int.from_bytes(digest[:8], "big") / 2**64
    if share < TEST_ONLY:
        return "test"
    return "val" if share < TEST_ONLY + VAL_ONLY else ""


def allowed_in(split: str, pieces: Iterable[Piece]) -> tuple[Piece, ...]:
    """Return the pieces that houses of a split may use."""
    return tuple(piece for piece in pieces if split_of(piece.piece_id) in ("", split))


class Stock:
    """The pieces of one house: what is used, what is left of the budget, what is broken."""

    def __init__(self, pieces: Sequence[Piece], split: str) -> None:
        self.by_category: dict[str, list[Piece]] = defaultdict(list)
        for piece in allowed_in(split, pieces):
            self.by_category[piece.category].append(piece)
        self.triangles_left = 0
        self.triangles_used = 0
        self.used: Counter[str] = Counter()
        self.skipped: dict[str, str] = {}

    def pick(
        self,
        rng: Generator,
        categories: Sequence[str],
        room_kind: str = "",
        max_share: float = 0.25,
    ) -> Piece | None:
        """Return a usable piece of the first category that has one, or None.

        Args:
            rng: Of the house.
            categories: In order of preference.
            room_kind: The piece must suit this kind of room.
            max_share: Part of the remaining triangles that the piece may cost.
        """
        for category in categories:
            fitting = [
                piece
                for piece in self.by_category.get(category, ())
                if piece.triangles <= max_share * self.triangles_left
                and (not room_kind or not piece.rooms or room_kind in piece.rooms)
            ]
            while fitting:
                piece = self._draw(rng, fitting)
                if self._loads(piece):
                    return piece
                fitting.remove(piece)
        return None

    def _draw(self, rng: Generator, pieces: Sequence[Piece]) -> Piece:
        """Draw a piece: made models before procedural ones, unused and held-out ones more often."""
        made = [piece for piece in pieces if not piece.piece_id.startswith(PROCEDURAL)]
        drawn = [piece for piece in pieces if piece.piece_id.startswith(PROCEDURAL)]
        chosen = made if made and (not drawn or rng.random() < MADE_SHARE) else drawn
        weights = np.array(
            [
                (HELD_OUT_WEIGHT if split_of(piece.piece_id) else 1.0)
                / (1 + 4 * self.used[piece.piece_id])
                / (1 + piece.triangles / HEAVY_TRIANGLES)
                for piece in chosen
            ]
        )
        return chosen[int(rng.choice(len(chosen), p=weights / weights.sum()))]

    def _loads(self, piece: Piece) -> bool:
        if piece.piece_id.startswith(PROCEDURAL):
            return True  # There is no file that could be broken.
        if piece.piece_id in self.skipped:
            return False
        try:
            piece.load_parts()
        except ValueError as exc:
            _log.warning("skipping %s: %s", piece.piece_id, exc)
            self.skipped[piece.piece_id] = str(exc)
            return False
        return True

    def categories(self, suits: Callable[[Piece], bool]) -> list[str]:
        """Return the categories that have a suitable piece, in a fixed order."""
        return [name for name, pieces in self.by_category.items() if any(map(suits, pieces))]

    def take(self, piece: Piece) -> None:
        """Count a piece as used."""
        self.used[piece.piece_id] += 1
        self.triangles_left -= piece.triangles
        self.triangles_used += piece.triangles

    def snapshot(self) -> tuple[int, int, Counter[str]]:
        """Return what is used and left, for :meth:`restore`."""
        return self.triangles_left, self.triangles_used, Counter(self.used)

    def restore(self, snapshot: tuple[int, int, Counter[str]]) -> None:
        """Forget what was taken since the snapshot."""
        self.triangles_left, self.triangles_used, used = snapshot
        self.used = Counter(used)
