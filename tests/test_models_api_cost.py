"""Money: estimates cost nothing, limits are not passed, and nothing that was spent is forgotten."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from api_questions import PROVIDERS, Make, Questions, kinds, maker
from fault_server import ANY, INPUT_TOKENS, OUTPUT_TOKENS, FaultServer, running

from sat_tasks.models.journal import Journal

# A dollar per thousand tokens, so that an answer costs 12 cents.
INPUT_USD, OUTPUT_USD = 1000.0, 1000.0
ANSWER_USD = (INPUT_TOKENS * INPUT_USD + OUTPUT_TOKENS * OUTPUT_USD) / 1e6


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with running(FaultServer()) as server:
        yield server


@pytest.fixture(params=PROVIDERS)
def make(
    request: pytest.FixtureRequest,
    server: FaultServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Make:
    return maker(request.param, server, tmp_path, monkeypatch)


@pytest.fixture
def prices(tmp_path: Path) -> str:
    table = tmp_path / "prices.csv"
    table.write_text(
        "model,input_usd,output_usd,picture_tokens,as_of\n"
        f"served,{INPUT_USD},{OUTPUT_USD},fixed:20,2026-01\n"
    )
    return str(table)


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def spent_usd(journal: Path) -> float:
    with Journal(journal) as opened:
        return opened.cost_usd


def test_an_estimate_asks_nothing_and_leaves_no_result(
    make: Make, server: FaultServer, prices: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        Questions(10).ask(make(estimate=True, prices=prices))
    assert stop.value.code == 0
    assert server.served == []
    line = capsys.readouterr().out
    assert line.startswith("10 requests, 0 of them answered in the journal")
    assert "at most 160 output tokens" in line
    assert "(prices of 2026-01)" in line


def test_an_estimate_knows_what_is_answered_and_is_not_too_low(
    make: Make, prices: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Questions(4).ask(make(prices=prices))
    with pytest.raises(SystemExit):
        Questions(10).ask(make(estimate=True, prices=prices))
    line = capsys.readouterr().out
    assert line.startswith("10 requests, 4 of them answered in the journal")
    assert "at most 96 output tokens" in line
    tokens = int(line.split("about ")[1].split(" input")[0].replace(",", ""))
    words_per_question = 22
    assert 6 * (40 + words_per_question) < tokens < 6 * (40 + 3 * words_per_question)


def test_an_estimate_knows_samples_that_are_answered(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    questions = Questions(3, {"max_new_tokens": 16, "temperature": 1.0, "do_sample": True})
    questions.ask(make())
    with pytest.raises(SystemExit):
        questions.ask(make(estimate=True))
    assert capsys.readouterr().out.startswith("3 requests, 3 of them answered in the journal")


def test_an_estimate_without_a_price_says_so(
    make: Make, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        Questions(1).ask(make(estimate=True))
    assert "no price is known for this model" in capsys.readouterr().out


def test_every_answer_carries_its_cost(make: Make, prices: str, journal: Path) -> None:
    Questions(5).ask(make(prices=prices))
    costs = [json.loads(line)["cost_usd"] for line in journal.read_text().splitlines()[1:]]
    assert costs == [pytest.approx(ANSWER_USD)] * 5
    assert spent_usd(journal) == pytest.approx(5 * ANSWER_USD)


def test_the_run_stops_before_max_cost_is_passed_and_goes_on_when_it_is_raised(
    make: Make, server: FaultServer, prices: str, journal: Path
) -> None:
    limit_usd = 10.5 * ANSWER_USD
    with pytest.raises(SystemExit, match="could pass max_cost=") as stop:
        Questions(30).ask(make(prices=prices, max_cost=limit_usd))
    assert "the same command goes on" in str(stop.value.code)
    first_usd = spent_usd(journal)
    assert 6 * ANSWER_USD < first_usd <= limit_usd
    with pytest.raises(SystemExit, match="could pass max_cost="):
        Questions(30).ask(make(prices=prices, max_cost=limit_usd))
    assert spent_usd(journal) == first_usd
    assert kinds(Questions(30).ask(make(prices=prices, max_cost=99))) == ["answered"] * 30
    assert sum(server.count().values()) == 30


def test_a_limit_that_is_not_reached_changes_nothing(make: Make, prices: str) -> None:
    replies = Questions(20).ask(make(prices=prices, max_cost=1000))
    assert kinds(replies) == ["answered"] * 20


@pytest.mark.parametrize("fault", ["hang", "truncated", "cut_json", "empty"])
def test_an_answer_that_got_lost_is_counted_as_paid(
    make: Make, server: FaultServer, prices: str, journal: Path, fault: str
) -> None:
    server.behaviour.plan = {"0": [fault]}
    Questions(1).ask(make(prices=prices, timeout=2))
    assert spent_usd(journal) > 1.5 * ANSWER_USD


@pytest.mark.parametrize("fault", ["429", "500", "503"])
def test_an_error_is_not_counted_as_paid(
    make: Make, server: FaultServer, prices: str, journal: Path, fault: str
) -> None:
    server.behaviour.plan = {"0": [fault]}
    Questions(1).ask(make(prices=prices))
    assert spent_usd(journal) == pytest.approx(ANSWER_USD)


def test_lost_answers_count_against_max_cost(
    make: Make, server: FaultServer, prices: str, journal: Path
) -> None:
    server.behaviour.plan = {ANY: ["truncated"] * 99}
    limit_usd = 3 * ANSWER_USD
    with pytest.raises(SystemExit, match="could pass max_cost="):
        Questions(5).ask(make(prices=prices, max_cost=limit_usd, attempts=99, max_failed=1))
    assert 1 <= len(server.served) <= 5


def test_without_token_counts_the_estimate_is_the_cost(
    make: Make, server: FaultServer, prices: str, journal: Path
) -> None:
    server.behaviour.plan = {"0": ["no_usage"]}
    Questions(1).ask(make(prices=prices))
    (line,) = journal.read_text().splitlines()[1:]
    assert json.loads(line)["usage"] is None
    assert json.loads(line)["cost_usd"] > 0.5 * ANSWER_USD
