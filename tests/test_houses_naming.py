"""Names of pieces."""

from __future__ import annotations

from dataclasses import replace

from generation.assets import curated, procedural
from generation.assets.piece import Piece
from generation.houses.naming import ALSO_CALLED, PARTS, color_and_noun, name_pieces, words_for


def piece(category: str, color: str = "") -> Piece:
    return replace(procedural.make("chair", 0), category=category, color_word=color)


def test_category_alone_where_nothing_else_could_be_meant() -> None:
    assert name_pieces([piece("chair", "red"), piece("sofa", "red")]) == ("chair", "sofa")


def test_colour_tells_equal_kinds_apart() -> None:
    assert name_pieces([piece("chair", "red"), piece("chair", "blue")]) == (
        "red chair",
        "blue chair",
    )


def test_a_general_word_is_not_unique_beside_a_special_one() -> None:
    names = name_pieces([piece("chair", "red"), piece("office chair", "black")])
    assert names == ("red chair", "office chair")


def test_without_colour_words_names_stay_shared() -> None:
    assert name_pieces([piece("chair"), piece("chair", "red")]) == ("chair", "red chair")
    assert name_pieces([piece("chair"), piece("chair")]) == ("chair", "chair")


def test_the_colour_stands_where_english_has_it() -> None:
    names = name_pieces([piece("pair of shoes", "black"), piece("pair of shoes", "white")])
    assert names == ("pair of black shoes", "pair of white shoes")
    assert color_and_noun(names[0]) == ("black", "pair of shoes")
    names = name_pieces([piece("vase of flowers", "blue"), piece("vase of flowers", "red")])
    assert names == ("blue vase of flowers", "red vase of flowers")
    assert color_and_noun(names[0]) == ("blue", "vase of flowers")
    assert color_and_noun("pair of shoes") == ("", "pair of shoes")


def test_words() -> None:
    assert words_for("office chair") >= {"office chair", "chair"}
    assert "drawers" not in words_for("chest of drawers")
    assert "pair" not in words_for("pair of shoes")


def test_synonyms_are_about_categories_that_exist() -> None:
    known = {entry.category for entry in curated.entries()}
    known |= {kind.category for kind in procedural.KINDS.values()}
    assert set(ALSO_CALLED) <= known
    assert set(PARTS) <= known
    assert {part for parts in PARTS.values() for part in parts} <= known
    assert all(category not in words for category, words in ALSO_CALLED.items())
