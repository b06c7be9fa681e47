"""Bookcases, cabinets, wardrobes and beds."""

from __future__ import annotations

from numpy.random import Generator

from generation.assets.procedural import paints
from generation.assets.procedural.design import Design, Paint, Solid, block, rod


def bookcase(rng: Generator) -> Design:
    """Open shelves, partly filled with books."""
    width, depth, height = rng.uniform(0.7, 1.1), rng.uniform(0.28, 0.36), rng.uniform(1.4, 2.0)
    paint, board = paints.cabinet_paint(rng), 0.022
    solids: list[Solid] = [
        block(paint, (0, depth / 2 - 0.006, height / 2), (width - 0.01, 0.012, height - 0.01), 0.0)
    ]
    for side in (-1, 1):
        solids.append(
            block(paint, (side * (width - board) / 2, 0, height / 2), (board, depth, height), 0.003)
        )
    levels = int(rng.integers(4, 6))
    pitch = (height - board - 0.06) / levels
    for i in range(levels + 1):
        solids.append(
            block(
                paint,
                (0, 0, 0.06 + i * pitch + board / 2),
                (width - 2 * board, depth - 0.005, board),
                0.002,
            )
        )
    for i in range(levels):
        if rng.random() < 0.75:
            solids += _books(
                rng, width - 2 * board - 0.02, depth, 0.06 + i * pitch + board, pitch - board
            )
    return Design((width, depth, height), tuple(solids), mass_kg=60, color_word=None)


def _books(rng: Generator, width: float, depth: float, z: float, room: float) -> list[Solid]:
    """Return a row of upright books from the left."""
    books = []
    x, end = -width / 2, width * rng.uniform(-0.1, 0.5)
    while x < end:
        thick, tall = rng.uniform(0.018, 0.05), min(rng.uniform(0.18, 0.27), room - 0.03)
        deep = rng.uniform(0.13, 0.19)
        paint = paints.plastic(rng, 0.8)
        books.append(
            block(
                paint,
                (x + thick / 2, depth / 2 - 0.02 - deep / 2, z + tall / 2),
                (thick - 0.002, deep, tall),
                0.0,
                collides=False,
            )
        )
        x += thick
    return books


def _fronts(
    solids: list[Solid],
    paint: Paint,
    handle: Paint,
    size: tuple[float, float, float],
    rows: int,
    columns: int,
    low: float,
) -> None:
    """Add drawer or door fronts with handles to the front of a body."""
    width, depth, height = size
    cell_w, cell_h = width / columns, (height - low) / rows
    for i in range(columns):
        for j in range(rows):
            x, z = -width / 2 + (i + 0.5) * cell_w, low + (j + 0.5) * cell_h
            solids.append(
                block(
                    paint,
                    (x, -depth / 2 + 0.008, z),
                    (cell_w - 0.012, 0.016, cell_h - 0.012),
                    0.004,
                    collides=False,
                )
            )
            if cell_h > cell_w:
                inner = 1 if i < columns / 2 and columns > 1 else -1
                grip = (x + inner * (cell_w / 2 - 0.05), -depth / 2 - 0.008, z)
                solids.append(
                    block(
                        handle, grip, (0.014, 0.016, min(0.16, cell_h * 0.4)), 0.005, collides=False
                    )
                )
            else:
                solids.append(
                    block(
                        handle,
                        (x, -depth / 2 - 0.008, z),
                        (min(0.14, cell_w * 0.4), 0.016, 0.014),
                        0.005,
                        collides=False,
                    )
                )


def _case(
    rng: Generator, size: tuple[float, float, float], rows: int, columns: int, supports: bool = True
) -> Design:
    body = paints.cabinet_paint(rng)
    front = body if rng.random() < 0.6 else paints.WHITE_LACQUER
    width, depth, height = size
    low = 0.08
    solids: list[Solid] = [
        block(body, (0, 0.01, (height + low) / 2), (width, depth - 0.02, height - low), 0.004),
        block(paints.BLACK_PLASTIC, (0, 0.02, low / 2), (width - 0.06, depth - 0.08, low), 0.0),
    ]
    _fronts(solids, front, paints.metal(rng), size, rows, columns, low)
    return Design(size, tuple(solids), support_height_m=height if supports else None, mass_kg=40)


def cabinet(rng: Generator) -> Design:
    """Sideboard with doors."""
    width = rng.uniform(0.8, 1.6)
    return _case(
        rng, (width, rng.uniform(0.4, 0.48), rng.uniform(0.7, 0.95)), 1, 2 if width < 1.2 else 3
    )


def chest_of_drawers(rng: Generator) -> Design:
    """Three to five rows of drawers."""
    return _case(
        rng,
        (rng.uniform(0.6, 1.1), rng.uniform(0.42, 0.5), rng.uniform(0.75, 1.1)),
        int(rng.integers(3, 6)),
        int(rng.integers(1, 3)),
    )


def nightstand(rng: Generator) -> Design:
    """Small chest for the bedside."""
    return _case(
        rng,
        (rng.uniform(0.4, 0.52), rng.uniform(0.36, 0.42), rng.uniform(0.46, 0.6)),
        int(rng.integers(1, 3)),
        1,
    )


def tv_stand(rng: Generator) -> Design:
    """Low and wide."""
    return _case(
        rng, (rng.uniform(1.2, 1.7), rng.uniform(0.38, 0.46), rng.uniform(0.42, 0.55)), 1, 3
    )


def wardrobe(rng: Generator) -> Design:
    """Tall doors."""
    width = rng.uniform(0.9, 1.6)
    return _case(
        rng,
        (width, rng.uniform(0.54, 0.62), rng.uniform(1.85, 2.15)),
        1,
        2 if width < 1.25 else 3,
        supports=False,
    )


def bed(rng: Generator) -> Design:
    """Single or double bed with blanket and pillows; its head is at the back."""
    double = rng.random() < 0.65
    width, length = (
        rng.uniform(1.4, 1.8) if double else rng.uniform(0.9, 1.05),
        rng.uniform(1.98, 2.12),
    )
    frame = paints.cabinet_paint(rng) if rng.random() < 0.7 else paints.upholstery(rng)
    blanket, sheet = paints.fabric(rng), Paint((0.93, 0.92, 0.90), "fabric", 1.0)
    deck, mattress = rng.uniform(0.24, 0.32), 0.2
    head = rng.uniform(0.85, 1.15)
    top = deck + mattress
    solids: list[Solid] = [
        block(frame, (0, 0.0, deck - 0.09), (width, length, 0.18), 0.01),
        block(frame, (0, length / 2 - 0.03, head / 2), (width, 0.06, head), 0.012),
        block(sheet, (0, -0.03, deck + mattress / 2), (width - 0.06, length - 0.1, mattress), 0.05),
        block(blanket, (0, -0.22, top - 0.05), (width - 0.02, length - 0.52, 0.16), 0.05),
    ]
    for x in (-1, 1):
        for y in (-1, 1):
            solids.append(
                rod(frame, (x * (width / 2 - 0.06), y * (length / 2 - 0.08), 0), 0.03, deck - 0.16)
            )
    pillow = (0.56 if double else 0.6, 0.36, 0.13)
    for at in (-width / 4, width / 4) if double else (0.0,):
        solids.append(block(sheet, (at, length / 2 - 0.3, top + 0.045), pillow, 0.055))
    return Design((width, length, head), tuple(solids), mass_kg=60)
