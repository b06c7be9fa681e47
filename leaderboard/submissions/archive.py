"""Reading a submission's files without trusting anything about them.

Nothing is unpacked to disk, and no name from an archive is ever used as a path.
"""

from __future__ import annotations

import os
import stat
import zipfile
from pathlib import Path

METADATA = "submission.json"
REPLIES = "replies.jsonl"
LIMITS_BYTES = {METADATA: 64 << 10, REPLIES: 256 << 20, "README.md": 256 << 10}
"""The files that a submission may hold, and how large each may be."""
REQUIRED = (METADATA, REPLIES)
MAX_ARCHIVE_BYTES = 64 << 20
MAX_RATIO = 100
"""How much larger a file may be than its compressed form, beyond the first megabyte."""
_ARCHIVES = (".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".7z", ".rar")
_ENCRYPTED = 0x1


class Refused(Exception):
    """The files cannot be read; the reasons say why."""

    def __init__(self, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.reasons = reasons


def read_files(path: Path) -> dict[str, bytes]:
    """Return the files of a submission by name, from a folder or a zip archive.

    Raises:
        Refused: It is neither, or holds what it must not.
    """
    if path.is_symlink():
        raise Refused([f"{path.name} is a link"])
    files = _read_folder(path) if path.is_dir() else _read_zip(path)
    missing = [name for name in REQUIRED if name not in files]
    if missing:
        raise Refused([f"{name} is missing" for name in missing])
    return files


def _read_folder(path: Path) -> dict[str, bytes]:
    reasons: list[str] = []
    entries: dict[str, int] = {}
    with os.scandir(path) as found:
        for entry in found:
            status = entry.stat(follow_symlinks=False)
            if not stat.S_ISREG(status.st_mode):
                reasons.append(f"{entry.name!r} is no plain file (folders and links are refused)")
            else:
                reasons += name_problems(entry.name) or size_problems(entry.name, status.st_size)
                entries[entry.name] = status.st_size
    if reasons:
        raise Refused(sorted(reasons))
    return {name: (path / name).read_bytes() for name in sorted(entries)}


def _read_zip(path: Path) -> dict[str, bytes]:
    try:
        size = path.stat().st_size
        if size > MAX_ARCHIVE_BYTES:
            raise Refused([f"the archive has {size} bytes; at most {MAX_ARCHIVE_BYTES}"])
        with zipfile.ZipFile(path) as archive:
            infos = archive.infolist()
            reasons = [reason for info in infos for reason in _entry_problems(info)]
            names = [info.filename for info in infos]
            reasons += [f"{name!r} is there twice" for name in set(names) if names.count(name) > 1]
            if reasons:
                raise Refused(sorted(reasons)[:20])
            return {info.filename: _read_entry(archive, info) for info in infos}
    except OSError as error:
        raise Refused([f"{path.name} cannot be read: {error.strerror}"]) from error
    except (zipfile.BadZipFile, NotImplementedError, EOFError, ValueError) as error:
        raise Refused([f"{path.name} is no readable zip archive: {error}"]) from error


def _entry_problems(info: zipfile.ZipInfo) -> list[str]:
    reasons = name_problems(info.filename)
    if stat.S_ISLNK(info.external_attr >> 16):
        reasons.append(f"{info.filename!r} is a link")
    if info.flag_bits & _ENCRYPTED:
        reasons.append(f"{info.filename!r} is encrypted")
    if reasons:
        return reasons
    if info.file_size > max(1 << 20, MAX_RATIO * info.compress_size):
        return [f"{info.filename!r} is a decompression bomb"]
    return size_problems(info.filename, info.file_size)


def name_problems(name: str) -> list[str]:
    """Return why a file's name is refused; nothing if it is one of those allowed."""
    if name in LIMITS_BYTES:
        return []
    if "/" in name or "\\" in name or ".." in name or ":" in name:
        return [f"{name!r} is a path; a submission has no folders"]
    if name.lower().endswith(_ARCHIVES):
        return [f"{name!r} is an archive within the submission"]
    return [f"{name!r} is no file of a submission; allowed: {', '.join(LIMITS_BYTES)}"]


def size_problems(name: str, size: int) -> list[str]:
    """Return why a file's size is refused."""
    limit = LIMITS_BYTES[name]
    return [f"{name} has {size} bytes; at most {limit}"] if size > limit else []


def _read_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """Read at most as much as is allowed, whatever the archive says of its size."""
    import zlib

    limit = LIMITS_BYTES[info.filename]
    try:
        with archive.open(info) as file:
            content = file.read(limit + 1)
    except zlib.error as error:
        raise Refused([f"{info.filename} is damaged: {error}"]) from error
    if len(content) > limit:
        raise Refused([f"{info.filename} is a decompression bomb"])
    return content
