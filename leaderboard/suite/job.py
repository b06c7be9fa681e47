"""One model of a suite: its command, its folder, and whether it is done."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from leaderboard.suite.suitefile import Model, Suite
from sat_tasks.console import UserError

DONE, LOG, RESULTS = "done.json", "log.txt", "results"
OURS = re.compile(r"SAT_\w+|(CV_BENCH|BLINK|VSR_\w+)_DATA")
"""Variables that tasks read."""
_PERCENT = re.compile(r"(\d{1,3})%\|")
_TAIL_BYTES = 20_000
_NOT_A_CAUSE = re.compile(r"warning|^\s*$|^\s*\^+|Traceback", re.I)


@dataclass(frozen=True)
class Job:
    """A model, and the folder of its run."""

    suite: Suite
    model: Model
    folder: Path

    @property
    def log(self) -> Path:
        """What the run printed."""
        return self.folder / LOG

    @property
    def results(self) -> Path:
        """What lmms-eval wrote."""
        return self.folder / RESULTS

    def command(self) -> list[str]:
        """Return the lmms-eval command, as a person would type it."""
        model = self.model
        arguments = ",".join(f"{key}={_text(value)}" for key, value in model.all_arguments.items())
        launch = ["-m", "lmms_eval"]
        if model.copies > 1:
            number = str(model.copies)
            launch = ["-m", "accelerate.commands.launch", "--num_processes", number, *launch]
        return [
            *(sys.executable, *launch, "--model", model.adapter),
            *(("--model_args", arguments) if arguments else ()),
            *("--tasks", ",".join(self.suite.tasks), "--batch_size", str(model.batch_size)),
            *("--log_samples", "--output_path", str(self.results)),
        ]

    def environment(self, gpus: tuple[int, ...]) -> dict[str, str]:
        """Return the environment of the run.

        Args:
            gpus: Numbers of the GPUs that it may use; empty where there are none or it needs none.
        """
        own = {**self.suite.environment, **self.model.environment}
        if gpus:
            visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
            names = visible.split(",") if visible else []
            chosen = [names[number] if names else str(number) for number in gpus]
            own["CUDA_VISIBLE_DEVICES"] = ",".join(chosen)
        return {**os.environ, **own}

    def fingerprint(self) -> str:
        """Return what must be the same for a finished run to be taken as this one."""
        model = self.model
        identity = {
            "tasks": self.suite.tasks,
            "adapter": model.adapter,
            "arguments": model.all_arguments,
            "environment": {**_exported(), **self.suite.environment, **model.environment},
            "data": _data_state(self.environment(())),
            "weights": _weights_state(model.arguments),
        }
        text = json.dumps(identity, sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def is_done(self) -> bool:
        """Say whether this very run finished earlier."""
        try:
            record = json.loads((self.folder / DONE).read_text())
        except (OSError, ValueError):
            return False
        return bool(record.get("fingerprint") == self.fingerprint())

    def begin(self) -> None:
        """Clear what an unfinished or other run left; answers of APIs are in their journals."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            (self.folder / DONE).unlink(missing_ok=True)
            shutil.rmtree(self.results, ignore_errors=True)
            self.log.write_text("")
        except OSError as error:
            raise UserError(f"cannot write to {self.folder}: {error.strerror or error}") from error

    def finish(self) -> None:
        """Note that the run is done."""
        temporary = self.folder / f"{DONE}.part"
        temporary.write_text(json.dumps({"fingerprint": self.fingerprint()}) + "\n")
        temporary.replace(self.folder / DONE)

    def percent(self) -> int | None:
        """Return how far the run is, by the last progress bar in its log."""
        found = _PERCENT.findall(self._tail())
        return int(found[-1]) if found else None

    def cause(self) -> str:
        """Return the line of the log that says why the run failed."""
        lines = [line.strip() for line in re.split(r"[\r\n]", self._tail())]
        lines = [line for line in lines if line and not _NOT_A_CAUSE.search(line)]
        telling = [line for line in lines if re.search(r"error|refused|stopped|killed", line, re.I)]
        return ([*lines[-1:], *telling[-1:]] or ["no output"])[-1][:300]

    def note(self) -> str:
        """Return what the model said that is no failure, such as that another answered for it."""
        found = re.findall(r"^note: (.+)$", self._tail(), re.M)
        return found[-1][:300] if found else ""

    def _tail(self) -> str:
        try:
            with self.log.open("rb") as file:
                file.seek(max(0, self.log.stat().st_size - _TAIL_BYTES))
                return file.read().decode("utf-8", "replace")
        except OSError:
            return ""


def jobs_of(suite: Suite, out: Path) -> list[Job]:
    """Return a job for each model, each with a folder of its own."""
    return [Job(suite, model, out / _slug(model.name)) for model in suite.models]


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict | list) else str(value)


def _slug(name: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9.]+", "-", name).strip("-.").lower() or "model"
    return f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"


def _exported() -> dict[str, str]:
    """Return our variables of the shell, such as SAT_PROTOCOL, that change what is measured."""
    names = [name for name in os.environ if OURS.fullmatch(name) and name != "SAT_JOURNALS"]
    return {name: os.environ[name] for name in names}


def _weights_state(arguments: Mapping[str, object]) -> list[tuple[str, int, int]]:
    """Return names, sizes and times of the files of a local model: it may be trained again."""
    folder = Path(str(arguments.get("pretrained", arguments.get("model", ""))) or "/dev/null")
    if not folder.is_dir():
        return []
    found = [path for path in folder.iterdir() if path.is_file()]
    return sorted((p.name, p.stat().st_size, p.stat().st_mtime_ns) for p in found)


def _data_state(environment: Mapping[str, str]) -> dict[str, str]:
    """Return the manifests' hashes of local data sets that variables name."""
    state = {}
    for key, value in environment.items():
        manifest = Path(value) / "manifest.json" if OURS.fullmatch(key) and value else None
        if manifest is not None and manifest.is_file():
            state[key] = hashlib.sha256(manifest.read_bytes()).hexdigest()
    return state
