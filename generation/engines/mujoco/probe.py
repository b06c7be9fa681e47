"""Finds out what can draw here without risking the process.

A renderer that meets a broken driver ends the process without a Python exception, so drivers are
listed through the Vulkan loader alone and every renderer first draws a frame in a process of its
own.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

TRIAL_TIMEOUT_S = 180
VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO = 1
VK_API_VERSION_1_1 = 1 << 22 | 1 << 12
PROPERTIES_BYTES = 4096
"""More than VkPhysicalDeviceProperties takes."""
NAME_AT, NAME_BYTES = 20, 256


LIBRARIES = {
    "filament": ("libvulkan.so.1",),
    "egl": ("libEGL.so.1",),
    "osmesa": ("libOSMesa.so.8", "libOSMesa.so.6"),
}
"""Renderer -> the libraries of which it needs one."""


@dataclass(frozen=True)
class VulkanDevice:
    """A device that a Vulkan driver offers."""

    name: str
    driver_version: int


class _InstanceCreateInfo(ctypes.Structure):
    _fields_ = (
        ("sType", ctypes.c_int),
        ("pNext", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("pApplicationInfo", ctypes.c_void_p),
        ("enabledLayerCount", ctypes.c_uint32),
        ("ppEnabledLayerNames", ctypes.c_void_p),
        ("enabledExtensionCount", ctypes.c_uint32),
        ("ppEnabledExtensionNames", ctypes.c_void_p),
    )


def vulkan_loader() -> ctypes.CDLL | None:
    """Return the Vulkan loader, or None where it is not installed or no library."""
    try:
        loader = ctypes.CDLL("libvulkan.so.1")
    except OSError:
        return None
    return loader if hasattr(loader, "vkCreateInstance") else None


def vulkan_devices() -> list[VulkanDevice]:
    """Return the devices of all Vulkan drivers, none where there is no loader or driver."""
    loader = vulkan_loader()
    if loader is None:
        return []
    info = _InstanceCreateInfo(sType=VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO)
    instance = ctypes.c_void_p()
    if loader.vkCreateInstance(ctypes.byref(info), None, ctypes.byref(instance)) != 0:
        return []
    count = ctypes.c_uint32(0)
    devices = []
    if loader.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None) == 0 and count.value:
        handles = (ctypes.c_void_p * count.value)()
        loader.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), handles)
        devices = [_device(loader, handle) for handle in handles[: count.value] if handle]
    loader.vkDestroyInstance(instance, None)
    return devices


def _device(loader: ctypes.CDLL, handle: int) -> VulkanDevice:
    properties = ctypes.create_string_buffer(PROPERTIES_BYTES)
    loader.vkGetPhysicalDeviceProperties(ctypes.c_void_p(handle), properties)
    name = properties.raw[NAME_AT : NAME_AT + NAME_BYTES].split(b"\0")[0].decode(errors="replace")
    return VulkanDevice(name, int.from_bytes(properties.raw[4:8], sys.byteorder))


def trouble_with(renderer: str, *, afresh: bool = False) -> str:
    """Return in a few words why a renderer does not work here, or nothing if it does.

    Args:
        renderer: "filament", "egl" or "osmesa".
        afresh: Draw a frame even if an earlier process did with the same driver.
    """
    missing = _missing_library(renderer)
    if missing:
        return f"{renderer}: {missing} is not installed"
    if renderer != "filament":
        return trial(renderer)
    devices = vulkan_devices()
    if not devices:
        return "filament: no Vulkan driver is installed"
    known_good = _cache_path()
    record = {"mujoco": version("mujoco"), "devices": [asdict(device) for device in devices]}
    with suppress(OSError, ValueError):
        if not afresh and json.loads(known_good.read_text()) == record:
            return ""
    trouble = trial(renderer)
    if not trouble:
        # Only saves the next process the trial; a machine without a cache folder works as well.
        with suppress(OSError):
            _write(known_good, json.dumps(record))
    return trouble


def _missing_library(renderer: str) -> str:
    """Return the library without which a renderer cannot start, if it cannot be loaded."""
    names = LIBRARIES[renderer]
    for name in names:
        with suppress(OSError):
            ctypes.CDLL(name)
            return ""
    return names[0]


def trial(renderer: str) -> str:
    """Draw one frame in a process of its own; return what went wrong, or nothing."""
    environment = dict(os.environ)
    if renderer != "filament":
        environment["MUJOCO_GL"] = renderer
        environment.pop("PYOPENGL_PLATFORM", None)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "generation.engines.mujoco.trial", renderer],
            env=environment,
            capture_output=True,
            text=True,
            timeout=TRIAL_TIMEOUT_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"{renderer}: no frame within {TRIAL_TIMEOUT_S} s"
    if done.returncode == 0:
        return ""
    said = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return f"{renderer}: {said[-1][:200] if said else f'exit status {done.returncode}'}"


def _cache_path() -> Path:
    folder = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(folder) / "sat-bench" / "filament-works.json"


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    temporary.write_text(text)
    os.replace(temporary, path)
