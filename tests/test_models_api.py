"""API models against a local server that misbehaves: the real SDKs, real HTTP, every fault.

A failure must never look like an answer, and an answer must never be asked for twice.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_questions import KEY, PROVIDERS, Make, Questions, jpeg, kinds, maker, question_text
from fault_server import ANY, FaultServer, letter_for, prompt_text, running

from sat_tasks.models.api_model import ApiModel
from sat_tasks.replies import FAILED, REFUSED, read_no_reply

PASSING_FAULTS = [
    "429",
    "429:after=0.05",
    "429:info=0.05s",
    "500",
    "502",
    "503",
    "529",
    "hang",
    "trickle",
    "reset",
    "cut_json",
    "truncated",
    "html",
    "gateway",
    "plain",
    "empty",
    "json:null",
    "json:[]",
    'json:{"error": {"message": "overloaded"}}',
]


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with running(FaultServer()) as server:
        yield server


@pytest.fixture(params=PROVIDERS)
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def make(
    provider: str, server: FaultServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Make:
    return maker(provider, server, tmp_path, monkeypatch)


def right(count: int) -> list[str]:
    """Return the answers that a faultless run gives to the first questions."""
    return [letter_for(words(number)) for number in range(count)]


def words(number: int) -> str:
    return f"Image 1:\nImage 2:\n{question_text(number)}"


def stop_of(model: ApiModel, questions: Questions) -> str:
    """Return the line with which the run stops."""
    with pytest.raises(SystemExit) as stop:
        questions.ask(model)
    message = stop.value.code
    assert isinstance(message, str)
    assert message.startswith("error: ")
    assert "\n" not in message
    return message


def test_passing_faults_change_no_answer_and_every_question_is_answered_once(
    make: Make, server: FaultServer
) -> None:
    count = 2 * len(PASSING_FAULTS)
    server.behaviour.plan = {
        str(number): [fault] * (1 + number // len(PASSING_FAULTS))
        for number, fault in enumerate(PASSING_FAULTS + PASSING_FAULTS)
    }
    assert Questions(count).ask(make(timeout=3)) == right(count)
    good = server.count() + server.count("plain")
    assert set(good) == {str(number) for number in range(count)}
    assert set(server.count().values()) == {1}


@pytest.mark.parametrize(
    ("fault", "kind", "says"),
    [
        ("500", FAILED, "500 planned 500"),
        ("hang", FAILED, "no reply within timeout=2 seconds"),
        ("trickle", FAILED, "no reply within timeout=2 seconds"),
        ("reset", FAILED, "disconnected"),
        ("cut_json", FAILED, "not a "),
        ("truncated", FAILED, "closed"),
        ("html", FAILED, "not a "),
        ("gateway", FAILED, "502 "),
        ("empty", FAILED, "empty reply"),
        ("all_thinking", FAILED, "raise thinking_room="),
        ("refusal", REFUSED, ""),
        ("filtered", REFUSED, "stopped"),
    ],
)
def test_a_lasting_fault_is_a_failure_or_refusal_and_never_an_answer(
    make: Make, server: FaultServer, fault: str, kind: str, says: str
) -> None:
    server.behaviour.plan = {"1": [fault] * 9}
    replies = Questions(3).ask(make(max_failed=0.5, attempts=2, timeout=2))
    assert [replies[0], replies[2]] == [right(3)[0], right(3)[2]]
    found = read_no_reply(replies[1])
    assert found is not None
    assert found.kind == kind
    assert says in found.reason


def test_failures_are_asked_again_and_refusals_are_not(make: Make, server: FaultServer) -> None:
    server.behaviour.plan = {"0": ["500"] * 2, "1": ["refusal"] * 2, "2": ["empty"] * 2}
    first = Questions(4).ask(make(max_failed=1, attempts=2))
    assert kinds(first) == [FAILED, REFUSED, FAILED, "answered"]
    second = Questions(4).ask(make(max_failed=1, attempts=2))
    assert kinds(second) == ["answered", REFUSED, "answered", "answered"]
    assert second[0] == right(1)[0]
    assert server.count("refusal") == {"1": 1}
    assert server.count()["3"] == 1


@pytest.mark.parametrize("status", ["400", "401", "403", "404", "422"])
def test_a_hopeless_error_stops_at_once_with_the_servers_words(
    make: Make, server: FaultServer, status: str
) -> None:
    server.behaviour.plan = {ANY: [status] * 9}
    message = stop_of(make(), Questions(40))
    assert f"{status} planned {status}" in message
    assert "0 answers are safe in" in message
    assert len(server.served) <= 4


def test_a_stopped_run_keeps_what_it_has(make: Make, server: FaultServer) -> None:
    server.behaviour.plan = {"30": ["401"]}
    message = stop_of(make(max_concurrent=1), Questions(40))
    assert "30 answers are safe in" in message
    assert Questions(40).ask(make()) == right(40)
    assert server.count() == Counter({str(number): 1 for number in range(40)})


def test_too_many_failures_stop_the_run_and_say_how_to_go_on(
    make: Make, server: FaultServer
) -> None:
    server.behaviour.plan = {str(number): ["500"] * 2 for number in range(10)}
    message = stop_of(make(attempts=2, max_failed=0.1, max_concurrent=1), Questions(20))
    assert "3 of 20 requests failed, more than max_failed=0.1 allows" in message
    assert "the same command goes on from there" in message
    server.behaviour.plan = {}
    assert Questions(20).ask(make()) == right(20)


def test_a_server_that_stays_busy_ends_the_run(make: Make, server: FaultServer) -> None:
    server.behaviour.plan = {ANY: ["429"] * 999}
    message = stop_of(make(patience=0.3), Questions(3))
    assert "stayed busy beyond patience=0.3 seconds: 429 planned" in message


@pytest.mark.parametrize("status", ["429", "500", "503"])
def test_a_wait_longer_than_patience_is_not_waited(
    make: Make, server: FaultServer, status: str
) -> None:
    server.behaviour.plan = {ANY: [f"{status}:after=7200"]}
    says = "asks to wait 7200 seconds, beyond patience=20 seconds"
    assert says in stop_of(make(), Questions(1))


@pytest.mark.parametrize("status", ["429", "500", "503"])
def test_a_wait_that_the_server_asks_for_is_waited(
    make: Make, server: FaultServer, status: str
) -> None:
    server.behaviour.plan = {"0": [f"{status}:after=0.7"]}
    start_s = time.monotonic()
    assert Questions(1).ask(make()) == right(1)
    assert 0.7 <= time.monotonic() - start_s < 10


def test_while_the_server_asks_for_a_pause_nothing_else_is_asked(
    make: Make, server: FaultServer
) -> None:
    server.behaviour.plan = {"0": ["429:after=1"]}
    server.behaviour.delay_s = 0.05
    assert Questions(12).ask(make(max_concurrent=4)) == right(12)
    (sent_away_s,) = (one.at_s for one in server.served if one.outcome != "ok")
    early = [one for one in server.served if one.at_s - sent_away_s < 0.9]
    assert len(early) <= 8, "those under way, and no more"


def test_waiting_for_a_busy_server_does_not_use_up_attempts(
    make: Make, server: FaultServer
) -> None:
    server.behaviour.plan = {"0": ["429", "503"] * 3}
    assert Questions(1).ask(make(attempts=1, max_failed=0)) == right(1)


def test_a_server_that_is_down_is_a_failure_in_one_line(make: Make, server: FaultServer) -> None:
    model = make(attempts=2)
    server.shutdown()
    server.server_close()
    assert "failed, more than max_failed" in stop_of(model, Questions(2))


def test_concurrency_adapts_to_what_the_server_takes(make: Make, server: FaultServer) -> None:
    server.behaviour.most_at_once = 3
    server.behaviour.delay_s = 0.01
    count = 80
    assert Questions(count).ask(make(max_concurrent=32)) == right(count)
    pushed_back = sum(server.count("429").values())
    assert server.count() == Counter({str(number): 1 for number in range(count)})
    assert 0 < pushed_back < count / 2


def test_more_is_asked_at_once_while_all_goes_well(make: Make, server: FaultServer) -> None:
    server.behaviour.delay_s = 0.05
    Questions(60).ask(make(max_concurrent=8))
    assert 6 <= server.most_inside <= 8


def test_original_pictures_go_out_in_their_places(
    make: Make, server: FaultServer, provider: str
) -> None:
    Questions(1, first=5).ask(make())
    pictures = [jpeg(51), jpeg(52)]
    (served,) = server.served
    assert prompt_text(served.body) == words(5)
    assert parts_of(served.body) == [
        "Image 1:",
        ("image/jpeg", pictures[0]),
        "Image 2:",
        ("image/jpeg", pictures[1]),
        question_text(5),
    ]


def parts_of(body: dict[str, Any]) -> list[str | tuple[str, bytes]]:
    """Return texts and pictures of a request in the order in which the server got them."""
    if "contents" in body:
        parts = body["contents"][0]["parts"]
        inline = [part.get("inlineData") for part in parts]
        return [
            part["text"] if data is None else (data["mime_type"], _bytes(data["data"]))
            for part, data in zip(parts, inline, strict=True)
        ]
    found: list[str | tuple[str, bytes]] = []
    for part in body["messages"][0]["content"]:
        if part["type"] == "text":
            found.append(part["text"])
        else:
            head, _, data = part["image_url"]["url"].partition(";base64,")
            found.append((head.removeprefix("data:"), _bytes(data)))
    return found


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.replace("-", "+").replace("_", "/"))


def test_pictures_shrink_only_when_asked(make: Make, server: FaultServer) -> None:
    Questions(1).ask(make(max_side=16))
    kinds_of_parts = [
        part[0] for part in parts_of(server.served[0].body) if isinstance(part, tuple)
    ]
    assert kinds_of_parts == ["image/png", "image/png"]


def test_two_runs_ask_once_and_give_the_same(make: Make, server: FaultServer) -> None:
    first = Questions(10).ask(make())
    assert Questions(10).ask(make()) == first
    assert Questions(5, first=5).ask(make()) == first[5:]
    assert len(server.served) == 10


@pytest.mark.parametrize(
    "change",
    [
        {"model": "other"},
        {"temperature": 0.5},
        {"thinking_room": 7},
        {"max_side": 16},
    ],
)
def test_what_an_answer_depends_on_is_asked_anew(
    make: Make, server: FaultServer, change: dict[str, Any]
) -> None:
    Questions(2).ask(make())
    Questions(2).ask(make(**change))
    assert len(server.served) == 4


def test_how_a_run_is_carried_out_is_not_part_of_the_question(
    make: Make, server: FaultServer
) -> None:
    Questions(2).ask(make())
    Questions(2).ask(make(max_concurrent=3, timeout=9, attempts=2, patience=1, max_failed=1))
    assert len(server.served) == 2


def test_the_same_question_twice_is_asked_once_unless_it_is_sampled(
    make: Make, server: FaultServer
) -> None:
    questions = Questions(1)
    questions.requests = lambda one=questions.requests: one() * 3  # type: ignore[method-assign]
    assert questions.ask(make()) == right(1) * 3
    assert len(server.served) == 1
    questions.options = {"max_new_tokens": 16, "temperature": 1.0, "do_sample": True}
    questions.ask(make())
    questions.ask(make())
    assert len(server.served) == 4


def test_works_inside_a_notebook(make: Make) -> None:
    async def cell() -> list[str]:
        return Questions(3).ask(make())

    assert asyncio.run(cell()) == right(3)


def test_tokens_are_reported(make: Make, server: FaultServer) -> None:
    model = make()
    questions = Questions(2)
    questions.ask(model)
    counts = [result.token_counts for result in model.generate_until(questions.requests())]
    assert [(c.input_tokens, c.output_tokens, c.reasoning_tokens) for c in counts] == [
        (100, 20, 15)
    ] * 2


def test_a_journal_in_use_stops_the_second_run_in_one_line(
    make: Make, server: FaultServer, tmp_path: Path
) -> None:
    server.behaviour.reply = lambda text: _second_run(make)
    replies = Questions(1).ask(make())
    assert "in use by another run" in replies[0]


def _second_run(make: Make) -> str:
    """Start another run while the first waits for its answer; return how that ended."""
    with pytest.raises(SystemExit) as stop:
        make()
    return str(stop.value.code)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"modle": "x"}, "unknown model_args modle; known: model, base_url,"),
        ({"model": ""}, "model_args model: String should have at least 1 character"),
        ({"timeout": "soon"}, "model_args timeout: "),
        ({"max_failed": 2}, "model_args max_failed: "),
        ({"temperature": "hot"}, "model_args temperature: "),
        ({"base_url": "localhost:8000"}, "is not an http or https address"),
        ({"base_url": "http://me:sk-x@localhost"}, "came with a user, password or query"),
        ({"base_url": "http://localhost/?key=sk-x"}, "came with a user, password or query"),
        ({"api_key": "sk-x"}, "put the key into an environment variable"),
        ({"api_key_env": "NO_SUCH_KEY"}, "set the environment variable NO_SUCH_KEY"),
        ({"max_cost": 1}, "max_cost needs the model's price"),
        ({"prices": "none.csv"}, "cannot read the price table none.csv"),
        ({"journal": "/dev/null/journal.jsonl"}, "cannot open the journal"),
    ],
)
def test_a_wrong_argument_is_one_line(make: Make, arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(SystemExit) as stop:
        make(**arguments)
    message = str(stop.value.code)
    assert message.startswith("error: ")
    assert says in message
    assert "\n" not in message
    assert "sk-x" not in message


def test_a_missing_key_is_one_line(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit, match="error: no API key: set the environment variable"):
        PROVIDERS[provider](model="m")


def test_an_estimate_needs_no_key(
    provider: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    for name in ("OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GEMINI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    journal = str(tmp_path / "journal.jsonl")
    with pytest.raises(SystemExit) as stop:
        Questions(2).ask(PROVIDERS[provider](model="m", estimate=True, journal=journal))
    assert stop.value.code == 0
    assert capsys.readouterr().out.startswith("2 requests, 0 of them answered")


def test_a_word_that_stands_for_no_key_is_not_cut_out_of_answers(
    make: Make, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setenv("GEMINI_API_KEY", "none")
    server.behaviour.reply = lambda text: "none of them moved"
    assert Questions(1).ask(make()) == ["none of them moved"]


def test_a_local_server_needs_no_key(
    make: Make, server: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY")
    monkeypatch.delenv("GEMINI_API_KEY")
    assert Questions(1).ask(make()) == right(1)


def test_videos_are_turned_down_in_one_line(make: Make) -> None:
    questions = Questions(1)
    video = [{"role": "user", "content": [{"type": "video", "url": "x.mp4"}]}]
    questions.messages = lambda doc: video  # type: ignore[method-assign]
    assert "take text and pictures; this task sends 'video'" in stop_of(make(), questions)


def test_no_key_is_ever_written_or_said(
    make: Make,
    server: FaultServer,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.DEBUG)
    server.behaviour.plan = {"0": ["500"] * 9, "1": ["refusal"], "2": ["429"], "5": ["401"]}
    server.behaviour.reply = lambda text: f"A (you sent {KEY})"
    replies = Questions(5).ask(make(attempts=2, max_failed=1))
    message = stop_of(make(attempts=2, max_failed=1), Questions(6))
    assert KEY in json.dumps([served.headers for served in server.served])
    output = capfd.readouterr()
    written = "".join(path.read_text() for path in tmp_path.rglob("*") if path.is_file())
    assert "planned 500" in written
    for text in (output.out, output.err, caplog.text, written, message, *replies):
        assert KEY not in text
