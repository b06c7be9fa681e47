"""The built site: its figures agree with its samples, it is whole, and it needs no network."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import lmms_results
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from leaderboard_site import NASTY, SmallSite, make
from scipy.stats import binomtest

from leaderboard import cli
from leaderboard.assets import as_script
from leaderboard.results import slug
from leaderboard.run_boards import suite_of
from leaderboard.store import Store
from sat_tasks.stats import clustered_wilson


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    return make(tmp_path_factory.mktemp("site"))


def pages(small: SmallSite) -> list[Path]:
    return sorted(small.site.rglob("*.html"))


def test_every_figure_agrees_with_a_recomputation_from_the_samples(small: SmallSite) -> None:
    """From the parquet files that lie on the site, with pandas only."""
    table = pd.read_csv(small.site / "data" / "leaderboard.csv")
    table = table[table["badge"] == "reproduced"]
    frames = []
    for path in sorted((small.site / "data" / "runs").glob("*.json")):
        run = json.loads(path.read_text())
        samples = pq.read_table(path.with_suffix(".parquet")).to_pandas()
        samples = samples.assign(model=run["model"], protocol=run["protocol"], task=run["task"])
        frames.append(samples)
    samples = pd.concat(frames)
    assert (samples["correct"] == (samples["reading"] == samples["answer"])).all()
    checked = 0
    for (model, protocol), own in samples.groupby(["model", "protocol"]):
        parts = {"overall": own, **dict(iter(own.groupby("task"))),
                 **dict(iter(own.groupby("question_type")))}  # fmt: skip
        figures = table[(table["model"] == model) & (table["protocol"] == protocol)]
        assert set(figures["part"]) == set(parts)
        for figure in figures.itertuples():
            questions = (
                parts[figure.part]
                .groupby("id")
                .agg(score=("correct", "mean"), scene=("scene_id", "first"), n=("options", "first"))
            )
            assert figure.k == pytest.approx(questions["score"].sum())
            assert figure.n == len(questions)
            assert figure.accuracy == pytest.approx(questions["score"].mean())
            assert figure.chance == pytest.approx((1 / questions["n"]).mean())
            interval = clustered_wilson(questions["score"].tolist(), questions["scene"].tolist())
            assert (figure.low, figure.high) == pytest.approx(tuple(interval))
            checked += 1
    assert checked == len(table) == 5 * 12


def scores_of(small: SmallSite, model: str) -> pd.DataFrame:
    """Return a model's score, scene and type by question, from the files on the site."""
    frames = []
    for path in sorted((small.site / "data" / "runs").glob("*--circular--*.json")):
        if json.loads(path.read_text())["model"] == model:
            frames.append(pq.read_table(path.with_suffix(".parquet")).to_pandas())
    return (
        pd.concat(frames)
        .groupby("id")
        .agg(
            score=("correct", "mean"), scene=("scene_id", "first"), type=("question_type", "first")
        )
    )


def bootstrapped(difference: pd.Series[float], scene: pd.Series[str]) -> tuple[float, float]:
    """Return a 95% interval by drawing whole scenes anew, with draws of its own."""
    sums = difference.groupby(scene).agg(["sum", "count"]).to_numpy()
    drawn = np.random.default_rng(7).integers(len(sums), size=(20_000, len(sums)))
    means = sums[drawn, 0].sum(axis=1) / sums[drawn, 1].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return float(low), float(high)


def test_every_comparison_agrees_with_a_recomputation_from_the_samples(small: SmallSite) -> None:
    table = pd.read_csv(small.site / "data" / "comparisons.csv")
    assert len(table) == 6 * 10, "4 models, paired; overall and 9 types"
    scores = {model: scores_of(small, model) for model in {*table["first"], *table["second"]}}
    for figure in table.itertuples():
        one, two = scores[figure.first], scores[figure.second]
        assert one.index.equals(two.index)
        chosen = (one["type"] == figure.part) | (figure.part == "overall")
        one, two = one[chosen], two[chosen]
        difference = two["score"] - one["score"]
        better = int((difference < 0).sum()), int((difference > 0).sum())
        assert figure.n == len(one)
        assert figure.first_accuracy == pytest.approx(one["score"].mean())
        assert figure.second_accuracy == pytest.approx(two["score"].mean())
        assert figure.difference == pytest.approx(difference.mean())
        assert (figure.better_first, figure.better_second) == better
        p_value = binomtest(better[0], sum(better)).pvalue if sum(better) else 1
        assert figure.p_value == pytest.approx(p_value)
        interval = bootstrapped(difference, one["scene"])
        assert (figure.low, figure.high) == pytest.approx(interval, abs=0.021)


def test_comparison_pages_say_what_the_table_says(small: SmallSite) -> None:
    table = pd.read_csv(small.site / "data" / "comparisons.csv")
    for (board, first, second), own in table.groupby(["board", "first", "second"]):
        name = f"{board}--{slug(first)}--{slug(second)}.html"
        page = (small.site / "compare" / name).read_text()
        rows = re.findall(r'<tr class="(?:total)?"><th scope="row">.*?</tr>', page, re.S)
        assert len(rows) == len(own)
        for row, figure in zip(rows, own.itertuples(), strict=True):
            cells = [re.sub("<[^>]+>", "", cell) for cell in re.findall(r"<td>(.*?)</td>", row)]
            ends = f"{signed(figure.low)} to {signed(figure.high)}"
            assert cells == [
                str(figure.n),
                f"{100 * figure.first_accuracy:.1f}",
                f"{100 * figure.second_accuracy:.1f}",
                signed(figure.difference),
                ends,
                f"{figure.better_first} : {figure.better_second}",
                f"{figure.p_value:.2g}",
            ]


def signed(share: float) -> str:
    """Return points as pages show them."""
    return f"{round(100 * share, 1) + 0.0:+.1f}".replace("-", "−")


def test_a_tuned_model_is_shown_with_its_gain_over_the_one_before(small: SmallSite) -> None:
    table = pd.read_csv(small.site / "data" / "comparisons.csv")
    pair = table[table["second_is_tuned_from_first"]]
    assert set(zip(pair["first"], pair["second"], strict=True)) == {
        ("Small LLaVA", "Small LLaVA + SAT")
    }
    overall = pair[pair["part"] == "overall"].iloc[0]
    ends = f"{signed(overall['low'])} to {signed(overall['high'])}"
    (address,) = (
        path.name
        for path in (small.site / "compare").iterdir()
        if path.name.endswith("--small-llava--small-llava-sat.html")
    )
    index = (small.site / "index.html").read_text()
    cell = re.search(r"<td class=gap><b>([^<]+)</b><i>([^<]+)</i><i><a href=\"([^\"]+)", index)
    assert cell
    assert cell.groups() == (signed(overall["difference"]), ends, f"compare/{address}")
    assert "Small LLaVA → Small LLaVA + SAT</a>" in index
    assert "is Small LLaVA after tuning" in (small.site / "compare" / address).read_text()
    for name, says in (("small-llava-sat", "Tuned from"), ("small-llava", "Tuned into")):
        page = (small.site / "models" / f"{name}.html").read_text()
        assert says in page
        assert f"../compare/{address}" in page


def test_a_model_before_tuning_that_is_not_here_is_named(tmp_path: Path) -> None:
    small = make(tmp_path, questions=54)
    lmms_results.write_run(tmp_path / "new", small.data, lmms_results.right)
    words = ["add", str(tmp_path / "new"), "--store", str(small.store), "--name", "Zebra"]
    assert cli.main([*words, "--tuned-from", "Foal"]) == 0
    assert small.build() == 0
    page = (small.site / "models" / "zebra.html").read_text()
    assert "Tuned from Foal, which has no line here." in page


def test_no_model_is_tuned_from_itself(
    small: SmallSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lmms_results.write_run(tmp_path / "new", small.data, lmms_results.right)
    words = ["add", str(tmp_path / "new"), "--store", str(tmp_path / "store"), "--name", "Zebra"]
    assert cli.main([*words, "--tuned-from", "Zebra"]) == 2
    assert "cannot be tuned from itself" in capsys.readouterr().err
    assert not (tmp_path / "store").exists()


def test_csv_json_and_page_say_the_same(small: SmallSite) -> None:
    table = pd.read_csv(small.site / "data" / "leaderboard.csv")
    records = json.loads((small.site / "data" / "leaderboard.json").read_text())
    assert len(records) == len(table)
    assert [r["accuracy"] for r in records] == pytest.approx(table["accuracy"].tolist())
    page = (small.site / "index.html").read_text()
    cells = re.findall(r'<td class="s[^"]*" style="--p:([\d.]+)[^"]*"><b>([\d.]+)</b>', page)
    assert len(cells) == len(table)
    assert all(bar == shown for bar, shown in cells)
    shown = sorted(float(text) for _, text in cells)
    assert shown == pytest.approx(sorted(100 * table["accuracy"]), abs=0.0501)


def test_the_table_shows_notes_chance_counts_and_intervals(small: SmallSite) -> None:
    page = (small.site / "index.html").read_text()
    assert '<span class="pill note">untrained</span>' in page
    assert "0/450</i>" in page
    assert "minimum detectable difference" in page
    assert re.search(r"--c3:\d", page)
    assert '<small class="chance">chance 33.3</small>' in page


def test_nothing_is_loaded_from_elsewhere(small: SmallSite) -> None:
    loading = re.compile(r"""<(?:script|img|link|iframe|source)[^>]+(?:src|href)=["']([^"']+)""")
    for page in pages(small):
        for address in loading.findall(page.read_text()):
            if address.startswith("data:"):
                continue
            assert not re.match(r"[a-z]+:|//|/", address), (page, address)
            assert (page.parent / address).is_file(), (page, address)
    style = (small.site / "assets" / "style.css").read_text()
    assert "url(" not in style
    assert "@import" not in style


def test_every_link_on_the_site_leads_somewhere(small: SmallSite) -> None:
    for page in pages(small):
        for address in re.findall(r'<a[^>]+href="([^"#]+)', page.read_text()):
            if not address.startswith("https://"):
                assert (page.parent / html.unescape(address)).is_file(), (page.name, address)


def test_replies_are_never_markup(small: SmallSite) -> None:
    for page in pages(small):
        assert "onerror=" not in page.read_text()
    shards = "".join(path.read_text() for path in (small.site / "samples").rglob("*.js"))
    assert json.dumps(NASTY) in shards


def test_shards_hold_every_reply_and_question(small: SmallSite) -> None:
    store = Store.open(small.store)
    for row in store.rows():
        samples = store.read_samples(row)
        folder = small.site / "samples" / row.samples_sha256[:16]
        contents = [read_shard(folder / f"{i}.js") for i in range(len(list(folder.iterdir())))]
        for name in ("reply", "reading"):
            assert [value for c in contents for value in c[name]] == samples[name].to_pylist()
    asked = [read_shard(path) for path in (small.site / "questions").rglob("*.js")]
    pictures = {name for shard in asked for names in shard["pictures"] for name in names}
    assert pictures
    assert {f"pictures/{path.name}" for path in (small.site / "pictures").iterdir()} == pictures


def read_shard(path: Path) -> dict[str, list[object]]:
    match = re.fullmatch(r'satShard\("[^"]+",\d+,(.*)\);\n', path.read_text(), re.S)
    assert match
    content: dict[str, list[object]] = json.loads(match[1])
    return content


def test_building_again_touches_nothing(small: SmallSite) -> None:
    before = {path: path.stat().st_mtime_ns for path in small.site.rglob("*") if path.is_file()}
    assert small.build() == 0
    after = {path: path.stat().st_mtime_ns for path in small.site.rglob("*") if path.is_file()}
    assert after == before


def test_a_new_run_touches_only_what_it_changes(tmp_path: Path) -> None:
    small = make(tmp_path, questions=54)
    before = {path: path.stat().st_mtime_ns for path in small.site.rglob("*") if path.is_file()}
    lmms_results.write_run(tmp_path / "new", small.data, lmms_results.right)
    words = ["add", str(tmp_path / "new"), "--store", str(small.store), "--name", "Zebra"]
    assert cli.main(words) == 0
    assert small.build() == 0
    after = {path: path.stat().st_mtime_ns for path in small.site.rglob("*") if path.is_file()}
    same = {path for path, time in before.items() if after.get(path) == time}
    kept = ("pictures", "questions", "assets", "samples")
    assert {p for p in before if p.relative_to(small.site).parts[0] in kept} <= same
    assert small.site / "models" / "gpt-4o.html" in same
    assert small.site / "models" / "zebra.html" in after
    assert small.site / "index.html" not in same


def test_what_a_run_left_goes_with_it(tmp_path: Path) -> None:
    small = make(tmp_path, questions=54)
    for path in [*small.store.rglob("nasty--*"), *small.store.rglob("*blind*")]:
        path.unlink()
    assert small.build() == 0
    assert not (small.site / "models" / "nasty.html").exists()
    assert not list((small.site / "data" / "runs").glob("nasty*"))
    shards = "".join(path.read_text() for path in (small.site / "samples").rglob("*.js"))
    assert "owned" not in shards


def test_a_folder_with_other_files_is_left_alone(
    small: SmallSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    words = ["build", "--store", str(small.store), "--out", str(tmp_path)]
    assert cli.main(words) == 2
    assert "holds files that no build made" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_pictures_need_a_data_set(
    small: SmallSite, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["build", "--store", str(small.store), "--out", str(tmp_path / "site")]
    assert cli.main([*words, "--data", str(tmp_path)]) == 2
    assert "is no data set" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


def test_suites_put_static_and_dynamic_side_by_side(small: SmallSite) -> None:
    assert suite_of("sat_static") == suite_of("sat_dynamic") == "sat"
    table = pd.read_csv(small.site / "data" / "leaderboard.csv")
    own = table[(table["model"] == "Small LLaVA") & (table["badge"] == "reproduced")]
    assert own["benchmark"].unique().tolist() == ["sat"]
    assert {"sat_static", "sat_dynamic", "overall"} <= set(own["part"])


def test_a_module_becomes_a_script() -> None:
    module = "const a=1,b=2;export{a as first,b as default};\n/* licence */"
    script = as_script(module, "Both")
    assert script == (
        "(()=>{const a=1,b=2;window.Both={first:a,default:b};\n/* licence */\n})();\n"
    )
    with pytest.raises(ValueError, match="0 lists of exports"):
        as_script("const a=1", "None")
