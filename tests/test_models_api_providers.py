"""What each vendor's protocol asks for: parameters, addresses, and replies of every shape."""

from __future__ import annotations

import asyncio
import copy
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from api_questions import OPTIONS, Questions, kinds
from fault_server import FaultServer, google_reply, openai_reply, running

from sat_tasks.models.api_calls import CallError, Reply
from sat_tasks.models.api_settings import ApiSettings
from sat_tasks.models.chat import ChatRequest, build_request
from sat_tasks.models.google_api import GoogleApi, GoogleProvider, GoogleSettings
from sat_tasks.models.openai_api import OpenAIApi, OpenAIProvider, OpenAISettings
from sat_tasks.replies import FAILED, REFUSED, read_no_reply


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with running(FaultServer()) as server:
        yield server


@pytest.fixture
def journal(tmp_path: Path) -> str:
    return str(tmp_path / "journal.jsonl")


def openai_body(server: FaultServer, journal: str, **arguments: Any) -> dict[str, Any]:
    """Return the body of the request that openai_api sends for one question."""
    arguments = {"model": "served", "base_url": f"{server.url}/v1"} | arguments
    Questions(1).ask(OpenAIApi(journal=journal, **arguments))
    return server.served[-1].body


def google_config(server: FaultServer, journal: str, **arguments: Any) -> dict[str, Any]:
    """Return the generation config that google_api sends for one question."""
    arguments = {"model": "gemini-2.0-flash"} | arguments
    Questions(1).ask(GoogleApi(journal=journal, base_url=server.url, **arguments))
    config: dict[str, Any] = server.served[-1].body["generationConfig"]
    return config


def sent(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name not in ("messages", "model")}


@pytest.mark.parametrize(
    ("model", "reasons"),
    [
        ("gpt-4o", False),
        ("gpt-4.1-mini", False),
        ("gpt-5-chat-latest", False),
        ("llava-v1.5-o1-7b", False),
        ("o1", True),
        ("o3", True),
        ("o4-mini-2025-04-16", True),
        ("gpt-5", True),
        ("gpt-5.1-mini", True),
        ("gpt-10", True),
    ],
)
def test_reasoning_models_get_room_to_think_and_no_temperature(
    server: FaultServer, journal: str, model: str, reasons: bool
) -> None:
    body = sent(openai_body(server, journal, model=model))
    if reasons:
        assert body == {"max_completion_tokens": 16 + 16384}
    else:
        assert body == {"max_tokens": 16, "temperature": 0.0}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"model": "o3", "temperature": 1}, {"max_completion_tokens": 16400, "temperature": 1.0}),
        ({"model": "o3", "thinking_room": 100}, {"max_completion_tokens": 116}),
        (
            {"model": "o3", "reasoning_effort": "low"},
            {"max_completion_tokens": 16400, "reasoning_effort": "low"},
        ),
        ({"model": "o3", "reasoning": False}, {"max_tokens": 16, "temperature": 0.0}),
        ({"model": "mine", "reasoning": True}, {"max_completion_tokens": 16400}),
        ({"model": "mine", "temperature": "server"}, {"max_tokens": 16}),
        ({"model": "mine", "temperature": 0.7}, {"max_tokens": 16, "temperature": 0.7}),
    ],
)
def test_what_the_user_says_overrides_the_name(
    server: FaultServer, journal: str, arguments: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert sent(openai_body(server, journal, **arguments)) == expected


def test_a_parameter_that_is_refused_is_dropped_once_for_the_whole_run(
    server: FaultServer, journal: str
) -> None:
    server.behaviour.refuses = ("temperature", "max_tokens")
    model = OpenAIApi(
        model="my-deployment", base_url=f"{server.url}/v1", journal=journal, max_concurrent=1
    )
    assert None not in [read_no_reply(reply) or "answer" for reply in Questions(5).ask(model)]
    assert sum(server.count().values()) == 5
    assert len(server.served) == 7
    assert sent(server.served[-1].body) == {"max_completion_tokens": 16}


@pytest.mark.parametrize("refused", [("temperature",), ("max_tokens",), ("temperature", "top_p")])
def test_requests_that_meet_a_refusal_at_the_same_time_all_go_on(
    server: FaultServer, journal: str, refused: tuple[str, ...]
) -> None:
    server.behaviour.refuses = refused
    server.behaviour.refuses_at_once = 4
    questions = Questions(8, {**OPTIONS, "top_p": 0.9})
    model = OpenAIApi(model="mine", base_url=f"{server.url}/v1", journal=journal)
    assert kinds(questions.ask(model)) == ["answered"] * 8
    assert sum(server.count(f"refuse:{refused[0]}").values()) >= 4


def test_gemini_without_the_sampling_parameters_that_it_refuses(
    server: FaultServer, journal: str
) -> None:
    server.behaviour.refuses = ("temperature", "topP")
    server.behaviour.refuses_at_once = 4
    questions = Questions(8, {**OPTIONS, "top_p": 0.9})
    model = GoogleApi(model="mine", base_url=server.url, journal=journal)
    assert kinds(questions.ask(model)) == ["answered"] * 8
    assert server.served[-1].body["generationConfig"] == {"maxOutputTokens": 16}
    server.behaviour.refuses = ("maxOutputTokens",)
    with pytest.raises(SystemExit, match="400 Unsupported parameter: 'maxOutputTokens'"):
        google_config(server, f"{journal}-2")


def test_an_answer_of_another_model_than_asked_for_is_said(
    server: FaultServer, journal: str, capsys: pytest.CaptureFixture[str]
) -> None:
    openai_body(server, journal, model="served")
    assert "note:" not in capsys.readouterr().err
    google_config(server, f"{journal}-2", model="gemini-2.5-pro")
    note = capsys.readouterr().err.splitlines()[-1]
    assert note == "note: asked for gemini-2.5-pro, answered by served-1"


def test_a_refused_parameter_that_cannot_be_dropped_stops_the_run(
    server: FaultServer, journal: str
) -> None:
    server.behaviour.refuses = ("messages",)
    with pytest.raises(SystemExit, match="400 Unsupported parameter: 'messages'"):
        openai_body(server, journal)


def test_detail_is_sent_when_asked_for(server: FaultServer, journal: str) -> None:
    def details(body: dict[str, Any]) -> list[str | None]:
        content = body["messages"][0]["content"]
        return [p["image_url"].get("detail") for p in content if p["type"] == "image_url"]

    assert details(openai_body(server, journal)) == [None, None]
    assert details(openai_body(server, journal, detail="low")) == ["low", "low"]


def test_azure_has_its_own_path_version_and_key(
    server: FaultServer, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-key")
    openai_body(server, journal, model="my-deployment", base_url=None, azure_endpoint=server.url)
    served = server.served[-1]
    assert (
        served.path == "/openai/deployments/my-deployment/chat/completions?api-version=2024-10-21"
    )
    assert served.headers["api-key"] == "azure-key"


def test_an_error_of_the_content_filter_is_a_refusal(server: FaultServer, journal: str) -> None:
    server.behaviour.plan = {"0": ["400:content_filter"]}
    model = OpenAIApi(model="served", base_url=f"{server.url}/v1", journal=journal)
    found = read_no_reply(Questions(1).ask(model)[0])
    assert found is not None
    assert found.kind == REFUSED


def test_an_empty_account_stops_the_run_though_it_comes_as_429(
    server: FaultServer, journal: str
) -> None:
    server.behaviour.plan = {"0": ["429:insufficient_quota"] * 9}
    with pytest.raises(SystemExit, match="429 planned 429"):
        openai_body(server, journal)
    assert len(server.served) == 1


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, {"maxOutputTokens": 16, "temperature": 0.0}),
        ({"model": "gemini-2.5-pro"}, {"maxOutputTokens": 16400, "temperature": 0.0}),
        (
            {"model": "gemini-2.5-flash", "thinking_budget": 0},
            {"maxOutputTokens": 16, "temperature": 0.0, "thinkingConfig": {"thinking_budget": 0}},
        ),
        (
            {"model": "gemini-3.1-pro-preview", "thinking_level": "low", "thinking_room": 1000},
            {"maxOutputTokens": 1016, "thinkingConfig": {"thinking_level": "LOW"}},
        ),
        ({"model": "models/gemini-3.8-flash"}, {"maxOutputTokens": 16400}),
        (
            {"model": "gemini-4-argon", "temperature": 1},
            {"maxOutputTokens": 16400, "temperature": 1.0},
        ),
        ({"temperature": "server"}, {"maxOutputTokens": 16}),
    ],
)
def test_gemini_gets_room_to_think(
    server: FaultServer, journal: str, arguments: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert google_config(server, journal, **arguments) == expected


def test_a_system_message_goes_where_gemini_wants_it(server: FaultServer, journal: str) -> None:
    questions = Questions(1)
    turns = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "Q0: A or B?"}]},
        {"role": "assistant", "content": "A"},
        {"role": "user", "content": "Sure?"},
    ]
    questions.messages = lambda doc: turns  # type: ignore[method-assign]
    questions.ask(GoogleApi(model="m", base_url=server.url, journal=journal))
    body = server.served[-1].body
    assert body["systemInstruction"]["parts"] == [{"text": "Be brief."}]
    assert [content["role"] for content in body["contents"]] == ["user", "model", "user"]


def test_thoughts_are_not_taken_for_the_answer(server: FaultServer, journal: str) -> None:
    server.behaviour.reply = lambda text: "C"
    model = GoogleApi(model="m", base_url=server.url, journal=journal)
    assert Questions(1).ask(model) == ["C"]


def test_gemini_address_may_come_from_the_environment(
    server: FaultServer, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GOOGLE_GEMINI_BASE_URL", server.url)
    Questions(1).ask(GoogleApi(model="m", journal=journal))
    assert len(server.served) == 1


WRONG_VALUES: list[Any] = [None, "x", 1, [], {}, [None], ["x"], {"a": 1}]


def mutants(good: Any) -> Iterator[Any]:
    """Yield copies of a JSON value, each with one wrong value at one place."""
    yield from WRONG_VALUES
    places = good.items() if isinstance(good, dict) else enumerate(good)
    if not isinstance(good, dict | list):
        return
    for place, value in places:
        for wrong in mutants(value) if isinstance(value, dict | list) else WRONG_VALUES:
            mutant = copy.copy(good)
            mutant[place] = wrong
            yield mutant


def request() -> ChatRequest:
    return build_request(Questions(1).messages(0), OPTIONS)


@pytest.mark.parametrize("name", ["openai_api", "google_api"])
def test_a_reply_of_any_shape_is_an_answer_or_an_error_we_know(
    server: FaultServer, name: str
) -> None:
    if name == "openai_api":
        good, base_url = openai_reply("A", "ok"), f"{server.url}/v1"
        provider: Any = OpenAIProvider(OpenAISettings(model="m", base_url=base_url))
    else:
        good = google_reply("A", "ok")
        provider = GoogleProvider(GoogleSettings(model="m", base_url=server.url))
    bodies = [json.dumps(mutant) for mutant in mutants(good)]
    server.behaviour.plan = {"0": [f"json:{body}" for body in bodies]}

    async def ask_all() -> list[Reply | CallError]:
        outcomes: list[Reply | CallError] = []
        for _ in bodies:
            try:
                outcomes.append(await provider.ask(request()))
            except CallError as error:
                outcomes.append(error)
        await provider.close()
        return outcomes

    outcomes = asyncio.run(ask_all())
    assert len(outcomes) > 100
    answers = {outcome.text for outcome in outcomes if isinstance(outcome, Reply)}
    assert answers <= {"A", "x", "hm, B?A"}  # the last where the mark of a thought is wrong
    assert FAILED not in answers


@pytest.mark.parametrize("name", ["openai_api", "google_api"])
def test_a_missing_package_is_one_line(name: str) -> None:
    code = f"import sys; sys.modules['httpx2'] = None; import sat_tasks.models.{name}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"error: {name} needs httpx2: pip install 'sat-bench[api]'\n"


@pytest.mark.parametrize("settings", [OpenAISettings, GoogleSettings])
def test_every_argument_is_documented(settings: type[ApiSettings]) -> None:
    page = (Path(__file__).parents[1] / "docs" / "models.md").read_text(encoding="utf-8")
    assert [name for name in settings.model_fields if f"`{name}`" not in page] == []
