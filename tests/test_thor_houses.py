"""House files and scene names as sources of scenes."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from generation.cli import main
from generation.engines.thor.houses import HouseFile, open_houses
from generation.scene import EngineError, SceneKey

POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 60129542\n"


def house(name: str) -> dict[str, object]:
    return {"rooms": [{"id": "room|0", "roomType": "Kitchen"}], "objects": [], "name": name}


def lines(*houses: object) -> bytes:
    return b"".join(json.dumps(item).encode() + b"\n" for item in houses)


def key(index: int, split: str = "train") -> SceneKey:
    return SceneKey(split, index, 0)


def name_of(path: Path, index: int) -> object:
    scene = open_houses(str(path)).house(key(index)).scene
    assert isinstance(scene, dict)
    return scene["name"]


@pytest.mark.parametrize("name", ["train.jsonl.gz", "train.jsonl", "houses.json", "houses.json.gz"])
def test_houses_are_read_from_every_format(tmp_path: Path, name: str) -> None:
    houses = [house("a"), house("b")]
    text = lines(*houses) if "jsonl" in name else json.dumps(houses).encode()
    path = tmp_path / name
    path.write_bytes(gzip.compress(text) if name.endswith("gz") else text)
    assert [name_of(path, 0), name_of(path, 1)] == ["a", "b"]


def test_a_single_house_is_a_source_of_one(tmp_path: Path) -> None:
    path = tmp_path / "house.json"
    path.write_text(json.dumps(house("only")))
    assert name_of(path, 0) == "only"
    with pytest.raises(EngineError, match=r"house\.json holds 1 houses, no number 1"):
        open_houses(str(path)).house(key(1))


def test_houses_can_be_read_in_any_order(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(lines(*(house(str(number)) for number in range(20))))
    source = HouseFile(path)
    for index in (3, 4, 17, 0, 19, 19, 2):
        scene = source.house(key(index)).scene
        assert isinstance(scene, dict)
        assert scene["name"] == str(index)


def test_the_facts_name_the_house_and_no_folder(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(lines(house("a")))
    facts = open_houses(str(path)).house(key(0)).facts
    assert facts == {"houses": "train.jsonl", "house": 0}


@pytest.mark.parametrize("name", ["train.jsonl.gz", "train.jsonl", "house.json"])
def test_a_git_lfs_pointer_is_explained(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(POINTER)
    with pytest.raises(EngineError, match=r"git-lfs pointer.*`git lfs pull`"):
        open_houses(str(path))


def test_a_cut_off_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl.gz"
    path.write_bytes(gzip.compress(lines(house("a" * 5000)))[:60])
    with pytest.raises(EngineError, match="damaged"):
        open_houses(str(path))
    path.write_bytes(b"<html>not found</html>")
    with pytest.raises(EngineError, match="damaged"):
        open_houses(str(path))


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(b"\n")
    with pytest.raises(EngineError, match=r"train\.jsonl holds no house"):
        open_houses(str(path))


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"rooms": [\n', "house 1 of train.jsonl is not JSON"),
        (b"[1, 2]\n", "is not a ProcTHOR house: it needs rooms and objects"),
        (b'{"rooms": [], "objects": []}\n', "is not a ProcTHOR house"),
        (b'{"rooms": [{}], "objects": ["bed"]}\n', "has objects without an id"),
    ],
)
def test_a_bad_line_costs_one_house(tmp_path: Path, line: bytes, message: str) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(lines(house("a")) + line + lines(house("c")))
    source = open_houses(str(path))
    with pytest.raises(EngineError, match=message):
        source.house(key(1))
    assert source.house(key(2)).facts["house"] == 2


def test_the_splits_of_named_files_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "train.jsonl"
    path.write_bytes(lines(house("a")))
    with pytest.raises(EngineError, match="holds train houses, asked for split test"):
        open_houses(str(path)).house(key(0, "test"))
    other = path.rename(tmp_path / "mine.jsonl")
    assert open_houses(str(other)).house(key(0, "test")).facts["house"] == 0


@pytest.mark.parametrize("text", ["procedural", "missing.jsonl.gz", "houses.txt", "FloorPlan1,b"])
def test_what_is_no_house_is_refused_with_what_is(tmp_path: Path, text: str) -> None:
    (tmp_path / "houses.txt").write_text("x")
    with pytest.raises(EngineError, match=r"cannot read houses .*FILE\.jsonl\.gz.*FloorPlan1"):
        open_houses(str(tmp_path / text) if "houses" in text else text)


def test_scene_names_are_taken_in_order() -> None:
    source = open_houses("FloorPlan1, FloorPlan_Train1_2")
    assert source.house(key(1, "test")).scene == "FloorPlan_Train1_2"
    with pytest.raises(EngineError, match="there are 2 test scenes, no number 2"):
        source.house(key(2, "test"))


def test_ithor_is_split_by_room_number_and_shares_no_scene() -> None:
    source = open_houses("ithor")
    sizes = {"train": 80, "val": 20, "test": 20}
    names = [
        str(source.house(key(index, split)).scene)
        for split, size in sizes.items()
        for index in range(size)
    ]
    assert len(set(names)) == 120
    assert names[:4] == ["FloorPlan1", "FloorPlan201", "FloorPlan301", "FloorPlan401"]
    assert names[-1] == "FloorPlan430"
    with pytest.raises(EngineError, match="there are 20 test scenes"):
        source.house(key(20, "test"))


@pytest.mark.parametrize(
    ("houses", "message"),
    [
        ("procedural", "engine thor cannot read houses 'procedural'; it takes a houses file"),
        ("missing.jsonl.gz", "cannot read houses 'missing.jsonl.gz'"),
        ("POINTER", "train.jsonl.gz is a git-lfs pointer"),
    ],
)
def test_the_command_refuses_bad_houses_before_it_writes_anything(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], houses: str, message: str
) -> None:
    (tmp_path / "train.jsonl.gz").write_bytes(POINTER)
    houses = houses.replace("POINTER", str(tmp_path / "train.jsonl.gz"))
    command = ["run", "--out", str(tmp_path / "out"), "--engine", "thor", "--houses", houses]
    assert main(command) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()
