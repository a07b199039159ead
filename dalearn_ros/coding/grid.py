"""The image as subregions (cells) with anchor nodes at fixed places (D6)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.settings import field

Floats = npt.NDArray[np.float64]

_HALF = 0.25
_LAYOUTS: dict[int, tuple[tuple[float, float], ...]] = {
    1: ((0.0, 0.0),),
    5: ((0.0, 0.0), (-_HALF, -_HALF), (_HALF, -_HALF), (-_HALF, _HALF), (_HALF, _HALF)),
    9: tuple((x / 3.0, y / 3.0) for y in (-1.0, 0.0, 1.0) for x in (-1.0, 0.0, 1.0)),
}


@dataclass(frozen=True)
class Grid:
    """Square, non-overlapping subregions, each with K anchor nodes.

    Cell (row, column) covers the pixels ``column*s .. column*s + s - 1`` across and the same
    down; its centre is at ``column*s + (s - 1)/2``, because pixel indices are pixel centres.
    """

    cell_px: int = field(
        8, "Side of a subregion; the stride of the network.", unit="px", choices=(4, 8, 16)
    )
    nodes: int = field(
        5,
        "Anchor nodes per subregion: centre, centre and four quarters, or 3 by 3.",
        choices=tuple(_LAYOUTS),
    )

    @property
    def node_offsets_px(self) -> Floats:
        """(K, 2) place of each node relative to the centre of its cell, pixels (x, y)."""
        return np.array(_LAYOUTS[self.nodes]) * self.cell_px

    def shape(self, width_px: int, height_px: int) -> tuple[int, int]:
        """(rows, columns) of an image whose sides are multiples of the cell.

        Raises:
            ValueError: A side is not a multiple.
        """
        if width_px % self.cell_px or height_px % self.cell_px:
            raise ValueError(f"{width_px}x{height_px} is not a multiple of {self.cell_px} px")
        return height_px // self.cell_px, width_px // self.cell_px

    def centers_px(self, rows: npt.ArrayLike, columns: npt.ArrayLike) -> Floats:
        """(..., 2) centres (u, v) of cells in pixels."""
        cells = np.stack([np.asarray(columns), np.asarray(rows)], axis=-1)
        return cells * float(self.cell_px) + (self.cell_px - 1) / 2.0

    def nodes_px(self, rows: npt.ArrayLike, columns: npt.ArrayLike) -> Floats:
        """(..., K, 2) places (u, v) of the anchor nodes of cells in pixels."""
        return self.centers_px(rows, columns)[..., None, :] + self.node_offsets_px
