"""Visual Spatial Reasoning (arXiv:2205.00363): captions of COCO pictures, true or false.

The published files hold no pictures; they come from a local COCO folder (COCO_IMAGES) or are
fetched once into the cache from the address that each row names.
"""

from __future__ import annotations

import json
import os
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from sat_tasks.console import UserError
from sat_tasks.convert import cache_folder
from sat_tasks.data import Question
from sat_tasks.rows import Row

REPOSITORIES = {"random": "cambridgeltl/vsr_random", "zeroshot": "cambridgeltl/vsr_zeroshot"}
TEST_FILE = "test.jsonl"
COCO_VARIABLE = "COCO_IMAGES"
OPTIONS = ("True", "False")

_STATEMENT = 'Is this statement about the picture true or false? "{caption}"'
_TIMEOUT_S = 60
_AT_ONCE = 8


def vsr_rows(path: Path, split: str) -> Iterator[Row]:
    """Yield the rows of a published file with their pictures.

    Raises:
        UserError: The file is not in its published shape, or a picture cannot be had.
    """
    records = list(_records(path))
    pictures = _pictures(records)
    for index, record in enumerate(records):
        yield Row(
            images=(pictures[record["image"]].read_bytes(),),
            question=_STATEMENT.format(caption=record["caption"].strip()),
            answers=OPTIONS,
            correct_answer=OPTIONS[0 if int(record["label"]) == 1 else 1],
            question_type="statement",
            id=f"vsr-{split}-{index:05d}",
            scene_id=record["image"],
            engine="COCO",
            seed=0,
            split=split,
            evidence=json.dumps({"relation": record["relation"]}),
        )


def paper_wording(question: Question) -> Question:
    """Return a statement as the yes-or-no question that the SAT paper makes of it.

    >>> yes_or_no("The cat is behind the laptop.")
    'Is the cat behind the laptop?'
    """
    match = re.fullmatch(re.escape(_STATEMENT).replace(r"\{caption\}", "(.*)"), question.question)
    if match is None:
        raise ValueError(f"no VSR question: {question.question!r}")
    return replace(question, question=yes_or_no(match[1]), options=("yes", "no"))


def yes_or_no(caption: str) -> str:
    """Return a caption as a question; its words stay whole."""
    match = re.fullmatch(r"(\w.*?)\s+(is|are)\s+(.+?)\s*\.?", caption.strip())
    if match is None:
        return f"Is it true that {_lower_start(caption.strip().rstrip('.'))}?"
    subject, verb, rest = match.groups()
    return f"{verb.capitalize()} {_lower_start(subject)} {rest}?"


def _lower_start(text: str) -> str:
    return text[:1].lower() + text[1:]


def _records(path: Path) -> Iterator[dict[str, Any]]:
    wanted = ("image", "image_link", "caption", "label", "relation")
    for number, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
        try:
            record = json.loads(line)
            yield {name: record[name] for name in wanted}
        except (json.JSONDecodeError, KeyError, TypeError) as error:
            raise UserError(f"{path} line {number} is not in the shape of VSR: {error}") from error


def _pictures(records: list[dict[str, Any]]) -> dict[str, Path]:
    """Return where each picture lies, after fetching those that are not at hand."""
    links = {record["image"]: record["image_link"] for record in records}
    local = os.environ.get(COCO_VARIABLE)
    if local:
        return {name: _in_coco_folder(Path(local), link) for name, link in links.items()}
    folder = cache_folder() / "coco"
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        found = pool.map(lambda link: _fetched(folder, link), links.values())
        return dict(zip(links, tqdm(found, "COCO pictures", len(links)), strict=True))


def _in_coco_folder(folder: Path, link: str) -> Path:
    """Return a picture of a COCO folder: FOLDER/train2017/NAME or FOLDER/NAME."""
    part, name = link.rstrip("/").split("/")[-2:]
    for path in (folder / part / name, folder / name):
        if path.is_file():
            return path
    raise UserError(f"{folder} has no {part}/{name}; {COCO_VARIABLE} names a folder of COCO 2017")


def _fetched(folder: Path, link: str) -> Path:
    """Return a picture of the cache, fetched if it is not there."""
    path = folder / link.rstrip("/").split("/")[-1]
    if path.is_file():
        return path
    folder.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with urllib.request.urlopen(link, timeout=_TIMEOUT_S) as response:
            temporary.write_bytes(response.read())
        os.replace(temporary, path)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise UserError(
            f"cannot fetch {link} ({error}); set {COCO_VARIABLE} to a folder of COCO 2017 pictures"
        ) from error
    finally:
        temporary.unlink(missing_ok=True)
    return path
