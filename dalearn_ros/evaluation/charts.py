"""Small charts as SVG text: sharp on a phone and on paper, nothing to install."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
WIDTH, HEIGHT = 760.0, 260.0
HALF_WIDTH = 520.0  # of a chart that shares the page with another
LEFT, RIGHT, TOP, BOTTOM = 62.0, 14.0, 30.0, 44.0
LEGEND_ROW = 24.0
MOST_POINTS = 1500


@dataclass(frozen=True)
class Series:
    """One line or cloud of a chart.

    Attributes:
        name: For the legend; empty for none.
        x: (N,).
        y: (N,) NaN interrupts a line.
        colour: CSS colour.
        dots: Draw points instead of a line.
        width: Line width or point radius, in chart units.
        dash: SVG dash pattern, so that lines differ on paper too.
        label: Class of landmarks that it shows, for the page's filter; empty: all.
    """

    name: str
    x: Array
    y: Array
    colour: str
    dots: bool = False
    width: float = 1.6
    dash: str = ""
    label: str = ""


def chart(
    series: Sequence[Series],
    x_label: str,
    y_label: str,
    *,
    equal: bool = False,
    height: float = HEIGHT,
    width: float = WIDTH,
    y_from_zero: bool = False,
) -> str:
    """An SVG element with axes, grid, legend and the series.

    Args:
        series: What to draw, the first one at the bottom.
        x_label: Name and unit under the chart.
        y_label: Name and unit beside it.
        equal: One metre is as long in x as in y (maps).
        height: Of the picture, in chart units; a legend of more than one row adds to it.
        width: The same.
        y_from_zero: The y axis begins at 0.

    Returns:
        The element, or a sentence if there is nothing finite to draw.
    """
    box = _bounds(series, y_from_zero)
    if box is None:
        return "<p>Nothing to draw.</p>"
    inner = width - LEFT - RIGHT, height - TOP - BOTTOM
    if equal:
        box = _equal(box, inner)
    x0, x1, y0, y1 = box
    scale_x, scale_y = inner[0] / (x1 - x0), inner[1] / (y1 - y0)

    def place(x: Array, y: Array) -> tuple[Array, Array]:
        return LEFT + (x - x0) * scale_x, TOP + inner[1] - (y - y0) * scale_y

    clip = f"c{width:.0f}x{height:.0f}"
    legend, more = _legend([item for item in series if item.name], width)
    parts = [
        f'<svg viewBox="0 0 {width:.0f} {height + more:.0f}" role="img" '
        f'aria-label="{html.escape(y_label)} over {html.escape(x_label)}">',
        *legend,
        f'<g transform="translate(0 {more:.0f})">',
        f'<clipPath id="{clip}"><rect x="{LEFT}" y="{TOP}" width="{inner[0]:.1f}" '
        f'height="{inner[1]:.1f}"/></clipPath>',
    ]
    parts += _axes(box, inner, (scale_x, scale_y), x_label, y_label)
    for item in series:
        parts += _drawn(item, *place(*_thinned(item)), clip)
    return "".join([*parts, "</g></svg>"])


def bars(rows: Sequence[tuple[str, float]], maximum: float, colour: str) -> str:
    """Horizontal bars with their names and values; NaN shows a dash."""
    step = 26.0
    height = step * len(rows) + 8.0
    parts = [f'<svg viewBox="0 0 {WIDTH:.0f} {height:.0f}" role="img" aria-label="bars">']
    for i, (name, value) in enumerate(rows):
        y = 4.0 + i * step
        length = 0.0 if not math.isfinite(value) else (WIDTH - 260.0) * value / maximum
        text = "–" if not math.isfinite(value) else f"{value:.3f}"
        parts.append(
            f'<text x="170" y="{y + 16:.1f}" text-anchor="end">{html.escape(name)}</text>'
            f'<rect x="180" y="{y + 3:.1f}" width="{max(length, 0.0):.1f}" height="17" rx="2" '
            f'fill="{colour}"/><text x="{186 + max(length, 0.0):.1f}" y="{y + 16:.1f}">{text}'
            "</text>"
        )
    return "".join([*parts, "</svg>"])


def ticks(low: float, high: float, about: int = 5) -> list[float]:
    """Round values within [low, high], about that many."""
    raw = (high - low) / max(about, 1)
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(f * power for f in (1.0, 2.0, 5.0, 10.0) if f * power >= raw * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [i * step for i in range(first, last + 1)]


def _bounds(
    series: Sequence[Series], y_from_zero: bool
) -> tuple[float, float, float, float] | None:
    finite = [np.isfinite(s.x) & np.isfinite(s.y) for s in series]
    x = np.concatenate([s.x[ok] for s, ok in zip(series, finite, strict=True)] or [np.zeros(0)])
    y = np.concatenate([s.y[ok] for s, ok in zip(series, finite, strict=True)] or [np.zeros(0)])
    if not len(x):
        return None
    x0, x1, y0, y1 = float(x.min()), float(x.max()), float(y.min()), float(y.max())
    if x1 - x0 < 1e-9:
        x0, x1 = x0 - 0.5, x1 + 0.5
    if any(item.dots for item in series):  # those at the edge are seen whole
        x0, x1 = x0 - 0.02 * (x1 - x0), x1 + 0.02 * (x1 - x0)
    if y_from_zero:
        y0 = 0.0
    spare = 0.06 * (y1 - y0) if y1 - y0 > 1e-9 else 0.5
    return x0, x1, y0 - (0.0 if y_from_zero else spare), y1 + spare


def _equal(
    box: tuple[float, float, float, float], inner: tuple[float, float]
) -> tuple[float, float, float, float]:
    x0, x1, y0, y1 = box
    metres = max((x1 - x0) / inner[0], (y1 - y0) / inner[1]) * 1.06
    spare_x, spare_y = (metres * inner[0] - (x1 - x0)) / 2, (metres * inner[1] - (y1 - y0)) / 2
    return x0 - spare_x, x1 + spare_x, y0 - spare_y, y1 + spare_y


def _axes(
    box: tuple[float, float, float, float],
    inner: tuple[float, float],
    scale: tuple[float, float],
    x_label: str,
    y_label: str,
) -> list[str]:
    x0, x1, y0, y1 = box
    bottom = TOP + inner[1]
    parts = []
    for value in ticks(x0, x1, round(inner[0] / 85)):
        x = LEFT + (value - x0) * scale[0]
        parts.append(
            f'<path class="grid" d="M{x:.1f} {TOP}V{bottom:.1f}"/><text x="{x:.1f}" '
            f'y="{bottom + 17:.1f}" text-anchor="middle">{value:g}</text>'
        )
    for value in ticks(y0, y1, max(3, round(inner[1] / 30))):
        y = bottom - (value - y0) * scale[1]
        parts.append(
            f'<path class="grid" d="M{LEFT} {y:.1f}H{LEFT + inner[0]:.1f}"/>'
            f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{value:g}</text>'
        )
    middle = TOP + inner[1] / 2
    parts.append(
        f'<text x="{LEFT + inner[0] / 2:.1f}" y="{bottom + 37:.1f}" text-anchor="middle">'
        f'{html.escape(x_label)}</text><text transform="translate(15 {middle:.1f}) rotate(-90)" '
        f'text-anchor="middle">{html.escape(y_label)}</text>'
    )
    return parts


def _drawn(item: Series, x: Array, y: Array, clip: str) -> list[str]:
    if item.dots:
        ok = np.isfinite(x) & np.isfinite(y)
        circles = "".join(
            f'<circle cx="{a:.1f}" cy="{b:.1f}" r="{item.width:g}"/>'
            for a, b in zip(x[ok], y[ok], strict=True)
        )
        label = f' data-class="{html.escape(item.label)}"' if item.label else ""
        return [f'<g clip-path="url(#{clip})" fill="{item.colour}"{label}>{circles}</g>']
    path, pen = [], "M"
    for a, b in zip(x, y, strict=True):
        if not (math.isfinite(a) and math.isfinite(b)):
            pen = "M"
            continue
        path.append(f"{pen}{a:.1f} {b:.1f}")
        pen = "L"
    dash = f' stroke-dasharray="{item.dash}"' if item.dash else ""
    return [
        f'<path clip-path="url(#{clip})" d="{"".join(path)}" fill="none" stroke="{item.colour}" '
        f'stroke-width="{item.width:g}" stroke-linejoin="round"{dash}/>'
    ]


def _legend(series: Sequence[Series], width: float) -> tuple[list[str], float]:
    """Names in rows that end before the picture does, and the height of all rows but the first."""
    parts, x, y = [], LEFT + 8.0, 14.0
    for item in series:
        if x > LEFT + 8.0 and x + 23.0 + 9.5 * len(item.name) > width:
            x, y = LEFT + 8.0, y + LEGEND_ROW
        mark = (
            f'<circle cx="{x + 9:.0f}" cy="{y:.0f}" r="3" fill="{item.colour}"/>'
            if item.dots
            else f'<path d="M{x:.0f} {y:.0f}h18" stroke="{item.colour}" stroke-width="2.5" '
            f'stroke-dasharray="{item.dash}"/>'
        )
        text = html.escape(item.name)
        parts.append(f'{mark}<text x="{x + 23:.0f}" y="{y + 5:.0f}">{text}</text>')
        x += 46.0 + 9.5 * len(item.name)
    return parts, y - 14.0


def _thinned(item: Series) -> tuple[Array, Array]:
    step = max(1, -(-len(item.x) // MOST_POINTS))
    return item.x[::step], item.y[::step]
