"""Which small things, pictures and extras go where; what no table names may go anywhere."""

from __future__ import annotations

TABLE_THINGS = (
    "mug", "bowl", "book", "vase", "bottle", "fruit bowl", "cup", "teapot", "candle", "plate",
    "vase of flowers", "wine bottle", "beer bottle", "newspaper", "jug", "chessboard",
)  # fmt: skip
DESK_THINGS = (
    "book", "mug", "pen holder", "phone", "cup", "roll of tape", "letter tray", "calendar",
    "stapler", "photo frame", "pair of scissors", "camera", "pair of headphones",
)  # fmt: skip
SHELF_THINGS = (
    "vase", "book", "clock", "radio", "potted plant", "box", "teddy bear", "photo frame", "camera",
    "deer figurine", "bonsai tree", "orchid", "cactus", "speaker", "hat", "jar", "helmet",
    "toy plane", "toy car", "aquarium", "vase of flowers", "lantern", "table lamp", "stereo",
)  # fmt: skip
KITCHEN_THINGS = (
    "toaster", "coffee machine", "microwave", "kettle", "bowl", "bottle", "knife block", "blender",
    "mug", "cooking pot", "mixer", "kitchen scale", "bread box", "toaster oven",
    "paper towel roll", "cutting board", "spice rack", "rice cooker", "juicer", "utensil holder",
    "coffee pot", "French press", "soap dispenser", "tray", "sandwich maker", "deep fryer",
    "baby bottle",
)  # fmt: skip
MEDIA_THINGS = ("DVD player", "game console", "remote control", "game controller", "keyboard")
TOOLS = ("projector", "printer", "laptop", "flashlight", "drill", "pair of sunglasses")
BATH_THINGS = ("bottle", "box", "vase", "towel", "soap dispenser", "potted plant")
FOOD = (
    "bread", "hamburger", "roast chicken", "cupcake", "salad bowl", "birthday cake", "steak",
    "hot dog", "milk carton", "sugar bowl", "salt shaker",
)  # fmt: skip
BED_THINGS = ("teddy bear", "cushion", "book", "handbag", "hat", "doll", "pile of clothes", "cap")
LEISURE = (
    "foosball table", "exercise bike", "pinball machine", "Christmas tree", "folding screen",
    "wood stove", "treadmill", "punching bag", "guitar", "pool table", "weight bench",
)  # fmt: skip

FLOOR_THINGS = {
    "living room": ("ball", "box", "teddy bear", "basketball", "backpack", "basket", "toy train",
                    "soccer ball", "gift box", "cushion", "rocking horse", "pile of logs",
                    "tennis racket", "barrel"),
    "bedroom": ("ball", "box", "teddy bear", "suitcase", "pair of slippers", "pair of sneakers",
                "backpack", "handbag", "crate", "doll", "pair of shoes", "pair of boots",
                "cushion", "dollhouse", "toy train"),
    "kitchen": ("box", "trash can", "crate", "cardboard box", "basket", "fire extinguisher",
                "ball", "storage bin"),
    "bathroom": ("trash can", "pair of slippers", "laundry basket", "box", "wash tub", "potty"),
    "office": ("box", "trash can", "briefcase", "cardboard box", "backpack", "ball", "fan",
               "storage bin", "fire extinguisher", "crate"),
}  # fmt: skip
"""Movable things on the floor, by kind of room."""

FLOOR_ONLY = frozenset(
    {
        "ball", "barrel", "basketball", "briefcase", "cardboard box", "crate", "fire extinguisher",
        "laundry basket", "pair of boots", "pair of shoes", "pair of slippers", "pair of sneakers",
        "pile of logs", "potty", "rocking horse", "soccer ball", "storage bin", "suitcase",
        "tennis racket", "trash can", "wash tub", "dollhouse",
    }
)  # fmt: skip
"""Movable things that do not stand on furniture."""

WALL_THINGS = {
    "living room": ("picture", "picture", "picture", "wall clock", "cuckoo clock"),
    "bedroom": ("picture", "picture", "picture", "coat rack", "television"),
    "kitchen": ("wall clock", "picture", "knife rack"),
    "bathroom": ("towel", "towel rack", "mirror", "toilet paper holder", "toilet brush"),
    "office": ("picture", "wall clock", "picture", "coat rack", "air conditioner", "dartboard"),
}  # fmt: skip

LISTED = frozenset(
    {
        *TABLE_THINGS, *DESK_THINGS, *SHELF_THINGS, *KITCHEN_THINGS, *BATH_THINGS, *FOOD,
        *MEDIA_THINGS, *TOOLS,
        *BED_THINGS, *(thing for things in FLOOR_THINGS.values() for thing in things),
    }
)  # fmt: skip
"""Categories with a place; others that move may stand anywhere they fit."""

MOST_ON_TOP_M = (0.5, 0.55)
"""Largest width or depth, and height, of things that are put on furniture unasked."""
LEAST_ON_FLOOR_M = 0.18
"""Smaller things get lost on the floor."""
