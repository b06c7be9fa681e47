"""Small copies of other benchmarks in exactly their published shapes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sat_folder import picture

CV_BENCH_TASKS = {
    "2D": (("Count", "ADE20K"), ("Relation", "COCO"), ("Count", "COCO"), ("Relation", "ADE20K")),
    "3D": (("Depth", "Omni3D"), ("Distance", "Omni3D")),
}


def cv_bench(folder: Path, count: int = 24) -> Path:
    """Write test_2d.parquet and test_3d.parquet as nyu-visionx/CV-Bench has them."""
    from datasets import Dataset, Features, Image, List, Value

    text = Value("string")
    features = Features(
        {
            "idx": Value("int64"),
            "type": text,
            "task": text,
            "image": Image(),
            "question": text,
            "choices": List(text),
            "answer": text,
            "prompt": text,
            "filename": text,
            "source": text,
            "source_dataset": text,
            "source_filename": text,
            "target_class": text,
            "target_size": Value("int64"),
            "bbox": List(List(Value("float64"))),
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    for kind, tasks in CV_BENCH_TASKS.items():
        records = [_cv_record(number, kind, *tasks[number % len(tasks)]) for number in range(count)]
        dataset = Dataset.from_list(records, features=features)
        dataset.to_parquet(str(folder / f"test_{kind.lower()}.parquet"))
    return folder


def _cv_record(number: int, kind: str, task: str, source: str) -> dict[str, Any]:
    choices = ["3", "2", "1", "0"] if task == "Count" else ["the lamp", "the chair"]
    question = f"Question {number} on {task}?"
    listed = "\n".join(f"({'ABCDEF'[i]}) {choice}" for i, choice in enumerate(choices))
    return {
        "idx": number,
        "type": kind,
        "task": task,
        "image": {"bytes": picture(number, form="PNG"), "path": None},
        "question": question,
        "choices": choices,
        "answer": f"({'ABCDEF'[number % len(choices)]})",
        "prompt": f"{question} Select from the following choices.\n{listed}",
        "filename": f"img/{kind}/{number}.png",
        "source": source,
        "source_dataset": f"{source} Validation Set",
        "source_filename": f"{source}-{number // 2}.jpg",
        "target_class": None,
        "target_size": None,
        "bbox": None,
    }


_VIDEO = (
    "The images are frames from a video. The video is shooting a static scene. The camera is "
    "either moving clockwise (left) or counter-clockwise (right) around the object. The first "
    "image is from the beginning of the video and the second image is from the end. Is the "
    "camera moving left or right when shooting the video?"
)
_POINTS = (
    "Two points are circled on the image, labeled by A and B beside each circle. Which point "
    "is closer to the camera?"
)
BLINK_PROMPTS = {
    "Multi-view_Reasoning": (_VIDEO, ["left", "right"]),
    "Relative_Depth": (_POINTS, ["A is closer", "B is closer"]),
    "Spatial_Relation": ("Is the car beneath the cat?", ["yes", "no"]),
}


def blink(folder: Path, count: int = 12) -> Path:
    """Write SUBSET/val-00000-of-00001.parquet as BLINK-Benchmark/BLINK has them."""
    from datasets import Dataset, Features, Image, List, Value

    text = Value("string")
    names = ("idx", "question", "sub_task", "image_1", "image_2", "image_3", "image_4")
    kinds = {name: Image() if name.startswith("image") else text for name in names}
    features = Features(
        {**kinds, "choices": List(text), "answer": text, "prompt": text, "explanation": text}
    )
    for subset, (stem, choices) in BLINK_PROMPTS.items():
        two = subset == "Multi-view_Reasoning"
        listed = "\n".join(f"({'AB'[i]}) {choice}" for i, choice in enumerate(choices))
        records = [
            {
                "idx": f"val_{subset}_{number + 1}",
                "question": stem.rsplit(". ", 1)[-1],
                "sub_task": subset,
                "image_1": {"bytes": picture(number), "path": None},
                "image_2": {"bytes": picture(number + 1), "path": None} if two else None,
                "image_3": None,
                "image_4": None,
                "choices": choices,
                "answer": f"({'AB'[number % 2]})",
                "prompt": f"{stem}\nSelect from the following choices.\n{listed}",
                "explanation": "",
            }
            for number in range(count)
        ]
        (folder / subset).mkdir(parents=True, exist_ok=True)
        path = folder / subset / "val-00000-of-00001.parquet"
        Dataset.from_list(records, features=features).to_parquet(str(path))
    return folder


def vsr(folder: Path, coco: Path, count: int = 16) -> Path:
    """Write test.jsonl as cambridgeltl/vsr_random has it, and the pictures as COCO has them."""
    folder.mkdir(parents=True, exist_ok=True)
    (coco / "train2017").mkdir(parents=True, exist_ok=True)
    lines = []
    for number in range(count):
        name = f"{number // 2:012d}.jpg"
        (coco / "train2017" / name).write_bytes(picture(number // 2))
        record = {
            "image": name,
            "image_link": f"http://images.cocodataset.org/train2017/{name}",
            "caption": "The cat is behind the laptop.",
            "label": number % 2,
            "relation": "behind",
            "annotator_id": 5,
            "vote_true_validator_id": [1, 2],
            "vote_false_validator_id": [],
        }
        lines.append(json.dumps(record))
    (folder / "test.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
