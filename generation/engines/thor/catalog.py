"""What people call AI2-THOR's object types, and which of them can be asked about."""

from __future__ import annotations

import re

NAMES: dict[str, str] = {
    "AluminumFoil": "roll of aluminium foil",
    "ArmChair": "armchair",
    "BasketBall": "basketball",
    "Bread": "loaf of bread",
    "CD": "CD",
    "Cloth": "cloth",
    "ClothesDryer": "clothes dryer",
    "CounterTop": "countertop",
    "Desktop": "desktop computer",
    "DishSponge": "sponge",
    "KeyChain": "bunch of keys",
    "Lettuce": "head of lettuce",
    "PaperTowelRoll": "paper towel roll",
    "SoapBar": "bar of soap",
    "TVStand": "TV stand",
    "TeddyBear": "teddy bear",
    "TissueBox": "tissue box",
    "ToiletPaper": "toilet paper roll",
}
"""Where splitting the type at its capitals does not give the word people use."""

PLURALS: dict[str, str] = {
    "bunch of keys": "bunches of keys",
    "bar of soap": "bars of soap",
    "head of lettuce": "heads of lettuce",
    "loaf of bread": "loaves of bread",
    "roll of aluminium foil": "rolls of aluminium foil",
    "butter knife": "butter knives",
    "knife": "knives",
    "shelf": "shelves",
    "watch": "watches",
    "box": "boxes",
    "tissue box": "tissue boxes",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "scrub brush": "scrub brushes",
    "cloth": "cloths",
}
"""Where the plural is not the word with an s."""

STRUCTURE = frozenset({"Ceiling", "Floor", "Room", "TargetCircle", "Undefined", "Wall"})
"""Never an object of the scene, whatever asset it has."""

NOT_ASKABLE = frozenset(
    {
        "BathtubBasin",
        "Blinds",
        "Curtains",
        "Doorframe",
        "Doorway",
        "HandTowelHolder",
        "LightSwitch",
        "Mirror",
        "Painting",
        "Poster",
        "RoomDecor",
        "ShowerCurtain",
        "ShowerDoor",
        "ShowerGlass",
        "ShowerHead",
        "SinkBasin",
        "StoveBurner",
        "StoveKnob",
        "TableTopDecor",
        "ToiletPaperHanger",
        "TowelHolder",
        "Window",
    }
)
"""Without a clear name or extent, or a part of something else."""

_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]*|[a-z]+|\d+")


def name_of(object_type: str) -> str:
    """Return what people call an object type: "DiningTable" is a "dining table"."""
    if object_type in NAMES:
        return NAMES[object_type]
    words = _WORDS.findall(object_type.removesuffix("Sliced").removesuffix("Cracked"))
    return " ".join(word if word.isupper() and len(word) > 1 else word.lower() for word in words)


def plural_of(name: str) -> str:
    """Return the plural of a name, or an empty string where an s is enough."""
    return PLURALS.get(name, "")


def is_askable(object_type: str) -> bool:
    """Say whether questions can name an object of this type."""
    return object_type not in NOT_ASKABLE and bool(name_of(object_type))
