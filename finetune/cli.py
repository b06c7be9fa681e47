"""``sat-finetune``: tune a model on SAT data, say beforehand what it takes, export the result."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from finetune.presets import PRESETS, Preset, resolve
from sat_tasks import console
from sat_tasks.console import Parser, UserError, one_of

_EPILOG = """example:
  sat-finetune plan llava-1.5-13b-sat --gpus 8 --gpu H100
  sat-finetune train sat-tiny --data sat-train --held-out sat-val --out runs/tiny
  sat-finetune export runs/tiny --out models/sat-tiny
"""
_TRAIN_EPILOG = """example:
  sat-finetune train llava-1.5-13b-sat --data sat-train --instruct llava_v1_5_mix665k.json \\
      --pictures llava-pictures --held-out sat-val --out runs/llava-13b-sat
  sat-finetune train sat-tiny --data sat-train --out runs/tiny --set sample_count=20000
  accelerate launch --num_processes 8 -m finetune.cli train llava-1.5-13b-sat ...   (8 GPUs)

The same command goes on with a run that was stopped.
"""
REPORTS = ("tensorboard", "wandb", "none")
NEEDED = ("torch", "transformers", "trl", "peft", "accelerate")


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit status."""
    return console.run(_command, argv)


def make_parser() -> Parser:
    """Return the parser of all commands."""
    parser = Parser(
        prog="sat-finetune",
        description="Tune vision-language models on spatial questions.",
        epilog=_EPILOG,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _declare_train(commands)
    _declare_plan(commands)
    _declare_export(commands)
    return parser


def _command(argv: Sequence[str] | None) -> int:
    arguments = make_parser().parse_args(argv)
    action: Callable[[argparse.Namespace], int] = arguments.action
    return action(arguments)


def _add_preset(own: Parser) -> None:
    own.add_argument("preset", metavar="PRESET", help=", ".join(PRESETS))
    own.add_argument(
        "--set",
        dest="settings",
        action="append",
        default=[],
        metavar="FIELD=VALUE",
        help="change a field of the preset (may be repeated)",
    )


def _declare_train(commands: Any) -> None:
    own = commands.add_parser(
        "train", help="tune a model", description="Tune a model.", epilog=_TRAIN_EPILOG
    )
    _add_preset(own)
    own.add_argument(
        "--data",
        action="append",
        required=True,
        metavar="DIR",
        help="data set folder, or array/SAT for the published one (may be repeated)",
    )
    own.add_argument("--split", default="train", help="of the data (default: train)")
    own.add_argument("--instruct", type=Path, metavar="FILE", help="LLaVA-Instruct JSON")
    own.add_argument("--pictures", type=Path, metavar="DIR", help="where its picture paths start")
    own.add_argument(
        "--held-out", type=Path, metavar="DIR", help="data set whose val split is evaluated on"
    )
    own.add_argument("--out", type=Path, required=True, metavar="RUN", help="folder of the run")
    own.add_argument("--report-to", action="append", metavar="|".join(REPORTS))
    own.add_argument("--log-steps", type=int, default=10, metavar="N")
    for what in ("eval", "save"):
        own.add_argument(
            f"--{what}-steps", type=int, metavar="N", help="(default: a twentieth of the run)"
        )
    own.add_argument(
        "--workers",
        type=int,
        metavar="N",
        help="processes that read pictures ahead (default: 4 per GPU, none on a CPU)",
    )
    own.set_defaults(action=_train)


def _train(arguments: argparse.Namespace) -> int:
    preset = resolve(arguments.preset, arguments.settings)
    reports = tuple(arguments.report_to or ("tensorboard",))
    for name in reports:
        one_of("report target", name, REPORTS)
    require(NEEDED)
    check_machine(preset, reports)
    from finetune.data import describe, make_plan, open_sources
    from finetune.progress import SampleProgress
    from finetune.train import Schedule, train
    from sat_tasks.tables import open_training_data

    folders = [open_training_data(name).folder for name in arguments.data]
    sources = open_sources(folders, preset, arguments.instruct, arguments.pictures, arguments.split)
    held_out = None
    if arguments.held_out is not None:
        held_out = open_sources([arguments.held_out], _sat_only(preset), split="val")
    is_first = os.environ.get("RANK", "0") == "0"
    if is_first:
        _note_slow_precision(preset)
    print(_summary(describe(make_plan(sources, preset), sources), sources), file=sys.stderr)
    schedule = Schedule(
        log_steps=arguments.log_steps,
        eval_steps=arguments.eval_steps,
        save_steps=arguments.save_steps,
        report_to=reports,
        workers=arguments.workers,
    )
    devices = max(int(os.environ.get("WORLD_SIZE", "1")), 1)
    progress = SampleProgress(preset.batch_size * preset.accumulation_steps * devices)
    folder = train(preset, sources, arguments.out, held_out, schedule, [progress])
    if is_first:
        print(f"Trained model: {folder}")
    return 0


def _note_slow_precision(preset: Preset) -> None:
    import torch

    if preset.precision == "bf16" and not torch.cuda.is_available():
        print(
            "note: on CPUs without AVX512-BF16 or AMX bf16 is slow; --set precision=fp32 there",
            file=sys.stderr,
        )


def _sat_only(preset: Preset) -> Preset:
    from dataclasses import replace

    return replace(preset, sat_share=1.0)


def _summary(plan: dict[str, Any], sources: Any) -> str:
    kinds = ", ".join(f"{name} {count}" for name, count in plan["by_type"].items())
    left_out = ", ".join(f"{why}: {count}" for why, count in sorted(sources.left_out.items()))
    return f"{plan['samples']} samples ({kinds}); left out: {left_out or 'none'}"


def require(packages: Sequence[str]) -> None:
    """Make sure that packages are installed.

    Raises:
        UserError: One is not.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise UserError(
            f"not installed: {', '.join(missing)}; pip install 'sat-bench[finetune]' brings them"
        )


def check_machine(preset: Preset, reports: Sequence[str]) -> None:
    """Make sure that a preset can run here, before anything is loaded.

    Raises:
        UserError: It cannot.
    """
    import torch

    if torch.cuda.device_count() > 1 and "WORLD_SIZE" not in os.environ:
        raise UserError(
            f"{torch.cuda.device_count()} GPUs are here: start with accelerate launch "
            "--num_processes N -m finetune.cli train ..., or choose one with CUDA_VISIBLE_DEVICES=0"
        )
    if "wandb" in reports and find_spec("wandb") is None:
        raise UserError("--report-to wandb needs the package wandb: pip install wandb")
    if preset.method == "qlora" and find_spec("bitsandbytes") is None:
        raise UserError("method=qlora needs the package bitsandbytes: pip install bitsandbytes")


def _declare_plan(commands: Any) -> None:
    own = commands.add_parser(
        "plan",
        help="say what a run takes",
        description="Say what a run takes: parameters, memory per GPU by part, hours.",
        epilog="example:\n  sat-finetune plan llava-1.5-13b-sat --gpus 8 --gpu H100\n",
    )
    _add_preset(own)
    own.add_argument("--gpus", type=int, default=1, metavar="N")
    own.add_argument("--gpu", default="H100", metavar="NAME", help="H100, A100, ...")
    own.set_defaults(action=_plan)


def _plan(arguments: argparse.Namespace) -> int:
    if arguments.gpus < 1:
        raise UserError(f"--gpus must be at least 1, got {arguments.gpus}")
    preset = resolve(arguments.preset, arguments.settings)
    from finetune.plan import make_plan, plan_text

    print(plan_text(preset, make_plan(preset, arguments.gpu, arguments.gpus)))
    return 0


def _declare_export(commands: Any) -> None:
    own = commands.add_parser(
        "export",
        help="write a checkpoint that others load",
        description="Merge the adapter if there is one, check the result, write a model card.",
        epilog="example:\n  sat-finetune export runs/tiny --out models/tiny --results results\n",
    )
    own.add_argument("run", type=Path, metavar="RUN")
    own.add_argument("--out", type=Path, required=True, metavar="DIR", help="must not exist")
    own.add_argument(
        "--results", type=Path, metavar="DIR", help="output of lmms-eval, for the model card"
    )
    own.add_argument("--push", metavar="REPOSITORY", help="upload to this hub repository")
    own.set_defaults(action=_export)


def _export(arguments: argparse.Namespace) -> int:
    require(NEEDED)
    from finetune.export import export

    found = export(arguments.run, arguments.out, arguments.results)
    gap = "" if found.logit_gap is None else f", merged within {found.logit_gap:.2g}"
    print(f"{found.folder}: {found.parameters / 1e6:.1f} million parameters{gap}")
    print(f"vLLM: {found.vllm}")
    if arguments.push:
        _upload(found.folder, arguments.push)
        print(f"uploaded to {arguments.push}")
    return 0


def _upload(folder: Path, repository: str) -> None:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, OfflineModeIsEnabled

    try:
        HfApi().create_repo(repository, exist_ok=True)
        HfApi().upload_folder(repo_id=repository, folder_path=str(folder))
    except (HfHubHTTPError, HFValidationError, OfflineModeIsEnabled, OSError) as error:
        reason = str(error).strip().splitlines()[0]
        raise UserError(f"{folder} is written, but was not uploaded: {reason}") from error


if __name__ == "__main__":
    sys.exit(main())
