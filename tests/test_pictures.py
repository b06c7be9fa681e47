"""Pictures reach an API as the files they were, or without loss."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image

from sat_tasks.pictures import encode_picture, open_picture


def noise(width: int = 40, height: int = 24) -> Image.Image:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)
    return Image.fromarray(pixels)


def file_of(image: Image.Image, kind: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return buffer.getvalue()


def pixels_of(data: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


@pytest.mark.parametrize(("kind", "mime"), [("JPEG", "image/jpeg"), ("PNG", "image/png")])
def test_original_bytes_are_handed_on_even_after_decoding(kind: str, mime: str) -> None:
    data = file_of(noise(), kind)
    image = open_picture(data)
    image.load()
    picture = encode_picture(image)
    assert picture.data == data
    assert (picture.mime, picture.width_px, picture.height_px) == (mime, 40, 24)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "CMYK", "1"])
def test_a_picture_without_original_bytes_is_encoded_without_loss(mode: str) -> None:
    image = noise().convert(mode)
    picture = encode_picture(image)
    assert picture.mime == "image/png"
    np.testing.assert_array_equal(pixels_of(picture.data), np.asarray(image.convert("RGB")))


def test_a_format_that_apis_do_not_take_becomes_png() -> None:
    data = file_of(noise(), "BMP")
    picture = encode_picture(open_picture(data))
    assert picture.mime == "image/png"
    np.testing.assert_array_equal(pixels_of(picture.data), pixels_of(data))


@pytest.mark.parametrize(
    "edit",
    [
        lambda image: image.copy(),
        copy.copy,
        lambda image: image.convert("RGB"),
        lambda image: image.crop((0, 0, 8, 8)),
        lambda image: image.resize((20, 12)),
        lambda image: image.rotate(90),
    ],
)
def test_an_edited_picture_never_sends_the_old_bytes(
    edit: Callable[[Image.Image], Image.Image],
) -> None:
    image = open_picture(file_of(noise(), "JPEG"))
    edited = edit(image)
    picture = encode_picture(edited)
    np.testing.assert_array_equal(pixels_of(picture.data), np.asarray(edited.convert("RGB")))


def test_shrinks_only_when_asked_and_only_what_is_larger() -> None:
    image = open_picture(file_of(noise(), "PNG"))
    assert encode_picture(image, max_side_px=40).data == file_of(noise(), "PNG")
    small = encode_picture(image, max_side_px=20)
    assert (small.width_px, small.height_px) == (20, 12)
    assert pixels_of(small.data).shape == (12, 20, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_many_threads_may_decode_the_same_picture(kind: str) -> None:
    data = file_of(noise(256, 256), kind)
    expected = pixels_of(data)

    def decoded(image: Image.Image) -> bool:
        buffer = io.BytesIO()
        image.save(buffer, "PNG")
        return np.array_equal(pixels_of(buffer.getvalue()), expected)

    with ThreadPoolExecutor(16) as threads:
        for _ in range(6):
            image = open_picture(data)
            assert all(threads.map(decoded, [image] * 16))
