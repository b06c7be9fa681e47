"""Arguments for vLLM, by model family: offline through lmms-eval, or as a server.

    python -m sat_tasks.models.vllm_presets qwen3-vl
    python -m sat_tasks.models.vllm_presets llava-1.5 --serve --adapter sat=runs/lora

prints the commands to run. vLLM itself is not needed for that.

Why these arguments: lmms-eval's vllm raises max_new_tokens to at least its own setting (4096 by
default), so that is set to 1 and the task decides. LLaVA's published chat templates move all
pictures to the front and leave out the first token, which vLLM does not add either; ours keep
pictures where the question has them. One picture may take 1280 (Qwen), 3328 (InternVL) or 7290
tokens (LLaVA-OneVision); the length holds two such pictures, the question and a reply with
reasoning.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sat_tasks.console import Parser, UserError, one_of, run

TEMPLATES = Path(__file__).parent
_QWEN_MAX_PIXELS = {"max_pixels": 1280 * 28 * 28}


@dataclass(frozen=True, kw_only=True)
class VllmPreset:
    """What a model family needs of vLLM."""

    model: str
    """A hub id of the family; others take the same arguments."""
    max_model_len: int
    """Tokens of prompt, pictures and reply together."""
    pictures: int = 4
    """The most pictures per prompt."""
    template: str | None = None
    """A file beside this one, where the model's own template misplaces pictures."""
    processor: Mapping[str, Any] = field(default_factory=dict)
    """Arguments of the picture processor."""
    takes_adapters: bool = True
    """Whether vLLM can serve LoRA adapters of this family without merging them."""


PRESETS: dict[str, VllmPreset] = {
    "llava-1.5": VllmPreset(
        model="llava-hf/llava-1.5-7b-hf", max_model_len=4096, template="llava_1_5.jinja"
    ),
    "llava-onevision": VllmPreset(
        model="llava-hf/llava-onevision-qwen2-7b-ov-hf",
        max_model_len=32768,
        template="llava_onevision.jinja",
        takes_adapters=False,
    ),
    "qwen2.5-vl": VllmPreset(
        model="Qwen/Qwen2.5-VL-7B-Instruct", max_model_len=16384, processor=_QWEN_MAX_PIXELS
    ),
    "qwen3-vl": VllmPreset(
        model="Qwen/Qwen3-VL-8B-Instruct", max_model_len=16384, processor=_QWEN_MAX_PIXELS
    ),
    "internvl3": VllmPreset(model="OpenGVLab/InternVL3-8B-hf", max_model_len=16384),
}


@dataclass(frozen=True, kw_only=True)
class Use:
    """How a preset is to be used."""

    model: str | None = None
    """Another model of the family: a hub id or folder."""
    gpus: int = 1
    """Copies of the model, each on its own GPU."""
    adapters: tuple[tuple[str, Path], ...] = ()
    """Names and folders of LoRA adapters; server only."""
    port: int = 8000
    tasks: str = "sat_static,sat_dynamic"


def engine_arguments(preset: VllmPreset, use: Use) -> dict[str, Any]:
    """Return the arguments of vLLM's engine, by their names in Python."""
    arguments: dict[str, Any] = {
        "model": use.model or preset.model,
        "limit_mm_per_prompt": {"image": preset.pictures, "video": 0},
        "max_model_len": preset.max_model_len,
    }
    if preset.processor:
        arguments["mm_processor_kwargs"] = dict(preset.processor)
    return arguments


def model_args(preset: VllmPreset, use: Use) -> str:
    """Return the ``--model_args`` of lmms-eval's ``--model vllm``."""
    arguments = engine_arguments(preset, use) | {"max_new_tokens": 1, "trust_remote_code": False}
    if preset.template is not None:
        arguments["chat_template"] = TEMPLATES / preset.template
    if use.gpus > 1:
        arguments["data_parallel_size"] = use.gpus
    return ",".join(f"{name}={_text(value)}" for name, value in arguments.items())


def offline_command(preset: VllmPreset, use: Use) -> list[str]:
    """Return the command that evaluates with vLLM inside lmms-eval.

    Raises:
        UserError: Adapters are asked for; lmms-eval's vllm has no way to name one.
    """
    if use.adapters:
        raise UserError("adapters need a server: add --serve")
    launch = ["lmms-eval"]
    if use.gpus > 1:
        launch = ["accelerate", "launch", "--num_processes", str(use.gpus), "-m", "lmms_eval"]
    return [
        *launch,
        *("--model", "vllm", "--model_args", model_args(preset, use)),
        *("--batch_size", "256", "--tasks", use.tasks, "--log_samples", "--output_path", "results"),
    ]


def serve_command(preset: VllmPreset, use: Use) -> list[str]:
    """Return the command that serves the model, with its adapters beside it.

    Raises:
        UserError: The family takes no adapters, or one is not an adapter folder.
    """
    arguments = engine_arguments(preset, use)
    command = ["vllm", "serve", arguments.pop("model"), "--port", str(use.port)]
    for name, value in arguments.items():
        command += [f"--{name.replace('_', '-')}", _text(value)]
    if preset.template is not None:
        command += ["--chat-template", str(TEMPLATES / preset.template)]
    if use.gpus > 1:
        command += ["--data-parallel-size", str(use.gpus)]
    if use.adapters:
        if not preset.takes_adapters:
            raise UserError("vLLM serves no adapters of this family; merge them first")
        rank = max(_rank(folder) for _, folder in use.adapters)
        command += ["--enable-lora", "--max-lora-rank", str(rank), "--lora-modules"]
        command += [f"{name}={folder}" for name, folder in use.adapters]
    return command


def ask_command(preset: VllmPreset, use: Use) -> list[str]:
    """Return the command that evaluates what :func:`serve_command` serves."""
    served = use.adapters[0][0] if use.adapters else use.model or preset.model
    return [
        *("lmms-eval", "--model", "openai_api", "--model_args"),
        f"model={served},base_url=http://localhost:{use.port}/v1,max_concurrent=64",
        *("--tasks", use.tasks, "--log_samples", "--output_path", "results"),
    ]


def _rank(folder: Path) -> int:
    """Return the rank of a LoRA adapter, rounded up to one that vLLM knows."""
    try:
        rank = int(json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))["r"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{folder} is no LoRA adapter: no readable adapter_config.json") from error
    known = (8, 16, 32, 64, 128, 256, 320, 512)
    if rank > known[-1]:
        raise UserError(f"{folder} has rank {rank}; vLLM serves adapters up to {known[-1]}")
    return next(size for size in known if size >= rank)


def _text(value: Any) -> str:
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _adapter(text: str) -> tuple[str, Path]:
    name, separator, folder = text.partition("=")
    if not (name and separator and folder):
        raise ValueError(text)
    return name, Path(folder)


def main(argv: Sequence[str] | None = None) -> int:
    """Print commands."""
    parser = Parser(
        prog="python -m sat_tasks.models.vllm_presets",
        description="Print the commands that evaluate a model with vLLM.",
        epilog="example: python -m sat_tasks.models.vllm_presets qwen3-vl --gpus 4",
    )
    parser.add_argument("family", help=", ".join(PRESETS))
    parser.add_argument("--model", help="another model of the family: hub id or folder")
    parser.add_argument("--gpus", type=int, default=1, help="copies, one per GPU (default: 1)")
    parser.add_argument("--serve", action="store_true", help="serve it and ask with openai_api")
    parser.add_argument(
        "--adapter",
        type=_adapter,
        action="append",
        default=[],
        metavar="NAME=FOLDER",
        help="a LoRA adapter to serve beside the model; may be given several times",
    )
    parser.add_argument("--port", type=int, default=8000, help="of the server (default: 8000)")
    parser.add_argument("--tasks", default=Use.tasks, help="(default: %(default)s)")
    arguments = parser.parse_args(argv)
    preset = PRESETS[one_of("family", arguments.family, tuple(PRESETS))]
    use = Use(
        model=arguments.model,
        gpus=arguments.gpus,
        adapters=tuple(arguments.adapter),
        port=arguments.port,
        tasks=arguments.tasks,
    )
    if arguments.serve:
        print(shlex.join(serve_command(preset, use)))
        print(shlex.join(ask_command(preset, use)))
    else:
        print(shlex.join(offline_command(preset, use)))
    return 0


if __name__ == "__main__":
    raise SystemExit(run(main))
