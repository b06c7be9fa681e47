"""Windows and doors: frames, sills, bars, leaves and handles."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from generation.assets.piece import Finish
from generation.houses import finishes
from generation.houses.house import Quaternion, Room, Slab, Vector
from generation.houses.layout import Opening
from generation.houses.rooms import WALL_M, Side

FRAME_M = 0.05
REVEAL_M = 0.004
"""How far frames reach into the opening, over the ends of the wall."""
_HALF = float(np.sqrt(0.5))
ALONG_X: Quaternion = (_HALF, _HALF, 0.0, 0.0)
"""Local x, y, z along world x, z, -y: walls that run along x."""
ALONG_Y: Quaternion = (0.5, 0.5, 0.5, 0.5)
"""Local x, y, z along world y, z, x: walls that run along y."""

DOOR_FINISHES = {
    "white": Finish((0.90, 0.90, 0.88), roughness=0.45),
    "brown": Finish((0.42, 0.27, 0.17), roughness=0.5),
    "oak": Finish((0.66, 0.50, 0.33), roughness=0.5),
    "gray": Finish((0.55, 0.56, 0.57), roughness=0.45),
}
HANDLE = Finish((0.7, 0.7, 0.72), roughness=0.3, metallic=1.0)


class WallFrame:
    """Turns (along the wall, up, out of the room) into world coordinates for one wall."""

    def __init__(self, room: Room, side: Side) -> None:
        self.room, self.side = room, side
        self.along_x = side in ("south", "north")
        self.outward = 1.0 if side in ("north", "east") else -1.0
        faces = {
            "south": room.y_min_m,
            "north": room.y_max_m,
            "west": room.x_min_m,
            "east": room.x_max_m,
        }
        self.face_m = faces[side]

    def point(self, along_m: float, up_m: float, out_m: float) -> Vector:
        """Return a world point; out_m is counted from the wall's face away from the room."""
        across = self.face_m + self.outward * out_m
        return (along_m, across, up_m) if self.along_x else (across, along_m, up_m)

    def slab(
        self,
        name: str,
        role: str,
        along: tuple[float, float],
        up: tuple[float, float],
        out: tuple[float, float],
        finish: Finish,
        **flags: bool,
    ) -> Slab:
        """Return a box that spans three intervals of the wall's own coordinates."""
        center = self.point(sum(along) / 2, sum(up) / 2, sum(out) / 2)
        half = ((along[1] - along[0]) / 2, (up[1] - up[0]) / 2, abs(out[1] - out[0]) / 2)
        turn = ALONG_X if self.along_x else ALONG_Y
        return Slab(name, role, center, half, finish, turn, **flags)  # type: ignore[arg-type]


def _surround(
    frame: WallFrame, opening: Opening, name: str, out: tuple[float, float]
) -> Iterator[Slab]:
    """Return the frame on three sides of an opening."""
    start, stop = opening.start_m + REVEAL_M, opening.stop_m - REVEAL_M
    bottom, top = opening.bottom_m, opening.top_m - REVEAL_M
    up = (bottom, opening.top_m + FRAME_M)
    bars = (
        ((opening.start_m - FRAME_M, start), up),
        ((stop, opening.stop_m + FRAME_M), up),
        ((start, stop), (top, opening.top_m + FRAME_M)),
    )
    for number, (along, height) in enumerate(bars):
        yield frame.slab(
            f"{name}/frame{number}", "trim", along, height, out, finishes.TRIM, collides=False
        )


def window(frame: WallFrame, opening: Opening, name: str) -> Iterator[Slab]:
    """Return frame, sill and bars; the pane itself is left open for the light."""
    start, stop, bottom, top = opening.start_m, opening.stop_m, opening.bottom_m, opening.top_m
    yield from _surround(frame, opening, name, (-0.015, WALL_M + 0.05))
    sill = (start - FRAME_M - 0.02, stop + FRAME_M + 0.02)
    yield frame.slab(
        f"{name}/sill",
        "trim",
        sill,
        (bottom - 0.03, bottom + 0.012),
        (-0.06, WALL_M + 0.05),
        finishes.TRIM,
        collides=False,
    )
    sash = (WALL_M * 0.4, WALL_M * 0.4 + 0.03)
    for number, along in enumerate(((start, start + 0.04), (stop - 0.04, stop))):
        yield frame.slab(
            f"{name}/sash{number}",
            "trim",
            along,
            (bottom, top),
            sash,
            finishes.TRIM,
            collides=False,
        )
    for number, up in enumerate(((bottom, bottom + 0.05), (top - 0.04, top))):
        yield frame.slab(
            f"{name}/rail{number}", "trim", (start, stop), up, sash, finishes.TRIM, collides=False
        )
    panes = max(1, round((stop - start) / 0.8))
    for number in range(1, panes):
        at = start + (stop - start) * number / panes
        yield frame.slab(
            f"{name}/bar{number}",
            "trim",
            (at - 0.03, at + 0.03),
            (bottom, top),
            sash,
            finishes.TRIM,
            collides=False,
        )


def door(frame: WallFrame, opening: Opening, name: str, finish: Finish) -> Iterator[Slab]:
    """Return the frame and, where the door leads out, its shut leaf; inner doorways are open."""
    yield from _surround(frame, opening, name, (-0.015, WALL_M))
    if opening.leads_to:
        return
    start, stop, top = opening.start_m, opening.stop_m, opening.top_m
    yield frame.slab(f"{name}/leaf", "door", (start, stop), (0.005, top), (0.01, 0.05), finish)
    for number, (low, high) in enumerate(((0.15, 0.85), (1.0, 1.85))):
        panel = (start + 0.14, stop - 0.14)
        yield frame.slab(
            f"{name}/panel{number}",
            "door",
            panel,
            (low, high),
            (0.002, 0.01),
            finish,
            collides=False,
        )
    yield frame.slab(
        f"{name}/handle",
        "door",
        (stop - 0.17, stop - 0.05),
        (1.0, 1.025),
        (-0.045, -0.03),
        HANDLE,
        collides=False,
    )
    yield frame.slab(
        f"{name}/spindle",
        "door",
        (stop - 0.075, stop - 0.05),
        (1.0, 1.025),
        (-0.045, 0.01),
        HANDLE,
        collides=False,
    )
