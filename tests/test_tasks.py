"""The tasks inside lmms-eval, from data to table: every number agrees with its samples."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import published
import pytest
import yaml
from harness import evaluate, read_samples, recompute, run_command
from sat_folder import count_of, rows, write_folder
from test_convert import KINDS, array_sat_file

from finetune import tiny
from sat_tasks.plugin import TASK_FOLDER
from sat_tasks.protocol import PROTOCOLS
from sat_tasks.stats import clustered_wilson
from sat_tasks.taxonomy import QUESTION_TYPES, split_of

TINY = tiny.TinyConfig(
    image_px=32,
    patch_px=16,
    vision_width=32,
    vision_layers=1,
    text_width=64,
    text_layers=1,
    vocabulary=400,
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("data") / "d", rows(90))


@pytest.fixture
def data(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAT_DATA", str(folder))
    monkeypatch.delenv("SAT_PROTOCOL", raising=False)
    return folder


def check_against_samples(
    results: dict[str, Any], samples: list[dict[str, Any]], protocol: str
) -> None:
    for name, value in recompute(samples).items():
        assert results[f"{name},{protocol}"] == pytest.approx(value), name


@pytest.mark.parametrize("model", ["random_choice", "always_first"])
def test_results_agree_with_samples(model: str, data: Path) -> None:
    found = evaluate(["sat_static", "sat_dynamic"], model)
    for task in ("sat_static", "sat_dynamic"):
        samples = [sample["sat"] for sample in found["samples"][task]]
        check_against_samples(found["results"][task], samples, "circular")
        questions = {sample["id"] for sample in samples}
        assert len(questions) == count_of(rows(90), task.removeprefix("sat_"))


def test_always_first_scores_chance_in_circular_order(data: Path) -> None:
    results = evaluate(["sat_dynamic"], "always_first")["results"]["sat_dynamic"]
    assert results["overall,circular"] == pytest.approx(results["chance,circular"])
    assert results["adjusted,circular"] == pytest.approx(0)
    assert results["all_orders,circular"] == 0


def test_random_choice_lies_within_its_interval_of_chance(data: Path) -> None:
    found = evaluate(["sat_static", "sat_dynamic"], "random_choice")
    for task in ("sat_static", "sat_dynamic"):
        samples = [sample["sat"] for sample in found["samples"][task]]
        first = [sample for sample in samples if sample["order"][0] == 0]
        low, high = clustered_wilson(
            [float(sample["correct"]) for sample in first],
            [sample["scene_id"] for sample in first],
            level=0.999,
        )
        assert low <= found["results"][task]["chance,circular"] <= high


def test_a_limit_keeps_metrics_consistent(data: Path) -> None:
    found = evaluate(["sat_dynamic"], "random_choice", limit=7)
    samples = [sample["sat"] for sample in found["samples"]["sat_dynamic"]]
    assert len(samples) == 7
    assert found["results"]["sat_dynamic"]["overall,circular"] == pytest.approx(
        recompute(samples)["overall"]
    )


def test_another_protocol_is_another_key(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAT_PROTOCOL", "single")
    found = evaluate(["sat_dynamic"], "random_choice")
    results = found["results"]["sat_dynamic"]
    assert "overall,single" in results
    assert not [key for key in results if key.endswith(",circular")]
    samples = [sample["sat"] for sample in found["samples"]["sat_dynamic"]]
    assert {sample["protocol"] for sample in samples} == {"single"}
    check_against_samples(results, samples, "single")


def test_bad_data_ends_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAT_DATA", str(tmp_path))
    with pytest.raises(SystemExit, match="is no data set"):
        evaluate(["sat_dynamic"], "random_choice")


def test_every_function_named_by_a_task_file_exists() -> None:
    from lmms_eval.utils import load_yaml_config

    for path in TASK_FOLDER.glob("*.yaml"):
        config = load_yaml_config(str(path), mode="full")
        assert config


def test_task_names_are_not_taken_upstream() -> None:
    import lmms_eval.tasks

    ours = {
        config["task"]
        for path in TASK_FOLDER.glob("*.yaml")
        if isinstance((config := _plain_yaml(path)).get("task"), str)
    }
    upstream = {
        line.split(":", 1)[1].strip().strip("\"'")
        for path in Path(lmms_eval.tasks.__file__).parent.rglob("*.yaml")
        for line in path.read_text("utf-8").splitlines()
        if line.startswith("task:")
    }
    assert len(upstream) > 500
    assert not ours & upstream


def _plain_yaml(path: Path) -> dict[str, Any]:
    class Loader(yaml.SafeLoader):
        pass

    Loader.add_constructor("!function", lambda loader, node: node.value)
    loaded: dict[str, Any] = yaml.load(path.read_text("utf-8"), Loader)
    return loaded


# --- as a user runs it


def fresh_results(folder: Path) -> tuple[dict[str, Any], dict[str, list[dict[str, Any]]]]:
    (results,) = folder.rglob("*_results.json")
    samples = {
        path.stem.split("_samples_")[1]: read_samples(path)
        for path in folder.rglob("*_samples_*.jsonl")
    }

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(results.read_text("utf-8"), parse_constant=refuse), samples


@pytest.mark.slow
def test_command_with_llava(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "d", rows(27))
    model = tmp_path / "tiny"
    tiny.save(*tiny.build(TINY), model, "untrained", TINY)
    out = tmp_path / "out"
    command = f"--tasks sat_static,sat_dynamic --model llava --model_args pretrained={model}"
    done = run_command(
        [*command.split(), "--batch_size", "8", "--output_path", str(out), "--log_samples"],
        SAT_DATA=str(folder),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    results, samples = fresh_results(out)
    assert results["config"]["model"] == "llava"
    for task in ("sat_static", "sat_dynamic"):
        check_against_samples(results["results"][task], samples[task], "circular")
        assert math.isfinite(results["results"][task]["overall,circular"])
        assert all(isinstance(sample["reply"], str) for sample in samples[task])
    assert "overall" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--model random_choice", "is no data set (it has no manifest.json)"),
        ("--model llava --model_args pretrained=/no/model", "is neither a folder nor a hub id"),
    ],
)
def test_command_fails_in_one_line(arguments: str, message: str, tmp_path: Path) -> None:
    done = run_command(
        ["--tasks", "sat_dynamic", *arguments.split(), "--output_path", str(tmp_path / "out")],
        SAT_DATA=str(tmp_path),
    )
    assert done.returncode != 0
    assert done.stderr.strip().splitlines()[-1].startswith("error: ")
    assert message in done.stderr.strip().splitlines()[-1]
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


# --- all benchmarks


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> dict[str, str]:
    """The environment in which all benchmarks are small local copies."""
    home = tmp_path_factory.mktemp("published")
    real = array_sat_file(home / "sat" / "SAT_test.parquet", 40, KINDS[1:])
    return {
        "SAT_CACHE": str(home / "cache"),
        "SAT_DATA": str(folder),
        "SAT_REAL_DATA": str(real.parent),
        "CV_BENCH_DATA": str(published.cv_bench(home / "cv")),
        "BLINK_DATA": str(published.blink(home / "blink")),
        "VSR_RANDOM_DATA": str(published.vsr(home / "vsr_random", home / "coco")),
        "VSR_ZEROSHOT_DATA": str(published.vsr(home / "vsr_zeroshot", home / "coco", 12)),
        "COCO_IMAGES": str(home / "coco"),
    }


SPATIAL = {
    "sat_static": 40,
    "sat_dynamic": 50,
    "sat_real": 40,
    "sat_cv_bench": 48,
    "sat_blink": 36,
    "sat_vsr_random": 16,
    "sat_vsr_zeroshot": 12,
}


def check_spatial(results: dict[str, Any], samples: dict[str, list[dict[str, Any]]]) -> None:
    assert set(samples) == set(SPATIAL)
    for task, count in SPATIAL.items():
        assert len({sample["id"] for sample in samples[task]}) == count
        check_against_samples(results[task], samples[task], "circular")
        first = [sample for sample in samples[task] if sample["order"][0] == 0]
        low, high = clustered_wilson(
            [float(sample["correct"]) for sample in first],
            [sample["scene_id"] for sample in first],
            level=0.999,
        )
        assert low <= results[task]["chance,circular"] <= high, task


def test_every_benchmark_in_one_go(
    everything: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in everything.items():
        monkeypatch.setenv(name, value)
    found = evaluate(["sat_spatial"], "random_choice")
    samples = {
        task: [sample["sat"] for sample in logged] for task, logged in found["samples"].items()
    }
    check_spatial(found["results"], samples)
    cv = found["results"]["sat_cv_bench"]
    questions = recompute(samples["sat_cv_bench"])
    flat = [s for s in samples["sat_cv_bench"] if s["question_type"] in ("count", "relation")]
    by_source = [
        recompute([s for s in flat if s["origin"] == source])["overall"]
        for source in ("ADE20K", "COCO")
    ]
    deep = [s for s in samples["sat_cv_bench"] if s["question_type"] in ("depth", "distance")]
    official = (sum(by_source) / 2 + recompute(deep)["overall"]) / 2
    assert cv["official,circular"] == pytest.approx(official)
    paper = (recompute(flat)["overall"] + recompute(deep)["overall"]) / 2
    assert cv["paper,circular"] == pytest.approx(paper)
    assert cv["count,circular"] == pytest.approx(questions["count"])
    said = [(s["reading"] == 0, s["answer"] == 0) for s in samples["sat_vsr_random"]]
    hits = sum(a and b for a, b in said)
    f1 = 2 * hits / (sum(a for a, _ in said) + sum(b for _, b in said))
    assert found["results"]["sat_vsr_random"]["f1,circular"] == pytest.approx(f1)


@pytest.mark.parametrize("protocol", ["text_choice", "cot", "single_blind"])
def test_every_benchmark_in_every_protocol(
    protocol: str, everything: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**everything, "SAT_PROTOCOL": protocol}.items():
        monkeypatch.setenv(name, value)
    found = evaluate(["sat_spatial"], "always_first")
    for task in SPATIAL:
        samples = [sample["sat"] for sample in found["samples"][task]]
        assert {sample["protocol"] for sample in samples} == {protocol}
        assert found["results"][task][f"unparsed,{protocol}"] == 0
        check_against_samples(found["results"][task], samples, protocol)
        if "single" not in protocol:
            chance = found["results"][task][f"chance,{protocol}"]
            assert found["results"][task][f"overall,{protocol}"] == pytest.approx(chance)


@pytest.mark.parametrize("task", SPATIAL)
def test_variants_differ_from_their_task_in_the_protocol_alone(task: str) -> None:
    plain = _plain_yaml(TASK_FOLDER / f"{task}.yaml")
    variants = {
        "single": "single",
        "text_choice": "text_choice",
        "cot": "cot",
        "blind": "circular_blind",
    }
    for suffix, protocol in variants.items():
        assert protocol in PROTOCOLS
        assert _plain_yaml(TASK_FOLDER / f"{task}_{suffix}.yaml") == {
            "include": f"{task}.yaml",
            "task": f"{task}_{suffix}",
            "dataset_name": f"{plain['dataset_name']}@{protocol}",
            "filter_list": f"sat_tasks.settings.FILTERS_{protocol}",
            "generation_kwargs": f"sat_tasks.settings.GENERATION_{protocol}",
        }


def test_every_type_has_a_task() -> None:
    for name in QUESTION_TYPES:
        task = f"sat_{split_of(name)}_{name}"
        config = _plain_yaml(TASK_FOLDER / f"{task}.yaml")
        assert (config["task"], config["dataset_name"]) == (task, f"sat.{name}")


def test_a_variant_runs_beside_its_task(data: Path) -> None:
    found = evaluate(["sat_dynamic", "sat_dynamic_single", "sat_dynamic_blind"], "always_first")
    keys = {task: set(results) for task, results in found["results"].items()}
    assert "overall,circular" in keys["sat_dynamic"]
    assert "overall,single" in keys["sat_dynamic_single"]
    assert "overall,circular_blind" in keys["sat_dynamic_blind"]
    assert len(found["samples"]["sat_dynamic_single"]) == 50


@pytest.mark.slow
def test_command_with_every_benchmark(everything: dict[str, str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = run_command(
        [
            *(["--tasks", "sat_spatial", "--model", "random_choice", "--log_samples"]),
            "--output_path",
            str(out),
        ],
        **everything,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    results, samples = fresh_results(out)
    check_spatial(results["results"], samples)
    for task in SPATIAL:
        assert task in done.stdout
