"""The bench times real workers and reports what it measured."""

from __future__ import annotations

from dataclasses import replace

import pytest

from generation import bench, engines
from generation.settings import RunSettings

SPEED = bench.Speed(
    workers=1,
    scenes=8,
    questions=96,
    pictures=80,
    scenes_per_s=0.4,
    questions_per_s=4.8,
    start_s=5.0,
    cpu_share={"render": 0.6, "observe": 0.2, "load": 0.1, "ask": 0.07, "encode": 0.03},
    cpu_s_per_scene=2.5,
    peak_memory_mb=700.0,
    write_s=0.1,
    bytes_per_question=60_000.0,
)


def test_a_measurement_adds_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(engines.ENGINES, "toy", "toy_engine:open_engine")
    settings = RunSettings(("depth", "relation"), engine="toy", size_px=64, questions_per_scene=4)
    speed = bench.measure(settings, workers=1, scenes_each=2)
    assert speed.scenes == 2
    assert 4 <= speed.questions <= 8
    assert speed.questions_per_s == pytest.approx(
        speed.questions / speed.scenes * speed.scenes_per_s
    )
    assert sum(speed.cpu_share.values()) == pytest.approx(1.0)
    assert speed.bytes_per_question > 500


def test_the_table_extrapolates_from_the_most_workers() -> None:
    two = replace(SPEED, workers=2, scenes_per_s=0.76)
    text = bench.table([SPEED, two])
    assert "|  | 1 worker | 2 workers |" in text
    assert "| of these: RGB pictures | 60% | 60% |" in text
    assert "22000 scenes would take 8.0 hours with 2 workers." in text
    assert "2 workers are 1.90 times as fast as 1." in text
