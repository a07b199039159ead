"""Where a model looked: the attention map of an image, as numbers and as a picture."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.metadata import AttentionMetadata
from dalearn_ros.coding.votes import RawOutputs

Array = npt.NDArray[np.float32]
Image = npt.NDArray[np.uint8]
Size = tuple[int, int]


@dataclass(frozen=True)
class AttentionMap:
    """The attention map of one image in cells (A1).

    Attributes:
        attention: (h, w), 0 to 1, of the cells that the image reaches into; those at its right and
            lower border may lie beyond it. Cell (row, column) is the square of ``stride`` pixels
            about ((column + 0.5) stride - 0.5, (row + 0.5) stride - 0.5).
        stride: Pixels of a cell.
        size: (width, height) of the image.
    """

    attention: Array
    stride: int
    size: Size

    def image(self, out: Image | None = None) -> Image:
        """The map as a picture that lies on the image pixel by pixel, linear between cells.

        Args:
            out: (height, width) to write to; None: a new one.

        Returns:
            (height, width) uint8: 0 for no attention, 255 for all.
        """
        width, height = self.size
        if out is None:
            out = np.empty((height, width), np.uint8)
        rows, columns = (self.stride * cells for cells in self.attention.shape)
        levels = np.rint(self.attention * np.float32(255.0)).astype(np.uint8)
        fine = out if (rows, columns) == out.shape else np.empty((rows, columns), np.uint8)
        cv2.resize(levels, (columns, rows), dst=fine, interpolation=cv2.INTER_LINEAR)
        if fine is not out:
            out[:] = fine[:height, :width]
        return out


def attention_map(outputs: RawOutputs, known: AttentionMetadata, size: Size) -> AttentionMap | None:
    """The attention map that a model answered.

    Args:
        outputs: Of one image.
        known: Of the model.
        size: (width, height) of the image; the network's input may reach further.

    Returns:
        None if the map was not asked for.
    """
    if outputs.attention is None:
        return None
    width, height = size
    inside = np.s_[: -(-height // known.stride), : -(-width // known.stride)]
    return AttentionMap(outputs.attention[inside], known.stride, size)
