"""Measures the catalogue into sweethome3d_shapes.json: `python -m generation.assets.measure`.

For each model in use: checksum, number of triangles, colour word, height on which things can
stand, and boxes to collide with. Run it after a change to sweethome3d.csv or to the code here;
words after the command measure only the models whose key has one of them (and new ones).
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from generation.assets import sweethome3d
from generation.assets.colliders import fitted_boxes, flat_heights, surface_samples
from generation.assets.curated import Shape, shapes
from generation.assets.model import triangle_count
from generation.assets.piece import Box, MeshPart
from generation.assets.visible import one_color, seen_colors

OUTPUT = Path(__file__).with_name("sweethome3d_shapes.json")
MIN_SUPPORT_SHARE = 0.28
"""Part of the footprint that a level surface must have to be stood on."""
BED_CELL_M = 0.04
BED_PERCENTILE = 85
"""Folds may reach higher than things on the blanket stand, but few do."""
MIN_SUPPORT_M, MAX_SUPPORT_M = 0.25, 1.25


def measure_shape(
    parts: tuple[MeshPart, ...],
    size_m: tuple[float, float, float],
    use: str,
    checksum: int = 0,
) -> Shape:
    """Return the measured facts of a model that is used in a certain way (curated.Entry.use)."""
    support = None
    if use == "base":
        support = support_height_m(parts, size_m)
    elif use == "bed":
        support = lying_height_m(parts, size_m)
    if use in ("small", "fixed"):
        # One box keeps small things upright.
        width, depth, height = size_m
        boxes: tuple[Box, ...] = (Box((0.0, 0.0, height / 2), (width / 2, depth / 2, height / 2)),)
    else:
        boxes = fitted_boxes(parts, size_m, support)
    color = one_color(seen_colors(parts, size_m))
    return Shape(checksum, triangle_count(parts), color, support, boxes)


def support_height_m(
    parts: tuple[MeshPart, ...], size_m: tuple[float, float, float]
) -> float | None:
    """Return the height of the highest large level surface, or None."""
    for height, share in flat_heights(parts, size_m):
        if share >= MIN_SUPPORT_SHARE and MIN_SUPPORT_M <= height <= MAX_SUPPORT_M:
            return round(height, 4)
    return None


def lying_height_m(parts: tuple[MeshPart, ...], size_m: tuple[float, float, float]) -> float | None:
    """Return how high the blanket of a bed reaches between its foot and its pillows, or None."""
    width, depth, _ = size_m
    points = surface_samples(parts, BED_CELL_M)
    middle = (np.abs(points[:, 0]) < 0.3 * width) & (
        np.abs(points[:, 1] + 0.1 * depth) < 0.22 * depth
    )
    points = points[middle]
    cells = np.floor(points[:, :2] / BED_CELL_M).astype(int)
    _, cell = np.unique(cells, axis=0, return_inverse=True)
    tops = np.full(int(cell.max(initial=-1)) + 1, -np.inf)
    np.maximum.at(tops, cell.ravel(), points[:, 2])
    height = float(np.percentile(tops, BED_PERCENTILE)) if len(tops) else 0.0
    return round(height, 4) if MIN_SUPPORT_M <= height <= MAX_SUPPORT_M else None


def main(words: list[str]) -> int:
    """Measure the models whose key has one of the words, or all, and write the file."""
    where = sweethome3d.folder()
    if where is None:
        print("no Sweet Home 3D catalogue found; install sweethome3d-furniture", file=sys.stderr)
        return 1
    found = {model.entry.key: model for model in sweethome3d.models(where)}
    known = shapes() if OUTPUT.exists() else {}
    measured = {key: known[key] for key in found if key in known}
    wanted = [key for key in found if key not in known or any(w in key for w in words or [""])]
    for key in tqdm(wanted, desc="measuring"):
        model = found[key]
        parts, size_m = sweethome3d.parse(model), model.placement.size_m
        measured[key] = measure_shape(parts, size_m, model.entry.use, model.checksum)
    lines = [
        f" {json.dumps(key)}: {json.dumps(measured[key].to_json())}" for key in sorted(measured)
    ]
    temporary = OUTPUT.with_suffix(".tmp")
    temporary.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    os.replace(temporary, OUTPUT)
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
