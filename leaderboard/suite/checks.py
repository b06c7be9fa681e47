"""What would go wrong with a suite, found before anything is started."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from leaderboard.suite.job import OURS
from leaderboard.suite.suitefile import API_ADAPTERS, PINNING, Model, Suite
from sat_tasks.console import UserError
from sat_tasks.models.api_settings import ApiSettings
from sat_tasks.plugin import MODELS, TASK_FOLDER
from sat_tasks.protocol import DEFAULT_PROTOCOL, PROTOCOL_VARIABLE, find_protocol

KEYS = {"openai_api": ("OPENAI_API_KEY",), "google_api": ("GEMINI_API_KEY", "GOOGLE_API_KEY")}
EXTRAS = {"openai_api": "api", "google_api": "api", "vllm": "vllm"}
LARGE_B = 3.0
"""Models with more billions of parameters are not run without a GPU."""
GB_PER_BILLION = 2.0
"""Weights in 16 bits."""
WORKING_SHARE, WORKING_GB = 0.2, 2.0
"""What a run needs besides: KV cache and activations grow with the model; buffers and pictures."""
SMALLER = ("quantization", "load_in_4bit", "load_in_8bit")
"""Arguments with which weights take less, so that nothing is foreseen."""
VLLM_SHARE = 0.8
"""Of a GPU's memory that lmms-eval's vllm takes unless told otherwise."""


def problems(suite: Suite, gpu_memory_gb: tuple[float, ...]) -> list[str]:
    """Return what must be put right, a line each; nothing is started or asked.

    Args:
        suite: What is to be run.
        gpu_memory_gb: Memory of each GPU that is here.
    """
    return [
        *_names(suite),
        *_tasks(suite),
        *_variables({**os.environ, **suite.environment}),
        *(line for model in suite.models for line in _model(suite, model, gpu_memory_gb)),
    ]


def gpus_here() -> tuple[float, ...]:
    """Return the memory of each visible GPU in GB."""
    import torch

    if not torch.cuda.is_available():
        return ()
    count = torch.cuda.device_count()
    return tuple(torch.cuda.get_device_properties(i).total_memory / 1e9 for i in range(count))


def _names(suite: Suite) -> Iterator[str]:
    for name, count in Counter(model.name for model in suite.models).items():
        if count > 1:
            yield f"{count} models are called {name!r}; names must differ"


def _tasks(suite: Suite) -> Iterator[str]:
    unknown = [task for task in suite.tasks if task not in our_tasks()]
    if unknown:
        others, known = _all_tasks(), our_tasks()
        whole = [name for name in sorted(known) if not any(name.startswith(f"{n}_") for n in known)]
        for task in unknown:
            if task not in others:
                near = get_close_matches(task, known, 1)
                meant = f" (did you mean {near[0]}?)" if near else ""
                yield f"no task {task!r}{meant}; ours: {', '.join(whole)}, and parts of them"


def our_tasks() -> set[str]:
    """Return the names of our tasks and groups."""
    return {path.stem for path in TASK_FOLDER.glob("sat_*.yaml")}


def _all_tasks() -> set[str]:
    from lmms_eval.tasks import TaskManager
    from loguru import logger

    logger.disable("lmms_eval")  # it tells of files of its own that are no tasks
    return set(TaskManager().all_tasks)


def _model(suite: Suite, model: Model, gpu_memory_gb: tuple[float, ...]) -> Iterator[str]:
    if model.adapter not in MODELS and model.adapter not in _all_adapters():
        yield f"{model.name}: no adapter {model.adapter!r}; ours: {', '.join(MODELS)}, vllm"
        return
    package = API_ADAPTERS.get(model.adapter, model.adapter if model.adapter == "vllm" else None)
    environment = {**os.environ, **suite.environment, **model.environment}
    yield from (f"{model.name}: {line}" for line in _variables(model.environment))
    if package is not None and not _is_installed(package):
        extra = EXTRAS[model.adapter]
        yield f"{model.name}: {package} is not installed; pip install 'sat-bench[{extra}]'"
    elif model.is_remote:
        yield from _settings(model)
    yield from _key(model, environment)
    if not model.is_remote and not model.is_baseline:
        yield from _pin(model)
        yield from _accelerator(model, gpu_memory_gb)
        yield from _weights(model, environment)


def _variables(environment: Mapping[str, str]) -> Iterator[str]:
    """Check what tasks read of the environment, as far as that takes no time."""
    for name, value in sorted(environment.items()):
        if OURS.fullmatch(name) and name.endswith("_DATA") and value and not Path(value).is_dir():
            yield f"{name} names no folder: {value}"
    try:
        find_protocol(environment.get(PROTOCOL_VARIABLE) or DEFAULT_PROTOCOL)
    except UserError as error:
        yield f"{PROTOCOL_VARIABLE}: {error}"


def _settings(model: Model) -> Iterator[str]:
    """Let the adapter itself check its arguments; keys among them must not get into any log."""
    try:
        module = import_module(f"sat_tasks.models.{model.adapter}")
        settings: ApiSettings = module.SETTINGS.parse(model.arguments)
        settings.check()
    except (UserError, SystemExit) as error:
        yield f"{model.name}: {str(error).removeprefix('error: ')}"


def _all_adapters() -> set[str]:
    from lmms_eval.models import list_available_models

    return set(list_available_models())


def _is_installed(package: str) -> bool:
    try:
        return find_spec(package) is not None
    except ModuleNotFoundError:
        return False


def _key(model: Model, environment: Mapping[str, str]) -> Iterator[str]:
    usual = KEYS.get(model.adapter)
    named: Any = model.arguments.get("api_key_env")
    if usual is None or model.arguments.get("estimate"):
        return
    if "base_url" in model.arguments and not named:
        return
    if "azure_endpoint" in model.arguments:
        usual = ("AZURE_OPENAI_API_KEY",)
    names = (str(named),) if named else usual
    if not any(environment.get(name, "").strip() for name in names):
        yield f"{model.name}: no API key; set {' or '.join(names)}"


def _accelerator(model: Model, gpu_memory_gb: tuple[float, ...]) -> Iterator[str]:
    size = model.params or 0.0
    if not gpu_memory_gb:
        if size > LARGE_B:
            yield f"{model.name}: no GPU here for a model of {size:g} billion parameters"
        return
    if model.gpus > len(gpu_memory_gb):
        yield f"{model.name}: wants {model.gpus} GPUs; here are {len(gpu_memory_gb)}"
        return
    copies = int(model.arguments.get("data_parallel_size", 1)) if model.copies > 1 else 1
    if model.copies > 1 and model.copies != model.gpus:
        yield f"{model.name}: its arguments ask for {model.copies} GPUs; say gpus: {model.copies}"
        return
    share = 1.0
    if model.adapter == "vllm":
        share = float(model.arguments.get("gpu_memory_utilization", VLLM_SHARE))
    needed = needed_gb(size) * copies
    usable = share * model.gpus * min(gpu_memory_gb)
    if size and needed > usable and not any(model.arguments.get(name) for name in SMALLER):
        yield (
            f"{model.name}: {size:g} billion parameters need about {needed:.0f} GB with cache and "
            f"activations, more than the {usable:.0f} GB that {model.gpus} GPU(s) give; raise gpus"
        )


def needed_gb(params_b: float) -> float:
    """Return the memory to run a model with in 16 bits: a fifth and 2 GB above its weights."""
    return GB_PER_BILLION * params_b * (1 + WORKING_SHARE) + WORKING_GB


def _pin(model: Model) -> Iterator[str]:
    if model.revision and model.adapter not in PINNING and "revision" not in model.arguments:
        yield (
            f"{model.name}: {model.adapter} cannot be told a revision; {', '.join(PINNING)} can. "
            "Leave it out, or name a folder with those weights"
        )


def _weights(model: Model, environment: Mapping[str, str]) -> Iterator[str]:
    weights = str(model.arguments.get("pretrained", model.arguments.get("model", "")))
    is_path = weights.startswith((".", "/", "~")) or weights.count("/") > 1
    offline = environment.get("HF_HUB_OFFLINE", "") not in ("", "0")
    if is_path and not Path(weights).expanduser().exists():
        yield f"{model.name}: no folder {weights}"
    elif offline and weights.count("/") == 1 and not Path(weights).exists():
        from huggingface_hub import try_to_load_from_cache

        if not isinstance(try_to_load_from_cache(weights, "config.json"), str):
            yield f"{model.name}: {weights} is neither a folder nor in the hub's cache (offline)"
