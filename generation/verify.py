"""Proves the answers of a finished data set a second time, from fresh observations."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from generation.engines import Engine, Session, open_at
from generation.pose import Pose
from generation.proof import SOLVERS, Case, Unclear
from generation.proof.case import names_of
from generation.proof.picture import picture_of
from generation.question import Mark
from generation.scene import EngineError, Observation, SceneKey, SceneState
from sat_tasks.rows import Row


@dataclass(frozen=True)
class Verdict:
    """What the second proof says of a row."""

    row_id: str
    question_type: str
    answer: str
    """Of the row."""
    proven: str | None
    """By the second proof; None where it found none."""
    reason: str = ""
    """Why there is none."""

    @property
    def agrees(self) -> bool:
        """Say whether both proofs give the same answer."""
        return self.proven == self.answer

    def line(self) -> str:
        """Return one line for people."""
        found = self.reason if self.proven is None else f"second proof says {self.proven!r}"
        return f"{self.row_id} ({self.question_type}): answer {self.answer!r}; {found}"


@dataclass
class Report:
    """Agreement by question type."""

    agreed: Counter[str] = field(default_factory=Counter)
    checked: Counter[str] = field(default_factory=Counter)
    failures: list[Verdict] = field(default_factory=list)

    def add(self, verdict: Verdict) -> None:
        """Count a verdict."""
        self.checked[verdict.question_type] += 1
        self.agreed[verdict.question_type] += verdict.agrees
        if not verdict.agrees:
            self.failures.append(verdict)

    def to_json(self) -> dict[str, Any]:
        """Return the report as a JSON object."""
        return {
            "checked": dict(sorted(self.checked.items())),
            "agreed": dict(sorted(self.agreed.items())),
            "failures": [verdict.__dict__ for verdict in self.failures],
        }


def verify_row(session: Session, row: Row) -> Verdict:
    """Answer a row again from fresh observations of its scene.

    Args:
        session: The row's scene, in any state; it is left in its first state.
        row: A row that this project wrote.
    """
    evidence = json.loads(row.evidence)
    first_state = session.state()
    try:
        _same_file(evidence.get("scene_file"), session.info.house.get("scene_file"))
        frames = [_observe(session, first_state, record) for record in evidence["frames"]]
        hidden = [_observe(session, first_state, record) for record in evidence["hidden_frames"]]
        case = Case(
            text=row.question,
            options=row.answers,
            frames=tuple(picture_of(frame) for frame in frames),
            hidden=tuple(picture_of(frame) for frame in hidden),
            marks=tuple(_mark(record) for record in evidence["marks"]),
            names=names_of(frames[0]),
        )
        proven, reason = SOLVERS[row.question_type](case), ""
    except Unclear as error:
        proven, reason = None, str(error)
    finally:
        session.restore(first_state)
    return Verdict(row.id, row.question_type, row.correct_answer, proven, reason)


def _same_file(made: Mapping[str, str] | None, now: Mapping[str, str] | None) -> None:
    """Compare the file that a row's scene was made from with the one that is there now.

    Raises:
        Unclear: It is another one.
    """
    if made is not None and made != now:
        found = f"{now['name']} (hash {now['hash']})" if now else "no scene file"
        raise Unclear(
            f"the row was made from scene {made['name']} (hash {made['hash']}), but the houses "
            f"folder now has {found} in its place"
        )


def _mark(record: Mapping[str, Any]) -> Mark:
    return Mark(**{**record, "pixels": tuple(record["pixels"])})


def _observe(session: Session, loaded: SceneState, record: Mapping[str, Any]) -> Observation:
    """Look again as a row says it was looked.

    Raises:
        Unclear: The picture is another one than when the row was made.
    """
    from generation.worker import depth_hash, segmentation_hash

    session.restore(loaded.updated(record["moved"]))
    seen = session.observe(Pose.from_json(record["pose"]))
    # Once in a thousand frames a renderer gives a pixel between two equally far surfaces to the
    # other one; other machines round depths differently. A scene that changed differs in both.
    if (
        segmentation_hash(seen.segmentation) != record["segmentation"]
        and depth_hash(seen.depth_m) != record["depth"]
    ):
        raise Unclear("the scene looks different from when the row was made")
    return seen


def verify_dataset(
    folder: Path,
    *,
    limit: int | None = None,
    progress: Callable[[Verdict], None] = lambda verdict: None,
) -> Report:
    """Answer the rows of a finished data set again.

    Args:
        folder: Written by sat-generate.
        limit: At most this many rows, the first ones.
        progress: Called with each verdict.

    Raises:
        UserError: The folder is not a whole data set.
        EngineError: Its engine cannot be opened here.
    """
    from generation.settings import RunSettings
    from generation.shard import data_set_rows
    from sat_tasks.data import open_data_set

    data = open_data_set(folder)
    types = tuple(data.manifest.settings["types"])
    job = RunSettings(**{**data.manifest.settings, "types": types}).job()
    rows = data_set_rows(data)
    engine = open_at(job.engine_path, job.config)
    report = Report()
    try:
        for verdict in _verdicts(engine, rows):
            report.add(verdict)
            progress(verdict)
            if report.checked.total() == limit:
                break
    finally:
        engine.close()
    return report


def _verdicts(engine: Engine, rows: Iterator[Row]) -> Iterator[Verdict]:
    """Load each scene once; its rows follow each other."""
    for _, group in groupby(rows, key=lambda row: row.scene_id):
        scene_rows = list(group)
        key = SceneKey(**json.loads(scene_rows[0].evidence)["scene"])
        try:
            session = engine.load(key)
        except EngineError as error:
            for row in scene_rows:
                yield Verdict(row.id, row.question_type, row.correct_answer, None, str(error))
            continue
        try:
            for row in scene_rows:
                yield verify_row(session, row)
        finally:
            session.close()
