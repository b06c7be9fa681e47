"""What the environment decides when a task file is read; named by task files that leave it open."""

from __future__ import annotations

from typing import Any

from sat_tasks.console import UserError
from sat_tasks.protocol import Protocol, protocol_of


def filters_of(protocol: Protocol) -> list[dict[str, Any]]:
    """Return a filter list whose only filter has the name of the protocol.

    lmms-eval appends a filter's name to every metric, so the protocol becomes part of the key.
    """
    return [{"name": protocol.name, "filter": [{"function": "take_first"}]}]


def generation_of(protocol: Protocol) -> dict[str, Any]:
    """Return greedy generation with the protocol's budget, and nothing cut at a blank line."""
    return {
        "max_new_tokens": protocol.max_new_tokens,
        "temperature": 0,
        "do_sample": False,
        "until": [],
    }


def __getattr__(name: str) -> Any:
    """FILTERS and GENERATION of the protocol that SAT_PROTOCOL names; FILTERS_single of single."""
    kind, _, protocol_name = name.partition("_")
    if kind not in ("FILTERS", "GENERATION"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        protocol = protocol_of(protocol_name)
    except UserError as error:
        raise SystemExit(f"error: {error}") from error
    return filters_of(protocol) if kind == "FILTERS" else generation_of(protocol)
