"""The journal loses nothing that was appended and never takes a failure for an answer."""

from __future__ import annotations

import json
import multiprocessing
import os
import resource
import signal
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sat_tasks.console import UserError
from sat_tasks.models.journal import ANSWERED, Entry, Journal, Usage
from sat_tasks.replies import FAILED, REFUSED

ENTRY = Entry(
    key="k0",
    kind=ANSWERED,
    text="A, “left”\nbecause",
    usage=Usage(100, 2, 1),
    cost_usd=0.25,
    served_by="model-1",
    label="sat_static/0",
    at="2026-01-01T00:00:00+00:00",
)


def entry(number: int, kind: str = ANSWERED) -> Entry:
    return replace(ENTRY, key=f"k{number}", kind=kind, label=f"sat_static/{number}")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "new folder" / "journal.jsonl"


def test_what_is_appended_is_read_back_exactly(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(ENTRY)
        journal.append(replace(entry(1, REFUSED), usage=None, cost_usd=None))
    with Journal(path) as journal:
        assert len(journal) == 2
        assert journal.get("k0") == ENTRY
        assert journal.get("k1") == replace(entry(1, REFUSED), usage=None, cost_usd=None)
        assert journal.get("k2") is None


def test_a_failure_costs_but_is_not_an_answer(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(entry(0, FAILED))
        assert journal.get("k0") is None
        journal.append(entry(0))
        assert journal.get("k0") == entry(0)
    with Journal(path) as journal:
        assert journal.get("k0") == entry(0)
        assert journal.cost_usd == 0.5


def test_every_possible_torn_tail_is_cut_off_and_nothing_else(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(entry(0))
        kept = path.stat().st_size
        journal.append(entry(1))
    whole = path.read_bytes()
    for size in range(kept, len(whole)):
        path.write_bytes(whole[:size])
        with Journal(path) as journal:
            assert len(journal) == 1
            journal.append(entry(2))
        with Journal(path) as journal:
            assert [journal.get(f"k{n}") is not None for n in range(3)] == [True, False, True]


@pytest.mark.parametrize("size", [0, 1, 20])
def test_a_torn_header_is_written_again(path: Path, size: int) -> None:
    with Journal(path):
        header = path.read_bytes()
    path.write_bytes(header[:size])
    with Journal(path) as journal:
        journal.append(entry(0))
    with Journal(path) as journal:
        assert len(journal) == 1


def test_another_file_is_left_alone(path: Path) -> None:
    path.parent.mkdir()
    path.write_text("my notes\nwithout a last newline")
    with pytest.raises(UserError, match="is not a journal"):
        Journal(path)
    assert path.read_text() == "my notes\nwithout a last newline"


@pytest.mark.parametrize("line", ["{", "{}", '{"key": 1}', "[]", "null"])
def test_damage_before_the_end_is_named(path: Path, line: str) -> None:
    with Journal(path) as journal:
        journal.append(entry(0))
    path.write_bytes(path.read_bytes() + line.encode() + b"\n")
    with pytest.raises(UserError, match="line 3 is damaged"):
        Journal(path)


def test_a_folder_or_a_forbidden_place_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot open the journal"):
        Journal(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot open the journal"):
        Journal(tmp_path / "file" / "journal.jsonl")


def test_a_second_run_is_turned_away_until_the_first_ends(path: Path) -> None:
    with Journal(path) as journal:
        journal.append(entry(0))
        with pytest.raises(UserError, match="in use by another run"):
            Journal(path)
        journal.append(entry(1))
    with Journal(path) as journal:
        assert len(journal) == 2


def test_a_full_disk_stops_in_one_line_and_leaves_a_good_journal(path: Path) -> None:
    journal = Journal(path)
    journal.append(entry(0))
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 50, limits[1]))
    try:
        with pytest.raises(UserError, match="cannot write the journal"):
            journal.append(entry(1))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert journal.get("k1") is None
    journal.close()
    with Journal(path) as journal:
        assert len(journal) == 1


def append_for_ever(path: Path) -> None:
    journal = Journal(path)
    number = 0
    while True:
        journal.append(entry(number))
        number += 1


def test_a_killed_writer_loses_nothing_it_had_appended(path: Path) -> None:
    writer = multiprocessing.get_context("spawn").Process(target=append_for_ever, args=(path,))
    writer.start()
    try:
        deadline = time.monotonic() + 60
        while not path.exists() or len(path.read_bytes().splitlines()) < 20:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        seen = len(path.read_bytes().splitlines()) - 1
    finally:
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
    with Journal(path) as journal:
        assert len(journal) >= seen - 1
    for line in path.read_bytes().splitlines():
        json.loads(line)
