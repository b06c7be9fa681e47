"""What replies of the chat completions protocol say, and what its errors mean."""

from __future__ import annotations

import openai
from pydantic import BaseModel, Field, ValidationError

from sat_tasks.models.api_calls import (
    CallError,
    Reply,
    Trouble,
    retry_after_s,
    trouble_of_status,
)
from sat_tasks.models.journal import ANSWERED, Usage
from sat_tasks.replies import REFUSED

_FILTER_CODES = {"content_filter", "content_policy_violation", "ResponsibleAIPolicyViolation"}
_QUOTA_CODES = {"insufficient_quota", "billing_hard_limit_reached", "billing_not_active"}


class _Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class _Choice(BaseModel):
    message: _Message
    finish_reason: str | None = None


class _Details(BaseModel):
    reasoning_tokens: int | None = None


class _Tokens(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    completion_tokens_details: _Details | None = None


class _Completion(BaseModel):
    """What we need of a reply, checked; the SDK's own classes take anything."""

    choices: list[_Choice] = Field(min_length=1)
    model: str | None = None
    usage: _Tokens | None = None


def read_reply(body: bytes) -> Reply:
    """Return what a completion says.

    Raises:
        CallError: It says nothing that can be used.
    """
    try:
        completion = _Completion.model_validate_json(body)
    except ValidationError:
        raise CallError(
            Trouble.AGAIN,
            f"not a chat completion: {body[:200].decode(errors='replace')}",
            may_be_billed=True,
        ) from None
    usage = _usage(completion.usage)
    served_by = completion.model or ""
    message, finish = completion.choices[0].message, completion.choices[0].finish_reason
    if message.refusal:
        return Reply(REFUSED, message.refusal, usage, served_by)
    if finish == "content_filter":
        return Reply(REFUSED, "stopped by the content filter", usage, served_by)
    if message.content and message.content.strip():
        return Reply(ANSWERED, message.content, usage, served_by)
    if finish == "length":
        raise CallError(
            Trouble.LOST,
            "no room was left for an answer after thinking; raise thinking_room=",
            may_be_billed=True,
        )
    raise CallError(Trouble.AGAIN, f"empty reply (finish reason {finish})", may_be_billed=True)


def _usage(tokens: _Tokens | None) -> Usage | None:
    if tokens is None or tokens.prompt_tokens is None or tokens.completion_tokens is None:
        return None
    details = tokens.completion_tokens_details
    thinking = details.reasoning_tokens if details else None
    return Usage(tokens.prompt_tokens, tokens.completion_tokens, thinking or 0)


def read_refusal(error: openai.APIStatusError) -> Reply:
    """Return the refusal that a content filter sends as an error.

    Raises:
        CallError: It is a real error.
    """
    body = error.body if isinstance(error.body, dict) else {}
    message = body.get("message") or str(error.body or error.message)[:200]
    inner = body.get("innererror")
    codes = {error.code, inner.get("code") if isinstance(inner, dict) else None}
    if codes & _FILTER_CODES:
        return Reply(REFUSED, str(message), None, "")
    trouble = trouble_of_status(error.status_code)
    if error.code in _QUOTA_CODES:
        trouble = Trouble.FATAL
    raise CallError(
        trouble, f"{error.status_code} {message}", retry_after_s(error.response.headers)
    ) from error
