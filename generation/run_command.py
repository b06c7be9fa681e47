"""The `sat-generate run` command: options to a run, a question before a long one, a report."""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from generation.engines import ENGINES
from generation.houses import HOUSE_SOURCES
from generation.presets import PRESETS, Preset, estimate
from generation.scene import SPLITS
from sat_tasks import console
from sat_tasks.console import Parser, UserError

if TYPE_CHECKING:
    from generation.pipeline import Part, Tally
    from generation.pool import Executor
    from generation.settings import Run
    from sat_tasks.manifest import Manifest

EXAMPLE = """example:
  sat-generate run --out data/mini --split test --scenes 20 --seed 0
  sat-generate run --out data/big --split train --scenes 4000 --workers 16
  sat-generate run --out data/big --split train --scenes 4000 --shard 3/40   (one batch job of 40)
  sat-generate run --out data/paper --preset paper --ray auto

The same command goes on where a stopped one left off. Equal settings and seed give equal rows,
however the work is spread; pictures may differ by a grey level here and there."""

DEFAULT_SPLIT = "test"
DEFAULT_SCENES = 20


def add_run(commands: argparse._SubParsersAction[Parser]) -> None:
    """Add the command to a parser."""
    parser = commands.add_parser(
        "run", help="generate questions", description="Generate questions.", epilog=EXAMPLE
    )
    what = parser.add_argument_group("what is made")
    what.add_argument("--out", type=Path, required=True, metavar="DIR", help="data set folder")
    what.add_argument(
        "--preset",
        metavar="|".join(PRESETS),
        help="; ".join(f"{name}: {preset.about}" for name, preset in PRESETS.items()),
    )
    what.add_argument("--split", metavar="|".join(SPLITS), help=f"default: {DEFAULT_SPLIT}")
    what.add_argument("--scenes", type=positive, metavar="N", help=f"default: {DEFAULT_SCENES}")
    what.add_argument("--seed", type=int, default=0)
    what.add_argument("--engine", default="mujoco", metavar="|".join(ENGINES))
    what.add_argument(
        "--houses",
        default="procedural",
        metavar="SOURCE|PATH",
        help=f"where houses come from: {', '.join(HOUSE_SOURCES)}, a folder of MJCF scenes, or for "
        "engine thor a houses file or scene names (default: procedural)",
    )
    what.add_argument("--types", metavar="A,B", help="question types (default: all)")
    what.add_argument("--size", type=positive, metavar="PX", help="picture edge (default: 512)")
    what.add_argument(
        "--questions-per-scene", type=positive, metavar="N", help="at most (default: 12)"
    )
    what.add_argument(
        "--pairs-per-scene",
        type=int,
        metavar="N",
        help="pairs of pictures with depth and labels, to pre-train a vision tower (default: 0)",
    )
    what.add_argument(
        "--renderer", default="auto", metavar="NAME", help="auto, filament, egl or osmesa"
    )
    how = parser.add_argument_group("how it is made")
    how.add_argument(
        "--workers", type=positive, metavar="N", help="processes (default: one per core)"
    )
    how.add_argument("--shard", default="1/1", metavar="I/N", help="do every N-th shard only")
    how.add_argument("--ray", metavar="ADDRESS", help="use a Ray cluster: its address, or auto")
    how.add_argument("--yes", action="store_true", help="do not ask before a preset starts")
    parser.set_defaults(command=_run)


def positive(text: str) -> int:
    """Parse a whole number above 0; an argument type."""
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)


def _run(arguments: argparse.Namespace) -> int:
    from generation.pipeline import check_writable, generate

    started_s = time.monotonic()
    run, part = requested_run(arguments), _part(arguments.shard)
    check_writable(arguments.out)
    execute = _executor(arguments)
    if arguments.preset:
        _confirm(arguments, run)
    tally, manifest = generate(arguments.out, run, execute, part)
    _report(arguments.out, tally, manifest, time.monotonic() - started_s)
    return 0


def requested_run(arguments: argparse.Namespace) -> Run:
    """Return the run that the options ask for; options win over the preset.

    Raises:
        UserError: A name is not known; the message tells which are.
    """
    from generation.questions import QUESTION_TYPES
    from generation.settings import Run, RunSettings

    preset = _preset(arguments.preset)
    console.one_of("engine", arguments.engine, list(ENGINES))
    scenes = _scenes(arguments, preset)
    _check_houses(arguments.engine, arguments.houses, scenes)
    types = arguments.types.split(",") if arguments.types else list(QUESTION_TYPES)
    for name in types:
        console.one_of("question type", name, list(QUESTION_TYPES))
    questions_per_scene = preset.questions_per_scene if preset else 12
    settings = RunSettings(
        types=tuple(dict.fromkeys(types)),
        seed=arguments.seed,
        engine=arguments.engine,
        houses=arguments.houses,
        renderer=arguments.renderer,
        size_px=arguments.size or (preset.size_px if preset else 512),
        questions_per_scene=arguments.questions_per_scene or questions_per_scene,
        weights=preset.weights if preset else {},
        pairs_per_scene=_pairs(arguments.pairs_per_scene, preset),
    )
    return Run(settings, scenes)


def _pairs(asked: int | None, preset: Preset | None) -> int:
    if asked is None:
        return preset.pairs_per_scene if preset else 0
    if asked < 0:
        raise UserError(f"--pairs-per-scene must be at least 0, got {asked}")
    return asked


def _check_houses(engine: str, houses: str, scenes: dict[str, int]) -> None:
    """Look at the houses before anything is written or started."""
    if engine == "thor":
        from generation.engines.thor.houses import open_houses

        open_houses(houses)
    elif engine == "mujoco":
        from generation.engines.mujoco import mjcf_folder

        folder = mjcf_folder(houses)
        for split, count in scenes.items():
            if folder is not None:
                folder.check(split, count)


def _preset(name: str | None) -> Preset | None:
    return None if name is None else PRESETS[console.one_of("preset", name, list(PRESETS))]


def _scenes(arguments: argparse.Namespace, preset: Preset | None) -> dict[str, int]:
    if preset is None:
        split = console.one_of("split", arguments.split or DEFAULT_SPLIT, SPLITS)
        return {split: arguments.scenes or DEFAULT_SCENES}
    scenes = dict(preset.scenes)
    if arguments.split:
        split = console.one_of("split of this preset", arguments.split, list(scenes))
        scenes = {split: scenes[split]}
    if arguments.scenes:
        if len(scenes) > 1:
            raise UserError(f"--scenes with this preset needs --split: {', '.join(scenes)}")
        scenes = dict.fromkeys(scenes, arguments.scenes)
    return scenes


def _executor(arguments: argparse.Namespace) -> Executor:
    if arguments.ray:
        from generation.ray_pool import ray_executor

        return ray_executor(arguments.ray, arguments.workers)
    from generation.pool import default_workers, local_executor

    return local_executor(arguments.workers or default_workers())


def _part(text: str) -> Part:
    from generation.pipeline import Part

    number, slash, count = text.partition("/")
    if not (slash and number.isdecimal() and count.isdecimal() and 1 <= int(number) <= int(count)):
        raise UserError(f"--shard {text!r}: expected I/N with 1 <= I <= N, for example 3/40")
    return Part(int(number), int(count))


def _confirm(arguments: argparse.Namespace, run: Run) -> None:
    """Say what a preset costs and ask whether to begin; a run under way just goes on."""
    from generation.pool import default_workers
    from generation.settings import RUN_NAME

    workers = arguments.workers or default_workers()
    cost = estimate(PRESETS[arguments.preset], run.scenes, workers)
    free_gb = shutil.disk_usage(arguments.out).free / 1e9
    print(
        f"{arguments.preset}: {cost} of disk ({free_gb:.0f} GB free) with {workers} workers.",
        file=sys.stderr,
    )
    if free_gb < cost.gigabytes:
        raise UserError(f"{arguments.out} has {free_gb:.1f} GB free, {cost.gigabytes:.1f} needed")
    if arguments.yes or (arguments.out / RUN_NAME).exists():
        return
    if not sys.stdin.isatty():
        raise UserError("nobody is there to confirm this; add --yes to begin")
    if input("Begin? [y/N] ").strip().lower() not in {"y", "yes"}:
        raise UserError("not begun")


def _report(folder: Path, tally: Tally, manifest: Manifest | None, seconds: float) -> None:
    if tally.scenes:
        print(
            f"Made {tally.questions} questions over {tally.scenes} scenes in {seconds:.0f} s "
            f"({tally.questions / seconds:.1f} questions/s, {tally.scenes / seconds:.2f} scenes/s)."
        )
    if tally.lost_scenes:
        print(f"{tally.lost_scenes} scenes gave nothing; the shard records in {folder} say why.")
    if manifest is None:
        print(f"This part of {folder} is done; other parts are not.")
        return
    for split, counts in manifest.counts.items():
        listed = ", ".join(f"{name} {number}" for name, number in counts.items())
        print(f"{split}: {sum(counts.values())} questions ({listed})")
    print(f"Data set: {folder}")
