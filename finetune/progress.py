"""A progress bar in samples, with the time left, in place of the trainer's own in steps."""

from __future__ import annotations

import sys
from typing import Any

from tqdm import tqdm
from transformers import TrainerCallback


class SampleProgress(TrainerCallback):  # type: ignore[misc]
    """Shows samples/s, time left and the newest loss; one line per log where nobody watches."""

    def __init__(self, samples_per_step: int, part: str = "") -> None:
        self._per_step = samples_per_step
        self._part = part
        self._bar: Any = None
        self._done = 0

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Open the bar where an earlier run stopped."""
        if state.is_world_process_zero:
            self._done = state.global_step
            self._bar = tqdm(
                total=state.max_steps * self._per_step,
                initial=self._done * self._per_step,
                unit="sample",
                desc=self._part or None,
                smoothing=0.1,
                disable=not sys.stderr.isatty(),
            )

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Advance the bar."""
        if self._bar is not None:
            self._bar.update((state.global_step - self._done) * self._per_step)
            self._done = state.global_step

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        """Show the loss, and the evaluation by type."""
        if self._bar is None or not logs:
            return
        if "loss" in logs:
            self._bar.set_postfix(loss=f"{float(logs['loss']):.4f}")
            if self._bar.disable:
                step = f"{self._part} step".strip()
                print(
                    f"{step} {state.global_step}/{state.max_steps} loss {float(logs['loss']):.4f}"
                )
        shown = {k: v for k, v in logs.items() if k.startswith("eval_") and k.endswith("_loss")}
        for key, value in sorted(shown.items()):
            self._bar.write(f"step {state.global_step}: {key} {float(value):.4f}")

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Close the bar."""
        if self._bar is not None:
            self._bar.close()
