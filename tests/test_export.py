"""Exports: what other suites read is what was asked, and they run it."""

from __future__ import annotations

import ast
import base64
import csv
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from datasets import load_dataset
from harness import COMMAND
from sat_folder import rows, write_folder

from sat_tasks.cli import main
from sat_tasks.console import UserError

DYNAMIC = ("ego_movement", "object_movement", "goal_aiming")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("data") / "d", rows(12, DYNAMIC))


def export(folder: Path, out: Path, form: str, *more: str) -> Path:
    assert main(["export", str(folder), "--format", form, "--out", str(out), *more]) == 0
    return out


# --- VLMEvalKit


def read_tsv(path: Path) -> list[dict[str, str]]:
    csv.field_size_limit(1 << 30)
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_tsv_has_the_documented_columns(folder: Path, tmp_path: Path) -> None:
    written = read_tsv(export(folder, tmp_path / "out", "vlmevalkit") / "sat_all.tsv")
    assert [int(line["index"]) for line in written] == list(range(1, 13))
    for line, row in zip(written, rows(12, DYNAMIC), strict=True):
        images = line["image"]
        encoded = ast.literal_eval(images) if images.startswith("[") else [images]
        assert tuple(base64.b64decode(image) for image in encoded) == row.images
        assert all(len(image) > 64 for image in encoded)  # a shorter one is read as an index
        names = line["image_path"]
        assert len(ast.literal_eval(names) if names.startswith("[") else [names]) == len(encoded)
        assert line["question"] == row.question
        assert [line[letter] for letter in "ABCDEFGH" if line[letter]] == list(row.answers)
        assert line[line["answer"]] == row.correct_answer
        assert line["category"] == row.question_type


def test_pandas_reads_the_tsv_as_vlmevalkit_does(folder: Path, tmp_path: Path) -> None:
    import pandas as pd

    out = export(folder, tmp_path / "out", "vlmevalkit")
    frame = pd.read_csv(out / "sat_all.tsv", sep="\t")
    assert len(frame) == 12
    assert frame["C"].isna().sum() == sum(len(row.answers) < 3 for row in rows(12, DYNAMIC))


# --- lmms-eval


def test_lmms_eval_folder_is_self_contained(folder: Path, tmp_path: Path) -> None:
    out = export(folder, tmp_path / "out", "lmms-eval", "--name", "my_task")
    sources = "".join(path.read_text("utf-8") for path in out.rglob("*.py"))
    assert "sat_tasks" not in sources
    assert str(tmp_path) not in sources
    data = load_dataset(
        "parquet", data_files=str(out / "data.parquet"), cache_dir=str(tmp_path / "cache")
    )["train"]
    assert [len(images) for images in data["images"]] == [len(r.images) for r in rows(12, DYNAMIC)]
    assert data[0]["images"][0].size == (48, 48)


_ALWAYS_B = """
import sys
sys.modules["sat_tasks"] = None  # so that nothing of ours can be used
from lmms_eval.api.model import lmms
from lmms_eval import models
class AlwaysB(lmms):
    is_simple = False
    def __init__(self, **ignored):
        super().__init__()
    def generate_until(self, requests):
        for request in requests:
            text, to_messages, _, doc, task, split = request.args
            kinds = [p["type"] for p in to_messages(self.task_dict[task][split][doc])[0]["content"]]
            assert "image" in kinds and kinds[-1] == "text", kinds
        return ["The answer is B."] * len(requests)
    loglikelihood = generate_until_multi_round = None
sys.modules["always_b"] = sys.modules["__main__"]
models.MODEL_REGISTRY_V2.register_manifest(
    models.ModelManifest("always_b", chat_class_path="always_b.AlwaysB"))
from lmms_eval.__main__ import cli_evaluate
cli_evaluate()
"""


@pytest.mark.slow
def test_lmms_eval_runs_the_folder_without_us(folder: Path, tmp_path: Path) -> None:
    exported = export(folder, tmp_path / "out", "lmms-eval", "--name", "my_task", "--every-order")
    program = tmp_path / "program.py"
    program.write_text(_ALWAYS_B)
    done = subprocess.run(
        [
            *(sys.executable, str(program), "--include_path", str(exported), "--tasks", "my_task"),
            *("--model", "always_b", "--output_path", str(tmp_path / "results"), "--log_samples"),
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    found = list((tmp_path / "results").rglob("*_results.json"))
    assert found, done.stderr[-3000:]
    results = json.loads(found[0].read_text())["results"]["my_task"]
    asked = [row for row in rows(12, DYNAMIC) for _ in row.answers]
    chance = sum(1 / len(row.answers) for row in asked) / len(asked)
    assert results["accuracy,none"] == pytest.approx(chance)
    assert results["unparsed,none"] == 0
    assert results["ego_movement,none"] == pytest.approx(1 / 4)
    assert COMMAND.exists()


# --- inspect_ai


def test_inspect_samples(folder: Path, tmp_path: Path) -> None:
    out = export(folder, tmp_path / "out", "inspect")
    samples = [json.loads(line) for line in (out / "sat_all.jsonl").read_text().splitlines()]
    for sample, row in zip(samples, rows(12, DYNAMIC), strict=True):
        content = sample["input"][0]["content"]
        shown = [part["image"] for part in content if part["type"] == "image"]
        assert tuple((out / path).read_bytes() for path in shown) == row.images
        assert content[-1] == {"type": "text", "text": row.question}
        assert sample["choices"]["ABCD".index(sample["target"])] == row.correct_answer
    compile((out / "sat_all.py").read_text(), "sat_all.py", "exec")


_RUN_INSPECT = """
import json, sys
from inspect_ai import eval
from inspect_ai.model import ModelOutput, ModelUsage, get_model
pictures = []
def answer(messages, tools, choice, config):
    pictures.append(sum(part.type == "image" for part in messages[-1].content))
    output = ModelOutput.from_content("mockllm", "ANSWER: A")
    output.usage = ModelUsage()  # else the mock model counts tokens with a file from the network
    return output
model = get_model("mockllm/model", custom_outputs=answer)
(log,) = eval(sys.argv[1], model=model, display="none", log_dir=sys.argv[2])
metrics = {name: m.value for score in log.results.scores for name, m in score.metrics.items()}
print(json.dumps({"status": log.status, "metrics": metrics, "pictures": sorted(pictures)}))
"""


@pytest.mark.slow
def test_inspect_ai_runs_the_task(folder: Path, tmp_path: Path) -> None:
    python = os.environ.get("INSPECT_PYTHON", sys.executable)
    if subprocess.run([python, "-c", "import inspect_ai"], capture_output=True).returncode:
        pytest.skip("needs inspect_ai here or in the environment of INSPECT_PYTHON")
    out = export(folder, tmp_path / "out", "inspect", "--name", "spatial")
    done = subprocess.run(
        [python, "-c", _RUN_INSPECT, "spatial.py", str(tmp_path / "logs")],
        capture_output=True,
        text=True,
        cwd=out,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    content = rows(12, DYNAMIC)
    assert found["status"] == "success"
    assert found["pictures"] == sorted(len(row.images) for row in content)
    for kind in DYNAMIC:
        right = [
            row.answers[0] == row.correct_answer for row in content if row.question_type == kind
        ]
        assert found["metrics"][kind] == pytest.approx(sum(right) / len(right))
    assert found["metrics"]["stderr"] > 0


# --- all formats


@pytest.mark.parametrize("form", ["vlmevalkit", "inspect"])
def test_every_order(form: str, folder: Path, tmp_path: Path) -> None:
    out = export(folder, tmp_path / "out", form, "--every-order")
    expected = sum(len(row.answers) for row in rows(12, DYNAMIC))
    if form == "inspect":
        lines: list[Any] = (out / "sat_all.jsonl").read_text().splitlines()
        targets = [json.loads(line)["target"] for line in lines]
    else:
        lines = read_tsv(out / "sat_all.tsv")
        targets = [line["answer"] for line in lines]
    assert len(lines) == expected
    # each option, so also the right one, is at each position once
    assert targets.count("A") == 12
    assert targets.count("B") == 12


def test_a_part_and_a_name(folder: Path, tmp_path: Path) -> None:
    out = export(folder, tmp_path / "out", "vlmevalkit", "--part", "ego_movement", "--name", "ego")
    assert {line["category"] for line in read_tsv(out / "ego.tsv")} == {"ego_movement"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--format", "excel"], "unknown format 'excel'; known: lmms-eval, vlmevalkit, inspect"),
        (["--format", "inspect", "--name", "a b"], "name 'a b'; allowed: letters"),
        (["--format", "inspect", "--part", "depth"], "has no depth questions in 'test'; it has"),
        (["--format", "inspect", "--split", "val"], "no rows of split 'val'"),
    ],
)
def test_bad_input_leaves_nothing(
    arguments: list[str], message: str, folder: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        main(["export", str(folder), "--out", str(tmp_path / "out"), *arguments])
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_overwritten(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with pytest.raises(UserError, match="out exists; name a new folder"):
        main(["export", str(folder), "--format", "inspect", "--out", str(tmp_path / "out")])


def test_unknown_data(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="unknown table 'moon'; known: sat, sat_real, cv_bench"):
        main(["export", "moon", "--format", "inspect", "--out", str(tmp_path / "out")])
