"""Movements of a camera: what they are called, and which way they go."""

from __future__ import annotations

import math

STILL = "did not move"
MIN_TURN_DEG = 1.0
MIN_WAY_M = 0.01

MOVEMENTS: dict[str, tuple[int, int, int]] = {
    "rotated left": (1, 0, 0),
    "rotated right": (-1, 0, 0),
    "moved forward": (0, 1, 0),
    "moved backward": (0, -1, 0),
    "moved sideways to the left": (0, 0, 1),
    "moved sideways to the right": (0, 0, -1),
    "moved forward and rotated left": (1, 1, 0),
    "moved forward and rotated right": (-1, 1, 0),
    STILL: (0, 0, 0),
}
"""Name -> signs of the turn to the left, the way ahead, and the way to the left."""


def name_movement(turn_left_deg: float, forward_m: float, left_m: float) -> str | None:
    """Return the movement with these signs; less than a degree or a centimetre is none."""
    signs = tuple(
        0 if abs(value) < limit else int(math.copysign(1, value))
        for value, limit in (
            (turn_left_deg, MIN_TURN_DEG),
            (forward_m, MIN_WAY_M),
            (left_m, MIN_WAY_M),
        )
    )
    return next((name for name, wanted in MOVEMENTS.items() if wanted == signs), None)
