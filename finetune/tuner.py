"""TRL's trainer with what a run on questions needs: right replies by type, and the best checkpoint.

A reply counts as right when every one of its tokens, the end token included, is the likeliest: then
and only then greedy decoding gives this very reply.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from transformers import TrainerCallback
from trl.trainer.sft_trainer import SFTTrainer


class Tuner(SFTTrainer):  # type: ignore[misc]
    """SFTTrainer that evaluates questions one by one."""

    def prediction_step(
        self,
        model: Any,
        inputs: dict[str, Any],
        prediction_loss_only: bool,
        ignore_keys: list[str] | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Return the loss, and (loss, tokens, is right) of each reply as float32, shape (n, 3)."""
        inputs = self._prepare_inputs(inputs)
        with torch.no_grad(), self.compute_loss_context_manager():
            found = model(**inputs, use_cache=False, fused_lm_head=True)
        mask = found.label_mask
        loss, tokens = -found.log_probs.float().sum(1), mask.sum(1)
        is_right = (found.is_top1.bool() | ~mask).all(1)
        replies = torch.stack([loss, tokens.float(), is_right.float()], dim=1)
        return loss.sum() / tokens.sum(), replies, tokens

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """Let only a step that is saved be the best: another's weights could not be kept."""
        if not self.control.should_save:
            return False
        return bool(super()._determine_best_metric(metrics=metrics, trial=trial))


class EvaluateWhatIsSaved(TrainerCallback):  # type: ignore[misc]
    """Evaluates before every checkpoint, and at the end."""

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Ask for an evaluation where a checkpoint will be written."""
        if args.eval_strategy != "no" and control.should_save:
            control.should_evaluate = True


def by_type(kinds: Sequence[str]) -> Callable[[Any], dict[str, float]]:
    """Return what sums up an evaluation: loss per token and share of right replies by type.

    Args:
        kinds: The question type of each sample, in their order.
    """
    kind_of = np.array(kinds)

    def summary(evaluation: Any) -> dict[str, float]:
        replies = np.asarray(evaluation.predictions, np.float64)
        if len(replies) != len(kind_of):
            raise RuntimeError(f"{len(replies)} replies to {len(kind_of)} questions")
        groups = {kind: kind_of == kind for kind in sorted(set(kinds))}
        groups["all"] = np.ones(len(kind_of), bool)
        found: dict[str, float] = {}
        for kind, rows in groups.items():
            loss, tokens, right = replies[rows].T
            found[f"{kind}_loss"] = float(loss.sum() / tokens.sum())
            found[f"{kind}_accuracy"] = float(right.mean())
        return found

    return summary
