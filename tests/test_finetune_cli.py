"""sat-finetune from the command line: plan, train, go on, export, and what is refused."""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
from sat_folder import rows, write_folder

from finetune.cli import main, make_parser
from finetune.export import export
from finetune.plan import GPUS, make_plan, measure
from finetune.presets import PRESETS, resolve
from finetune.train import load_model
from sat_tasks.console import UserError

NAMES = ("--data", "d", "--out", "x")
SMALL = (
    "--set=sample_count=16",
    "--set=batch_size=4",
    "--set=pair_count=0",
    "--set=pointing_count=0",
    "--set=lesson_share=0",
    "--set=precision=fp32",
)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    content = rows(40, split="train") + rows(20, split="val")
    return write_folder(tmp_path_factory.mktemp("data") / "sat", content)


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("runs") / "tiny"
    words = ["train", "sat-tiny", "--data", str(data), "--out", str(out), *SMALL]
    assert main([*words, "--report-to", "none", "--save-steps", "2"]) == 0
    return out


def test_the_paper_recipe_has_the_published_numbers_of_parameters() -> None:
    plan = make_plan(PRESETS["llava-1.5-13b-sat"])
    assert plan.size.total == 13_351_494_656
    assert plan.size.adapters == pytest.approx(1001.4e6, rel=1e-4)
    assert plan.size.trainable - plan.size.adapters == pytest.approx(31.5e6, rel=1e-2)
    assert plan.memory_gb["weights"] == pytest.approx(26.7, abs=0.05)
    assert plan.fits
    assert 4 < plan.samples_per_s < 6, "40% of an H100, as calculated by hand: 4.9"
    assert not make_plan(resolve("llava-1.5-13b-sat", ["method=full"])).fits


@pytest.mark.parametrize(
    ("name", "billions"),
    [("llava-1.5-7b-sat", 7.063), ("llava-onevision-7b-sat", 8.030), ("qwen2.5-vl-7b-sat", 8.292)],
)
def test_other_presets_have_the_published_sizes(name: str, billions: float) -> None:
    assert make_plan(PRESETS[name]).size.total / 1e9 == pytest.approx(billions, abs=0.001)


def test_more_gpus_are_faster_and_need_as_much_each() -> None:
    one, eight = (make_plan(PRESETS["llava-1.5-7b-sat"], gpus=count) for count in (1, 8))
    assert 7 < eight.samples_per_s / one.samples_per_s < 8
    assert one.memory_gb == eight.memory_gb


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_plan_counts_what_is_really_trained(method: str) -> None:
    from peft import get_peft_model

    from finetune.train import _lora

    preset = resolve("sat-tiny", [f"method={method}", "lora_rank=8"])
    model, _ = load_model(preset)
    size = measure(preset, model)
    assert size.total == sum(parameter.numel() for parameter in model.parameters())
    if method == "lora":
        model = get_peft_model(model, _lora(preset, model.config.model_type))
    trained = sum(p.numel() for p in model.parameters() if p.requires_grad)
    assert size.trainable == trained
    plan = make_plan(preset)
    assert plan.memory_gb["optimizer"] == pytest.approx(2 * 4 * trained / 1e9)


def test_a_plan_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "llava-1.5-13b-sat", "--gpus", "8", "--gpu", "A100"]) == 0
    text = capsys.readouterr().out
    assert "13.351 billion" in text
    assert "8 x A100" in text
    assert "samples/s" in text
    assert "lessons" not in text


def test_no_speed_is_made_up_for_a_small_model(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plan", "sat-tiny"]) == 0
    text = capsys.readouterr().out
    assert "not calculated" in text
    assert "samples/s" not in text
    assert "60,000 pairs of pictures, 80,000 lessons and questions" in text


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["plan", "llava"], "known: llava-1.5-13b-sat"),
        (["plan", "sat-tiny", "--gpu", "Z80"], f"known: {', '.join(GPUS)}"),
        (["plan", "sat-tiny", "--gpus", "0"], "at least 1"),
        (["train", "sat-tiny", "--data", "nowhere", "--out", "x"], "nowhere"),
        (
            ["train", "sat-tiny", "--data", "d", "--out", "x", "--report-to", "mail"],
            "known: tensor",
        ),
        (["export", "nowhere", "--out", "x"], "no folder of sat-finetune"),
    ],
)
def test_bad_requests_are_one_line(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err.strip()
    assert says in error
    assert len(error.splitlines()) == 1


def test_a_run_trains_and_is_not_begun_again(
    run: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert json.loads((run / "run.json").read_text())["preset"]["sample_count"] == 16
    words = ["train", "sat-tiny", "--data", str(data), "--out", str(run), *SMALL]
    assert main([*words, "--report-to", "none", "--set", "sample_count=20"]) == 2
    assert "holds another run" in capsys.readouterr().err


def test_a_fully_trained_model_is_exported(run: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file
    from transformers import AutoModelForImageTextToText

    found = export(run, tmp_path / "model")
    assert found.logit_gap is None
    exported = AutoModelForImageTextToText.from_pretrained(found.folder).state_dict()
    trained = AutoModelForImageTextToText.from_pretrained(run / "model").state_dict()
    assert all(bool((exported[name] == trained[name]).all()) for name in trained)
    names = load_file(found.folder / "model.safetensors")
    vision = [name for name in names if name.startswith("vision_tower.")]
    assert vision
    assert all(name.startswith("vision_tower.vision_model.") for name in vision)
    card = (found.folder / "README.md").read_text()
    by_type = json.loads((run / "run.json").read_text())["data"]["by_type"]
    assert by_type
    assert all(f"| {name} | {count} |" in card for name, count in by_type.items())
    assert '"sample_count": 16' in card
    with pytest.raises(UserError, match="exists"):
        export(run, tmp_path / "model")


def test_an_adapter_is_merged_and_the_same_logits_come_out(data: Path, tmp_path: Path) -> None:
    from transformers import AutoModelForImageTextToText

    out = tmp_path / "run"
    lora = ["--set", "method=lora", "--set", "lora_rank=8", "--set", "learning_rate=0.002"]
    words = ["train", "sat-tiny", "--data", str(data), "--out", str(out), *SMALL, *lora]
    assert main([*words, "--report-to", "none"]) == 0
    found = export(out, tmp_path / "model")
    assert found.logit_gap is not None
    assert found.logit_gap < 1e-4
    merged = AutoModelForImageTextToText.from_pretrained(found.folder).state_dict()
    first = AutoModelForImageTextToText.from_pretrained(out / "start").state_dict()
    changed = {name for name in first if bool((merged[name] != first[name]).any())}
    assert changed, "training changed nothing"
    assert all("language_model" in name or "projector" in name for name in changed)


def test_an_unfinished_run_is_not_exported(run: Path, tmp_path: Path) -> None:
    (tmp_path / "half").mkdir()
    (tmp_path / "half" / "run.json").write_text((run / "run.json").read_text())
    with pytest.raises(UserError, match="not finished"):
        export(tmp_path / "half", tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_scores_go_on_the_card(run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "results" / "model"
    folder.mkdir(parents=True)
    results = {"results": {"sat_dynamic": {"overall,circular": 0.625, "alias": "x"}}}
    (folder / "2026_results.json").write_text(json.dumps(results))
    found = export(run, tmp_path / "model", tmp_path / "results")
    assert "| sat_dynamic | overall | 62.5% |" in (found.folder / "README.md").read_text()
    with pytest.raises(UserError, match="no results"):
        export(run, tmp_path / "other", tmp_path / "half")


def documented_commands() -> list[list[str]]:
    """Return the words of each sat-finetune command in README and docs, however it is started."""
    root = Path(__file__).parents[1]
    text = "\n".join(path.read_text() for path in (root / "README.md", root / "docs/finetune.md"))
    lines = text.replace("\\\n", " ").splitlines()
    found = []
    for line in lines:
        start = re.search(r"^ {4}.*(?:sat-finetune|-m finetune\.cli) (.*)", line)
        if start:
            found.append(shlex.split(start[1], comments=True))
    return found


@pytest.mark.parametrize("words", documented_commands(), ids=" ".join)
def test_documented_commands_are_understood(words: list[str]) -> None:
    """Those that end in dots leave out data and run."""
    is_short = words[-1] == "..."
    full = [*words[:-1], "--data", "d", "--out", "x"] if is_short else words
    arguments = make_parser().parse_args(full)
    if arguments.command != "export":
        preset = resolve(arguments.preset, arguments.settings)
        needs_more = preset.sat_share < 1 and arguments.command == "train" and not is_short
        assert not needs_more or arguments.instruct
