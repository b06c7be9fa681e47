"""The entry point of lmms-eval: our models, and our tasks among those that it finds by name.

lmms-eval has an entry point for models only. It is loaded before any tasks are looked up, so it
also adds our task folder. An exception here would drop every other plugin, so none may leave.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

TASK_FOLDER = Path(__file__).parent / "tasks"
_PATCHED = "_finds_sat_tasks"

MODELS = {
    "llava": "sat_tasks.models.llava.Llava",
    "random_choice": "sat_tasks.models.baselines.RandomChoice",
    "always_first": "sat_tasks.models.baselines.AlwaysFirst",
    "openai_api": "sat_tasks.models.openai_api.OpenAIApi",
    "google_api": "sat_tasks.models.google_api.GoogleApi",
}
"""Model ids and the classes behind them."""


def manifests() -> list[Any]:
    """Return the manifests of our models and make our tasks known; raises nothing."""
    try:
        from lmms_eval.models.registry_v2 import ModelManifest
        from lmms_eval.tasks import TaskManager

        find_tasks_in(TaskManager, TASK_FOLDER)
        return [ModelManifest(model_id=name, chat_class_path=path) for name, path in MODELS.items()]
    except (ImportError, AttributeError, TypeError, ValueError) as error:  # another lmms-eval
        warnings.warn(f"SAT Bench found no way into this lmms-eval: {error!r}", stacklevel=2)
        return []


def find_tasks_in(task_manager: Any, folder: Path) -> None:
    """Make a TaskManager class also look for tasks in a folder, unless defaults are left out."""
    original = task_manager.initialize_tasks
    if getattr(original, _PATCHED, False):
        return

    @functools.wraps(original)
    def initialize_tasks(
        self: Any,
        include_path: str | Sequence[str] | None = None,
        include_defaults: bool = True,
    ) -> Any:
        paths = [include_path] if isinstance(include_path, str) else list(include_path or ())
        if include_defaults:
            paths.append(str(folder))
        return original(self, include_path=paths or None, include_defaults=include_defaults)

    setattr(initialize_tasks, _PATCHED, True)
    task_manager.initialize_tasks = initialize_tasks
