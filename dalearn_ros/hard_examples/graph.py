"""The colour distribution graph: mean against deviation of every parameter, used or not (H3)."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.hard_examples.light_table import Condition
from dalearn_ros.hard_examples.spaces import LAB, ColourSpace
from dalearn_ros.hard_examples.store_rows import Parameter

Image = npt.NDArray[np.uint8]
COLOURS = (  # BGR, one a condition
    (200, 120, 0), (0, 120, 230), (90, 40, 160), (60, 150, 60), (30, 30, 200), (170, 150, 0),
    (150, 60, 200), (90, 90, 90), (0, 160, 190), (200, 60, 90),
)  # fmt: skip
SIZE = (900, 640)
LEFT, TOP, RIGHT, BOTTOM = 70, 50, 220, 60
INK, GRID = (50, 50, 50), (225, 225, 225)
FONT = cv2.FONT_HERSHEY_SIMPLEX


def draw_graph(
    parameters: Sequence[Parameter], title: str = "", channel: int = 0, space: ColourSpace = LAB
) -> Image:
    """Points of parameters: filled with their last accuracy if they were used, else open.

    Args:
        parameters: What to draw; a colour for each condition, a square for generated ones.
        title: Over it.
        channel: Whose mean and deviation.
        space: Names of the channels, and the ends of the horizontal axis.

    Returns:
        (640, 900, 3) uint8 BGR.
    """
    picture: Image = np.full((SIZE[1], SIZE[0], 3), 255, np.uint8)
    low, high = space.ranges[channel]
    largest = max((one.distribution.std[channel] for one in parameters), default=0.0)
    top = max(10.0, 10.0 * np.ceil(largest * 1.05 / 10.0))
    inner = SIZE[0] - LEFT - RIGHT, SIZE[1] - TOP - BOTTOM

    def place(mean: float, std: float) -> tuple[int, int]:
        across = LEFT + (mean - low) / (high - low) * inner[0]
        return round(across), round(TOP + inner[1] - std / top * inner[1])

    _axes(picture, place, (low, high, top), space.channels[channel], title)
    conditions = sorted({one.cell.condition for one in parameters})
    for one in parameters:
        at = place(one.distribution.mean[channel], one.distribution.std[channel])
        colour = COLOURS[conditions.index(one.cell.condition) % len(COLOURS)]
        _point(picture, one, at, colour)
    _legend(picture, conditions)
    return picture


def _point(
    picture: Image, one: Parameter, at: tuple[int, int], colour: tuple[int, int, int]
) -> None:
    thick = -1 if one.used else 1
    if one.target is None:
        corners = (at[0] - 4, at[1] - 4), (at[0] + 4, at[1] + 4)
        cv2.rectangle(picture, *corners, colour, thick, cv2.LINE_AA)
    else:
        cv2.circle(picture, at, 5, colour, thick, cv2.LINE_AA)
    if one.used and one.accuracy is not None:
        text = f"{100.0 * one.accuracy:.0f}%"
        cv2.putText(picture, text, (at[0] + 7, at[1] - 5), FONT, 0.36, INK, 1, cv2.LINE_AA)


def _axes(
    picture: Image,
    place: object,
    ends: tuple[float, float, float],
    channel: str,
    title: str,
) -> None:
    low, high, top = ends
    assert callable(place)
    for share in np.linspace(0.0, 1.0, 6).tolist():
        mean, std = low + share * (high - low), share * top
        cv2.line(picture, place(mean, 0.0), place(mean, top), GRID, 1)
        cv2.line(picture, place(low, std), place(high, std), GRID, 1)
        across, up = place(mean, 0.0), place(low, std)
        _text(picture, f"{mean:.0f}", (across[0] - 10, across[1] + 18))
        _text(picture, f"{std:.0f}", (up[0] - 34, up[1] + 4))
    cv2.rectangle(picture, place(low, 0.0), place(high, top), INK, 1)
    _text(picture, f"mean of {channel}", (LEFT + 180, SIZE[1] - 16))
    _text(picture, "deviation", (8, TOP - 12))
    _text(picture, title, (LEFT + 60, 24), 0.6)


def _legend(picture: Image, conditions: Sequence[Condition]) -> None:
    left = SIZE[0] - RIGHT + 20
    for row, condition in enumerate(conditions):
        at = (left, TOP + 14 + 22 * row)
        cv2.circle(picture, at, 5, COLOURS[row % len(COLOURS)], -1, cv2.LINE_AA)
        _text(picture, str(condition), (left + 14, at[1] + 4))
    under = TOP + 40 + 22 * len(conditions)
    for row, text in enumerate(
        ("open: not used yet", "filled: used, accuracy", "square: generated")
    ):
        _text(picture, text, (left - 6, under + 20 * row), 0.4)


def _text(picture: Image, text: str, at: tuple[int, int], size: float = 0.45) -> None:
    cv2.putText(picture, text, at, FONT, size, INK, 1, cv2.LINE_AA)
