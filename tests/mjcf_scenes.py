"""Small MJCF scenes, written by hand: two rooms of plain furniture in MolmoSpaces' layout."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

HEADER = """<mujoco model="{name}">
  <compiler meshdir="{name}_assets" texturedir="{name}_assets" angle="degree"/>
  <default>
    <default class="visual"><geom contype="0" conaffinity="0" group="0"/></default>
    <default class="collision"><geom group="4" rgba="1 0 1 1"/></default>
  </default>
  <asset>
    <texture name="planks" type="2d" builtin="checker" rgb1=".55 .42 .3" rgb2=".5 .38 .26"
             width="64" height="64"/>
    <material name="wood" texture="planks" texrepeat="2 2"/>
    <material name="paint" rgba=".85 .83 .78 1"/>
    <mesh name="lamp" file="lamp.obj"/>
    <mesh name="room_0" file="room_0.obj" inertia="shell"/>
  </asset>
  <worldbody>
    <geom name="floor" type="plane" size="0 0 .01" group="4"/>
"""
LAMP = [(-0.15, -0.15, 0), (0.15, -0.15, 0), (0.15, 0.15, 0), (-0.15, 0.15, 0), (0, 0, 0.55)]
LAMP_FACES = [(1, 3, 2), (1, 4, 3), (1, 2, 5), (2, 3, 5), (3, 4, 5), (4, 1, 5)]
ROOM = [(-4, -2.5, 0), (0, -2.5, 0), (0, 2.5, 0), (-4, 2.5, 0)]
ROOM_FACES = [(1, 2, 3), (1, 3, 4)]
HIGH_M = 2.6
WALLS = {
    "wall_0_0": (0, 2.55, 4.1, 0.05),
    "wall_0_1": (0, -2.55, 4.1, 0.05),
    "wall_0_2": (-4.05, 0, 0.05, 2.5),
    "wall_1_3": (4.05, 0, 0.05, 2.5),
    "wall_1_4": (0, 1.5, 0.05, 1.0),
    "wall_1_5": (0, -1.5, 0.05, 1.0),
}
Boxes = list[tuple[str, str]]
"""Position and half size of each."""
FURNITURE: dict[str, tuple[str, float, float, float, tuple[float, float, float], Boxes]] = {
    "diningtable_a1_0": ("DiningTable", -2, 0.2, 20, (0.45, 0.3, 0.2), [
        ("0 0 .73", ".6 .4 .02"), ("-.5 -.3 .36", ".04 .04 .36"), (".5 -.3 .36", ".04 .04 .36"),
        ("-.5 .3 .36", ".04 .04 .36"), (".5 .3 .36", ".04 .04 .36")]),
    "chair_b2_0": ("Chair", -2, -1.1, 0, (0.75, 0.15, 0.1), [
        ("0 0 .43", ".22 .22 .03"), ("0 .2 .7", ".22 .02 .25"), ("0 0 .2", ".05 .05 .2")]),
    "chair_b2_1": ("Chair", -3.2, 0.6, 90, (0.1, 0.35, 0.75), [
        ("0 0 .43", ".22 .22 .03"), ("0 .2 .7", ".22 .02 .25"), ("0 0 .2", ".05 .05 .2")]),
    "fridge_c3_0": ("Fridge", -3.6, -2.1, 0, (0.9, 0.9, 0.9), [("0 0 .85", ".33 .33 .85")]),
    "bookshelf_d4_0": ("Bookcase", -2.2, 2.3, 0, (0.3, 0.5, 0.25), [
        ("0 0 .9", ".45 .15 .9")]),
    "sofa_e5_0": ("Sofa", 3.4, 0, 0, (0.2, 0.3, 0.7), [
        ("0 0 .2", ".4 .95 .2"), (".3 0 .6", ".1 .95 .25")]),
    "tvstand_f6_0": ("TVStand", 0.5, -1.6, 0, (0.12, 0.12, 0.12), [("0 0 .25", ".22 .6 .25")]),
    "bed_g7_0": ("Bed", 2.2, 1.7, 0, (0.8, 0.75, 0.65), [
        ("0 0 .25", ".95 .7 .25"), ("-.9 0 .6", ".05 .7 .3")]),
    "sidetable_h8_0": ("SideTable", 2.2, -2.1, 0, (0.5, 0.33, 0.18), [
        ("0 0 .5", ".3 .3 .02"), ("0 0 .24", ".05 .05 .24"), ("0 0 .01", ".2 .2 .01")]),
}  # fmt: skip
SMALL: dict[str, tuple[str, float, float, float, str, tuple[float, float, float]]] = {
    "vase_i9_0": ("Vase", -2.2, 0.25, 0.88, 'type="cylinder" size=".08 .13"', (0.8, 0.1, 0.5)),
    "box_j1_0": ("Box", 1.4, -0.6, 0.18, 'type="box" size=".22 .16 .18"', (0.7, 0.5, 0.1)),
    "basketball_k2_0": (
        "BasketBall", -1.0, -1.5, 0.13, 'type="box" size=".12 .12 .13"', (0.9, 0.45, 0.1)),
    "garbagecan_l3_0": (
        "GarbageCan", 1.2, 0.6, 0.22, 'type="cylinder" size=".15 .22"', (0.2, 0.6, 0.3)),
    "suitcase_m4_0": ("Suitcase", -0.8, 1.6, 0.3, 'type="box" size=".25 .12 .3"', (0.6, 0.1, 0.1)),
}  # fmt: skip


def write_scene(folder: Path, name: str, shift_m: float = 0.0, without: Iterable[str] = ()) -> Path:
    """Write a scene with its meshes and metadata, and return its file."""
    assets = folder / f"{name}_assets"
    assets.mkdir(parents=True, exist_ok=True)
    _write_obj(assets / "lamp.obj", LAMP, LAMP_FACES)
    _write_obj(assets / "room_0.obj", ROOM, ROOM_FACES)
    bodies = [_room(), *(_wall(wall, *where) for wall, where in WALLS.items())]
    objects = {"room_0": _record("Kitchen", static=True, enum="room")}
    for key, (category, x, y, turn, rgb, boxes) in FURNITURE.items():
        if category not in without:
            bodies.append(_furniture(key, x, y + shift_m, turn, rgb, boxes))
            objects[key] = _record(category, static=True)
    for key, (category, x, y, z, geom, rgb) in SMALL.items():
        bodies.append(_small(key, x + shift_m, y, z, geom, rgb))
        objects[key] = _record(category, static=False)
    bodies.append(_lamp(shift_m))
    objects["floorlamp_n5_0"] = _record("DeskLamp", static=False)
    path = folder / f"{name}.xml"
    end = "  </worldbody>\n</mujoco>\n"
    path.write_text(HEADER.format(name=name) + "".join(bodies) + end, encoding="utf-8")
    (folder / f"{name}_metadata.json").write_text(json.dumps({"objects": objects}))
    return path


def _record(category: str, *, static: bool, enum: str = "thor_obj") -> dict[str, object]:
    return {
        "asset_id": f"{category}_1",
        "category": category,
        "object_enum": enum,
        "is_static": static,
    }


def _room() -> str:
    mesh = '<geom class="visual" type="mesh" mesh="room_0" material="wood"/>'
    box = '<geom type="box" pos="2 0 -.02" size="2 2.5 .02" material="wood"/>'
    return f'    <body name="room_0">{mesh}</body>\n    <body name="room_1">{box}</body>\n'


def _wall(name: str, x: float, y: float, half_x: float, half_y: float) -> str:
    box = f'type="box" pos="{x} {y} {HIGH_M / 2}" size="{half_x} {half_y} {HIGH_M / 2}"'
    return (
        f'    <body name="{name}"><geom class="visual" {box} material="paint"/>'
        f'<geom class="collision" {box}/></body>\n'
    )


def _furniture(
    name: str, x: float, y: float, turn_deg: float, rgb: tuple[float, float, float], boxes: Boxes
) -> str:
    color = "{} {} {} 1".format(*rgb)
    geoms = "".join(
        f'<geom class="{kind}" type="box" pos="{center}" size="{half}"{look}/>'
        for center, half in boxes
        for kind, look in (("visual", f' rgba="{color}"'), ("collision", ""))
    )
    return f'    <body name="{name}" pos="{x} {y} 0" euler="0 0 {turn_deg}">{geoms}</body>\n'


def _small(
    name: str, x: float, y: float, z: float, geom: str, rgb: tuple[float, float, float]
) -> str:
    color = "{} {} {} 1".format(*rgb)
    return (
        f'    <body name="{name}" pos="{x} {y} {z}"><freejoint/>'
        f'<geom {geom} rgba="{color}" density="200"/></body>\n'
    )


def _lamp(shift_m: float) -> str:
    return (
        f'    <body name="floorlamp_n5_0" pos="2.2 {-2.1 + shift_m} .52"><freejoint/>'
        '<geom class="visual" type="mesh" mesh="lamp" rgba=".95 .9 .3 1" mass="1"/>'
        '<geom class="collision" type="box" pos="0 0 .27" size=".14 .14 .27"/></body>\n'
    )


def _write_obj(
    path: Path, corners: list[tuple[float, float, float]], faces: list[tuple[int, ...]]
) -> None:
    lines = [f"v {x} {y} {z}" for x, y, z in corners]
    lines += ["f " + " ".join(str(number) for number in face) for face in faces]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
