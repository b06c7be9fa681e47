"""What ``--model_args`` may say for an API model."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sat_tasks.console import UserError
from sat_tasks.models.prices import DEFAULT_TABLE, Price, find_price

_KEYS_BELONG_IN_ENVIRONMENT = ("api_key", "key", "token")


class ApiSettings(BaseModel):
    """Settings that every API model has; a provider adds its own."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    model: str = Field(min_length=1)
    """The name under which the server knows the model."""
    base_url: str | None = None
    """Another server than the vendor's."""
    api_key_env: str | None = None
    """The environment variable that holds the key, where it is not the vendor's usual one."""
    journal: Path | None = None
    """Where answers are kept; by default a file per model in the journal folder."""
    max_concurrent: int = Field(default=16, ge=1)
    """The most calls under way at once."""
    timeout: float = Field(default=180, gt=0)
    """Seconds that one attempt may take in all."""
    attempts: int = Field(default=6, ge=1)
    """How often a request is tried before it counts as failed; a busy server does not count."""
    patience: float = Field(default=6 * 3600, ge=0)
    """Seconds without any success after which a busy server ends the run."""
    backoff: float = Field(default=1.0, ge=0)
    """Seconds before the second attempt; doubled each time, up to a minute."""
    max_failed: float = Field(default=0.05, ge=0, le=1)
    """The share of requests that may fail before the run stops."""
    max_cost: float | None = Field(default=None, gt=0)
    """Dollars that all runs with this journal may cost together."""
    prices: Path | None = None
    """A price table to use in place of the one that is shipped."""
    estimate: bool = False
    """Only say what the run would ask and cost."""
    max_side: int | None = Field(default=None, ge=1)
    """Shrink pictures so that no side is longer, in pixels; otherwise they go as they are."""
    temperature: float | Literal["task", "server"] = "task"
    """A number; "task" does as the task says; "server" sends none."""
    thinking_room: int | None = Field(default=None, ge=0)
    """Output tokens for thinking, beyond those for the answer; None: by the model's name."""

    @classmethod
    def parse(cls, arguments: Mapping[str, Any]) -> Self:
        """Make settings of ``--model_args``.

        Raises:
            UserError: An argument is unknown, missing or out of range.
        """
        for name in _KEYS_BELONG_IN_ENVIRONMENT:
            if name in arguments:
                raise UserError(
                    f"model_args are printed and stored; put the key into an environment variable "
                    f"instead of {name}= (api_key_env=NAME names another than the usual one)"
                )
        unknown = sorted(set(arguments) - set(cls.model_fields))
        if unknown:
            known = ", ".join(cls.model_fields)
            raise UserError(f"unknown model_args {', '.join(unknown)}; known: {known}")
        try:
            return cls(**arguments)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"][:1])
            raise UserError(f"model_args {where}: {first['msg']}") from None

    def price(self) -> Price | None:
        """Return the model's price, or None where the table has none.

        Raises:
            UserError: The table cannot be read, or ``max_cost`` needs a price that it has not.
        """
        price = find_price(self.model, self.prices or DEFAULT_TABLE)
        if price is None and self.max_cost is not None:
            raise UserError(
                "max_cost needs the model's price: add a line to a copy of the price table and "
                "give it with prices=FILE"
            )
        return price

    def check(self) -> None:
        """Check what can be without a key.

        Raises:
            UserError: The address is none, or the price is not known and needed.
        """
        for address in (self.base_url, getattr(self, "azure_endpoint", None)):
            if address is not None:
                require_url(address)
        self.price()

    def needs_key(self, own_server: bool) -> bool:
        """Say whether to go on without a key is pointless: not to estimate, nor where none is."""
        return not self.estimate and (self.api_key_env is not None or not own_server)

    def journal_path(self, provider: str) -> Path:
        """Return where answers are kept."""
        if self.journal is not None:
            return self.journal.expanduser()
        folder = journal_folder()
        server = urlsplit(self.base_url).netloc.rpartition("@")[2] if self.base_url else ""
        name = "-".join(part for part in (provider, server, self.model) if part)
        return folder / (re.sub(r"[^A-Za-z0-9._-]+", "-", name) + ".jsonl")


def journal_folder() -> Path:
    """Return where journals are kept: SAT_JOURNALS, or a folder of the user's state."""
    if chosen := os.environ.get("SAT_JOURNALS"):
        return Path(chosen).expanduser()
    state = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(state) / "sat_bench" / "journals"


def without_secrets(url: str) -> str:
    """Return a URL without user, password, query and fragment, which may hold keys."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def require_url(url: str) -> str:
    """Return the URL if it is one.

    Raises:
        UserError: It is not an http(s) URL, or holds what may be a key.
    """
    parts = urlsplit(url)
    plain = without_secrets(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise UserError(f"base_url: {plain!r} is not an http or https address")
    if parts.username or parts.password or parts.query:
        raise UserError(
            f"base_url: {plain!r} came with a user, password or query; model_args are printed and "
            "stored, so put the key into an environment variable (api_key_env=NAME)"
        )
    return url


def key_from_environment(named: str | None, usual: tuple[str, ...], needed: bool) -> str:
    """Return the API key, or "" where there is none and none is needed.

    Args:
        named: The variable the user named, if any.
        usual: The vendor's usual variables, tried in order.
        needed: Whether to go on without a key is pointless.

    Raises:
        UserError: There is no key.
    """
    for name in (named,) if named else usual:
        if value := os.environ.get(name, "").strip():
            return value
    if needed:
        raise UserError(f"no API key: set the environment variable {named or ' or '.join(usual)}")
    return ""
