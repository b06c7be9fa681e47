"""Names by which a person would point out one piece among all of a house.

A category alone names a piece if no other piece could be called so; else its colour is added where
it has one. Names may still be shared: whoever asks about a piece checks what else is in view.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from generation.assets.color import COLOR_WORDS
from generation.assets.piece import Piece

ALSO_CALLED: dict[str, tuple[str, ...]] = {
    "armchair": ("chair",),
    "backpack": ("bag",),
    "ball": ("basketball",),
    "bar stool": ("stool", "chair"),
    "basketball": ("ball",),
    "beer bottle": ("wine bottle",),
    "bench": ("stool", "table", "coffee table", "side table"),
    "bonsai tree": ("potted plant", "plant"),
    "bookcase": ("shelf", "cabinet"),
    "bottle": ("wine bottle", "beer bottle"),
    "box": ("cardboard box", "crate", "gift box"),
    "briefcase": ("suitcase", "handbag", "bag"),
    "cabinet": ("chest of drawers", "wardrobe", "TV stand", "bookcase", "kitchen cabinet"),
    "cactus": ("potted plant", "plant"),
    "cap": ("hat",),
    "cardboard box": ("crate",),
    "changing table": ("chest of drawers", "cabinet"),
    "chest freezer": ("fridge",),
    "chest of drawers": ("cabinet", "nightstand"),
    "coffee pot": ("teapot", "kettle"),
    "coffee table": ("side table",),
    "computer": ("monitor", "television", "laptop"),
    "cooking pot": ("pot", "bowl"),
    "corner sofa": ("sofa",),
    "crate": ("box", "trunk"),
    "crib": ("bed",),
    "cup": ("mug",),
    "desk": ("table", "dining table"),
    "desk lamp": ("table lamp", "lamp"),
    "dining table": ("desk",),
    "drafting table": ("desk",),
    "dressing table": ("desk",),
    "DVD player": ("game console",),
    "filing cabinet": ("chest of drawers", "nightstand"),
    "game console": ("DVD player",),
    "gift box": ("crate",),
    "handbag": ("bag",),
    "jar": ("pot", "vase", "sugar bowl"),
    "jug": ("vase", "teapot", "cup"),
    "kettle": ("teapot",),
    "kitchen island": ("table", "cabinet", "kitchen cabinet"),
    "kitchen sink": ("kitchen cabinet", "cabinet", "washbasin"),
    "lantern": ("lamp",),
    "laptop": ("computer",),
    "letter tray": ("tray",),
    "lounge chair": ("armchair", "chair"),
    "microwave": ("oven", "toaster oven"),
    "mirror": ("picture",),
    "mug": ("cup",),
    "nightstand": ("side table", "cabinet", "chest of drawers"),
    "office chair": ("chair",),
    "orchid": ("potted plant", "plant", "vase of flowers"),
    "ottoman": ("stool",),
    "oven": ("stove",),
    "pair of boots": ("pair of shoes",),
    "pair of slippers": ("pair of shoes",),
    "pair of sneakers": ("pair of shoes",),
    "pen holder": ("utensil holder", "cup"),
    "photo frame": ("picture",),
    "picture": ("photo frame",),
    "potted plant": ("plant",),
    "radio": ("stereo", "speaker"),
    "safe": ("box", "cabinet"),
    "shelf": ("bookcase", "cabinet"),
    "side table": ("nightstand", "stool"),
    "soap dispenser": ("bottle",),
    "stereo": ("radio", "speaker"),
    "stool": ("ottoman", "side table", "bar stool"),
    "storage bin": ("box", "crate", "trash can", "basket"),
    "stove": ("oven",),
    "suitcase": ("briefcase", "bag"),
    "table": ("desk", "dining table"),
    "table lamp": ("desk lamp", "lamp"),
    "teapot": ("jug", "kettle"),
    "television": ("monitor", "computer"),
    "toaster oven": ("microwave", "oven", "toaster"),
    "towel": ("towel rack",),
    "towel rack": ("towel",),
    "trash can": ("storage bin",),
    "trunk": ("box", "crate"),
    "TV stand": ("cabinet", "chest of drawers"),
    "utensil holder": ("pen holder",),
    "vase": ("jar", "jug"),
    "vase of flowers": ("vase", "potted plant", "orchid"),
    "wardrobe": ("cabinet",),
    "wash tub": ("bowl", "storage bin"),
    "washbasin": ("sink", "cabinet"),
    "wine bottle": ("beer bottle",),
    "wood stove": ("fireplace",),
    "workbench": ("desk",),
}
"""Other words that people may use for a category, beyond its last word."""


PARTS: dict[str, tuple[str, ...]] = {
    "armchair": ("cushion",),
    "bed": ("cushion",),
    "bookcase": ("book",),
    "bread box": ("bread",),
    "bunk bed": ("cushion",),
    "corner sofa": ("cushion",),
    "dressing table": ("mirror",),
    "fruit bowl": ("bowl",),
    "laptop": ("keyboard",),
    "computer": ("keyboard",),
    "loft bed": ("bed", "chest of drawers", "cushion", "desk", "table"),
    "lounge chair": ("cushion",),
    "piano": ("keyboard",),
    "sofa": ("cushion",),
    "washbasin": ("bowl",),
    "water cooler": ("bottle",),
}
"""What people see as things of their own though they are parts of a piece, in any colour."""

COLORED_INSIDE = "pair of "
"""Such names have their colour further in: "pair of black shoes"."""


def colored(color: str, category: str) -> str:
    """Return a category with a colour word where English has it."""
    if category.startswith(COLORED_INSIDE):
        return f"{COLORED_INSIDE}{color} {category.removeprefix(COLORED_INSIDE)}"
    return f"{color} {category}"


def color_and_noun(name: str) -> tuple[str, str]:
    """Split a name: "red armchair" -> ("red", "armchair"); "armchair" -> ("", "armchair")."""
    head = COLORED_INSIDE if name.startswith(COLORED_INSIDE) else ""
    first, _, rest = name.removeprefix(head).partition(" ")
    return (first, head + rest) if rest and first in COLOR_WORDS else ("", name)


@cache
def words_for(category: str) -> frozenset[str]:
    """Return every word by which people might call a category: itself, its last word, synonyms."""
    words = {category, category.split()[-1]} if " of " not in category else {category}
    return frozenset(words.union(ALSO_CALLED.get(category, ())))


def name_pieces(pieces: Sequence[Piece]) -> tuple[str, ...]:
    """Return a name for each piece; equal names mean that no honest words tell them apart."""
    words = [words_for(piece.category) for piece in pieces]
    names = []
    for index, piece in enumerate(pieces):
        has_rival = any(
            piece.category in words[other] for other in range(len(pieces)) if other != index
        )
        needs_color = has_rival and piece.color_word
        names.append(colored(piece.color_word, piece.category) if needs_color else piece.category)
    return tuple(names)
