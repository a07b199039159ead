"""Charts of what hurt: recognition accuracy over the parameters of the conversions."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from dalearn_ros.evaluation.charts import Series, chart
from dalearn_ros.hard_examples.conversion import Axis
from dalearn_ros.hard_examples.search import ORIGINAL_FAILS
from dalearn_ros.hard_examples.statistics import WHOLE
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.try_log import Entry

Floats = npt.NDArray[np.float64]
LEFT_OUT = "Images that the model fails on unconverted, too, are left out."
_GREY, _GREEN, _ORANGE, _RED = "#c4cad1", "#2e8b57", "#e08a00", "#b01030"


def planes(store: ParameterStore, threshold: float) -> str:
    """Charts of recognition accuracy over mean and deviation of the lightness, one an area.

    Args:
        store: The run's, with the last accuracy of each parameter that says something of it.
        threshold: Th1.
    """
    everything = store.parameters()
    areas = sorted({one.cell.area for one in everything if one.used}, key=lambda a: a != WHOLE)
    name = store.space.channels[0]
    parts = []
    for area in areas:
        own = [one for one in everything if one.cell.area == area]
        place = np.array([one.distribution.vector[:2] for one in own])
        value = np.array([np.nan if one.accuracy is None else one.accuracy for one in own])
        series = _by_accuracy(place, value, threshold)
        drawn = chart(series, f"mean of {name}", f"deviation of {name}", y_from_zero=True)
        parts.append(f"<h3>{html.escape(area)}</h3>{drawn}")
    if not parts:
        return ""
    text = (
        "Each dot is a target distribution of an area; its colour is the recognition accuracy of "
        "the last image that was converted with it, together with its other areas. "
        f"{LEFT_OUT}"
    )
    return f"<h2>Where it hurts</h2><p>{text}</p>{''.join(parts)}"


def along_axes(name: str, axes: Sequence[Axis], entries: Sequence[Entry], threshold: float) -> str:
    """A chart of the tries of a filter or of shapes: over both axes, or accuracy over the only one.

    Args:
        name: Of the conversion.
        axes: Its one or two axes.
        entries: All tries.
        threshold: Th1.
    """
    tries = [entry for entry in entries if entry.conversion == name]
    own = [entry for entry in tries if entry.outcome != ORIGINAL_FAILS]
    if not own:
        return ""
    vectors = np.array([vector for entry in own for vector in entry.vectors.values()])
    value = np.array([entry.accuracy for entry in own])
    names = [*(axis.name for axis in axes), "recognition accuracy"][:2]
    place = np.column_stack([vectors, value])[:, :2]
    drawn = chart(_by_accuracy(place, value, threshold), *names)
    text = (
        "Each dot is a try; its colour is the recognition accuracy of the converted image. "
        f"{LEFT_OUT}"
    )
    return f"<h2>Where it hurts: {html.escape(name)}</h2><p>{text}</p>{drawn}"


def _by_accuracy(place: Floats, value: Floats, threshold: float) -> list[Series]:
    """Dots at places (N, 2) in the colours of their accuracy (N,); NaN: nothing is known."""
    groups = (
        ("nothing known", np.isnan(value), _GREY, 2.0),
        (f"at least {threshold:g}", value >= threshold, _GREEN, 3.0),
        (f"below {threshold:g}", (value < threshold) & (value >= threshold / 2), _ORANGE, 3.5),
        (f"below {threshold / 2:g}", value < threshold / 2, _RED, 4.0),
    )
    return [
        Series(text, place[rows, 0], place[rows, 1], colour, dots=True, width=width)
        for text, rows, colour, width in groups
        if rows.any()
    ]
