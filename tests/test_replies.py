"""A failed call stays recognisable on its way through lmms-eval's strings."""

from __future__ import annotations

import pytest

from sat_tasks.replies import FAILED, REFUSED, NoReply, no_reply, read_no_reply


@pytest.mark.parametrize("kind", [FAILED, REFUSED])
def test_what_is_marked_is_read_back(kind: str) -> None:
    text = no_reply(kind, "429 Too Many\n Requests [x]")
    assert read_no_reply(text) == NoReply(kind, "429 Too Many Requests [x]")
    assert read_no_reply(f" {text}\n") == NoReply(kind, "429 Too Many Requests [x]")
    assert read_no_reply(no_reply(kind, "")) == NoReply(kind, "")


@pytest.mark.parametrize("reply", ["", "A", "no reply", "[A]", "I cannot help with that.", "None"])
def test_an_answer_is_never_taken_for_a_failure(reply: str) -> None:
    assert read_no_reply(reply) is None


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        ("[LMMS_EVAL_REQUEST_FAILED after 2 retries] Error code: 429", FAILED),
        ("[LMMS_EVAL_BUDGET_EXCEEDED]", FAILED),
        ("[SAFETY_BLOCKED:finish_reason=SAFETY]", REFUSED),
    ],
)
def test_knows_the_marks_of_lmms_eval(reply: str, kind: str) -> None:
    found = read_no_reply(reply)
    assert found is not None
    assert found.kind == kind


def test_an_unknown_kind_is_an_error() -> None:
    with pytest.raises(ValueError, match="known: failed, refused"):
        no_reply("lost", "")
