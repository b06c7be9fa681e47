"""System packages of the embedded engine: says what is missing and installs it where it may.

Run by ``make setup`` as ``python -m generation.system --install``. Never fails the set-up: the
engine falls back to other renderers and to procedural furniture, and says so.
"""

from __future__ import annotations

import ctypes.util
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from sat_tasks.console import Parser, UserError, run

VULKAN_ICD_FOLDERS = ("/usr/share/vulkan/icd.d", "/etc/vulkan/icd.d")
VULKAN_PACKAGES = ("libvulkan1", "mesa-vulkan-drivers")


def missing_packages() -> tuple[str, ...]:
    """Return the Debian packages without which the Filament renderer cannot run here."""
    drivers = [path for folder in VULKAN_ICD_FOLDERS for path in Path(folder).glob("*.json")]
    if "VK_DRIVER_FILES" in os.environ or "VK_ICD_FILENAMES" in os.environ:
        drivers.append(Path("named by the environment"))
    loader = ctypes.util.find_library("vulkan")
    present = (loader is not None, bool(drivers))
    return tuple(name for name, there in zip(VULKAN_PACKAGES, present, strict=True) if not there)


def can_install() -> bool:
    """Say whether packages can be installed without asking anybody."""
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def install(packages: Sequence[str]) -> None:
    """Install Debian packages.

    Raises:
        UserError: apt-get failed; the message is its last line.
    """
    quiet_apt = ["apt-get", "-qq", "-o=Dpkg::Use-Pty=0"]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update"], ["install", "-y", "--no-install-recommends", *packages]):
        done = subprocess.run(
            [*quiet_apt, *command], capture_output=True, text=True, env=environment, check=False
        )
        if done.returncode:
            last = (done.stderr or done.stdout).strip().splitlines()[-1:]
            raise UserError(f"apt-get {command[0]} failed: {' '.join(last)}")


def _prepare_vulkan(may_install: bool) -> None:
    missing = missing_packages()
    if not missing:
        return
    wanted = " ".join(missing)
    if may_install and can_install():
        print(f"Installing system packages: {wanted}", flush=True)
        try:
            install(missing)
        except UserError as error:
            print(f"note: {error}", file=sys.stderr)
    if missing_packages():
        print(
            f"note: for the physically based renderer install: {wanted} "
            "(as root: apt-get install them); going on with MuJoCo's classic renderer",
            file=sys.stderr,
        )


def _prepare_furniture(may_install: bool) -> None:
    from generation.assets.fetch import fetch
    from generation.assets.sweethome3d import folder

    if folder() is not None:
        return
    if may_install and shutil.which("apt-get") and shutil.which("dpkg"):
        print("Fetching the Sweet Home 3D furniture catalogue (120 MB)", flush=True)
        try:
            fetch()
        except UserError as error:
            print(f"note: {error}", file=sys.stderr)
    if folder() is None:
        print(
            "note: the Sweet Home 3D furniture is not here (Debian package "
            "sweethome3d-furniture, or `sat-generate assets --fetch`); "
            "going on with procedural furniture",
            file=sys.stderr,
        )


def main(argv: Sequence[str] | None = None) -> int:
    """Check the system packages and, with --install, install what is missing."""
    parser = Parser(prog="python -m generation.system", description=main.__doc__)
    parser.add_argument("--install", action="store_true", help="install and fetch where possible")
    arguments = parser.parse_args(argv)
    _prepare_vulkan(arguments.install)
    _prepare_furniture(arguments.install)
    return 0


if __name__ == "__main__":
    sys.exit(run(main))
