"""CV-Bench, BLINK and VSR: read as published, worded as theirs or as the SAT paper's."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import published
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from sat_tasks import benchmarks, metrics, vsr
from sat_tasks.console import UserError
from sat_tasks.data import Question
from sat_tasks.tables import TABLES


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SAT_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


# --- CV-Bench


def test_cv_bench_rows(tmp_path: Path) -> None:
    folder = published.cv_bench(tmp_path / "cv")
    flat = list(benchmarks.cv_bench_rows(folder / "test_2d.parquet", "test"))
    deep = list(benchmarks.cv_bench_rows(folder / "test_3d.parquet", "test"))
    assert [row.question_type for row in flat[:4]] == ["count", "relation", "count", "relation"]
    assert {row.question_type for row in deep} == {"depth", "distance"}
    assert [row.correct_answer for row in flat[:6:2]] == ["3", "1", "3"]
    assert {row.engine for row in flat} == {"ADE20K", "COCO"}
    assert flat[0].scene_id == "ADE20K-0.jpg"
    assert len({row.id for row in flat + deep}) == 48


def test_cv_bench_is_what_lmms_eval_evaluates() -> None:
    import lmms_eval.tasks

    folder = Path(lmms_eval.tasks.__file__).parent / "cv_bench"
    definition = yaml.safe_load((folder / "cv_bench_2d.yaml").read_text())
    assert definition["dataset_path"] == benchmarks.CV_BENCH_REPOSITORY
    assert definition["test_split"] == "test"


def test_averages_of_cv_bench() -> None:
    def call(kind: str, origin: str, number: int, right: float) -> metrics.Call:
        return metrics.Call(f"{kind}{origin}{number}", "s", kind, origin, 2, 1, right)

    calls = [
        *(call("count", "ADE20K", n, 1.0) for n in range(3)),
        call("relation", "COCO", 0, 0.0),
        *(call("depth", "Omni3D", n, float(n < 1)) for n in range(4)),
    ]
    assert metrics.cv_bench_official(calls) == pytest.approx(((1 + 0) / 2 + 0.25) / 2)
    assert metrics.cv_bench_paper(calls) == pytest.approx((0.75 + 0.25) / 2)
    assert metrics.cv_bench_official(calls[:4]) is None
    assert metrics.cv_bench_paper(calls[:4]) is None


@pytest.mark.parametrize(
    ("parts", "average"),
    [
        ((62.4, 71.1, 79.8, 68.3), 70.2),
        ((65.9, 85.7, 87.8, 78.2), 78.9),
        ((66.0, 76.9, 75.3, 68.3), 71.4),
        ((70.4, 85.2, 82.4, 72.8), 77.4),
        ((58.2, 46.6, 53.0, 47.8), 51.7),
        ((61.5, 89.7, 80.7, 73.0), 75.6),
    ],
)
def test_the_papers_average_is_that_of_2d_and_3d(parts: tuple[float, ...], average: float) -> None:
    """Rows of the SAT paper, with CV-Bench's numbers of questions."""
    calls = []
    sizes = {"count": 788, "relation": 650, "depth": 600, "distance": 600}
    for (kind, size), percent in zip(sizes.items(), parts, strict=True):
        right = round(size * percent / 100)
        calls += [
            metrics.Call(f"{kind}{n}", str(n), kind, "x", 2, 1, float(n < right))
            for n in range(size)
        ]
    found = metrics.cv_bench_paper(calls)
    assert found is not None
    assert 100 * found == pytest.approx(average, abs=0.11)


# --- BLINK


def test_blink_rows(tmp_path: Path) -> None:
    folder = published.blink(tmp_path / "blink")
    rows = [
        row
        for name in benchmarks.BLINK_FILES
        for row in benchmarks.blink_rows(folder / name, "val")
    ]
    by_type = {row.question_type: row for row in rows}
    assert set(by_type) == {"multi_view", "relative_depth", "spatial_relation"}
    assert len(by_type["multi_view"].images) == 2
    assert len(by_type["relative_depth"].images) == 1
    assert by_type["relative_depth"].question.startswith("Two points are circled on the image")
    assert by_type["relative_depth"].question.endswith("closer to the camera?")
    assert len({row.id for row in rows}) == 36


def test_blink_is_what_lmms_eval_evaluates() -> None:
    import lmms_eval.tasks

    folder = Path(lmms_eval.tasks.__file__).parent / "blink"
    template = (folder / "_default_template_yaml").read_text()
    assert f"dataset_path: {benchmarks.BLINK_REPOSITORY}" in template
    assert "test_split: val" in template
    names = {
        yaml.safe_load(path.read_text()).get("dataset_name") for path in folder.glob("blink_*.yaml")
    }
    assert set(benchmarks.BLINK_SUBSETS) <= names


def question(text: str, options: tuple[str, ...], **changes: Any) -> Question:
    made = Question("q", "s", "multi_view", "o", text, options, 0, 2, "f", 0)
    return replace(made, **changes)


def test_blink_in_the_papers_words(tmp_path: Path) -> None:
    stem, choices = published.BLINK_PROMPTS["Multi-view_Reasoning"]
    worded = benchmarks.blink_paper_wording(question(stem, tuple(choices)))
    assert worded.options == ("moved left", "moved right")
    assert worded.question == (
        "The images are frames from a video. The first image is from the beginning of the video "
        "and the second image is from the end. Is the camera moving left or right when shooting "
        "the video?"
    )
    other = question("Is the car beneath the cat?", ("yes", "no"))
    assert benchmarks.blink_paper_wording(other) == other


# --- SAT in the paper's words


def test_sat_in_the_papers_words() -> None:
    wording = TABLES["sat"].paper_wording
    asked = question(
        "how did the camera move?",
        ("left and away in the first frame", "right"),
        question_type="ego_movement",
    )
    assert wording(asked).options == ("left and away", "right")
    assert wording(asked).question == (
        "The first image is from the beginning of the video and the second image is from the end. "
        "how did the camera move?"
    )
    assert wording(replace(asked, question_type="depth")).question == "how did the camera move?"


# --- VSR


def test_vsr_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = published.vsr(tmp_path / "vsr_random", tmp_path / "coco")
    monkeypatch.setenv("COCO_IMAGES", str(tmp_path / "coco"))
    rows = list(vsr.vsr_rows(folder / "test.jsonl", "test"))
    assert [row.correct_answer for row in rows[:2]] == ["False", "True"]
    assert rows[0].scene_id == rows[1].scene_id != rows[2].scene_id
    assert rows[0].images == rows[1].images
    assert '"The cat is behind the laptop."' in rows[0].question


def test_vsr_picture_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = published.vsr(tmp_path / "vsr_random", tmp_path / "coco")
    (tmp_path / "coco" / "train2017" / f"{3:012d}.jpg").unlink()
    monkeypatch.setenv("COCO_IMAGES", str(tmp_path / "coco"))
    monkeypatch.setenv("VSR_RANDOM_DATA", str(folder))
    with pytest.raises(UserError, match=r"has no train2017/000000000003.jpg; COCO_IMAGES names"):
        TABLES["vsr_random"].load("all")
    assert not (tmp_path / "cache" / "local").exists() or not list(
        (tmp_path / "cache" / "local").iterdir()
    )


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A server of COCO pictures that counts what is asked for."""
    handler = functools.partial(QuietHandler, directory=str(tmp_path / "coco"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    asked: list[str] = []  # noqa: RUF012

    def log_message(self, *args: Any) -> None:
        pass

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()


def test_vsr_pictures_are_fetched_once(
    tmp_path: Path, server: str, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COCO_IMAGES", raising=False)
    QuietHandler.asked.clear()
    folder = published.vsr(tmp_path / "vsr_random", tmp_path / "coco")
    path = folder / "test.jsonl"
    path.write_text(path.read_text().replace("http://images.cocodataset.org", server))
    first = list(vsr.vsr_rows(path, "test"))
    again = list(vsr.vsr_rows(path, "test"))
    assert [row.images for row in first] == [row.images for row in again]
    assert len(QuietHandler.asked) == 8
    (cache / "coco" / f"{0:012d}.jpg").unlink()
    (tmp_path / "coco" / "train2017" / f"{0:012d}.jpg").unlink()
    with pytest.raises(UserError, match=r"cannot fetch .*404.*set COCO_IMAGES"):
        list(vsr.vsr_rows(path, "test"))
    assert not list((cache / "coco").glob(".*"))


@pytest.mark.parametrize(
    ("caption", "asked"),
    [
        ("The cat is behind the laptop.", "Is the cat behind the laptop?"),
        ("The bowls are on the table", "Are the bowls on the table?"),
        ("The island is this side of the path.", "Is the island this side of the path?"),
        ("The person touches the bench.", "Is it true that the person touches the bench?"),
    ],
)
def test_captions_as_questions(caption: str, asked: str) -> None:
    assert vsr.yes_or_no(caption) == asked
    made = question(vsr._STATEMENT.format(caption=caption), vsr.OPTIONS)
    assert vsr.paper_wording(made) == replace(made, question=asked, options=("yes", "no"))


def test_f1_of_saying_true() -> None:
    def items(pairs: list[tuple[int | None, int]]) -> list[dict[str, int | None]]:
        return [{"reading": reading, "answer": answer} for reading, answer in pairs]

    from sklearn.metrics import f1_score

    pairs = [(0, 0), (0, 1), (1, 0), (None, 0), (0, 0), (1, 1), (None, 1)]
    expected = f1_score([a == 0 for _, a in pairs], [r == 0 for r, _ in pairs])
    assert metrics.f1_of_first(items(pairs)) == pytest.approx(expected)
    assert metrics.f1_of_first([{}]) is None


# --- files that are not in their published shape


@pytest.mark.parametrize(
    ("reader", "change", "message"),
    [
        (
            benchmarks.cv_bench_rows,
            {"answer": "(Z)"},
            r"row 0: answer '\(Z\)'; allowed: A, B",
        ),
        (benchmarks.cv_bench_rows, {"image": {"bytes": None}}, "row 0: a picture is missing"),
        (benchmarks.blink_rows, {}, "not in its published shape: no 'image_1'"),
    ],
)
def test_other_shapes_are_refused(
    reader: Any, change: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = published.cv_bench(tmp_path / "cv") / "test_2d.parquet"
    records = pq.read_table(path).to_pylist()
    records[0] |= change
    changed = tmp_path / "changed.parquet"
    pq.write_table(pa.Table.from_pylist(records), changed)
    with pytest.raises(UserError, match=message):
        list(reader(changed, "test"))


def test_vsr_of_another_shape(tmp_path: Path) -> None:
    path = tmp_path / "test.jsonl"
    path.write_text(json.dumps({"caption": "The cat is here."}) + "\n")
    with pytest.raises(UserError, match="line 1 is not in the shape of VSR"):
        list(vsr.vsr_rows(path, "test"))


def test_local_copy_that_is_incomplete(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CV_BENCH_DATA", str(tmp_path))
    with pytest.raises(UserError, match=r"has no test_2d.parquet; expected a copy of nyu-visionx"):
        TABLES["cv_bench"].load("all")


def test_hub_that_cannot_be_reached_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BLINK_DATA", raising=False)
    with pytest.raises(UserError, match=r"cannot download .* of BLINK-Bench.*BLINK_DATA"):
        TABLES["blink"].load("all")
