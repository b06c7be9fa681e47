"""Vision features of pictures that are asked about several times, as circular orders do."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import torch

KEPT = 64
"""Pictures whose features stay in memory: 6 MB each for LLaVA-1.5-13B in 16 bits."""


class VisionCache:
    """Stands in for a LLaVA model's ``get_image_features`` and runs it once per distinct picture.

    Args:
        compute: The model's own function; takes pixels of shape (N, 3, H, W) and returns an object
            whose ``pooler_output`` lists the features of each picture.
        kept: The most pictures whose features are kept.
    """

    def __init__(self, compute: Callable[..., Any], kept: int = KEPT) -> None:
        self._compute = compute
        self._kept = kept
        self._features: OrderedDict[bytes, torch.Tensor] = OrderedDict()
        self.computed = 0
        """Pictures that went through the vision tower."""
        self.asked = 0
        """Pictures that features were wanted of."""

    def __call__(
        self, pixel_values: torch.Tensor, image_sizes: torch.Tensor | None = None, **options: Any
    ) -> Any:
        """Return what the model's own function returns, without hidden states."""
        if image_sizes is not None or torch.is_grad_enabled():
            return self._compute(pixel_values=pixel_values, image_sizes=image_sizes, **options)
        keys = [_key(picture) for picture in pixel_values]
        wanted = {key: number for number, key in enumerate(keys) if key not in self._features}
        self.asked += len(keys)
        self.computed += len(wanted)
        found: dict[bytes, torch.Tensor] = {
            key: self._features[key] for key in keys if key in self._features
        }
        if wanted:
            result = self._compute(pixel_values=pixel_values[list(wanted.values())], **options)
            found.update(zip(wanted, result.pooler_output, strict=True))
        self._keep(keys, found)
        return _Features([found[key] for key in keys])

    def _keep(self, keys: list[bytes], found: dict[bytes, torch.Tensor]) -> None:
        for key in keys:
            self._features[key] = found[key]
            self._features.move_to_end(key)
        while len(self._features) > self._kept:
            self._features.popitem(last=False)


class _Features:
    """The part of the model's answer that LLaVA reads."""

    def __init__(self, pooler_output: list[torch.Tensor]) -> None:
        self.pooler_output = pooler_output


def _key(picture: torch.Tensor) -> bytes:
    pixels = picture.detach().to("cpu", torch.float32).contiguous().numpy()
    return hashlib.sha256(pixels.tobytes()).digest()
