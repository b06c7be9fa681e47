"""From ProcTHOR houses to scored questions, with ai2thor's Controller and the stand-in player."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ai2thor", reason="needs the extra thor")

from harness import evaluate
from thor_setup import (
    house_of,
    make_player,
    quick_settings,
    small_house,
    toy_houses,
    wait_until_gone,
    write_houses,
)
from toy_engine import ToyEngine, ToySession, make_scene, toy_camera

from generation.engines import EngineConfig
from generation.engines.thor.catalog import plural_of
from generation.engines.thor.engine import ThorEngine
from generation.engines.thor.session import ThorSession
from generation.pipeline import generate
from generation.pool import local_executor
from generation.pose import Pose
from generation.proof import SOLVERS, Case
from generation.proof.case import names_of
from generation.proof.picture import picture_of
from generation.question import Question
from generation.questions import QUESTION_TYPES
from generation.sampling import ask_scene
from generation.scene import Observation, SceneKey, SceneObject
from generation.settings import Run, RunSettings
from generation.shard import data_set_rows
from generation.verify import verify_dataset
from sat_tasks.console import UserError
from sat_tasks.data import open_data_set

pytestmark = pytest.mark.slow

HOUSES = 6
DIES, REFUSED = 1, 4
"""Houses that the player dies over while being asked, and does not load."""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Point the engine to the stand-in player, away from the user's ~/.ai2thor."""
    folder = tmp_path_factory.mktemp("thor")
    (folder / "home").mkdir()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(folder / "home"))
        patch.setenv("SAT_THOR_EXECUTABLE", str(make_player(folder)))
        patch.setenv("SAT_THOR_START_TIMEOUT_S", "30")
        patch.setenv("SAT_THOR_STEP_TIMEOUT_S", "15")
        yield folder


def settings(houses: Path, **more: Any) -> RunSettings:
    return RunSettings(
        types=tuple(QUESTION_TYPES),
        seed=3,
        engine="thor",
        houses=str(houses),
        size_px=128,
        questions_per_scene=18,
        scenes_per_shard=3,
        **more,
    )


@pytest.fixture(scope="module")
def data(environment: Path) -> Path:
    """Make a data set of six houses, two of which fail."""
    houses = toy_houses(HOUSES)
    houses[DIES]["fault"] = "die:UpdateThirdPartyCamera:45"
    houses[REFUSED]["fault"] = "refuse:CreateHouse"
    path = write_houses(environment / "test.jsonl.gz", houses)
    run = Run(settings(path), {"test": HOUSES})
    tally, manifest = generate(environment / "data", run, local_executor(1), progress=False)
    assert manifest is not None
    assert tally.lost_scenes == 2
    assert wait_until_gone(environment), "a player was left behind"
    return environment / "data"


def test_houses_that_fail_are_counted_by_reason_and_the_rest_asked(data: Path) -> None:
    whole = open_data_set(data)
    lost = whole.manifest.skips["scene"]
    assert sum(lost.values()) == 2
    assert "AI2-THOR cannot load the house: CreateHouse failed: injected refusal" in lost
    assert any(reason.startswith("AI2-THOR: UpdateThirdPartyCamera: the player") for reason in lost)
    scenes = {int(row.scene_id[-6:]) for row in data_set_rows(whole)}
    assert scenes == set(range(HOUSES)) - {DIES, REFUSED}
    assert whole.manifest.engine == "thor"
    assert whole.manifest.engine_version.startswith("5.0.0")


def test_all_nine_types_come_out_and_every_answer_is_proven_from_pixels(data: Path) -> None:
    counts = Counter(row.question_type for row in data_set_rows(open_data_set(data)))
    assert set(counts) == set(QUESTION_TYPES)
    report = verify_dataset(data)
    assert report.failures == []
    assert report.agreed == counts


def test_lmms_eval_scores_it_like_any_other(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAT_DATA", str(data))
    monkeypatch.delenv("SAT_PROTOCOL", raising=False)
    results = evaluate(["sat_dynamic"], "always_first")["results"]["sat_dynamic"]
    assert results["overall,circular"] == pytest.approx(results["chance,circular"])


def test_too_many_lost_houses_stop_the_run_and_say_why(environment: Path) -> None:
    houses = [small_house(fault="refuse:CreateHouse") for _ in range(8)]
    path = write_houses(environment / "val.jsonl", houses)
    run = Run(settings(path), {"val": 8})
    with pytest.raises(UserError, match=r"stopped, because 3 of 3 scenes gave nothing \(3 times:"):
        generate(environment / "lost", run, local_executor(1), progress=False)


# ---------------------------------------------------------------- the same questions as another


class Uncoloured:
    """A toy session whose objects are named without colours, as AI2-THOR's are."""

    def __init__(self, session: ToySession) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)

    def objects(self) -> dict[str, SceneObject]:
        return _uncoloured(self._session.objects())

    def observe(self, pose: Pose) -> Observation:
        seen = self._session.observe(pose)
        return replace(seen, objects=_uncoloured(seen.objects))


def _uncoloured(objects: Mapping[str, SceneObject]) -> dict[str, SceneObject]:
    return {
        key: replace(item, name=item.category, plural=plural_of(item.category))
        for key, item in objects.items()
    }


def case_of(question: Question, session: ThorSession) -> Case:
    """Take the pictures of a question again in another engine."""

    def again(frame: Observation) -> Observation:
        session.restore(session.state().updated({k: [*v] for k, v in frame.state.poses.items()}))
        return session.observe(frame.pose)

    frames = [again(frame) for frame in question.frames]
    hidden = [again(frame) for frame in question.hidden_frames]
    return Case(
        text=question.text,
        options=question.options,
        frames=tuple(picture_of(frame) for frame in frames),
        hidden=tuple(picture_of(frame) for frame in hidden),
        marks=question.marks,
        names=names_of(frames[0]),
    )


def test_the_same_questions_have_the_same_answers_in_another_engine(environment: Path) -> None:
    """The same boxes, once in our frame and once as a house in Unity's."""
    keys = [SceneKey("train", index, 3) for index in range(3)]
    folder = environment / "same"
    folder.mkdir()
    path = write_houses(folder / "train.jsonl", [house_of(make_scene(k), True) for k in keys])
    config = EngineConfig(toy_camera(), houses=str(path))
    thor = ThorEngine(config, quick_settings(make_player(folder)))
    agreed: Counter[str] = Counter()
    for key in keys:
        toy: Any = Uncoloured(ToyEngine(config).load(key))
        asked = ask_scene(toy, list(QUESTION_TYPES), 27, key.rng("questions"))
        session = thor.load(key)
        for question in asked.questions:
            answer = SOLVERS[question.question_type](case_of(question, session))
            assert answer == question.answer, question
            agreed[question.question_type] += 1
    thor.close()
    assert set(agreed) == set(QUESTION_TYPES)
    assert agreed.total() > 50
