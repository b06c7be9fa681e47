"""Baselines that look at no picture: what a score has to beat."""

from __future__ import annotations

import random
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from lmms_eval.api.model import lmms

from sat_tasks.docs import Doc, offered
from sat_tasks.prompt import reply_text


class _Baseline(lmms):  # type: ignore[misc]
    """A model that replies with one of the offered options."""

    is_simple = False

    def __init__(self, seed: int | str = 0, batch_size: int | str = 1, **ignored: Any) -> None:
        super().__init__()
        self.seed = int(seed)

    @abstractmethod
    def choose(self, doc: Doc) -> int:
        """Return the position of the chosen option among those offered."""

    def generate_until(self, requests: Sequence[Any]) -> list[str]:
        """Return a reply to each request."""
        return [self._reply(request) for request in requests]

    def _reply(self, request: Any) -> str:
        *_, doc_id, task, split = request.args
        doc = self.task_dict[task][split][doc_id]
        if "protocol" not in doc:
            raise SystemExit(f"error: {type(self).__name__} answers SAT Bench tasks, not {task}")
        return reply_text(offered(doc), self.choose(doc), doc["style"])

    def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
        """Not offered: no task of ours asks for it."""
        raise NotImplementedError("baselines only generate")

    def generate_until_multi_round(self, requests: Sequence[Any]) -> list[str]:
        """Not offered: no task of ours asks for it."""
        raise NotImplementedError("baselines only generate")


class AlwaysFirst(_Baseline):
    """Chooses the option that is offered first."""

    def choose(self, doc: Doc) -> int:
        """Return 0."""
        return 0


class RandomChoice(_Baseline):
    """Chooses at random, the same way again for the same question, order and seed."""

    def choose(self, doc: Doc) -> int:
        """Return a random position."""
        rng = random.Random(f"{self.seed}/{doc['id']}/{tuple(doc['order'])}")
        return rng.randrange(len(doc["order"]))
