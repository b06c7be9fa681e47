"""API models as lmms-eval sees them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, NoReturn, Protocol, TypeVar

from lmms_eval.api.instance import GenerationResult, Instance, TokenCounts
from lmms_eval.api.model import lmms
from tqdm import tqdm

from sat_tasks.console import UserError
from sat_tasks.models.api_budget import Budget, estimate
from sat_tasks.models.api_calls import Provider
from sat_tasks.models.api_run import Run
from sat_tasks.models.api_settings import ApiSettings
from sat_tasks.models.chat import ChatRequest, Job, build_request
from sat_tasks.models.journal import ANSWERED, Entry, Journal
from sat_tasks.replies import FAILED, REFUSED, no_reply


class ChatProvider(Provider, Protocol):
    """A provider as this module needs it."""

    sends_temperature: bool
    """Whether the model takes a temperature, unless the user gives one."""
    secrets: tuple[str, ...]
    """What must not be written anywhere."""


SettingsT = TypeVar("SettingsT", bound=ApiSettings)


class ApiModel(lmms):  # type: ignore[misc]
    """A model behind an API; see docs/models.md."""

    is_simple = False

    def __init__(
        self,
        parse: type[SettingsT],
        connect: Callable[[SettingsT], ChatProvider],
        arguments: Mapping[str, Any],
    ) -> None:
        """Check everything that can be checked before data are loaded.

        Args:
            parse: What ``--model_args`` may say.
            connect: Makes the provider of the settings.
            arguments: ``--model_args``.

        Raises:
            SystemExit: With one line, when something is wrong. lmms-eval would swallow an
                ordinary exception and exit with status 0.
        """
        super().__init__()
        try:
            settings = parse.parse(arguments)
            self._settings: ApiSettings = settings
            self._provider: ChatProvider = connect(settings)
            self._price = settings.price()
            self._journal_path = settings.journal_path(self._provider.name)
            with Journal(self._journal_path) as journal:
                self._budget(journal)
        except UserError as error:
            _exit(error)

    def generate_until(self, requests: Sequence[Instance]) -> list[GenerationResult]:
        """Answer the requests, from the journal where possible.

        Raises:
            SystemExit: With one line, when the run had to stop.
        """
        jobs = [self._job(request) for request in requests]
        try:
            with Journal(self._journal_path) as journal:
                if self._settings.estimate:
                    print(estimate(jobs, self._provider, journal, self._price))
                    raise SystemExit(0)
                return [_result(entry) for entry in self._ask(jobs, journal)]
        except UserError as error:
            _exit(error)
        except KeyboardInterrupt:
            print(
                f"interrupted; answers are safe in {self._journal_path}; the same command goes on "
                "from there",
                file=sys.stderr,
            )
            raise SystemExit(130) from None

    def generate_until_multi_round(self, requests: Sequence[Instance]) -> NoReturn:
        """Not offered: the tasks of SAT Bench have one round."""
        _exit(UserError(f"{self._provider.name} answers single questions, not several rounds"))

    def loglikelihood(self, requests: Sequence[Instance]) -> NoReturn:
        """Not offered: APIs give no likelihoods of given answers."""
        _exit(UserError(f"{self._provider.name} cannot give likelihoods; use generating tasks"))

    def _job(self, instance: Instance) -> Job:
        _, doc_to_messages, options, doc_id, task, split = instance.args

        def build() -> ChatRequest:
            messages = doc_to_messages(self.task_dict[task][split][doc_id])
            request = build_request(messages, options, self._settings.max_side)
            return replace(request, temperature=self._temperature(request))

        return Job(f"{task}/{doc_id}", build)

    def _temperature(self, request: ChatRequest) -> float | None:
        wanted = self._settings.temperature
        if wanted == "server":
            return None
        if wanted == "task":
            return request.temperature if self._provider.sends_temperature else None
        return wanted

    def _budget(self, journal: Journal) -> Budget:
        return Budget(self._price, self._settings.max_cost, journal.cost_usd)

    def _ask(self, jobs: Sequence[Job], journal: Journal) -> list[Entry]:
        budget = self._budget(journal)
        with tqdm(total=len(jobs), desc=self._settings.model, unit="question") as bar:

            def progress(entry: Entry) -> None:
                bar.set_postfix_str(
                    f"{run.failed} failed, {run.gate.limit} at once, ${budget.spent_usd:.2f}"
                )
                bar.update()

            secrets = self._provider.secrets
            run = Run(self._provider, self._settings, journal, budget, secrets, progress)
            entries = _wait_for(run.ask_all(jobs))
        print(self._summary(entries, run.asked, journal), file=sys.stderr)
        if others := served_by_others(self._settings.model, entries):
            names = ", ".join(others)
            print(f"note: asked for {self._settings.model}, answered by {names}", file=sys.stderr)
        return entries

    def _summary(self, entries: Sequence[Entry], asked: int, journal: Journal) -> str:
        count = {kind: sum(entry.kind == kind for entry in entries) for kind in (REFUSED, FAILED)}
        usages = [entry.usage for entry in entries if entry.usage is not None]
        cost = f"${journal.cost_usd:.4f}" if self._price else "no price known"
        return (
            f"{self._provider.name} {self._settings.model}: {len(entries)} questions, {asked} of "
            f"them asked now, {count[REFUSED]} refused, {count[FAILED]} failed; "
            f"{sum(usage.input_tokens for usage in usages):,} input and "
            f"{sum(usage.output_tokens for usage in usages):,} output tokens; "
            f"cost of everything in {journal.path}: {cost}"
        )


def served_by_others(model: str, entries: Iterable[Entry]) -> list[str]:
    """Return names that servers gave themselves and that are no version of the model's name.

    Vendors let retired names answer with other models.
    """
    bare = model.removeprefix("models/")
    served = {entry.served_by.removeprefix("models/") for entry in entries}
    return sorted(name for name in served if name and not name.startswith(bare))


def _wait_for(work: Coroutine[Any, Any, list[Entry]]) -> list[Entry]:
    """Run to the end, also inside a notebook, whose own loop is running already."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def _result(entry: Entry) -> GenerationResult:
    text = entry.text if entry.kind == ANSWERED else no_reply(entry.kind, entry.text)
    usage = entry.usage
    if usage is None:
        return GenerationResult(text=text)
    counts = TokenCounts(usage.input_tokens, usage.output_tokens, usage.thinking_tokens)
    return GenerationResult(text=text, token_counts=counts)


def _exit(error: UserError) -> NoReturn:
    raise SystemExit(f"error: {' '.join(str(error).split())}") from None
