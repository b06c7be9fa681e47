"""``--model google_api``: Gemini through google-genai, the successor of google-generativeai.

lmms-eval --model google_api --model_args model=gemini-2.5-pro --tasks sat_dynamic
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, ValidationError

try:
    import httpx2
    from google import genai
    from google.genai import errors, types
except ModuleNotFoundError as error:
    # lmms-eval imports this module when it is asked for, and swallows ordinary exceptions.
    raise SystemExit(
        f"error: google_api needs {error.name}: pip install 'sat-bench[api]'"
    ) from error

from sat_tasks.models.api_calls import (
    CallError,
    Reply,
    Trouble,
    retry_after_s,
    trouble_of_status,
)
from sat_tasks.models.api_model import ApiModel
from sat_tasks.models.api_settings import (
    ApiSettings,
    key_from_environment,
    require_url,
    without_secrets,
)
from sat_tasks.models.chat import ChatRequest, Message
from sat_tasks.models.journal import ANSWERED, Usage
from sat_tasks.pictures import EncodedPicture
from sat_tasks.replies import REFUSED

THINKING_ROOM = 16384
"""Output tokens that a thinking model gets beyond those for the answer."""

_VENDOR_URL = "https://generativelanguage.googleapis.com/"
_THINKING_NAME = re.compile(r"(models/)?gemini-(2\.5|[3-9]|\d\d)")
_ROLES = {"user": "user", "assistant": "model"}
_DECLINED = {
    types.FinishReason.SAFETY,
    types.FinishReason.RECITATION,
    types.FinishReason.BLOCKLIST,
    types.FinishReason.PROHIBITED_CONTENT,
    types.FinishReason.SPII,
    types.FinishReason.ESCALATION,
    types.FinishReason.MODEL_ARMOR,
}
_UNREADABLE = (
    json.JSONDecodeError,
    errors.UnknownApiResponseError,
    ValidationError,
    # The SDK walks through JSON of an unexpected shape without looking.
    AttributeError,
    TypeError,
)


class GoogleSettings(ApiSettings):
    """What ``--model_args`` may say for ``google_api``."""

    thinking_budget: int | None = Field(default=None, ge=-1)
    """Gemini 2.5: tokens to think with; 0 turns thinking off where that is possible."""
    thinking_level: Literal["minimal", "low", "medium", "high"] | None = None
    """Gemini 3 and later: how much to think."""


class GoogleProvider:
    """The generateContent protocol."""

    name = "google_api"
    sends_temperature = True

    def __init__(self, settings: GoogleSettings) -> None:
        """Find the key and check the address.

        Raises:
            UserError: There is no key, or the address is none.
        """
        self._settings = settings
        base_url = settings.base_url or os.environ.get("GOOGLE_GEMINI_BASE_URL")
        self._base_url = require_url(base_url) if base_url else _VENDOR_URL
        usual = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
        self._key = key_from_environment(settings.api_key_env, usual, needed=base_url is None)
        self.secrets: tuple[str, ...] = (self._key,)
        self._client: genai.Client | None = None

    def identity(self) -> Mapping[str, Any]:
        """See :class:`sat_tasks.models.api_calls.Provider`."""
        return {
            "provider": self.name,
            "endpoint": without_secrets(self._base_url),
            "model": self._settings.model,
            "thinking_budget": self._settings.thinking_budget,
            "thinking_level": self._settings.thinking_level,
            "thinking_room": self._thinking_room,
        }

    @property
    def _thinking_room(self) -> int:
        settings = self._settings
        if settings.thinking_room is not None:
            return settings.thinking_room
        if settings.thinking_budget is not None and settings.thinking_budget >= 0:
            return settings.thinking_budget
        return THINKING_ROOM if _THINKING_NAME.match(settings.model) else 0

    def output_limit(self, request: ChatRequest) -> int:
        """See :class:`sat_tasks.models.api_calls.Provider`."""
        return request.max_new_tokens + self._thinking_room

    async def ask(self, request: ChatRequest) -> Reply:
        """See :class:`sat_tasks.models.api_calls.Provider`."""
        if self._client is None:
            self._client = self._connect()
        contents = [_content(m) for m in request.messages if m.role != "system"]
        config = self._config(request)
        try:
            response = await self._client.aio.models.generate_content(
                model=self._settings.model, contents=contents, config=config
            )
        except errors.APIError as error:
            raise _call_error(error) from error
        except httpx2.TimeoutException as error:
            raise CallError(
                Trouble.AGAIN, "no reply in time", may_be_billed=True, timed_out=True
            ) from error
        except httpx2.HTTPError as error:
            reached = not isinstance(error, httpx2.ConnectError)
            message = f"{type(error).__name__} {error}"
            raise CallError(Trouble.AGAIN, message, may_be_billed=reached) from error
        except _UNREADABLE as error:
            message = f"not a reply of generateContent: {str(error)[:200]}"
            raise CallError(Trouble.AGAIN, message, may_be_billed=True) from error
        return _read(response)

    async def close(self) -> None:
        """See :class:`sat_tasks.models.api_calls.Provider`."""
        if self._client is not None:
            await self._client.aio.aclose()
            self._client.close()
            self._client = None

    def _config(self, request: ChatRequest) -> types.GenerateContentConfig:
        settings = self._settings
        thinking = None
        if settings.thinking_budget is not None or settings.thinking_level is not None:
            level = settings.thinking_level
            thinking = types.ThinkingConfig(
                thinking_budget=settings.thinking_budget,
                thinking_level=types.ThinkingLevel(level.upper()) if level else None,
            )
        system = [part for m in request.messages if m.role == "system" for part in m.parts]
        return types.GenerateContentConfig(
            max_output_tokens=self.output_limit(request),
            temperature=request.temperature,
            top_p=request.top_p,
            thinking_config=thinking,
            system_instruction=[_part(part) for part in system] or None,
        )

    def _connect(self) -> genai.Client:
        return genai.Client(
            api_key=self._key or "none",
            http_options=types.HttpOptions(
                base_url=self._base_url,
                timeout=round(self._settings.timeout * 1000),
                # An explicit single attempt also turns off the SDK's silent second one.
                retry_options=types.HttpRetryOptions(attempts=1),
                httpx_async_client=httpx2.AsyncClient(follow_redirects=True),
            ),
        )


def _content(message: Message) -> types.Content:
    return types.Content(role=_ROLES[message.role], parts=[_part(part) for part in message.parts])


def _part(part: str | EncodedPicture) -> types.Part:
    if isinstance(part, str):
        return types.Part.from_text(text=part)
    return types.Part.from_bytes(data=part.data, mime_type=part.mime)


def _read(response: types.GenerateContentResponse) -> Reply:
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


def _call_error(error: errors.APIError) -> CallError:
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


class GoogleApi(ApiModel):
    """lmms-eval's ``--model google_api``."""

    def __init__(
        self,
        batch_size: object = None,
        max_batch_size: object = None,
        device: object = None,
        **arguments: object,
    ) -> None:
        """Take ``--model_args``; batch size and device mean nothing to an API."""
        super().__init__(GoogleSettings, GoogleProvider, arguments)
