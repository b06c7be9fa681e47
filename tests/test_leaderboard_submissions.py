"""Submissions: good ones are scored again, bad ones refused with every reason, nothing is kept."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import lmms_results
import pytest
import sat_folder
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leaderboard import cli
from leaderboard.store import Store
from leaderboard.submissions.archive import LIMITS_BYTES, MAX_ARCHIVE_BYTES, METADATA, REPLIES
from leaderboard.submissions.replies import MAX_LINES
from leaderboard.submissions.validate import Verdict, task_tables, validate
from sat_tasks.replies import FAILED, no_reply

QUESTIONS = 54


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data") / "set"
    return sat_folder.write_folder(folder, sat_folder.rows(QUESTIONS))


@pytest.fixture(autouse=True)
def _pinned(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAT_DATA", str(data))


@pytest.fixture(scope="module")
def packed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a good submission on the static half, as an archive."""
    root = tmp_path_factory.mktemp("packed")
    lmms_results.write_run(root / "results", data, lmms_results.right_in(0.7))
    options = ["--name", "Sent in", "--access", "open", "--params", "7"]
    assert cli.main(["pack", str(root / "results"), "--out", str(root / "out"), *options]) == 0
    return next((root / "out").glob("*sat_static*.zip"))


@pytest.fixture(scope="module")
def store(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Store:
    root = tmp_path_factory.mktemp("store")
    lmms_results.write_run(root / "results", data, lmms_results.right_in(0.4, 5))
    options = ["--store", str(root / "store"), "--name", "Known"]
    assert cli.main(["add", str(root / "results"), *options]) == 0
    return Store.open(root / "store")


@pytest.fixture
def folder(packed: Path, tmp_path: Path) -> Path:
    """Return the good submission as a folder."""
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(tmp_path / "submission")
    return tmp_path / "submission"


def judge(path: Path, store: Store | None = None) -> Verdict:
    return validate(path, store)


def lines_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / REPLIES).read_text("utf-8").splitlines()]


def write_lines(folder: Path, lines: list[dict[str, Any]]) -> None:
    (folder / REPLIES).write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")


def edit_metadata(folder: Path, **changes: Any) -> None:
    content = json.loads((folder / METADATA).read_text("utf-8"))
    (folder / METADATA).write_text(json.dumps(content | changes), "utf-8")


# --- good ones


def test_every_task_file_has_a_table() -> None:
    assert {"sat_static", "sat_dynamic"} <= task_tables().keys()


def test_a_packed_run_is_accepted_and_scored_as_before(packed: Path, store: Store) -> None:
    verdict = judge(packed, store)
    assert verdict.reasons == ()
    assert verdict.row is not None
    with zipfile.ZipFile(packed) as archive:
        claimed = json.loads(archive.read(METADATA))["claimed"]
    assert verdict.row.overall.accuracy == pytest.approx(claimed, abs=1e-6)
    assert verdict.row.badge == "recomputed"
    assert verdict.row.by_type.keys() == {"relation", "depth", "distance", "count"}


def test_folder_and_archive_give_the_same_run(packed: Path, folder: Path) -> None:
    assert judge(folder).row == judge(packed).row


def test_an_accepted_submission_enters_the_store_only_when_told(
    packed: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--store", str(tmp_path / "store")]
    assert cli.main(["validate", str(packed), *options]) == 0
    assert not (tmp_path / "store").exists()
    assert cli.main(["validate", str(packed), *options, "--add"]) == 0
    assert [row.model for row in Store.open(tmp_path / "store").rows()] == ["Sent in"]
    assert "accepted: Sent in on sat_static" in capsys.readouterr().out


# --- bad ones, by what is done to a good one


def drop_question(folder: Path) -> None:
    write_lines(folder, lines_of(folder)[2:])


def invent_question(folder: Path) -> None:
    lines = lines_of(folder)
    write_lines(folder, [*lines, lines[0] | {"id": "test-99999"}])


def invent_order(folder: Path) -> None:
    lines = lines_of(folder)
    write_lines(folder, [*lines, lines[0] | {"order": 7}])


def answer_twice(folder: Path) -> None:
    lines = lines_of(folder)
    write_lines(folder, [*lines, lines[0]])


def alter_question(folder: Path) -> None:
    lines = lines_of(folder)
    lines[3]["prompt_sha256"] = "0" * 64
    write_lines(folder, lines)


def inflate_claim(folder: Path) -> None:
    edit_metadata(folder, claimed=0.99)


def copy_known(folder: Path, store: Store) -> None:
    row = next(row for row in store.rows() if row.task == "sat_static")
    replies = iter(store.read_samples(row)["reply"].to_pylist())
    write_lines(folder, [line | {"reply": next(replies)} for line in lines_of(folder)])
    edit_metadata(folder, claimed=row.overall.accuracy)


def fail_calls(folder: Path) -> None:
    lines = lines_of(folder)
    lines[0]["reply"] = no_reply(FAILED, "timeout")
    write_lines(folder, lines)


def long_reply(folder: Path) -> None:
    lines = lines_of(folder)
    lines[0]["reply"] = "A" * 40_000
    write_lines(folder, lines)


def half_letter(folder: Path) -> None:
    lines = lines_of(folder)
    lines[0]["reply"] = "A \ud800"
    write_lines(folder, lines)


def not_utf8(folder: Path) -> None:
    (folder / REPLIES).write_bytes((folder / REPLIES).read_bytes().replace(b'"A"', b'"\xff"', 1))


def metadata_not_utf8(folder: Path) -> None:
    (folder / METADATA).write_bytes((folder / METADATA).read_bytes().replace(b"Sent", b"Se\xfft"))


def nan_claim(folder: Path) -> None:
    edit_metadata(folder, claimed=float("nan"))


def infinite_claim(folder: Path) -> None:
    text = (folder / METADATA).read_text()
    (folder / METADATA).write_text(text.replace('"claimed": 0', '"claimed": 1e999, "x": 0'))


def script_name(folder: Path) -> None:
    edit_metadata(folder, model="<script>alert(1)</script>")


def html_adapter(folder: Path) -> None:
    edit_metadata(folder, adapter="<b>llava</b>")


def script_link(folder: Path) -> None:
    edit_metadata(folder, url="javascript:alert(1)")


def endless_name(folder: Path) -> None:
    edit_metadata(folder, model="M" * 500)


def reversed_name(folder: Path) -> None:
    edit_metadata(folder, model="GPT\u202e-4o")


def absurd_size(folder: Path) -> None:
    edit_metadata(folder, params_b=1e12)


def negative_size(folder: Path) -> None:
    edit_metadata(folder, params_b=-7)


def no_day(folder: Path) -> None:
    edit_metadata(folder, date="2026-13-41")


def unknown_task(folder: Path) -> None:
    edit_metadata(folder, task="sat_telepathy")


def unknown_protocol(folder: Path) -> None:
    edit_metadata(folder, protocol="best_of_9")


def other_protocol(folder: Path) -> None:
    edit_metadata(folder, protocol="text_choice")


def other_data(folder: Path) -> None:
    edit_metadata(folder, data="000000000000")


def extra_field(folder: Path) -> None:
    edit_metadata(folder, command="rm -rf /")


def missing_field(folder: Path) -> None:
    content = json.loads((folder / METADATA).read_text())
    del content["protocol"]
    (folder / METADATA).write_text(json.dumps(content))


def key_twice(folder: Path) -> None:
    text = (folder / METADATA).read_text()
    (folder / METADATA).write_text(text.replace("{", '{"model": "Other",', 1))


def deep_nesting(folder: Path) -> None:
    (folder / METADATA).write_text("[" * 60_000)


def no_object(folder: Path) -> None:
    (folder / METADATA).write_text('"hello"')


def line_no_json(folder: Path) -> None:
    (folder / REPLIES).write_text((folder / REPLIES).read_text() + "import os\n")


def line_with_more(folder: Path) -> None:
    lines = lines_of(folder)
    write_lines(folder, [lines[0] | {"correct": True}, *lines[1:]])


def true_as_order(folder: Path) -> None:
    lines = lines_of(folder)
    write_lines(folder, [lines[0] | {"order": True}, *lines[1:]])


def code_file(folder: Path) -> None:
    (folder / "setup.py").write_text("print('hello')")


def nested_archive(folder: Path) -> None:
    (folder / "replies.zip").write_bytes(b"PK")


def subfolder(folder: Path) -> None:
    (folder / "more").mkdir()


def link_out(folder: Path) -> None:
    (folder / REPLIES).unlink()
    (folder / REPLIES).symlink_to("/etc/hostname")


def no_replies(folder: Path) -> None:
    (folder / REPLIES).unlink()


def huge_replies(folder: Path) -> None:
    with (folder / REPLIES).open("r+b") as file:
        file.truncate(LIMITS_BYTES[REPLIES] + 1)  # a hole: takes no room


def queue(folder: Path) -> None:
    (folder / REPLIES).unlink()
    os.mkfifo(folder / REPLIES)  # reading it would wait for ever


def endless_lines(folder: Path) -> None:
    (folder / REPLIES).write_bytes(b"\n" * (MAX_LINES + 1))


def huge_metadata(folder: Path) -> None:
    (folder / METADATA).write_text("{}" + " " * 100_000)


BAD: list[tuple[Callable[[Path], None], str]] = [
    (drop_question, "2 replies are missing, such as"),
    (invent_question, "1 replies to unknown questions, such as 'test-99999'"),
    (invent_order, "option orders that were not asked"),
    (answer_twice, "answered more than once"),
    (alter_question, "1 questions were altered"),
    (inflate_claim, "claimed 0.9900; the replies give"),
    (fail_calls, "1 calls failed"),
    (long_reply, "more than 32768 characters (line 1)"),
    (half_letter, "half a character"),
    (not_utf8, "not UTF-8"),
    (metadata_not_utf8, "submission.json: not UTF-8"),
    (nan_claim, "NaN is no number"),
    (infinite_claim, "claimed is no number from 0 to 1"),
    (script_name, "model is no plain name"),
    (html_adapter, "adapter is no plain name"),
    (script_link, "url is no https address"),
    (endless_name, "model is no plain name"),
    (reversed_name, "model is no plain name"),
    (absurd_size, "params_b is neither null nor a number"),
    (negative_size, "params_b is neither null nor a number"),
    (no_day, "date is no day such as"),
    (unknown_task, "task is none of: "),
    (unknown_protocol, "protocol is none of: circular"),
    (other_protocol, "questions were altered"),
    (other_data, "data is revision '000000000000'; the pinned one is"),
    (extra_field, "unknown field 'command'"),
    (missing_field, "'protocol' is missing"),
    (key_twice, "a key is there twice"),
    (deep_nesting, "nested too deeply"),
    (no_object, "no JSON object"),
    (line_no_json, "replies.jsonl: Expecting value"),
    (line_with_more, "exactly the fields id, order, prompt_sha256, reply (line 1)"),
    (true_as_order, "order is no int (line 1)"),
    (code_file, "'setup.py' is no file of a submission; allowed:"),
    (nested_archive, "an archive within the submission"),
    (subfolder, "no plain file"),
    (link_out, "no plain file"),
    (no_replies, "replies.jsonl is missing"),
    (huge_metadata, "at most 65536"),
    (huge_replies, "replies.jsonl has 268435457 bytes; at most 268435456"),
    (queue, "no plain file"),
    (endless_lines, "has 1000001 lines; at most 1000000"),
]


def test_there_are_twenty_kinds_and_more() -> None:
    assert len({damage for damage, _ in BAD}) == len(BAD) >= 20


@pytest.mark.parametrize(("damage", "reason"), BAD, ids=[damage.__name__ for damage, _ in BAD])
def test_a_bad_submission_is_refused_with_its_reason(
    damage: Callable[[Path], None], reason: str, folder: Path, store: Store
) -> None:
    before = snapshot(store.root)
    damage(folder)
    verdict = judge(folder, store)
    assert not verdict.accepted
    assert any(reason in given for given in verdict.reasons), verdict.reasons
    assert snapshot(store.root) == before


def test_replies_copied_from_another_row_are_refused(folder: Path, store: Store) -> None:
    assert judge(folder, store).accepted
    copy_known(folder, store)
    assert judge(folder, store).reasons == ("100% of the replies are those of 'Known'",)


def test_longer_replies_that_were_mostly_copied_are_refused(
    data: Path, tmp_path: Path, folder: Path
) -> None:
    def long_replies(doc: dict[str, Any]) -> str:
        return f"I look at the picture and think so. Answer: {lmms_results.right(doc)}"

    lmms_results.write_run(tmp_path / "results", data, long_replies)
    options = ["--store", str(tmp_path / "store"), "--name", "Chatty"]
    assert cli.main(["add", str(tmp_path / "results"), *options]) == 0
    chatty = Store.open(tmp_path / "store")
    row = next(row for row in chatty.rows() if row.task == "sat_static")
    replies = chatty.read_samples(row)["reply"].to_pylist()
    replies[0] = "Something else that I wrote by myself, I promise. Answer: A"
    lines = lines_of(folder)
    write_lines(folder, [a | {"reply": b} for a, b in zip(lines, replies, strict=True)])
    (reason,) = [r for r in judge(folder, chatty).reasons if "claimed" not in r]
    assert "replies are those of 'Chatty'" in reason


def test_all_reasons_are_listed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drop_question(folder)
    invent_question(folder)
    alter_question(folder)
    edit_metadata(folder, claimed=0.5)
    assert cli.main(["validate", str(folder)]) == 1
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("refused: ") for line in lines)


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    return {
        str(path): (path.stat().st_mtime_ns, path.read_bytes())
        for path in root.rglob("*")
        if path.is_file()
    }


# --- bad archives


def archive_of(entries: dict[str, bytes], mode: int = 0o644) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries.items():
            info = zipfile.ZipInfo(name)
            info.external_attr = mode << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return buffer.getvalue()


def lying_archive() -> bytes:
    """Return an archive whose entry is larger than its directory says."""
    content = bytearray(archive_of({METADATA: b"{}" + b" " * 900_000, REPLIES: b"{}\n"}))
    for start in (content.find(b"PK\x01\x02"),):
        content[start + 24 : start + 28] = (100).to_bytes(4, "little")
    return bytes(content)


def locked_archive() -> bytes:
    """Return an archive whose entry is marked as encrypted."""
    content = bytearray(archive_of({METADATA: b"{}", REPLIES: b"{}"}))
    start = content.find(b"PK\x01\x02")
    content[start + 8] |= 1
    return bytes(content)


def test_an_archive_that_is_too_large_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "submission.zip"
    with path.open("wb") as file:
        file.truncate(MAX_ARCHIVE_BYTES + 1)
    assert judge(path).reasons == (
        f"the archive has {MAX_ARCHIVE_BYTES + 1} bytes; at most {MAX_ARCHIVE_BYTES}",
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "no readable zip archive"),
        (b"Rar!\x1a\x07", "no readable zip archive"),
        (archive_of({"../../etc/passwd": b"x"}), "is a path"),
        (archive_of({"/etc/passwd": b"x"}), "is a path"),
        (archive_of({"C:\\evil.json": b"x"}), "is a path"),
        (archive_of({f"deep/{METADATA}": b"{}"}), "is a path"),
        (archive_of({"inner.zip": b"PK"}), "an archive within"),
        (archive_of({"run.sh": b"rm"}), "no file of a submission"),
        (archive_of({METADATA: b"/etc/passwd"}, stat.S_IFLNK | 0o777), "is a link"),
        (archive_of({METADATA: b"{}", REPLIES: b"\0" * (200 << 20)}), "decompression bomb"),
        (archive_of({METADATA: b"{}"}), "replies.jsonl is missing"),
        (lying_archive(), "Bad CRC-32"),
        (locked_archive(), "is encrypted"),
    ],
    ids=["empty", "rar", "parent", "absolute", "drive", "folder", "nested", "script", "link",
         "bomb", "half", "lying", "locked"],
)  # fmt: skip
def test_a_bad_archive_is_refused(
    content: bytes, reason: str, tmp_path: Path, store: Store
) -> None:
    before = snapshot(store.root)
    path = tmp_path / "submission.zip"
    path.write_bytes(content)
    verdict = judge(path, store)
    assert not verdict.accepted
    assert reason in " ".join(verdict.reasons)
    assert os.listdir(tmp_path) == ["submission.zip"]
    assert snapshot(store.root) == before


def test_a_link_to_a_submission_is_refused(packed: Path, tmp_path: Path) -> None:
    (tmp_path / "link.zip").symlink_to(packed)
    assert judge(tmp_path / "link.zip").reasons == ("link.zip is a link",)


def test_an_entry_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "submission.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(METADATA, "{}")
        with pytest.warns(UserWarning, match="Duplicate"):
            archive.writestr(METADATA, "{}")
    assert any("there twice" in reason for reason in judge(path).reasons)


# --- fuzzing: whatever comes, there is a verdict, and nothing is written

FUZZ = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


@FUZZ
@given(metadata=st.binary(max_size=300), replies=st.binary(max_size=500))
def test_any_bytes_get_a_verdict(metadata: bytes, replies: bytes, tmp_path: Path) -> None:
    folder = tmp_path / "fuzz"
    folder.mkdir(exist_ok=True)
    (folder / METADATA).write_bytes(metadata)
    (folder / REPLIES).write_bytes(replies)
    assert judge(folder).reasons


@FUZZ
@given(content=st.data())
def test_any_damaged_archive_gets_a_verdict(
    content: st.DataObject, packed: Path, tmp_path: Path
) -> None:
    good = bytearray(packed.read_bytes())
    for _ in range(content.draw(st.integers(1, 6))):
        good[content.draw(st.integers(0, len(good) - 1))] = content.draw(st.integers(0, 255))
    path = tmp_path / "fuzz.zip"
    path.write_bytes(good[: content.draw(st.integers(0, len(good)))])
    verdict = judge(path)
    assert verdict.accepted or verdict.reasons
    assert os.listdir(tmp_path) == ["fuzz.zip"]


@FUZZ
@given(
    field=st.sampled_from(["model", "params_b", "claimed", "task", "url", "date"]),
    value=json_values,
)
def test_any_metadata_gets_a_verdict(field: str, value: Any, packed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "fuzz"
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    edit_metadata(folder, **{field: value})
    verdict = judge(folder)
    if verdict.accepted:
        assert verdict.row is not None
        assert not set('<>"`\\') & set(verdict.row.model + verdict.row.source)


@FUZZ
@given(text=st.text(max_size=60))
def test_any_reply_is_scored_or_refused(text: str, packed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "fuzz"
    shutil.rmtree(folder, ignore_errors=True)
    with zipfile.ZipFile(packed) as archive:
        archive.extractall(folder)
    lines = lines_of(folder)
    lines[0]["reply"] = text
    write_lines(folder, lines)
    edit_metadata(folder, claimed=0.0)
    reason = judge(folder).reasons[0]
    assert "claimed" in reason or "character" in reason
