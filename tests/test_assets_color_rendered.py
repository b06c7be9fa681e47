"""Colour words against rendered pixels.

A piece is rendered as it is and all in white. The quotient of the two pictures is what its surface
does to light, whatever the lamps; the word of most of its pixels must be the piece's word.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from generation.assets import all_pieces
from generation.assets.color import alike, color_word
from generation.assets.piece import Finish, MeshPart, Piece
from generation.engines.mujoco.engine import MujocoEngine
from generation.engines.mujoco.renderer import open_renderer
from generation.houses.house import Ambience, House, Light, PlacedPiece, Room, Slab
from generation.pose import Camera, Pose
from generation.scene import SceneKey

CAMERA = Camera(96, 96, math.radians(40))
WHITE = Finish(rgb=(1.0, 1.0, 1.0), roughness=0.9)
GRAY = Finish(rgb=(0.6, 0.6, 0.6))
LIGHT = (1.0, 0.97, 0.93)
PIECES = 40
MOST_WRONG = 0.4
"""Part of the pixels that may have a quite different colour: handles, legs, cushions."""


class OnePiece:
    """A house source whose house is one piece on a floor."""

    piece: Piece

    def house(self, key: SceneKey) -> House:
        """Return the house."""
        del key
        return House(
            rooms=(Room("r", "office", -8, -8, 8, 8, 6),),
            slabs=(Slab("floor", "floor", (0, 0, -0.05), (9, 9, 0.05), GRAY),),
            pieces=(PlacedPiece("it", "it", self.piece, (0, 0, 0), 0.0),),
            lights=(Light("lamp", (0, -2, 4), (0, 0.3, -1), 110_000.0, LIGHT),),
            ambience=Ambience(10_000, LIGHT, LIGHT, LIGHT),
        )


@pytest.fixture(scope="module")
def source() -> OnePiece:
    return OnePiece()


@pytest.fixture(scope="module")
def engine(source: OnePiece) -> Iterator[MujocoEngine]:
    opened = MujocoEngine(CAMERA, source, open_renderer("auto", CAMERA))
    yield opened
    opened.close()


def painted_white(piece: Piece) -> Piece:
    def load_parts() -> tuple[MeshPart, ...]:
        return tuple(
            replace(part, uv=None, finish=replace(WHITE, alpha=part.finish.alpha))
            for part in piece.load_parts()
        )

    return replace(piece, piece_id=f"{piece.piece_id}/white", load_parts=load_parts)


def looked_at(piece: Piece, azimuth_deg: float) -> Pose:
    """A pose that shows the whole piece from its front or aside."""
    away = float(np.linalg.norm(piece.size_m)) / 2 / math.sin(math.radians(20))
    azimuth, elevation = math.radians(azimuth_deg), math.radians(22)
    return Pose(
        away * math.cos(azimuth) * math.cos(elevation),
        away * math.sin(azimuth) * math.cos(elevation),
        piece.size_m[2] / 2 + away * math.sin(elevation),
        azimuth + math.pi,
        -elevation,
    )


def pixels_of(engine: MujocoEngine, source: OnePiece, piece: Piece) -> NDArray[np.float64]:
    """The linear colours of the piece's pixels from two sides, shape (N, 3)."""
    source.piece = replace(piece, movable=False)
    session = engine.load(SceneKey("train", 0, 0))
    clouds = []
    for azimuth_deg in (-60, -120):
        observation = session.observe(looked_at(piece, azimuth_deg))
        picture = session.render(observation)
        clouds.append((picture[observation.mask("it")] / 255.0) ** 2.2)
    session.close()
    return np.concatenate(clouds)


def shares_seen(engine: MujocoEngine, source: OnePiece, piece: Piece) -> dict[str, float]:
    """Part of the piece's pixels by colour word, the light taken out."""
    own = pixels_of(engine, source, piece)
    white = pixels_of(engine, source, painted_white(piece))
    surface = np.clip(own / np.maximum(white, 0.02), 0, 1) ** (1 / 2.2)
    words = Counter(color_word((float(r), float(g), float(b))) for r, g, b in surface)
    return {word: count / len(surface) for word, count in words.items()}


@pytest.mark.slow
def test_colour_words_are_those_of_the_pixels(engine: MujocoEngine, source: OnePiece) -> None:
    with_word = [piece for piece in all_pieces() if piece.color_word and piece.askable]
    chosen = np.random.default_rng(0).permutation(len(with_word))[:PIECES]
    doubtful = []
    for number in chosen:
        piece = with_word[int(number)]
        shares = shares_seen(engine, source, piece)
        fitting = {word for word in shares if word and alike(word, piece.color_word)}
        wrong = sum(share for word, share in shares.items() if word and word not in fitting)
        assert wrong < MOST_WRONG, (piece.piece_id, piece.color_word, shares)
        if sum(shares[word] for word in fitting) < 0.5:
            doubtful.append((piece.piece_id, piece.color_word, shares))
    assert len(doubtful) <= PIECES // 10, doubtful
