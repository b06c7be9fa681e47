"""What a model hands over in place of a reply when it has none.

lmms-eval's models return one string per request. A call that failed must not look like an
answer, or it would be scored as a wrong one, so it is handed over as a marked string that
:func:`read_no_reply` recognises. An answer that merely cannot be understood is not marked: that
is for :mod:`sat_tasks.answer` to say.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FAILED = "failed"
"""The call gave nothing that could be scored: the question has to be asked again."""
REFUSED = "refused"
"""The model or its safety filter declined to answer: asking again would give the same."""

_MARK = re.compile(r"\[SAT BENCH: NO REPLY, (failed|refused)\] ?(.*)")
_FOREIGN_MARKS = {
    "[LMMS_EVAL_REQUEST_FAILED": FAILED,
    "[LMMS_EVAL_BUDGET_EXCEEDED": FAILED,
    "[SAFETY_BLOCKED": REFUSED,
}
"""Openings of the strings that lmms-eval's own models return instead of an answer."""


@dataclass(frozen=True)
class NoReply:
    """Why there is no reply."""

    kind: str
    """:data:`FAILED` or :data:`REFUSED`."""
    reason: str
    """One line."""


def no_reply(kind: str, reason: str) -> str:
    """Return the string to hand over when there is no reply.

    Raises:
        ValueError: ``kind`` is neither :data:`FAILED` nor :data:`REFUSED`.
    """
    if kind not in (FAILED, REFUSED):
        raise ValueError(f"unknown kind {kind!r}; known: {FAILED}, {REFUSED}")
    return f"[SAT BENCH: NO REPLY, {kind}] {' '.join(reason.split())}"


def read_no_reply(reply: str) -> NoReply | None:
    """Return why there is no reply, or None if ``reply`` is one."""
    text = reply.strip()
    if match := _MARK.fullmatch(text):
        return NoReply(match[1], match[2])
    for opening, kind in _FOREIGN_MARKS.items():
        if text.startswith(opening):
            return NoReply(kind, text)
    return None
