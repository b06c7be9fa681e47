"""Procedural furniture: every kind, every variant."""

from __future__ import annotations

import numpy as np
import pytest

from generation.assets import procedural
from generation.assets.color import COLOR_WORDS
from generation.assets.piece import Piece
from generation.assets.procedural import KINDS, VARIANTS
from generation.assets.visible import one_color, seen_colors
from generation.houses.space import Placed, Spot
from generation.houses.tops import support_rects

PIECES = procedural.pieces()
BY_KIND = {kind: [procedural.make(kind, i) for i in range(VARIANTS)] for kind in KINDS}


def test_there_are_many_kinds_and_every_piece_has_its_own_id() -> None:
    assert len(KINDS) >= 25
    assert len(PIECES) == len(KINDS) * VARIANTS
    assert len({piece.piece_id for piece in PIECES}) == len(PIECES)


@pytest.mark.parametrize("kind", KINDS)
def test_mesh_has_the_stated_size_and_stands_on_the_floor(kind: str) -> None:
    for piece in BY_KIND[kind][:6]:
        vertices = np.vstack([part.vertices_m for part in piece.load_parts()])
        low, high = vertices.min(0), vertices.max(0)
        half = np.array(piece.size_m[:2]) / 2
        assert low[2] == pytest.approx(0, abs=0.002), piece.piece_id
        assert high[2] <= piece.size_m[2] + 0.025, piece.piece_id
        assert high[2] >= 0.85 * piece.size_m[2]
        assert (low[:2] >= -half - 0.04).all(), (piece.piece_id, low, half)
        assert (high[:2] <= half + 0.04).all(), (piece.piece_id, high, half)


@pytest.mark.parametrize("kind", KINDS)
def test_meshes_are_sound(kind: str) -> None:
    for part in BY_KIND[kind][0].load_parts():
        a, b, c = (part.vertices_m[part.faces[:, i]].astype(float) for i in range(3))
        flat = np.cross(b - a, c - a)
        against = np.einsum("fk,fck->fc", flat, part.normals[part.faces]).sum(1) < -1e-9
        assert not against.any()
        np.testing.assert_allclose(np.linalg.norm(part.normals, axis=1), 1, atol=1e-4)
        assert (part.finish.texture is None) == (part.uv is None)


@pytest.mark.parametrize("kind", KINDS)
def test_colliders_lie_in_the_piece(kind: str) -> None:
    for piece in BY_KIND[kind]:
        for box in piece.colliders:
            center, half = np.array(box.center_m), np.array(box.half_size_m)
            assert (half > 0).all()
            limit = np.array([piece.size_m[0] / 2, piece.size_m[1] / 2])
            assert (np.abs(center[:2]) + half[:2] <= limit + 0.03).all(), piece.piece_id
            assert center[2] - half[2] >= -1e-6
            assert center[2] + half[2] <= piece.size_m[2] + 0.02
        if piece.movable:
            lowest = min(box.center_m[2] - box.half_size_m[2] for box in piece.colliders)
            assert lowest == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("kind", KINDS)
def test_variants_differ_and_repeat(kind: str) -> None:
    pieces = BY_KIND[kind]
    assert (
        len({piece.size_m for piece in pieces}) > VARIANTS / 3
        or len({piece.color_word for piece in pieces}) > 1
    )
    again = procedural.make(kind, 3)
    assert again.size_m == pieces[3].size_m
    for first, second in zip(again.load_parts(), pieces[3].load_parts(), strict=True):
        np.testing.assert_array_equal(first.vertices_m, second.vertices_m)
        assert first.finish.rgb == second.finish.rgb


def test_supports_have_a_surface() -> None:
    bases = [piece for piece in PIECES if piece.support_height_m is not None]
    assert {"dining table", "desk", "nightstand"} <= {piece.category for piece in bases}
    for piece in bases:
        rects = support_rects(Placed(piece, Spot(0, 0, 0)))
        area = sum(4 * rect.half_width_m * rect.half_depth_m for rect in rects)
        assert area > 0.4 * piece.size_m[0] * piece.size_m[1], piece.piece_id


def colour_seen(piece: Piece) -> str:
    return one_color(seen_colors(piece.load_parts(), piece.size_m))


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_colour_words_are_what_one_sees(kind: str) -> None:
    """The word from the paints is never another colour than the one seen on the surface."""
    for piece in BY_KIND[kind][:5]:
        assert piece.color_word in {*COLOR_WORDS, ""}
        seen = colour_seen(piece)
        assert not (piece.color_word and seen and piece.color_word != seen), piece.piece_id


def test_things_without_a_clear_extent_are_not_asked_about() -> None:
    assert {piece.category for piece in PIECES if not piece.askable} == {
        "rug",
        "curtain",
        "ceiling lamp",
    }
