"""``--model google_api``: Gemini through google-genai, the successor of google-generativeai.

lmms-eval --model google_api --model_args model=gemini-3.8-flash --tasks sat_dynamic
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

from sat_tasks.models.api_calls import CallError, Reply, Trouble
from sat_tasks.models.api_model import ApiModel
from sat_tasks.models.api_settings import (
    ApiSettings,
    key_from_environment,
    require_url,
    without_secrets,
)
from sat_tasks.models.chat import ChatRequest, Message
from sat_tasks.models.google_replies import call_error, read_reply
from sat_tasks.pictures import EncodedPicture

THINKING_ROOM = 16384
"""Output tokens that a thinking model gets beyond those for the answer."""

_VENDOR_URL = "https://generativelanguage.googleapis.com/"
_THINKING_NAME = re.compile(r"(models/)?gemini-(2\.5|[3-9]|\d\d)")
_FIXED_SAMPLING_NAME = re.compile(r"(models/)?gemini-([3-9]|\d\d)")
"""Gemini 3 is made for its own temperature; from 3.6 on others are ignored, later refused."""
_SAMPLING = {
    "temperature": re.compile(r"\btemperature\b", re.I),
    "top_p": re.compile(r"\btop_?p\b", re.I),
}
_ROLES = {"user": "user", "assistant": "model"}
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


SETTINGS = GoogleSettings
"""What a suite checks arguments with."""


class GoogleProvider:
    """The generateContent protocol."""

    name = "google_api"

    def __init__(self, settings: GoogleSettings) -> None:
        """Find the key and check the address.

        Raises:
            UserError: There is no key, or the address is none.
        """
        self._settings = settings
        base_url = settings.base_url or os.environ.get("GOOGLE_GEMINI_BASE_URL")
        self._base_url = require_url(base_url) if base_url else _VENDOR_URL
        usual = ("GEMINI_API_KEY", "GOOGLE_API_KEY")
        needed = settings.needs_key(own_server=base_url is not None)
        self._key = key_from_environment(settings.api_key_env, usual, needed)
        self.secrets: tuple[str, ...] = (self._key,)
        self.sends_temperature = not _FIXED_SAMPLING_NAME.match(settings.model)
        self._refused: set[str] = set()
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
        try:
            response = await self._generate(self._client, request)
        except errors.APIError as error:
            raise call_error(error) from error
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
        return read_reply(response)

    async def close(self) -> None:
        """See :class:`sat_tasks.models.api_calls.Provider`."""
        if self._client is not None:
            await self._client.aio.aclose()
            self._client.close()
            self._client = None

    async def _generate(
        self, client: genai.Client, request: ChatRequest
    ) -> types.GenerateContentResponse:
        """Ask, without the parameters that this model turns out to refuse."""
        contents = [_content(m) for m in request.messages if m.role != "system"]
        while True:
            sent = self._config(request)
            try:
                return await client.aio.models.generate_content(
                    model=self._settings.model, contents=contents, config=sent
                )
            except errors.ClientError as error:
                named = {
                    name
                    for name, pattern in _SAMPLING.items()
                    if getattr(sent, name) is not None and pattern.search(str(error.message))
                }
                if error.code != 400 or not named:
                    raise
                self._refused |= named

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
            temperature=None if "temperature" in self._refused else request.temperature,
            top_p=None if "top_p" in self._refused else request.top_p,
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
