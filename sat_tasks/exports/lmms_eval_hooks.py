"""Hooks of an exported task; lmms-eval loads them from the task's folder."""

import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # lmms-eval loads this file without its folder

from sat_tasks.answer import read_reply
from sat_tasks.prompt import build_prompt, chat_content, prompt_text, reply_text

CATEGORIES: list[str] = []
Doc = dict[str, Any]


def _prompt(doc: Doc, pictures: int) -> Any:
    return build_prompt(doc["question"], doc["options"], pictures)


def doc_to_visual(doc: Doc) -> list[Any]:
    """Return the pictures."""
    return [image.convert("RGB") for image in doc["images"]]


def doc_to_text(doc: Doc, lmms_eval_specific_kwargs: Any = None) -> str:
    """Return the question with its options."""
    return prompt_text(_prompt(doc, 1))


def doc_to_messages(doc: Doc, lmms_eval_specific_kwargs: Any = None) -> list[Doc]:
    """Return a chat with the pictures in their places."""
    pictures = doc_to_visual(doc)
    content = chat_content(_prompt(doc, len(pictures)), pictures)
    return [{"role": "user", "content": content}]


def doc_to_target(doc: Doc) -> str:
    """Return the right label."""
    return reply_text(doc["options"], doc["answer_index"])


def process_results(doc: Doc, results: list[str]) -> Doc:
    """Return one item per metric; empty where the sample does not belong to it."""
    reading = read_reply(results[0] if results else "", doc["options"])
    item = {
        "score": float(reading == doc["answer_index"]),
        "scene": doc["scene_id"],
        "id": doc["id"],
        "reading": reading,
    }
    own = {name: item if doc["category"] == name else {} for name in CATEGORIES}
    return {"accuracy": item, "unparsed": {"score": float(reading is None)}, **own}


def mean(items: list[Doc]) -> float | None:
    """Return the mean score; None if there is none."""
    scores = [item["score"] for item in items if "score" in item]
    return sum(scores) / len(scores) if scores else None
