"""Replies to lessons are counted as another way of asking the model has them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from toy_pairs import toy_pairs
from trl.data_utils import prepare_multimodal_messages

from finetune import lesson_scores, tiny
from finetune.lessons import lesson
from finetune.pairs import PairData
from sat_tasks.console import UserError

CONFIG = replace(
    tiny.SAT_TINY, patch_px=32, vision_width=64, vision_layers=1, text_width=64, text_layers=5
)
COUNT = 6


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pairs")


@pytest.fixture(scope="module")
def data(folder: Path) -> PairData:
    return toy_pairs(folder)


def replies_one_by_one(model: Any, processor: Any, data: PairData) -> dict[str, list[bool]]:
    """Ask each turn alone, after the right replies to earlier ones, for its first token."""
    found: dict[str, list[bool]] = {}
    rng = np.random.default_rng(0)
    for count in (1, 2):
        usable = [i for i in range(len(data)) if count == 2 or data.has_things(i)]
        for index in [usable[i] for i in rng.permutation(len(usable))[:COUNT]]:
            one = lesson(data[index], count, rng)
            chat = prepare_multimodal_messages(one.messages, images=one.images)
            for turn, kind in enumerate(one.kinds):
                inputs = processor.apply_chat_template(
                    chat[: 2 * turn + 1],
                    tokenize=True,
                    return_dict=True,
                    add_generation_prompt=True,
                    return_tensors="pt",
                )
                with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
                    said = model(**inputs).logits[0, -1].argmax()
                reply = one.messages[2 * turn + 1]["content"][0]["text"]
                wanted = processor.tokenizer.encode(f" {reply}", add_special_tokens=False)[0]
                question = one.messages[2 * turn]["content"][-1]["text"]
                mark = " by its mark" if "marked" in question else ""
                what = f"column{mark}" if kind == "place" else kind
                found.setdefault(what, []).append(int(said) == wanted)
    return found


def test_replies_are_counted_as_asked_one_by_one(data: PairData) -> None:
    model, processor = tiny.build(CONFIG)
    model.set_attn_implementation("eager")
    with torch.no_grad():  # so that it says A and 5 more often than anything else
        model.lm_head.weight.mul_(0.01)
        for text in (" A", " 5"):
            (token,) = processor.tokenizer.encode(text, add_special_tokens=False)
            model.lm_head.weight[token] = 0.02 * torch.randn(CONFIG.text_width)
    found = lesson_scores.count_replies(model.eval(), processor, data, COUNT)
    expected = replies_one_by_one(model, processor, data)
    counted = {what: [reply.is_right for reply in replies] for what, replies in found.items()}
    assert {what: counted[what] for what in expected if what not in ("turn", "step")} == {
        what: replies for what, replies in expected.items() if what not in ("turn", "step")
    }
    assert {True, False} <= {reply for replies in expected.values() for reply in replies}
    others = set(counted) - set(expected)
    assert others <= {"row", "row by its mark", "a name looks at its patch"}
    assert found["side"][0].guessed == 0.5
    line = lesson_scores.table({"side": found["side"]})
    assert f"{sum(counted['side'])}/{len(counted['side'])} = " in line
    assert line.endswith("guessing 50%")


def test_a_folder_without_a_model_is_named(folder: Path, data: PairData) -> None:
    words = [str(folder), "--data", str(folder), "--split", "train"]
    with pytest.raises(UserError, match="cannot load model"):
        lesson_scores.main(words)
    with pytest.raises(UserError, match="at least 1, got 0"):
        lesson_scores.main([*words, "--count", "0"])
