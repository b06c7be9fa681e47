"""What `sat-generate doctor` says about the embedded engine."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

from generation.doctor import Check
from generation.engines.mujoco import probe
from generation.engines.mujoco.renderer import FALLBACK_FIX, FIX, RENDERERS

PACKAGES = {"egl": "libegl1", "osmesa": "libosmesa6"}


def checks() -> list[Check]:
    """Look at MuJoCo, the Vulkan driver and every renderer."""
    try:
        package = Check("mujoco", True, version("mujoco"))
    except PackageNotFoundError:
        return [Check("mujoco", False, "not installed", "pip install 'mujoco>=4,<5'")]
    devices = probe.vulkan_devices()
    troubles = {name: probe.trouble_with(name, afresh=True) for name in RENDERERS["auto"]}
    working = [name for name, trouble in troubles.items() if not trouble]
    return [
        package,
        Check(
            "Vulkan loader",
            probe.vulkan_loader() is not None,
            probe.LIBRARIES["filament"][0],
            "apt-get install libvulkan1",
            required=False,
        ),
        Check(
            "Vulkan devices",
            bool(devices),
            ", ".join(device.name for device in devices) or "none",
            "apt-get install mesa-vulkan-drivers",
            required=False,
        ),
        *(
            Check(
                f"{name} renderer",
                not trouble,
                trouble or "draws",
                FIX if name == "filament" else f"apt-get install {PACKAGES[name]}",
                required=False,
            )
            for name, trouble in troubles.items()
        ),
        Check(
            "pictures",
            bool(working),
            f"drawn by {working[0]}" if working else "no renderer works",
            f"{FIX} (or {FALLBACK_FIX})",
        ),
    ]
