"""Input, target, index and converted image side by side, for people to judge (H16)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
PALETTE: Image = np.array(
    [  # BGR of other, road, sidewalk, sign, signal, marking, building, sky; then of added areas
        (60, 60, 60), (128, 64, 128), (190, 130, 244), (0, 220, 220), (30, 170, 250),
        (240, 240, 240), (70, 110, 70), (210, 160, 90), (0, 128, 255), (200, 80, 0), (90, 0, 180),
        (0, 180, 90),
    ],
    np.uint8,
)  # fmt: skip
TITLE_PX = 26
LEGIBLE_PX = 300
GAP_PX = 6
INK = (235, 235, 235)


def colour_index(index: Image, names: Sequence[str]) -> Image:
    """An index image (H, W) in colours, BGR, with the names of its areas in a corner.

    Small ones are enlarged to at least :data:`LEGIBLE_PX` of width.
    """
    times = -(-LEGIBLE_PX // index.shape[1])
    index = np.repeat(np.repeat(index, times, axis=0), times, axis=1)
    picture = PALETTE[index % len(PALETTE)]
    present = [int(label) for label in np.unique(index) if label < len(names)]
    scale = max(0.35, index.shape[1] / 1600.0)
    step = round(34 * scale)
    for row, label in enumerate(present):
        at = (8, step * (row + 1))
        colour = tuple(int(x) for x in PALETTE[label % len(PALETTE)])
        for width, ink in ((4, (0, 0, 0)), (1, colour)):
            cv2.putText(
                picture, names[label], at, cv2.FONT_HERSHEY_SIMPLEX, scale, ink, width, cv2.LINE_AA
            )
    return picture


def side_by_side(panels: Sequence[tuple[str, Image]], width_px: int = 640) -> Image:
    """Images with titles in rows of two, each ``width_px`` wide.

    Args:
        panels: Title and (H, W, 3) uint8 BGR of each, one or more.
        width_px: Of each panel.

    Returns:
        (H, W, 3) uint8 BGR.
    """
    shown = [_panel(title, image, width_px) for title, image in panels]
    columns = min(2, len(shown))
    rows = []
    for first in range(0, len(shown), columns):
        row = shown[first : first + columns]
        height = max(panel.shape[0] for panel in row)
        row += [np.zeros((height, width_px, 3), np.uint8)] * (columns - len(row))
        rows.append(np.concatenate([_padded(panel, height) for panel in row], axis=1))
    return np.concatenate(rows)


def _panel(title: str, image: Image, width_px: int) -> Image:
    inner = width_px - GAP_PX
    height = max(1, round(image.shape[0] * inner / image.shape[1]))
    smaller = inner < image.shape[1]
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    picture = np.zeros((height + TITLE_PX + GAP_PX, width_px, 3), np.uint8)
    picture[TITLE_PX : TITLE_PX + height, :inner] = cv2.resize(
        image, (inner, height), interpolation=how
    )
    cv2.putText(
        picture, title, (4, TITLE_PX - 8), cv2.FONT_HERSHEY_SIMPLEX, 0.5, INK, 1, cv2.LINE_AA
    )
    return picture


def _padded(panel: Image, height: int) -> Image:
    return np.pad(panel, ((0, height - panel.shape[0]), (0, 0), (0, 0)))
