"""Reading a suite: which models, how each is run, which tasks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from leaderboard.results import ACCESS, Access
from sat_tasks.console import UserError

SHIPPED = ("demo", "open", "paper")
API_ADAPTERS = {"openai_api": "openai", "google_api": "google.genai"}
"""Adapters that ask a server, and the package that each needs."""
SPREADING = {
    "vllm": ("tensor_parallel_size", "data_parallel_size", "pipeline_parallel_size"),
    "llava": ("device_map", "device"),
}
"""Arguments by which adapters use several GPUs; the first is given where none is."""
PINNING = ("llava", "vllm", "llava_hf", "internvl_hf")
"""Adapters that take the revision of the weights as an argument."""
BASELINES = ("random_choice", "always_first")


@dataclass(frozen=True)
class Model:
    """One line of a comparison."""

    name: str
    """Shown on the leaderboard; unique."""
    adapter: str
    """lmms-eval's --model."""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    """lmms-eval's --model_args."""
    environment: Mapping[str, str] = field(default_factory=dict)
    access: Access = "unknown"
    params: float | None = None
    """Billions of parameters."""
    note: str = ""
    licence: str = ""
    link: str = ""
    revision: str = ""
    """Of the weights; handed to adapters that can pin it."""
    tuned_from: str = ""
    """Name of the model before tuning, of this suite or of the store."""
    batch_size: int = 1
    gpus: int = 1
    """For models that run here, where there are any."""

    @property
    def all_arguments(self) -> dict[str, Any]:
        """The arguments, with the revision and the GPUs for adapters that can be told."""
        told: dict[str, Any] = {}
        if self.adapter in PINNING and self.revision:
            told["revision"] = self.revision
        ways = SPREADING.get(self.adapter, ())
        if self.gpus > 1 and ways and not any(name in self.arguments for name in ways):
            told[ways[0]] = "auto" if self.adapter == "llava" else self.gpus
        return {**self.arguments, **told}

    @property
    def copies(self) -> int:
        """Processes that share the questions: vLLM's data parallelism, times its other ways."""
        if self.adapter != "vllm" or "data_parallel_size" not in self.arguments:
            return 1
        given = [str(self.arguments.get(name, 1)) for name in SPREADING["vllm"]]
        return math.prod(int(text) if text.isdigit() else 1 for text in given)

    @property
    def journal(self) -> tuple[str, ...]:
        """What tells journals of answers apart: only one run at a time can hold one."""
        given = self.arguments.get("journal")
        server = self.arguments.get("base_url") or ""
        named = (self.adapter, server, self.arguments.get("model", "")) if given is None else ()
        return tuple(str(part) for part in (self.environment.get("SAT_JOURNALS"), given, *named))

    @property
    def is_remote(self) -> bool:
        """Whether a server does the work."""
        return self.adapter in API_ADAPTERS

    @property
    def is_baseline(self) -> bool:
        """Whether it sees no picture and needs no accelerator."""
        return self.adapter in BASELINES


@dataclass(frozen=True)
class Suite:
    """What is to be run."""

    name: str
    tasks: tuple[str, ...]
    models: tuple[Model, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    """Of every model, such as SAT_DATA and SAT_PROTOCOL."""
    parallel: int = 4
    """Models behind APIs that are asked at the same time."""


def load_suite(name: str) -> Suite:
    """Read a suite file, or one that is shipped.

    Args:
        name: A path, or one of SHIPPED.

    Raises:
        UserError: There is no such file, or it is no suite.
    """
    if name in SHIPPED and not Path(name).is_file():
        text = files("leaderboard").joinpath("suites", f"{name}.yaml").read_text("utf-8")
    else:
        try:
            text = Path(name).read_text("utf-8")
        except OSError as error:
            known = ", ".join(SHIPPED)
            raise UserError(f"no suite {name!r} ({error.strerror}); shipped: {known}") from None
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise UserError(f"{name} is no YAML: {error}") from None
    return parse_suite(content, Path(name).stem)


def parse_suite(content: Any, name: str) -> Suite:
    """Return the suite that a YAML file describes.

    Raises:
        UserError: A field is unknown, missing or of the wrong kind.
    """
    entry = _fields(content, {"tasks", "models", "defaults", "environment", "parallel"}, name)
    for needed in ("tasks", "models"):
        if not isinstance(entry.get(needed), list) or not entry[needed]:
            raise UserError(f"{name}: {needed} must be a list that is not empty")
    defaults = entry.get("defaults") or {}
    models = tuple(
        _model(defaults, item, f"{name}: model {number}")
        for number, item in enumerate(entry["models"], start=1)
    )
    parallel = entry.get("parallel", 4)
    if not isinstance(parallel, int) or parallel < 1:
        raise UserError(f"{name}: parallel must be a whole number above 0, got {parallel!r}")
    return Suite(
        name=name,
        tasks=tuple(str(task) for task in entry["tasks"]),
        models=models,
        environment=_texts(entry.get("environment") or {}, f"{name}: environment"),
        parallel=parallel,
    )


def _model(defaults: Any, item: Any, where: str) -> Model:
    known = {each.name for each in fields(Model)}
    entry = {**_fields(defaults, known, "defaults"), **_fields(item, known, where)}
    for needed in ("name", "adapter"):
        if not isinstance(entry.get(needed), str) or not entry[needed].strip():
            raise UserError(f"{where} needs {needed}, a text")
    access = entry.get("access", "unknown")
    if access not in ACCESS:
        raise UserError(f"{where}: unknown access {access!r}; known: {', '.join(ACCESS)}")
    if not isinstance(entry.get("arguments", {}), dict):
        raise UserError(f"{where}: arguments must be names with values")
    for key in ("batch_size", "gpus"):
        if not isinstance(entry.get(key, 1), int) or entry.get(key, 1) < 1:
            raise UserError(f"{where}: {key} must be a whole number above 0")
    if not isinstance(entry.get("params", 1), int | float):
        raise UserError(f"{where}: params must be billions of parameters, a number")
    values: dict[str, Any] = dict(entry)
    for key in ("note", "licence", "link", "tuned_from"):
        values[key] = str(entry.get(key, ""))
    values["environment"] = _texts(entry.get("environment") or {}, f"{where}: environment")
    values["revision"] = _revision(entry, where)
    if values["tuned_from"] == values["name"]:
        raise UserError(f"{where}: tuned_from must name another model")
    return Model(**values)


def _revision(entry: dict[str, Any], where: str) -> str:
    given = [str(part["revision"]) for part in (entry, entry.get("arguments", {}))
             if part.get("revision")]  # fmt: skip
    if len(set(given)) > 1:
        raise UserError(f"{where}: revision is {given[0]!r}, and {given[1]!r} in its arguments")
    return given[0] if given else ""


def _fields(entry: Any, known: set[str], where: str) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise UserError(f"{where} must be names with values")
    unknown = sorted(set(map(str, entry)) - known)
    if unknown:
        raise UserError(f"{where}: unknown {', '.join(unknown)}; known: {', '.join(sorted(known))}")
    return entry


def _texts(entry: Any, where: str) -> dict[str, str]:
    if not isinstance(entry, dict):
        raise UserError(f"{where} must be names with values")
    return {str(key): str(value) for key, value in entry.items()}
