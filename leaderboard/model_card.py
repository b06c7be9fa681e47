"""A model's figures in the form that model cards on the Hugging Face hub carry."""

from __future__ import annotations

from collections.abc import Sequence

from huggingface_hub import EvalResult, ModelCardData

from leaderboard.results import ResultRow, Tally
from sat_tasks.console import UserError


def model_index(rows: Sequence[ResultRow], model: str) -> str:
    """Return the model-index of a model's runs as YAML between dashes.

    Raises:
        UserError: There is no such model.
    """
    own = [row for row in rows if row.model == model]
    if not own:
        known = ", ".join(sorted({row.model for row in rows}))
        raise UserError(f"no runs of {model!r}; models: {known or 'none'}")
    results = [
        _result(row, name, tally)
        for row in own
        for name, tally in {"overall": row.overall, **row.by_type}.items()
    ]
    data = ModelCardData(model_name=model, eval_results=results)
    return f"---\n{data.to_yaml()}\n---"


def _result(row: ResultRow, name: str, tally: Tally) -> EvalResult:
    words = name.replace("_", " ")
    return EvalResult(
        task_type="visual-question-answering",
        task_name="Spatial reasoning",
        dataset_type=row.task,
        dataset_name=f"{row.task} ({row.data})",
        dataset_revision=row.data_fingerprint,
        dataset_config=row.protocol,  # the hub's library merges what differs in its args alone
        dataset_args={"protocol": row.protocol},
        metric_type="accuracy",
        metric_name=f"accuracy, {words} ({tally.points:g}/{tally.questions}, "
        f"95% {100 * tally.low:.1f} to {100 * tally.high:.1f}, chance {100 * tally.chance:.1f})",
        metric_value=round(tally.accuracy, 6),
        source_name="SAT Bench" if row.source else None,
        source_url=row.source or None,
    )
