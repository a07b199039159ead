"""An image of any size and kind to the network's input. Images are never rectified."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.pixels import PixelMap, padded_size
from dalearn_ros.core.errors import InputError

Image = npt.NDArray[np.uint8]


def as_channels(image: npt.NDArray[Any], channels: int) -> Image:
    """An image as 8-bit with the wanted channels.

    Args:
        image: (H, W), (H, W, 1), (H, W, 3) BGR or (H, W, 4) BGRA; uint8, or uint16 whose upper
            8 bits are taken.
        channels: 1 or 3.

    Returns:
        (H, W, channels) uint8; grey by OpenCV's weights, alpha dropped.

    Raises:
        InputError: Empty, another number of channels, or another type; the sentence says which.
    """
    image = np.asarray(image)
    if image.ndim == 2:
        image = image[:, :, None]
    if image.ndim != 3 or image.shape[2] not in (1, 3, 4) or image.size == 0:
        raise InputError.at("image", "", "height x width with 1, 3 or 4 channels", f"{image.shape}")
    if image.dtype == np.uint16:
        image = (image >> 8).astype(np.uint8)
    if image.dtype != np.uint8:
        raise InputError.at("image", "", "8 or 16 bit unsigned values", str(image.dtype))
    image = image[:, :, :3]
    if image.shape[2] == channels:
        return image
    code = cv2.COLOR_GRAY2BGR if channels == 3 else cv2.COLOR_BGR2GRAY
    converted = np.asarray(cv2.cvtColor(np.ascontiguousarray(image), code), np.uint8)
    return converted.reshape(*image.shape[:2], channels)


def to_input(image: npt.NDArray[Any], channels: int, multiple: int) -> Image:
    """The network's input: padded with zeros at the bottom and right, so pixels stay in place.

    Returns:
        (1, H', W', channels) uint8, contiguous; H' and W' are multiples of ``multiple``.
    """
    ready = as_channels(image, channels)
    size = padded_size(ready.shape[1], ready.shape[0], multiple)
    return np.ascontiguousarray(PixelMap.identity().warp(ready, size))[None]


class InputPool:
    """Padded network inputs that are made once and filled anew for every image.

    Images of one size lie side by side in one array, so that those of several cameras go through
    the network together without being copied. What lies right of and below them stays zero.

    Args:
        channels: 3 (BGR) or 1 (grey).
        multiple: Sides of the input are multiples of this.
        slots: At most so many images of one size at a time.
    """

    KEPT_SIZES = 8  # arrays of sizes that have not come for longest are given back

    def __init__(self, channels: int, multiple: int, slots: int = 1) -> None:
        self.channels, self._multiple, self._slots = channels, multiple, slots
        self._arrays: dict[tuple[int, int], Image] = {}

    def place(self, slot: int, width: int, height: int) -> Image:
        """Where the pixels of an image are written.

        Args:
            slot: 0 to ``slots`` - 1.
            width: Of the image.
            height: Of the image.

        Returns:
            (H, W, channels) uint8, a view; it holds the last image of this slot and size.
        """
        array = self._arrays.pop((width, height), None)
        if array is None:
            columns, rows = padded_size(width, height, self._multiple)
            array = np.zeros((self._slots, rows, columns, self.channels), np.uint8)
            while len(self._arrays) >= max(self.KEPT_SIZES, self._slots):
                del self._arrays[next(iter(self._arrays))]
        self._arrays[width, height] = array  # the newest last
        view: Image = array[slot, :height, :width]
        return view

    def batch(self, count: int, width: int, height: int) -> Image:
        """The first ``count`` inputs of a size: (count, H', W', channels) uint8, contiguous."""
        view: Image = self._arrays[width, height][:count]
        return view
