"""Encoded pictures: opened without losing their original bytes, and handed on unchanged.

lmms-eval's tasks hand PIL images to models. An API takes JPEG or PNG files, and encoding a
decoded JPEG again changes what the model sees (or makes it several times larger), so a picture
that was opened by :func:`open_picture` keeps its file.
"""

from __future__ import annotations

import io
import threading
from dataclasses import dataclass
from typing import Any

from PIL import Image

_ORIGINAL = "_sat_original_bytes"
_SIGNATURES = {b"\xff\xd8\xff": "image/jpeg", b"\x89PNG\r\n\x1a\n": "image/png"}


@dataclass(frozen=True)
class EncodedPicture:
    """A JPEG or PNG file."""

    data: bytes
    mime: str
    """"image/jpeg" or "image/png"."""
    width_px: int
    height_px: int


def open_picture(data: bytes) -> Image.Image:
    """Open an encoded picture and remember its bytes; pixels are decoded when first used.

    Copies, conversions and resized versions of the image do not inherit the bytes. Do not edit
    the image in place. Several threads may use it: PIL's own decoding breaks when two start it at
    the same time, as lmms-eval's models do.

    Raises:
        PIL.UnidentifiedImageError: Not a picture.
    """
    image = Image.open(io.BytesIO(data))
    setattr(image, _ORIGINAL, data)
    decode, lock = image.load, threading.Lock()

    def load() -> Any:
        with lock:
            return decode()

    image.load = load  # type: ignore[method-assign]
    return image


def encode_picture(image: Image.Image, max_side_px: int | None = None) -> EncodedPicture:
    """Return the picture as a file: its original bytes where possible, else lossless PNG.

    Args:
        image: Any PIL image.
        max_side_px: Shrink the picture so that no side is longer; None leaves its size alone.
    """
    longest = max(image.size)
    if max_side_px is not None and longest > max_side_px:
        width, height = (max(1, round(side * max_side_px / longest)) for side in image.size)
        return _as_png(_plain(image).resize((width, height), Image.Resampling.LANCZOS))
    original: bytes | None = getattr(image, _ORIGINAL, None)
    mime = _mime_of(original) if original is not None else None
    if original is None or mime is None:
        return _as_png(_plain(image))
    return EncodedPicture(original, mime, *image.size)


def _mime_of(data: bytes) -> str | None:
    """Return the MIME type that APIs accept for this file, or None."""
    return next((mime for start, mime in _SIGNATURES.items() if data.startswith(start)), None)


def _plain(image: Image.Image) -> Image.Image:
    """Return the image in a mode that every API reads from a PNG."""
    return image if image.mode in ("L", "RGB", "RGBA") else image.convert("RGB")


def _as_png(image: Image.Image) -> EncodedPicture:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return EncodedPicture(buffer.getvalue(), "image/png", *image.size)
