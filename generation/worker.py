"""What one worker does: a scene key becomes rows, and nothing else does it.

Rows depend on the key and the job alone, never on the worker or on what it did before.
"""

from __future__ import annotations

import hashlib
import json
import traceback
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import PurePath
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from generation.draw import draw_marks
from generation.engines import Engine, EngineConfig, Session
from generation.frames import FramePair, take_pairs
from generation.jpeg import encode_jpeg
from generation.meters import Stopwatch, TimedSession, memory_mb, peak_memory_mb
from generation.pose import Pose
from generation.question import Mark, Question, Skip
from generation.sampling import ask_scene
from generation.scene import EngineError, Observation, SceneKey, SceneState
from sat_tasks.rows import Row

SCENE = "scene"
"""Key of the skips that lose a whole scene."""


@dataclass(frozen=True)
class SceneJob:
    """What is done with every scene of a run."""

    engine_path: str
    """ "module:function" that opens the engine."""
    config: EngineConfig
    types: tuple[str, ...]
    questions_per_scene: int
    weights: Mapping[str, float] = field(default_factory=dict)
    """How many times its even share a question type gets; 1 where absent."""
    pairs_per_scene: int = 0
    """Pairs of pictures with dense labels, beside the questions."""


@dataclass(frozen=True)
class SceneResult:
    """What came of one scene."""

    key: SceneKey
    rows: tuple[Row, ...] = ()
    pairs: tuple[FramePair, ...] = ()
    skips: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    house: Mapping[str, Any] = field(default_factory=dict)
    engine: str = ""
    engine_version: str = ""
    cpu_s: Mapping[str, float] = field(default_factory=dict)
    """Processor seconds by stage: load, observe, ask, render, encode, pairs."""
    memory_mb: float = 0.0
    """Of the worker after the scene."""
    peak_memory_mb: float = 0.0
    """Of the worker so far."""


def lost_scene(key: SceneKey, reason: str) -> SceneResult:
    """Return the result of a scene that gave nothing."""
    return SceneResult(key, skips={SCENE: {reason: 1}})


def run_scene(engine: Engine, job: SceneJob, key: SceneKey) -> SceneResult:
    """Load a scene, ask it, and render the frames of the questions that are kept."""
    clock = Stopwatch()
    try:
        with clock("load"):
            session = engine.load(key)
    except EngineError as error:
        return lost_scene(key, str(error))
    try:
        loaded = session.state()
        with clock("ask"):
            asked = ask_scene(
                cast(Session, TimedSession(session, clock)),
                job.types,
                job.questions_per_scene,
                key.rng("questions"),
                job.weights,
            )
        pictures = Pictures(session, loaded, clock)
        rows = tuple(_rows(asked.questions, key, engine.name, pictures))
        pairs: tuple[FramePair, ...] = ()
        if job.pairs_per_scene:
            session.restore(loaded)
            with clock("pairs"):
                pairs = tuple(take_pairs(session, key, job.pairs_per_scene, key.rng("pairs")))
        house = dict(session.info.house)
    except EngineError as error:
        return lost_scene(key, str(error))
    finally:
        session.close()
    return SceneResult(
        key=key,
        rows=rows,
        pairs=pairs,
        skips=_count_skips(asked.skips),
        house=house,
        engine=engine.name,
        engine_version=engine.version,
        cpu_s=clock.seconds,
        memory_mb=memory_mb(),
        peak_memory_mb=peak_memory_mb(),
    )


def attempt_scene(engine: Engine, job: SceneJob, key: SceneKey) -> SceneResult:
    """Like :func:`run_scene`, but a bug costs its scene only: told on stderr, counted as lost."""
    try:
        return run_scene(engine, job, key)
    except Exception as error:  # boundary: one bad scene in a thousand must not end a long run
        traceback.print_exc()
        frame = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{PurePath(frame.filename).name} line {frame.lineno}"
        return lost_scene(key, f"bug: {type(error).__name__} in {place}")


FrameKey = tuple[Pose, str]


class Pictures:
    """The JPEG files of a scene; each distinct frame is rendered once."""

    def __init__(self, session: Session, loaded: SceneState, clock: Stopwatch) -> None:
        self._session = session
        self._loaded = loaded
        self._clock = clock
        self._rgb: dict[FrameKey, NDArray[np.uint8]] = {}
        self._plain: dict[FrameKey, bytes] = {}

    def scene_file(self) -> dict[str, Any]:
        """Return which file the scene comes from, where it comes from one."""
        record = self._session.info.house.get("scene_file")
        return {} if record is None else {"scene_file": record}

    def frame_record(self, frame: Observation) -> dict[str, Any]:
        """Return what rebuilds a frame, pose and objects moved since loading, and its hashes."""
        return {
            "pose": frame.pose.to_json(),
            "moved": frame.state.difference(self._loaded),
            "segmentation": segmentation_hash(frame.segmentation),
            "depth": depth_hash(frame.depth_m),
        }

    def jpeg(self, frame: Observation, marks: Sequence[Mark]) -> bytes:
        """Return a frame with its marks as a JPEG file."""
        key = (frame.pose, json.dumps(frame.state.difference(self._loaded), sort_keys=True))
        if key not in self._rgb:
            with self._clock("render"):
                self._rgb[key] = self._session.render(frame)
        with self._clock("encode"):
            if marks:
                return encode_jpeg(draw_marks(self._rgb[key], marks))
            if key not in self._plain:
                self._plain[key] = encode_jpeg(self._rgb[key])
            return self._plain[key]


def segmentation_hash(segmentation: NDArray[np.int32]) -> str:
    """Return a short hash of a segmentation; equal scenes and poses give equal hashes."""
    return hashlib.sha256(np.ascontiguousarray(segmentation, np.int32).tobytes()).hexdigest()[:16]


def depth_hash(depth_m: NDArray[np.float32]) -> str:
    """Return a short hash of depths.

    Where two surfaces are equally far, either may own a pixel; their depth is the same.
    """
    return hashlib.sha256(np.ascontiguousarray(depth_m, np.float32).tobytes()).hexdigest()[:16]


def _rows(
    questions: Sequence[Question], key: SceneKey, engine: str, pictures: Pictures
) -> Iterator[Row]:
    numbers: Counter[str] = Counter()
    for question in questions:
        kind = question.question_type
        number = numbers[kind]
        numbers[kind] += 1
        yield Row(
            images=tuple(
                pictures.jpeg(frame, [mark for mark in question.marks if mark.frame_index == index])
                for index, frame in enumerate(question.frames)
            ),
            question=question.text,
            answers=question.options,
            correct_answer=question.answer,
            question_type=kind,
            id=f"{key.scene_id}-{kind}-{number}",
            scene_id=key.scene_id,
            engine=engine,
            seed=key.seed,
            split=key.split,
            evidence=json.dumps(_evidence(question, key, pictures), sort_keys=True),
        )


def _evidence(question: Question, key: SceneKey, pictures: Pictures) -> dict[str, Any]:
    return {
        **question.evidence,
        "scene": asdict(key),
        **pictures.scene_file(),
        "camera": asdict(question.frames[0].camera),
        "frames": [pictures.frame_record(frame) for frame in question.frames],
        "hidden_frames": [pictures.frame_record(frame) for frame in question.hidden_frames],
        "marks": [asdict(mark) for mark in question.marks],
    }


def _count_skips(skips: Sequence[Skip]) -> dict[str, dict[str, int]]:
    counts: dict[str, dict[str, int]] = {}
    for skip in skips:
        reasons = counts.setdefault(skip.question_type, {})
        reasons[skip.reason] = reasons.get(skip.reason, 0) + 1
    return counts
