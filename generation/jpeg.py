"""Pictures as JPEG files."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

JPEG_QUALITY = 92


def encode_jpeg(rgb: NDArray[np.uint8]) -> bytes:
    """Return a picture as JPEG with full colour resolution, so that thin marks stay crisp."""
    buffer = io.BytesIO()
    Image.fromarray(rgb).save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return buffer.getvalue()
