"""Every figure on every page agrees with a recomputation from the samples beside it."""

from __future__ import annotations

import csv
import html
import json
import re
from pathlib import Path

import pytest
import recount
from leaderboard_site import SmallSite, make
from recount import Run, Table, pct, same, signed

from leaderboard.published import FOLDER, TABLES


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    return make(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def runs(small: SmallSite) -> list[Run]:
    return recount.runs_of(small.site)


def test_the_recount_finds_what_is_wrong(small: SmallSite, tmp_path: Path) -> None:
    """A check that cannot fail checks nothing: one digit of a page is altered."""
    page = small.site / "index.html"
    text = page.read_text("utf-8")
    altered = re.sub(r'(<td class="s total"[^>]*><b>)(\d)', r"\g<1>1\2", text, count=1)
    assert altered != text
    copy = tmp_path / "index.html"
    copy.write_text(altered, "utf-8")
    with pytest.raises(AssertionError):
        check_index(copy, recount.runs_of(small.site))


def test_every_figure_of_the_index(small: SmallSite, runs: list[Run]) -> None:
    assert check_index(small.site / "index.html", runs) == 5 * 12 + 5 * 2 + 2


def check_index(page: Path, runs: list[Run]) -> int:
    """Check the rankings of runs on an index; return how many figures were checked."""
    text = page.read_text("utf-8")
    boards = [t for t in recount.tables_of(page) if t.board.startswith("sat--")]
    assert {protocol_of(board) for board in boards} == {run.protocol for run in runs}
    checked = 0
    for board in boards:
        own = [run for run in runs if run.protocol == protocol_of(board)]
        facts = text[text.index(f'id="{board.board}"') :]
        shown = re.search(r"minimum detectable difference: <b>([\d.]+)</b>", facts)
        assert shown
        assert shown[1] == pct(recount.detectable(own))
        checked += check_ranking(board, own, runs)
    return checked


def protocol_of(board: Table) -> str:
    return board.board.split("--")[1]


def check_ranking(board: Table, own: list[Run], runs: list[Run]) -> int:
    heads = [re.sub(r" chance [\d.]+$", "", head) for head in board.rows[0]]
    ranks = recount.ranks(own)
    order = sorted(own, key=lambda run: -recount.questions_of(run.samples)["score"].mean())
    assert len(board.rows) == len(own) + 1
    check_chances(board.rows[0], own[0])
    checked = 0
    for run, cells in zip(order, board.rows[1:], strict=True):
        shown = dict(zip(heads, cells, strict=True))
        assert shown.pop("Model").startswith(run.model)
        assert shown.pop("Rank") == ranks[run.model]
        gap = shown.pop("Blind gap", None)
        if gap is not None and gap != "–":
            assert gap == blind_gap(run, runs)
            checked += 1
        gain = shown.pop("Tuning gain", "–")
        assert (gain != "–") == any(about["tuned_from"] for about in run.about.values())
        checked += gain != "–"
        unread = shown.pop("Unread, %")
        assert unread == pct(run.samples["reading"].isna().mean())
        above = shown.pop("Above chance")
        assert same(above, pct(recount.above_chance(run.samples)))
        parts = run.parts()
        assert set(shown) == set(parts)
        for name, cell in shown.items():
            assert same(cell, recount.figure(parts[name])), (run.model, name)
        checked += 2 + len(shown)
    return checked


def check_chances(heads: list[str], run: Run) -> None:
    for head in heads:
        if match := re.fullmatch(r"(.*) chance ([\d.]+)", head):
            assert same(match[2], pct(recount.chance(run.parts()[match[1]])))


def blind_gap(run: Run, runs: list[Run]) -> str:
    (blind,) = [
        one for one in runs if (one.model, one.protocol) == (run.model, f"{run.protocol}_blind")
    ]
    asked = recount.questions_of(blind.samples), recount.questions_of(run.samples)
    mean, low, high = recount.paired(*asked)
    return f"{signed(mean)} {signed(low)} to {signed(high)}"


def test_every_figure_of_the_models_pages(small: SmallSite, runs: list[Run]) -> None:
    checked = 0
    for run in runs:
        page = page_of(small.site, run.model)
        (table,) = [
            t
            for t in recount.tables_of(page)
            if t.board.startswith(f"sat--{run.protocol}--") and "parts" in t.classes
        ]
        parts = run.parts()
        assert len(table.rows) == len(parts) + 1
        for cells in table.rows[1:]:
            name = next(name for name in parts if cells[0] == name or cells[0].startswith(name))
            assert_part(cells, parts[name])
            checked += 1
    assert checked == 5 * 12


def page_of(site: Path, model: str) -> Path:
    (page,) = [
        path
        for path in (site / "models").iterdir()
        if f"<h1>{html.escape(model)}</h1>" in path.read_text("utf-8")
    ]
    return page


def assert_part(cells: list[str], samples: object) -> None:
    questions = recount.questions_of(samples)
    low, high = recount.interval(questions)
    unread = int(samples["reading"].isna().sum())
    expected = [
        pct(questions["score"].mean()),
        f"{pct(low)}–{pct(high)}",
        f"{recount.k_of(questions['score'].sum())}/{len(questions)}",
        pct(recount.chance(samples)),
        pct(recount.above_chance(samples)),
        f"{int((questions['score'] == 1).sum())}/{len(questions)}",
        f"{unread}/{len(samples)}",
    ]
    for shown, recomputed in zip(cells[1:], [*expected, ""], strict=True):
        assert same(shown, recomputed), cells


def test_counts_by_option_order_and_position(small: SmallSite, runs: list[Run]) -> None:
    for run in runs:
        text = page_of(small.site, run.model).read_text("utf-8")
        section = text[text.index(f'id="sat--{run.protocol}--') :]
        for task, samples in run.samples.groupby("task"):
            own = section[section.index(f"Run on {task}:") :]
            place = (samples["answer"] - samples["order"]) % samples["options"]
            for label, index in (("option offered first", samples["order"]),
                                 ("right option stood", place)):  # fmt: skip
                shown = re.search(rf"<dt>{label}</dt><dd>(.*?)</dd>", own)
                assert shown
                right = samples["reading"].eq(samples["answer"]).groupby(index)
                expected = [f"({k}/{n})" for k, n in zip(right.sum(), right.size(), strict=True)]
                assert re.findall(r"\(\d+/\d+\)", shown[1]) == expected
            said = re.search(r"(\d+) right of (\d+), (\d+) not read \((\d+) of them", own)
            assert said
            correct = int(samples["reading"].eq(samples["answer"]).sum())
            unread = int(samples["reading"].isna().sum())
            assert said.groups() == tuple(str(n) for n in (correct, len(samples), unread, 0))


def test_every_figure_of_the_charts(small: SmallSite, runs: list[Run]) -> None:
    """What a chart's marks are called, and with it where they are drawn."""
    kinds = 0
    for run in runs:
        if run.protocol.endswith("_blind"):  # one model there: nothing to draw
            continue
        (folder,) = (small.site / "charts").glob(f"sat--{run.protocol}--*")
        script = (folder / "0.js").read_text("utf-8")
        content = re.fullmatch(r'satShard\("[^"]+",0,(.*)\);\n', script, re.S)
        assert content
        charts = {c["caption"]: html.unescape(c["svg"]) for c in json.loads(content[1])}
        parts = run.parts()
        words = {name: chart_words(samples) for name, samples in parts.items()}
        for caption, svg in charts.items():
            if "by question type" in caption:
                for name in parts.keys() - {"Overall", "Static", "Dynamic"}:
                    assert f'"{run.model}, {name}: {words[name]}"' in svg
            elif caption.startswith("Static against dynamic"):
                assert f'"{run.model}: {words["Static"]}; {words["Dynamic"]}"' in svg
            elif caption.startswith("Accuracy against size"):
                size = run.about["sat_static"]["params_b"]
                said = f'"{run.model}: {size:.3g}B parameters; {words["Overall"]}"' if size else ""
                assert said in svg
            else:
                assert caption.startswith("With pictures against without")
                assert f"; {chart_words(named(runs, 'Small LLaVA + SAT'))}" in svg
        kinds = max(kinds, len(charts))
    assert kinds == 4


def named(runs: list[Run], model: str) -> object:
    return next(r.samples for r in runs if (r.model, r.protocol) == (model, "circular"))


def chart_words(samples: object) -> str:
    score = recount.questions_of(samples)["score"]
    return f"{100 * score.mean():.1f}%, {score.sum():g} of {len(score)}"


def test_every_shipped_figure_is_on_the_index(small: SmallSite) -> None:
    """Reported and recomputed rows, cell by cell, from the tables that are shipped."""
    shown: dict[tuple[str, str], list[str]] = {}
    for table in recount.tables_of(small.site / "index.html"):
        for row in table.rows[1:]:
            model = re.sub(r" (reported|recomputed)( .*)?$", "", row[1])
            shown.setdefault((table.board, model), []).extend(row[2:])
    short = {row["source"]: row["short"] for row in read("sources.csv")}
    checked = 0
    for name in TABLES:
        for row in read(name):
            board = f"{row['benchmark']}--{slug(short[row['source']])}"
            cells = shown[board, row["model"]]
            if row.get("correct"):
                share = pct(int(row["correct"]) / int(row["total"]))
                ends = f" {row['correct']}/{row['total']}"
                found = [c for c in cells if c.startswith(f"{share} ") and c.endswith(ends)]
            else:
                found = [c for c in cells if c.split(" ")[0] == f"{float(row['accuracy']):.1f}"]
            assert found, (board, row)
            checked += 1
    assert checked > 380


def read(name: str) -> list[dict[str, str]]:
    with (FOLDER / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9.]+", "-", name.lower()).strip("-.")
