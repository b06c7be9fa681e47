"""What replies of generateContent say, and what its errors mean."""

from __future__ import annotations

import re

from google.genai import errors, types

from sat_tasks.models.api_calls import (
    CallError,
    Reply,
    Trouble,
    retry_after_s,
    trouble_of_status,
)
from sat_tasks.models.journal import ANSWERED, Usage
from sat_tasks.replies import REFUSED

_DECLINED = {
    types.FinishReason.SAFETY,
    types.FinishReason.RECITATION,
    types.FinishReason.BLOCKLIST,
    types.FinishReason.PROHIBITED_CONTENT,
    types.FinishReason.SPII,
    types.FinishReason.ESCALATION,
    types.FinishReason.MODEL_ARMOR,
}


def read_reply(response: types.GenerateContentResponse) -> Reply:
    """Return what a response says.

    Raises:
        CallError: It says nothing that can be used.
    """
    usage = _usage(response.usage_metadata)
    served_by = response.model_version or ""
    feedback = response.prompt_feedback
    if feedback is not None and feedback.block_reason is not None:
        reason = feedback.block_reason_message or feedback.block_reason.value
        return Reply(REFUSED, f"prompt blocked: {reason}", usage, served_by)
    if not response.candidates:
        raise CallError(Trouble.AGAIN, "a reply without candidates", may_be_billed=True)
    candidate = response.candidates[0]
    finish = candidate.finish_reason
    if finish in _DECLINED:
        reason = candidate.finish_message or finish.value
        return Reply(REFUSED, f"stopped: {reason}", usage, served_by)
    parts = (candidate.content.parts if candidate.content else None) or []
    text = "".join(part.text for part in parts if part.text and not part.thought)
    if text.strip():
        return Reply(ANSWERED, text, usage, served_by)
    if finish is types.FinishReason.MAX_TOKENS:
        raise CallError(
            Trouble.LOST,
            "no room was left for an answer after thinking; raise thinking_room=",
            may_be_billed=True,
        )
    name = finish.value if finish else None
    raise CallError(Trouble.AGAIN, f"empty reply (finish reason {name})", may_be_billed=True)


def _usage(usage: types.GenerateContentResponseUsageMetadata | None) -> Usage | None:
    if usage is None or usage.prompt_token_count is None:
        return None
    thinking = usage.thoughts_token_count or 0
    return Usage(usage.prompt_token_count, (usage.candidates_token_count or 0) + thinking, thinking)


def call_error(error: errors.APIError) -> CallError:
    """Return what an error of the SDK means."""
    headers = getattr(error.response, "headers", None) or {}
    wait_s = _retry_info_s(error.details)
    if wait_s is None:
        wait_s = retry_after_s(headers)
    message = str(error.message or error.status or "")[:500]
    return CallError(trouble_of_status(error.code), f"{error.code} {message}", wait_s)


def _retry_info_s(details: object) -> float | None:
    """Return the wait that Google puts into the body of an error."""
    inner = details.get("error") if isinstance(details, dict) else None
    infos = inner.get("details") if isinstance(inner, dict) else None
    for info in infos if isinstance(infos, list) else []:
        delay = info.get("retryDelay") if isinstance(info, dict) else None
        if isinstance(delay, str) and re.fullmatch(r"\d+(\.\d+)?s", delay):
            return float(delay[:-1])
    return None
