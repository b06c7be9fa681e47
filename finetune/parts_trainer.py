"""A trainer that reports each part of the loss, not only their sum."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from transformers import Trainer


class PartsTrainer(Trainer):  # type: ignore[misc]
    """Logs the mean of whatever scalars a learner returns beside its loss."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._parts: dict[str, list[Any]] = defaultdict(list)

    def compute_loss(
        self, model: Any, inputs: Any, return_outputs: bool = False, **kwargs: Any
    ) -> Any:
        """Return the loss, and keep its parts until the next log."""
        loss, outputs = super().compute_loss(model, inputs, return_outputs=True, **kwargs)
        for name, value in outputs.items():
            if name != "loss":
                self._parts[name].append(value.detach().float())
        return (loss, outputs) if return_outputs else loss

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """Log, with the mean of each part since the last log."""
        if "loss" in logs:
            parts = {name: float(sum(values) / len(values)) for name, values in self._parts.items()}
            logs = {**logs, **{f"{name}_loss": value for name, value in parts.items()}}
            self._parts.clear()
        super().log(logs, *args, **kwargs)
