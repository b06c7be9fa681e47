"""Scenes to shards to a data set folder: resumable, and the same however the work is spread."""

from __future__ import annotations

import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from generation.card import CARD_NAME, card_text
from generation.pool import Executor
from generation.scene import SceneKey
from generation.settings import Run, join_run
from generation.shard import (
    DATA_FOLDER,
    PAIRS_FOLDER,
    TEMPORARY_SUFFIX,
    ShardPlan,
    ShardRecord,
    load_record,
    merged_counts,
    write_pairs,
    write_parquet,
    write_record,
    write_text,
)
from generation.worker import SCENE, SceneResult
from sat_tasks.console import UserError
from sat_tasks.manifest import MANIFEST_NAME, SHARD_RECORDS, Manifest, sha256_of

MAX_LOST_SHARE = 0.05
"""Of a run's scenes that may give nothing, beyond a few."""
LOST_ANYWAY = 2


@dataclass(frozen=True)
class Part:
    """Every count-th shard, beginning with number (from 1): one job of a batch queue."""

    number: int = 1
    count: int = 1

    def of(self, plans: Sequence[ShardPlan]) -> list[ShardPlan]:
        """Return this part's shards."""
        return list(plans[self.number - 1 :: self.count])


@dataclass
class Tally:
    """What this command has done so far."""

    scenes: int = 0
    questions: int = 0
    lost_scenes: int = 0
    lost_by: Counter[str] = field(default_factory=Counter)
    """Lost scenes by reason."""
    cpu_s: dict[str, float] = field(default_factory=dict)

    def add(self, result: SceneResult) -> None:
        """Count a scene."""
        self.scenes += 1
        self.questions += len(result.rows)
        if not result.engine:
            self.lost_scenes += 1
            self.lost_by.update(result.skips[SCENE])
        for stage, seconds in result.cpu_s.items():
            self.cpu_s[stage] = self.cpu_s.get(stage, 0.0) + seconds

    def check(self) -> None:
        """Stop a run that loses scenes at a rate that means that something is wrong at large.

        Raises:
            UserError: So many are lost; the message says why.
        """
        if self.lost_scenes > LOST_ANYWAY + MAX_LOST_SHARE * self.scenes:
            reasons = "; ".join(f"{n} times: {why}" for why, n in self.lost_by.most_common(3))
            raise UserError(
                f"stopped, because {self.lost_scenes} of {self.scenes} scenes gave nothing "
                f"({reasons}); the finished shards are kept"
            )


def generate(
    folder: Path, run: Run, execute: Executor, part: Part | None = None, *, progress: bool = True
) -> tuple[Tally, Manifest | None]:
    """Make the shards of a run that are not there yet, and finish the data set if all are.

    Args:
        folder: Of the data set; made if need be.
        run: What is asked for.
        execute: Who does the scenes.
        part: Which shards; None means all.
        progress: Whether to show a progress bar on stderr.

    Returns:
        What was done now, and the manifest, or None while other parts are not finished.

    Raises:
        UserError: The folder cannot be written or holds another run, or the engine cannot work.
    """
    check_writable(folder)
    run = join_run(folder, run)
    # From now on the folder is known as a data set that is not finished.
    (folder / SHARD_RECORDS).mkdir(exist_ok=True)
    mine = (part or Part()).of(run.plans())
    todo = [plan for plan in mine if _finished(folder, plan, run) is None]
    if todo:
        (folder / MANIFEST_NAME).unlink(missing_ok=True)
        _clean(folder, todo)
    tally = Tally()
    keys = [key for plan in todo for key in plan.keys(run.settings.seed)]
    done_before = sum(plan.scene_count for plan in mine) - len(keys)
    with (
        _bar(done_before, len(keys), progress) as bar,
        closing(execute(run.settings.job(), keys)) as results,
    ):
        for plan, scenes in _by_shard(_counted(results, tally, bar), todo, run.settings.seed):
            _write_shard(folder, plan, run, scenes)
    return tally, finish(folder, run)


def finish(folder: Path, run: Run) -> Manifest | None:
    """Write the data set card and, last, the manifest, if every shard is there."""
    records = [_finished(folder, plan, run) for plan in run.plans()]
    whole = [record for record in records if record is not None]
    if len(whole) < len(records):
        return None
    manifest = _manifest(run, whole)
    write_text(folder / CARD_NAME, card_text(manifest, whole))
    write_text(folder / MANIFEST_NAME, manifest.to_json())
    return manifest


def check_writable(folder: Path) -> None:
    """Make the folder and try to write into it.

    Raises:
        UserError: It cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise UserError(f"cannot write into {folder}: {error.strerror or error}") from error


def _finished(folder: Path, plan: ShardPlan, run: Run) -> ShardRecord | None:
    record = load_record(folder, plan)
    return record if record and record.settings_digest == run.settings.digest else None


def _clean(folder: Path, plans: Sequence[ShardPlan]) -> None:
    """Remove what a killed run left half written of these shards."""
    for plan in plans:
        for name in (DATA_FOLDER, PAIRS_FOLDER):
            for left in (folder / name).glob(f".{plan.name}.*{TEMPORARY_SUFFIX}"):
                left.unlink(missing_ok=True)


def _bar(done: int, todo: int, progress: bool) -> tqdm[Any]:
    interval_s = 0.5 if sys.stderr.isatty() else 30.0
    return tqdm(
        total=done + todo,
        initial=done,
        unit="scene",
        disable=not (progress and todo),
        mininterval=interval_s,
        maxinterval=interval_s,
        smoothing=0.1,
    )


def _counted(results: Iterator[SceneResult], tally: Tally, bar: tqdm[Any]) -> Iterator[SceneResult]:
    for result in results:
        tally.add(result)
        tally.check()
        elapsed_s = bar.format_dict["elapsed"] or 1e-9
        bar.set_postfix_str(
            f"{tally.questions} questions, {tally.questions / elapsed_s:.1f}/s", refresh=False
        )
        bar.update()
        yield result


def _by_shard(
    results: Iterator[SceneResult], plans: Sequence[ShardPlan], seed: int
) -> Iterator[tuple[ShardPlan, list[SceneResult]]]:
    """Gather results, which come in any order, and yield each shard when its last scene is in."""
    plan_of = {key: plan for plan in plans for key in plan.keys(seed)}
    waiting: dict[ShardPlan, dict[SceneKey, SceneResult]] = {plan: {} for plan in plans}
    for result in results:
        plan = plan_of[result.key]
        waiting[plan][result.key] = result
        if len(waiting[plan]) == plan.scene_count:
            scenes = waiting.pop(plan)
            yield plan, [scenes[key] for key in plan.keys(seed)]


def _write_shard(folder: Path, plan: ShardPlan, run: Run, scenes: Sequence[SceneResult]) -> None:
    path = folder / DATA_FOLDER / f"{plan.name}.parquet"
    rows = write_parquet(path, (row for scene in scenes for row in scene.rows))
    if run.settings.pairs_per_scene:
        pairs = folder / PAIRS_FOLDER / f"{plan.name}.parquet"
        write_pairs(pairs, (pair for scene in scenes for pair in scene.pairs))
    skipped_types = sorted({kind for scene in scenes for kind in scene.skips})
    versions = sorted({scene.engine_version for scene in scenes if scene.engine_version})
    record = ShardRecord(
        plan=plan,
        settings_digest=run.settings.digest,
        engine=run.settings.engine,
        engine_version=", ".join(versions),
        rows=rows,
        sha256=sha256_of(path),
        counts=merged_counts({row.question_type: 1} for scene in scenes for row in scene.rows),
        skips={
            kind: merged_counts(scene.skips.get(kind, {}) for scene in scenes)
            for kind in skipped_types
        },
        houses={scene.key.scene_id: dict(scene.house) for scene in scenes if scene.engine},
    )
    write_record(folder, record)


def _manifest(run: Run, records: Sequence[ShardRecord]) -> Manifest:
    splits = [split for split, scenes in run.scenes.items() if scenes]
    by_split = {split: [r for r in records if r.plan.split == split] for split in splits}
    skipped_types = sorted({kind for record in records for kind in record.skips})
    versions = sorted({record.engine_version for record in records if record.engine_version})
    return Manifest(
        engine=run.settings.engine,
        engine_version=", ".join(versions),
        seed=run.settings.seed,
        files=tuple(record.file for record in records),
        counts={s: merged_counts(record.counts for record in by_split[s]) for s in splits},
        skips={
            kind: merged_counts(record.skips.get(kind, {}) for record in records)
            for kind in skipped_types
        },
        scenes={s: run.scenes[s] for s in splits},
        settings=asdict(run.settings) | {"types": list(run.settings.types)},
    )
