"""Data sets by name: how many scenes, how large the pictures, and what they cost to make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SECONDS_PER_HOUR = 3600
KB_PER_GB = 1e6


@dataclass(frozen=True)
class Preset:
    """A data set that is made by one command."""

    about: str
    scenes: Mapping[str, int]
    """By split."""
    questions_per_scene: int
    """Asked for; a scene that does not give as many gives fewer."""
    size_px: int
    core_s_per_scene: float
    """Seconds on one core of a common server without GPU; `make bench` measures them."""
    kb_per_question: float
    questions_share: float = 0.97
    """Of the questions asked for, how many come on average."""
    weights: Mapping[str, float] = field(default_factory=dict)
    """See RunSettings."""
    pairs_per_scene: int = 0


@dataclass(frozen=True)
class Estimate:
    """What a run will cost, roughly."""

    scenes: int
    questions: int
    hours: float
    gigabytes: float

    def __str__(self) -> str:
        time = f"{self.hours:.1f} hours" if self.hours >= 1 else f"{self.hours * 60:.0f} minutes"
        return (
            f"{self.scenes:,} scenes, about {self.questions:,} questions, "
            f"{time} and {self.gigabytes:.1f} GB"
        )


PRESETS: dict[str, Preset] = {
    "paper": Preset(
        about="as large as the data of the SAT paper: 22K scenes, 218K questions",
        scenes={"train": 20_000, "val": 1_000, "test": 1_000},
        questions_per_scene=10,
        size_px=512,
        core_s_per_scene=2.9,
        kb_per_question=58,
    ),
    "mini": Preset(
        about="a balanced test of 1,000 questions",
        scenes={"test": 86},
        questions_per_scene=12,
        size_px=512,
        core_s_per_scene=2.9,
        kb_per_question=58,
    ),
    "tiny-train": Preset(
        about="small pictures, many questions per processor hour, for small models",
        scenes={"train": 2_000, "val": 50, "test": 50},
        questions_per_scene=40,
        size_px=128,
        core_s_per_scene=8.0,
        kb_per_question=13,
        pairs_per_scene=16,
    ),
}


def estimate(preset: Preset, scenes: Mapping[str, int], workers: int) -> Estimate:
    """Return what so many scenes of a preset will cost."""
    total = sum(scenes.values())
    questions = round(total * preset.questions_per_scene * preset.questions_share, -1)
    return Estimate(
        scenes=total,
        questions=int(questions),
        hours=total * preset.core_s_per_scene / workers / SECONDS_PER_HOUR,
        gigabytes=questions * preset.kb_per_question / KB_PER_GB,
    )
