"""How lmms-eval finds us."""

from __future__ import annotations

import warnings
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from lmms_eval.models import get_model
from lmms_eval.tasks import TaskManager

from sat_tasks import plugin


class FakeManager:
    """As much of a TaskManager as the patch touches, without the scan of thousands of files."""

    def initialize_tasks(self, include_path: Any = None, include_defaults: bool = True) -> Any:
        return include_path


def test_entry_point_is_ours() -> None:
    (point,) = (p for p in entry_points(group="lmms_eval.models") if p.name == "sat_bench")
    assert point.load() is plugin.manifests


@pytest.mark.parametrize("name", plugin.MODELS)
def test_every_model_is_a_chat_model(name: str) -> None:
    assert get_model(name).is_simple is False
    assert f"{get_model(name).__module__}.{get_model(name).__name__}" == plugin.MODELS[name]


def test_task_folder_is_added_once() -> None:
    class Manager(FakeManager):
        pass

    plugin.find_tasks_in(Manager, Path("ours"))
    plugin.find_tasks_in(Manager, Path("ours"))
    assert Manager().initialize_tasks() == ["ours"]
    assert Manager().initialize_tasks("theirs") == ["theirs", "ours"]
    assert Manager().initialize_tasks(["a", "b"]) == ["a", "b", "ours"]
    assert Manager().initialize_tasks("theirs", include_defaults=False) == ["theirs"]


def test_lmms_eval_is_patched() -> None:
    assert getattr(TaskManager.initialize_tasks, plugin._PATCHED)


def test_nothing_is_raised_when_lmms_eval_is_different(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(TaskManager, "initialize_tasks")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert plugin.manifests() == []
    assert "found no way into this lmms-eval" in str(caught[0].message)


def test_task_folder_is_packaged() -> None:
    assert (plugin.TASK_FOLDER / "sat_dynamic.yaml").is_file()
    assert (plugin.TASK_FOLDER / "placeholder.json").is_file()
