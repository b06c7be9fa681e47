"""Questions for API models without lmms-eval's command line: requests as its tasks make them."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fault_server import FaultServer
from lmms_eval.api.instance import Instance
from PIL import Image

from sat_tasks.models.api_model import ApiModel
from sat_tasks.models.google_api import GoogleApi
from sat_tasks.models.openai_api import OpenAIApi
from sat_tasks.pictures import open_picture
from sat_tasks.replies import read_no_reply

KEY = "sk-live-0123456789abcdef"
PROVIDERS = {"openai_api": OpenAIApi, "google_api": GoogleApi}
OPTIONS = {"max_new_tokens": 16, "temperature": 0, "do_sample": False, "until": ["\n\n"]}
TASK, SPLIT = "sat_test", "test"

Make = Callable[..., ApiModel]


def maker(
    provider: str, server: FaultServer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Make:
    """Return a function that makes models which talk to the server and wait little.

    A test that plans for a server that hangs gives a shorter timeout of its own.
    """
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("GEMINI_API_KEY", KEY)

    def make(**arguments: Any) -> ApiModel:
        settings = {
            "model": "served",
            "base_url": f"{server.url}/v1" if provider == "openai_api" else server.url,
            "journal": str(folder / "journal.jsonl"),
            "timeout": 20,
            "backoff": 0.01,
            "patience": 20,
        }
        return PROVIDERS[provider](**(settings | arguments), batch_size=1, device=None)

    return make


def jpeg(seed: int, width: int = 32, height: int = 24) -> bytes:
    """Return a small picture file that differs by seed."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG")
    return buffer.getvalue()


def question_text(number: int) -> str:
    return f"Q{number}: Which is nearer?\nA. the chair\nB. the table\nC. the lamp"


@dataclass
class Questions:
    """Two-picture questions Q0, Q1, ... as a task of lmms-eval would hold them."""

    count: int
    options: dict[str, Any] = field(default_factory=lambda: dict(OPTIONS))
    first: int = 0

    def messages(self, doc: int) -> list[dict[str, Any]]:
        content: list[dict[str, Any]] = []
        for place in (1, 2):
            picture = open_picture(jpeg(10 * doc + place))
            content += [
                {"type": "text", "text": f"Image {place}:"},
                {"type": "image", "url": picture},
            ]
        content.append({"type": "text", "text": question_text(doc)})
        return [{"role": "user", "content": content}]

    def requests(self) -> list[Instance]:
        return [
            Instance(
                request_type="generate_until",
                arguments=("", self.messages, dict(self.options), number, TASK, SPLIT),
                idx=0,
                metadata={"task": TASK, "doc_id": number, "repeats": 1},
            )
            for number in range(self.count)
        ]

    def ask(self, model: ApiModel) -> list[str]:
        """Return the model's replies."""
        model.task_dict = {TASK: {SPLIT: list(range(self.first, self.first + self.count))}}
        return [result.text for result in model.generate_until(self.requests())]


def kinds(replies: list[str]) -> list[str]:
    """Return "answered", "failed" or "refused" for each reply."""
    return [found.kind if (found := read_no_reply(reply)) else "answered" for reply in replies]
