"""The conformance check itself: it must catch engines that break the contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from conformance import check_engine
from toy_engine import ToyEngine, ToySession, toy_camera

from generation.engines import EngineConfig
from generation.pose import Pose
from generation.scene import Observation, SceneKey, SceneState

KEYS = [SceneKey("train", index, 3) for index in range(3)]


def test_the_toy_engine_conforms() -> None:
    counts = check_engine(ToyEngine(EngineConfig(toy_camera(96))), KEYS)
    assert counts["turning"] > 3


def _broken(**methods: Callable[..., Any]) -> ToyEngine:
    class BrokenSession(ToySession):
        pass

    for name, method in methods.items():
        setattr(BrokenSession, name, method)

    class BrokenEngine(ToyEngine):
        def load(self, key: SceneKey) -> ToySession:
            whole = super().load(key)
            return BrokenSession(whole.info, whole.scene, whole.camera)

    return BrokenEngine(EngineConfig(toy_camera(72)))


def _flipped(session: ToySession, pose: Pose) -> Observation:
    seen = ToySession.observe(session, pose)
    return replace(
        seen,
        segmentation=np.ascontiguousarray(seen.segmentation[:, ::-1]),
        depth_m=np.ascontiguousarray(seen.depth_m[:, ::-1]),
    )


def _turned_the_wrong_way(session: ToySession, pose: Pose) -> Observation:
    seen = ToySession.observe(session, replace(pose, yaw_rad=-pose.yaw_rad))
    return replace(seen, pose=pose)


def _range_for_depth(session: ToySession, pose: Pose) -> Observation:
    seen = ToySession.observe(session, pose)
    return replace(seen, depth_m=seen.depth_m * 1.2)


def _strange_id(session: ToySession, pose: Pose) -> Observation:
    seen = ToySession.observe(session, pose)
    return replace(seen, segmentation=seen.segmentation + np.int32(seen.segmentation > 0) * 90)


def _forgetful(session: ToySession, state: SceneState) -> None:
    pass


def _anywhere(session: ToySession, object_id: str, x: float, y: float, z: float) -> bool:
    pose = (x, y, z, 1.0, 0.0, 0.0, 0.0)
    session.restore(SceneState({**session.state().poses, object_id: pose}))
    return True


def _leaves_the_old_state(session: ToySession, observation: Observation) -> Any:
    session.restore(observation.state)
    return ToySession.render(session, observation)


@pytest.mark.parametrize(
    ("methods", "complaint"),
    [
        ({"observe": _flipped}, "pixels in its box"),
        ({"observe": _turned_the_wrong_way}, "pixels in its box"),
        ({"observe": _range_for_depth}, "pixels in its box"),
        ({"observe": _strange_id}, "unknown segmentation ids|no viewpoint"),
        ({"restore": _forgetful}, "restore did not restore"),
        ({"place": _anywhere}, "stands in the air"),
        ({"place": lambda *_: False}, "no chance to check"),
        ({"render": _leaves_the_old_state}, "changed the state"),
        ({"is_standing_free": lambda *_: True}, "outside the house"),
    ],
)
def test_broken_engines_are_caught(methods: dict[str, Callable[..., Any]], complaint: str) -> None:
    with pytest.raises(AssertionError, match=complaint):
        check_engine(_broken(**methods), KEYS[:2])
