"""How questions are asked: the protocol is part of every result's key.

lmms-eval writes a metric as ``overall,circular``: the part after the comma is the protocol.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from typing import Literal

from sat_tasks.console import one_of

Style = Literal["letters", "text", "listed", "reasoning"]
"""How options are offered: lettered, in quotes, in a list, or lettered after reasoning."""

PROTOCOL_VARIABLE = "SAT_PROTOCOL"
BLIND_SUFFIX = "_blind"


@dataclass(frozen=True)
class Protocol:
    """One way of asking a question."""

    name: str
    style: Style
    every_order: bool
    """Ask with each option at each position once, or only in the order of the data."""
    max_new_tokens: int
    about: str
    blind: bool = False
    """Ask without the pictures."""

    def orders(self, option_count: int) -> tuple[tuple[int, ...], ...]:
        """Return the orders to ask in, the data's own first; each is a tuple of option indices."""
        return rotations(option_count) if self.every_order else rotations(option_count)[:1]


def rotations(option_count: int) -> tuple[tuple[int, ...], ...]:
    """Return the cyclic orders of options: each option is at each position once.

    >>> rotations(3)
    ((0, 1, 2), (1, 2, 0), (2, 0, 1))
    """
    indices = tuple(range(option_count))
    return tuple(indices[shift:] + indices[:shift] for shift in indices)


_SIGHTED = (
    Protocol("circular", "letters", True, 32, "lettered options, in every option order"),
    Protocol("single", "letters", False, 32, "lettered options, in the order of the data"),
    Protocol("text_choice", "text", True, 32, "option texts as in the SAT paper, in every order"),
    Protocol("cot", "reasoning", True, 1024, "reasoning first, then a letter, in every order"),
)
PROTOCOLS: dict[str, Protocol] = {
    protocol.name: protocol
    for sighted in _SIGHTED
    for protocol in (
        sighted,
        replace(
            sighted,
            name=sighted.name + BLIND_SUFFIX,
            about=sighted.about + ", without pictures",
            blind=True,
        ),
    )
}
DEFAULT_PROTOCOL = "circular"


def find_protocol(name: str) -> Protocol:
    """Return a protocol by name.

    Raises:
        UserError: There is none of that name; the message lists those that are.
    """
    return PROTOCOLS[one_of("protocol", name, tuple(PROTOCOLS))]


def protocol_of(name: str) -> Protocol:
    """Return a task's protocol: the one it names, or else what SAT_PROTOCOL says.

    Raises:
        UserError: There is none of that name.
    """
    return find_protocol(name or os.environ.get(PROTOCOL_VARIABLE) or DEFAULT_PROTOCOL)
