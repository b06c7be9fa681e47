"""The data set card counts what the records say and speaks of checks of these rows only."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from sat_folder import rows, write_folder
from tiny_house import TinyHouses

from generation import audit, variety
from generation.card import card_text, size_category, write_card
from generation.houses.house import furniture_facts
from generation.reports import VERIFY, read_report, write_report
from generation.scene import SceneKey
from generation.shard import ShardPlan, ShardRecord, write_record
from sat_tasks.data import DataSet, open_data_set


def piece(number: int, room: str = "room-0", source: str = "Sweet Home 3D") -> dict[str, str]:
    return {
        "object_id": f"object-{number}",
        "name": f"{('red', 'blue')[number % 2]} chair",
        "category": "chair",
        "room": room,
        "piece_id": f"piece-{number}",
        "creator": ("Ann", "Bob")[number % 2],
        "licence": "CC-BY 3.0",
        "source": source,
    }


HOUSES: dict[str, dict[str, Any]] = {
    "scene-0": {
        "furniture": [piece(0), piece(1), piece(2), piece(3, "room-1"), piece(9, "room-1")],
        "removed_pieces": ["object-9"],
        "rooms": [
            {"kind": "kitchen", "floor": "oak", "walls": ["white", "green"]},
            {"kind": "office", "floor": "tiles", "walls": ["white"]},
        ],
        "light": "day",
    },
    "scene-1": {
        "furniture": [piece(0), piece(4, source="procedural")],
        "rooms": [{"kind": "kitchen", "floor": "oak", "walls": ["blue"]}],
        "light": "evening",
    },
}


def record(index: int = 0, rows_: int = 40) -> ShardRecord:
    return ShardRecord(
        plan=ShardPlan("test", index, 0, 2),
        settings_digest="d",
        engine="toy",
        engine_version="1",
        rows=rows_,
        sha256="",
        counts={},
        skips={},
        houses=HOUSES,
    )


@pytest.fixture
def data(tmp_path: Path) -> DataSet:
    folder = write_folder(tmp_path / "data", rows(90))
    for index in range(3):
        write_record(folder, record(index))
    return open_data_set(folder)


def test_variety_counts_different_things_that_stand() -> None:
    found = variety.measure([record()])
    assert found == variety.Variety(
        scenes=2,
        rooms=3,
        room_kinds={"kitchen": 2, "office": 1},
        pieces=5,
        catalogue_pieces=4,
        kinds=1,
        names=2,
        objects_per_room=(1, 2.0, 3),
        floor_finishes=2,
        wall_finishes=3,
        light={"day": 1, "evening": 1},
    )
    assert ("objects in a room", "1 to 3, median 2") in found.lines()


def test_an_engine_that_tells_nothing_of_its_houses_has_no_variety() -> None:
    found = variety.measure([replace(record(), houses={"scene-0": {}})])
    assert (found.scenes, found.pieces, found.objects_per_room) == (1, 0, (0, 0.0, 0))


def test_makers_are_named_once_with_their_different_models() -> None:
    found = [(maker["creator"], maker["models"]) for maker in variety.makers([record(), record(1)])]
    assert found == [("Ann", 2), ("Ann", 1), ("Bob", 2)]


def test_furniture_facts_name_the_room_and_the_maker_of_every_piece() -> None:
    house = TinyHouses().house(SceneKey("test", 0, 0))
    facts = furniture_facts(house)
    assert [fact["object_id"] for fact in facts] == [item.object_id for item in house.pieces]
    assert {fact["room"] for fact in facts} == {room.room_id for room in house.rooms}
    assert all(fact["licence"] and fact["creator"] for fact in facts)


def test_the_header_names_the_files_of_each_split(data: DataSet) -> None:
    write_card(data)
    text = (data.folder / "README.md").read_text()
    header = yaml.safe_load(text.split("---\n")[1])
    assert header["configs"][0]["data_files"] == [{"split": "test", "path": "data/test-*.parquet"}]
    assert header["license"] == "cc-by-4.0"
    assert header["size_categories"] == ["n<1K"]


def test_the_card_tells_counts_variety_and_makers(data: DataSet) -> None:
    write_card(data)
    text = (data.folder / "README.md").read_text()
    assert "| depth | static | which of two objects is nearer to the camera | 10 |" in text
    assert "| all | | | 90 |" in text
    assert "| different pieces | 5, 4 from a catalogue |" in text
    assert "| Ann | CC-BY 3.0 | Sweet Home 3D | 2 |" in text
    assert "{{" not in text.replace("{{SAT}", "")


def test_the_card_tells_of_checks_of_these_rows_only(data: DataSet) -> None:
    write_card(data)
    text = (data.folder / "README.md").read_text()
    assert "## Proof" not in text
    assert "## Blind test" not in text

    finding = audit.Finding("depth", "position", 10, 0.5, 0.612, 0.25, 0.75, leak=False)
    audit.write_audit(data, [finding])
    write_report(data, VERIFY, {"checked": {"depth": 10}, "agreed": {"depth": 9}, "failures": []})
    write_card(data)
    text = (data.folder / "README.md").read_text()
    assert "| depth | 10 | 9 |" in text
    assert "| depth | position | 10 | 61.2% | 25.0 to 75.0 | 50.0% | no |" in text

    write_card(replace(data, revision="other rows"))
    text = (data.folder / "README.md").read_text()
    assert "## Proof" not in text
    assert "## Blind test" not in text
    assert read_report(replace(data, revision="other rows"), VERIFY) is None


def test_a_card_without_samples_is_whole(data: DataSet) -> None:
    text = card_text(data.manifest, [record()])
    assert "One question of each type" not in text
    assert text.endswith("```\n")


@pytest.mark.parametrize(
    ("count", "name"),
    [(0, "n<1K"), (999, "n<1K"), (1_000, "1K<n<10K"), (218_000, "100K<n<1M"), (10**6, "1M<n<10M")],
)
def test_sizes_have_the_hubs_names(count: int, name: str) -> None:
    assert size_category(count) == name
