"""SVG charts."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from dalearn_ros.evaluation.charts import Series, bars, chart, ticks


@pytest.mark.parametrize(
    "low, high, expected",
    [
        (0.0, 1.0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (-3.0, 7.0, [-2, 0, 2, 4, 6]),
        (101.0, 149.0, [110, 120, 130, 140]),
    ],
)
def test_ticks_are_round(low: float, high: float, expected: list[float]) -> None:
    assert ticks(low, high) == pytest.approx(expected)


def line(x: list[float], y: list[float], **more: object) -> Series:
    return Series("a<b", np.array(x), np.array(y), "#000", **more)  # type: ignore[arg-type]


def test_a_line_breaks_at_nan_and_names_are_escaped() -> None:
    svg = chart([line([0, 1, 2, 3], [0, 1, math.nan, 1])], "t [s]", "e [m]")
    root = ET.fromstring(svg)
    path = next(p for p in root.iter("path") if p.get("stroke-width") == "1.6").get("d")
    assert path is not None and path.count("M") == 2
    assert "a&lt;b" in svg


def test_equal_axes_keep_the_shape() -> None:
    """A square of 10 m is as wide as it is high."""
    square = line([0, 10, 10, 0], [0, 0, 10, 10], dots=True)
    root = ET.fromstring(chart([square], "x", "y", equal=True))
    group = next(g for g in root.iter("g") if g.get("clip-path"))
    at = np.array([[float(c.get(k, "nan")) for k in ("cx", "cy")] for c in group.iter("circle")])
    width, height = at.max(axis=0) - at.min(axis=0)
    assert width == pytest.approx(height, abs=0.2) and width > 100


@pytest.mark.parametrize("y", [[], [math.nan], [2.0], [2.0, 2.0]])
def test_little_or_nothing_to_draw_is_no_error(y: list[float]) -> None:
    text = chart([line(list(range(len(y))), y)], "x", "y")
    assert ("<svg" in text) == any(math.isfinite(v) for v in y)


def test_bars_show_unknown_as_a_dash() -> None:
    text = bars([("sign", 0.5), ("signal", math.nan)], 1.0, "#00f")
    assert "0.500" in text and "–" in text
    ET.fromstring(text)


def test_a_long_legend_goes_on_in_another_row_and_is_never_cut() -> None:
    names = ["agreement on target images", "agreement on source images", "same as before", "chosen"]
    series = [Series(n, np.array([0.0, 1.0]), np.array([0.0, 1.0]), "#000") for n in names]
    one, many = (ET.fromstring(chart(some, "x", "y")) for some in (series[:2], series))
    width, height = (float(v) for v in many.attrib["viewBox"].split()[2:])
    assert height == float(one.attrib["viewBox"].split()[3]) + 24.0
    shown = [text for text in many.iter() if text.tag.endswith("text") and text.text in names]
    assert [text.text for text in shown] == names
    assert {float(text.attrib["y"]) for text in shown} == {19.0, 43.0}
    assert all(float(t.attrib["x"]) + 9.5 * len(str(t.text)) <= width for t in shown)
