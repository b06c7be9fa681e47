"""Question types: every label has one meaning."""

from __future__ import annotations

import subprocess
import sys

import pytest

from sat_tasks import taxonomy


def test_labels_of_other_data_sets_become_canonical_names() -> None:
    assert taxonomy.canonical_type("obj_movement") == "object_movement"
    assert taxonomy.canonical_type("action_sequence") == "ego_movement"
    assert taxonomy.canonical_type("goal_aim") == "goal_aiming"
    assert taxonomy.canonical_type("other") == "other"


def test_unknown_label_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"'colour'; known: .*depth.*perspective"):
        taxonomy.canonical_type("colour")


def test_every_type_is_in_one_half() -> None:
    static, dynamic = taxonomy.types_in("static"), taxonomy.types_in("dynamic")
    assert sorted(static + dynamic) == sorted(taxonomy.QUESTION_TYPES)
    assert all(taxonomy.split_of(name) == "static" for name in (*static, "other"))
    assert all(taxonomy.split_of(name) == "dynamic" for name in dynamic)
    with pytest.raises(ValueError, match="known: static, dynamic"):
        taxonomy.types_in("both")


def test_no_alias_is_used_twice() -> None:
    labels = [
        label for info in taxonomy.QUESTION_TYPES.values() for label in (info.name, *info.aliases)
    ]
    assert len(labels) == len(set(labels))


def test_light_modules_load_nothing_heavy() -> None:
    code = (
        "import sys, sat_tasks.taxonomy, sat_tasks.rows, sat_tasks.answer, sat_tasks.stats,"
        "sat_tasks.prompt, sat_tasks.data;"
        "print([m for m in ('torch', 'lmms_eval', 'transformers', 'datasets') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
