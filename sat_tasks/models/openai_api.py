"""``--model openai_api``: OpenAI, Azure OpenAI, and every server that speaks their protocol.

lmms-eval --model openai_api --model_args model=gpt-4o --tasks sat_dynamic
lmms-eval --model openai_api --model_args model=my-model,base_url=http://localhost:8000/v1 ...
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

try:
    import httpx2
    import openai
except ModuleNotFoundError as error:
    # lmms-eval imports this module when it is asked for, and swallows ordinary exceptions.
    raise SystemExit(
        f"error: openai_api needs {error.name}: pip install 'sat-bench[api]'"
    ) from error

from sat_tasks.console import UserError
from sat_tasks.models.api_calls import CallError, Reply, Trouble
from sat_tasks.models.api_model import ApiModel
from sat_tasks.models.api_settings import (
    ApiSettings,
    key_from_environment,
    require_url,
    without_secrets,
)
from sat_tasks.models.chat import ChatRequest
from sat_tasks.models.openai_replies import read_refusal, read_reply
from sat_tasks.pictures import EncodedPicture

THINKING_ROOM = 16384
"""Output tokens that a reasoning model gets beyond those for the answer."""

_REASONING_NAME = re.compile(r"(o\d|gpt-([5-9]|\d\d))(?!.*chat)")
_UNSUPPORTED_CODES = {"unsupported_parameter", "unsupported_value"}


class OpenAISettings(ApiSettings):
    """What ``--model_args`` may say for ``openai_api``."""

    azure_endpoint: str | None = None
    """https://NAME.openai.azure.com; ``model`` is then the name of the deployment."""
    api_version: str = "2024-10-21"
    """Azure's."""
    detail: Literal["low", "high", "auto"] | None = None
    """How closely pictures are looked at."""
    reasoning: bool | None = None
    """Whether the model thinks before it answers; None: by its name."""
    reasoning_effort: str | None = Field(default=None, min_length=1)


SETTINGS = OpenAISettings
"""What a suite checks arguments with."""


class OpenAIProvider:
    """The chat completions protocol."""

    name = "openai_api"

    def __init__(self, settings: OpenAISettings) -> None:
        """Find the key and check the address.

        Raises:
            UserError: There is no key, or the address is none.
        """
        self._settings = settings
        reasoning = settings.reasoning
        self._reasons = (
            bool(_REASONING_NAME.match(settings.model)) if reasoning is None else reasoning
        )
        self.sends_temperature = not self._reasons
        self._limit_name = "max_completion_tokens" if self._reasons else "max_tokens"
        self._refused: set[str] = set()
        self._key = self._find_key()
        self.secrets: tuple[str, ...] = (self._key,)
        self._client: openai.AsyncOpenAI | None = None
        self._endpoint = without_secrets(str(self._connect().base_url))

    def identity(self) -> Mapping[str, Any]:
        """See :class:`sat_tasks.models.api_calls.Provider`."""
        return {
            "provider": self.name,
            "endpoint": self._endpoint,
            "model": self._settings.model,
            "detail": self._settings.detail,
            "reasons": self._reasons,
            "reasoning_effort": self._settings.reasoning_effort,
            "thinking_room": self._thinking_room,
        }

    @property
    def _thinking_room(self) -> int:
        if self._settings.thinking_room is not None:
            return self._settings.thinking_room
        return THINKING_ROOM if self._reasons else 0

    def output_limit(self, request: ChatRequest) -> int:
        """See :class:`sat_tasks.models.api_calls.Provider`."""
        return request.max_new_tokens + self._thinking_room

    async def ask(self, request: ChatRequest) -> Reply:
        """See :class:`sat_tasks.models.api_calls.Provider`."""
        if self._client is None:
            self._client = self._connect()
        try:
            body = await self._complete(self._client, request)
        except openai.APITimeoutError as error:
            raise CallError(
                Trouble.AGAIN, "no reply in time", may_be_billed=True, timed_out=True
            ) from error
        except openai.APIConnectionError as error:
            reached = not isinstance(error.__cause__, httpx2.ConnectError)
            message = f"{error.message} {error.__cause__ or ''}"
            raise CallError(Trouble.AGAIN, message, may_be_billed=reached) from error
        except openai.APIStatusError as error:
            return read_refusal(error)
        return read_reply(body)

    async def close(self) -> None:
        """See :class:`sat_tasks.models.api_calls.Provider`."""
        if self._client is not None:
            await self._client.close()
            self._client = None

    async def _complete(self, client: openai.AsyncOpenAI, request: ChatRequest) -> bytes:
        """Ask, without the parameters that this model turns out to refuse."""
        completions = client.chat.completions.with_raw_response
        while True:
            payload = self._payload(request)
            try:
                response = await completions.create(**payload)
            except openai.BadRequestError as error:
                if error.code not in _UNSUPPORTED_CODES or not self._give_up(error.param, payload):
                    raise
            else:
                body: bytes = response.content
                return body

    def _give_up(self, parameter: str | None, payload: Mapping[str, Any]) -> bool:
        """Stop sending a parameter; return False if that was not sent or cannot be left out.

        Another request may have met the same refusal meanwhile, so what counts is what was sent.
        """
        if parameter not in ("max_tokens", "temperature", "top_p") or parameter not in payload:
            return False
        if parameter == "max_tokens":
            self._limit_name = "max_completion_tokens"
        else:
            self._refused.add(parameter)
        return True

    def _payload(self, request: ChatRequest) -> dict[str, Any]:
        optional = {
            "temperature": request.temperature,
            "top_p": request.top_p,
            "reasoning_effort": self._settings.reasoning_effort,
        }
        return {
            "model": self._settings.model,
            "messages": [
                {"role": message.role, "content": [self._part(part) for part in message.parts]}
                for message in request.messages
            ],
            self._limit_name: self.output_limit(request),
            **{
                name: value
                for name, value in optional.items()
                if value is not None and name not in self._refused
            },
        }

    def _part(self, part: str | EncodedPicture) -> dict[str, Any]:
        if isinstance(part, str):
            return {"type": "text", "text": part}
        picture = {"url": f"data:{part.mime};base64,{base64.b64encode(part.data).decode()}"}
        if self._settings.detail is not None:
            picture["detail"] = self._settings.detail
        return {"type": "image_url", "image_url": picture}

    def _find_key(self) -> str:
        settings = self._settings
        usual = "OPENAI_API_KEY" if settings.azure_endpoint is None else "AZURE_OPENAI_API_KEY"
        needed = settings.needs_key(own_server=settings.base_url is not None)
        return key_from_environment(settings.api_key_env, (usual,), needed)

    def _connect(self) -> openai.AsyncOpenAI:
        settings = self._settings
        key = self._key or "none"
        if settings.azure_endpoint is not None:
            if settings.base_url is not None:
                raise UserError("give either base_url or azure_endpoint")
            return openai.AsyncAzureOpenAI(
                azure_endpoint=require_url(settings.azure_endpoint),
                api_version=settings.api_version,
                api_key=key,
                max_retries=0,
                timeout=settings.timeout,
            )
        if settings.base_url is not None:
            require_url(settings.base_url)
        return openai.AsyncOpenAI(
            base_url=settings.base_url, api_key=key, max_retries=0, timeout=settings.timeout
        )


class OpenAIApi(ApiModel):
    """lmms-eval's ``--model openai_api``."""

    def __init__(
        self,
        batch_size: object = None,
        max_batch_size: object = None,
        device: object = None,
        **arguments: object,
    ) -> None:
        """Take ``--model_args``; batch size and device mean nothing to an API."""
        super().__init__(OpenAISettings, OpenAIProvider, arguments)
