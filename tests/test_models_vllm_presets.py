"""vLLM presets without vLLM: what lmms-eval makes of them, and where templates put pictures."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from jinja2.sandbox import ImmutableSandboxedEnvironment
from lmms_eval.utils import simple_parse_args_string

from sat_tasks.console import UserError, run
from sat_tasks.models.vllm_presets import (
    PRESETS,
    TEMPLATES,
    Use,
    VllmPreset,
    engine_arguments,
    main,
    model_args,
    serve_command,
)
from sat_tasks.prompt import build_prompt, chat_content

LONGEST_QUESTION_TOKENS = 400
LONGEST_REPLY_TOKENS = 2048
TOKENS_PER_PICTURE = {
    "llava-1.5": 576,
    "llava-onevision": 7290,
    "qwen2.5-vl": 1280,
    "qwen3-vl": 1280,
    "internvl3": 13 * 256,
}


@pytest.mark.parametrize("preset", PRESETS.values(), ids=PRESETS)
def test_lmms_eval_reads_the_arguments_back(preset: VllmPreset) -> None:
    use = Use(gpus=2)
    parsed = simple_parse_args_string(model_args(preset, use))
    for name, value in engine_arguments(preset, use).items():
        got = parsed[name]
        assert (json.loads(got) if isinstance(value, dict) else got) == value
    assert parsed["trust_remote_code"] is False
    assert (parsed["max_new_tokens"], parsed["data_parallel_size"]) == (1, 2)
    assert Path(parsed.get("chat_template", __file__)).is_file()


@pytest.mark.parametrize("name", PRESETS)
def test_two_pictures_a_question_and_reasoning_fit(name: str) -> None:
    preset = PRESETS[name]
    needed = 2 * TOKENS_PER_PICTURE[name] + LONGEST_QUESTION_TOKENS + LONGEST_REPLY_TOKENS
    assert preset.pictures >= 2
    assert needed <= preset.max_model_len


def rendered(template: str) -> str:
    """Return the prompt that a template makes of a two-picture question."""
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    content: list[dict[str, Any]] = chat_content(
        build_prompt("Did it move?", ["yes", "no"], 2), ["first", "second"]
    )
    source = (TEMPLATES / template).read_text(encoding="utf-8")
    messages = [{"role": "user", "content": content}]
    return environment.from_string(source).render(
        messages=messages, add_generation_prompt=True, bos_token="<s>"
    )


QUESTION = (
    "Image 1:\n<image>\nImage 2:\n<image>\nDid it move?\nA. yes\nB. no\n"
    "Answer with the letter of the right option only."
)


def test_llava_1_5_is_asked_as_our_own_llava_asks_it() -> None:
    assert rendered("llava_1_5.jinja") == f"<s>USER: {QUESTION} ASSISTANT:"


def test_llava_onevision_has_pictures_in_their_places() -> None:
    expected = f"<|im_start|>user {QUESTION}<|im_end|><|im_start|>assistant\n"
    assert rendered("llava_onevision.jinja") == expected


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[list[str]]:
    assert run(main, arguments) == 0
    return [shlex.split(line) for line in capsys.readouterr().out.splitlines()]


def test_prints_what_to_run_offline(capsys: pytest.CaptureFixture[str]) -> None:
    (alone,) = printed(capsys, "qwen3-vl")
    (many,) = printed(capsys, "qwen3-vl", "--gpus", "4", "--model", "my/model")
    assert alone[:3] == ["lmms-eval", "--model", "vllm"]
    assert many[:4] == ["accelerate", "launch", "--num_processes", "4"]
    assert any("model=my/model" in word and "data_parallel_size=4" in word for word in many)


def test_serves_adapters_beside_the_model(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "adapter_config.json").write_text('{"r": 24}')
    serve, ask = printed(capsys, "llava-1.5", "--serve", "--adapter", f"sat={tmp_path}")
    assert serve[serve.index("--max-lora-rank") + 1] == "32"
    assert serve[serve.index("--lora-modules") + 1] == f"sat={tmp_path}"
    assert "model=sat,base_url=http://localhost:8000/v1,max_concurrent=64" in ask


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gpt"], "unknown family 'gpt'; known: llava-1.5, llava-onevision, qwen2.5-vl"),
        (["qwen3-vl", "--adapter", "a=b"], "adapters need a server: add --serve"),
        (["qwen3-vl", "--serve", "--adapter", "a=none"], "none is no LoRA adapter"),
        (["llava-onevision", "--serve", "--adapter", "a=b"], "merge them first"),
    ],
)
def test_errors_are_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], says: str
) -> None:
    assert run(main, arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert says in line


def test_an_adapter_of_too_high_a_rank_is_turned_down(tmp_path: Path) -> None:
    (tmp_path / "adapter_config.json").write_text('{"r": 1024}')
    with pytest.raises(UserError, match="adapters up to 512"):
        serve_command(PRESETS["qwen3-vl"], Use(adapters=(("a", tmp_path),)))
