"""The suite of two API models, a vLLM model and a transformers model."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluating import TASKS, Readings, readings_of
from suite_runs import write_suite


@dataclass(frozen=True)
class SuiteOfFour:
    """A suite file that was run without disturbance, and what is in it."""

    path: Path
    models: list[dict[str, Any]]

    def write(self, folder: Path) -> Path:
        """Write the same suite once more, to be run in another folder."""
        return write_suite(folder, Path(os.environ["SAT_DATA"]), TASKS, self.models)

    def readings(self, slug: str) -> Readings:
        """Return what one of its models answered."""
        (results,) = (self.path.parent / "out").glob(f"{slug}-*/results")
        return readings_of(results)
