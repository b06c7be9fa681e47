"""What `sat-generate doctor` says about AI2-THOR. Nothing here is needed for other engines."""

from __future__ import annotations

import json
import math
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from ctypes.util import find_library
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from generation.doctor import Check
from generation.engines import EngineConfig
from generation.engines.thor import INSTALL
from generation.engines.thor.houses import open_houses
from generation.pose import Camera, Pose
from generation.scene import EngineError, SceneKey

WANTED = "5.0.0"
CORES_PER_WORKER = 2
TRIAL_SCENE = "FloorPlan1"
TRIAL_START_S, TRIAL_STEP_S = 180.0, 60.0
SHARED_FILE_SYSTEMS = {"nfs", "nfs4", "lustre", "gpfs", "beegfs", "ceph", "cifs", "afs"}
ICD_FOLDERS = (Path("/etc/vulkan/icd.d"), Path("/usr/share/vulkan/icd.d"))
MAPPING = Path(".ai2thor") / "cuda-vulkan-mapping.json"
HOUSES_VARIABLE = "SAT_THOR_HOUSES"


def checks() -> list[Check]:
    """Look at the package, the player, the GPU, the houses, and try the player out."""
    if find_spec("ai2thor") is None:
        return [Check("ai2thor", False, "not installed", INSTALL, required=False)]
    found = [
        package(version("ai2thor")),
        player(os.environ),
        vulkan_loader(),
        vulkan_driver(os.environ, ICD_FOLDERS),
        *devices(os.environ, Path.home()),
        home(Path.home()),
        cores(len(os.sched_getaffinity(0))),
        houses(os.environ),
    ]
    return [*found, trial(os.environ)]


def optional(name: str, ok: bool, detail: str, fix: str = "") -> Check:
    """Return a check of something that only this engine needs."""
    return Check(name, ok, detail, fix, required=False)


def package(installed: str) -> Check:
    """Say whether ai2thor has the version that this engine was written for."""
    return optional("ai2thor", installed == WANTED, installed, f"pip install ai2thor=={WANTED}")


def player(environ: Mapping[str, str]) -> Check:
    """Say whether there is a player to start."""
    from generation.engines.thor.engine import ThorSettings
    from generation.engines.thor.installation import BUILD_URL, release_name, release_problem

    try:
        executable = ThorSettings.from_environment(environ).executable
    except EngineError as error:
        return optional("player", False, str(error), "set it right, or unset it")
    if executable is not None:
        return optional("player", True, f"{executable} (SAT_THOR_EXECUTABLE)")
    problem = release_problem()
    fix = (
        f"unpack {BUILD_URL}/{release_name()}.zip (about 1 GB) there; ai2thor fetches it by itself "
        "at the first start where the network allows"
    )
    return optional("player", problem is None, problem or release_name(), fix)


def vulkan_loader() -> Check:
    """Say whether the player finds Vulkan."""
    name = find_library("vulkan")
    return optional("libvulkan", name is not None, name or "not here", "apt-get install libvulkan1")


def vulkan_driver(environ: Mapping[str, str], folders: tuple[Path, ...]) -> Check:
    """Say whether Vulkan can draw on an NVIDIA GPU: the player exits at once (-11) otherwise."""
    drivers = [file.name for folder in folders for file in sorted(folder.glob("*.json"))]
    ok = any("nvidia" in name for name in drivers)
    fix = "install the NVIDIA driver with its Vulkan part (nvidia_icd.json)"
    capabilities = environ.get("NVIDIA_DRIVER_CAPABILITIES")
    if capabilities is not None and not {"all", "graphics"} & set(capabilities.split(",")):
        fix = f"docker run -e NVIDIA_DRIVER_CAPABILITIES=all (it is {capabilities!r})"
    return optional("Vulkan driver of the GPU", ok, ", ".join(drivers) or "none", fix)


def devices(environ: Mapping[str, str], home_folder: Path) -> Iterator[Check]:
    """Say which GPU the player will take, and whether ai2thor can tell Vulkan so."""
    value = environ.get("CUDA_VISIBLE_DEVICES")
    parts = [part.strip() for part in (value or "").split(",")]
    numbers = [int(part) for part in parts if part.isdigit()]  # as ai2thor reads it
    if not numbers:
        what = "not set" if value is None else f"{value!r} names no number"
        yield optional("CUDA_VISIBLE_DEVICES", True, f"{what}: the player takes its default GPU")
        return
    yield optional(
        "CUDA_VISIBLE_DEVICES", True, f"{value!r}: the player takes GPU {numbers[0]} by its number"
    )
    mapping = home_folder / MAPPING
    if mapping.is_file():
        yield _mapping(mapping, numbers[0])
        return
    missing = [tool for tool in ("vulkaninfo", "nvidia-smi") if shutil.which(tool) is None]
    yield optional(
        "GPU mapping",
        not missing,
        f"{' and '.join(missing)} not found" if missing else "made at the first start",
        "apt-get install vulkan-tools; or unset CUDA_VISIBLE_DEVICES, or give it a GPU's UUID",
    )


def _mapping(path: Path, number: int) -> Check:
    """Check the file that maps GPU numbers to Vulkan's; ai2thor never makes it anew."""
    fix = f"rm {path} (it is kept for ever, and wrong where several machines share a home)"
    try:
        known = sorted(int(key) for key in json.loads(path.read_text()))
    except (ValueError, TypeError):
        return optional("GPU mapping", False, f"{path} is damaged", fix)
    gpus = _gpu_count()
    ok = number in known and gpus in (None, len(known))
    here = "unknown" if gpus is None else gpus
    return optional("GPU mapping", ok, f"maps GPUs {known}; GPUs here: {here}", fix)


def _gpu_count() -> int | None:
    """Return the number of GPUs that nvidia-smi lists, or None where it does not work."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return None
    done = subprocess.run([tool, "-L"], capture_output=True, text=True, timeout=30, check=False)
    return done.stdout.count("UUID: GPU-") if done.returncode == 0 else None


def home(folder: Path, mounts: Path = Path("/proc/mounts")) -> Check:
    """Say whether ~/.ai2thor can be written; several machines should not share it."""
    writable = os.access(folder, os.W_OK)
    kind = _file_system(folder, mounts)
    shared = kind in SHARED_FILE_SYSTEMS
    detail = f"{folder}{'' if writable else ' cannot be written'} ({kind})"
    fix = "set HOME to a folder on a local disk whose path has no space"
    return optional("home", writable and not shared and " " not in str(folder), detail, fix)


def _file_system(folder: Path, mounts: Path) -> str:
    """Return the kind of file system that a folder is on."""
    best, kind = "", "unknown"
    for line in mounts.read_text().splitlines() if mounts.is_file() else []:
        _, point, name, *_ = line.split()
        if folder.is_relative_to(point) and len(point) >= len(best):
            best, kind = point, name
    return kind


def cores(count: int) -> Check:
    """Say how many workers make sense: player and Python each keep a core busy."""
    workers = count // CORES_PER_WORKER
    detail = f"{count} cores: use at most {max(1, workers)} workers"
    return optional("cores for the player", workers > 0, detail, "the player will be slow")


def houses(environ: Mapping[str, str]) -> Check:
    """Say whether the houses that SAT_THOR_HOUSES names can be read."""
    source = environ.get(HOUSES_VARIABLE)
    if not source:
        return optional("houses", True, f"set {HOUSES_VARIABLE}=FILE.jsonl.gz to have them checked")
    try:
        name = open_houses(source).house(SceneKey(_split_of(source), 0, 0)).name
    except EngineError as error:
        return optional("houses", False, str(error), "fetch the file again, or name another")
    return optional("houses", True, f"{name} can be read")


def _split_of(source: str) -> str:
    name = Path(source).name.split(".")[0]
    return name if name in ("val", "test") else "train"


def trial(environ: Mapping[str, str]) -> Check:
    """Start the player and do five things with it, within a few minutes."""
    found = player(environ)
    if not found.ok:
        return optional("trial", False, "not tried without a player", found.fix)
    done: list[str] = []
    try:
        for step in _try_out(environ):
            done.append(step)
    except EngineError as error:
        fix = "see the checks above and ~/.ai2thor/log/unity.log"
        return optional("trial", False, f"after {', '.join(done) or 'nothing'}: {error}", fix)
    return optional("trial", True, ", ".join(done))


def _try_out(environ: Mapping[str, str]) -> Iterator[str]:
    """Use the player, and name each thing that has worked."""
    from generation.engines.thor.controller import Timeouts
    from generation.engines.thor.engine import ThorEngine, ThorSettings

    source = environ.get(HOUSES_VARIABLE) or TRIAL_SCENE
    settings = ThorSettings.from_environment(environ)
    settings = replace(settings, timeouts=Timeouts(TRIAL_START_S, TRIAL_STEP_S))
    config = EngineConfig(Camera(256, 256, math.radians(75)), houses=source)
    engine = ThorEngine(config, settings)
    try:
        yield "start"
        session = engine.load(SceneKey(_split_of(source), 0, 0))
        yield "load"
        x, y = session.standing_points_m()[0]
        seen = session.observe(Pose(x, y, 1.5, 0.0))
        yield "observe"
        if session.render(seen).std() < 1:
            raise EngineError("the picture is empty")
        yield "render"
        state = session.state()
        for object_id, (x, y, z, *turn) in list(state.poses.items())[:1]:
            session.restore(state.updated({object_id: [x, y, z + 0.1, *turn]}))
            session.restore(state)
        yield "move"
    finally:
        engine.close()
