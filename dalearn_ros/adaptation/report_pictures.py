"""Target images as the start sees them and as the adapted network does, side by side."""

from __future__ import annotations

import html
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dalearn_ros.adaptation.agreement import seen_twice
from dalearn_ros.adaptation.detector_settings import AdaptSettings
from dalearn_ros.adaptation.selection import Candidate
from dalearn_ros.adaptation.target_score import detector_of
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.image_list import ImageList
from dalearn_ros.evaluation.drawing import draw_observations
from dalearn_ros.evaluation.page import picture
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Observations

LOOKED = 40  # images that are looked at for the largest difference
SHOWN = 4  # of each kind


@dataclass(frozen=True)
class Pair:
    """What two networks see in one image.

    Attributes:
        row: Row number in the list.
        before: Of the start.
        after: Of the other network.
        changed: Landmarks that only one of them sees.
    """

    row: int
    before: Observations
    after: Observations
    changed: int


def compare(
    images: ImageList,
    start: Candidate,
    other: Candidate,
    settings: AdaptSettings,
    label_space: LabelSpace,
) -> list[Pair]:
    """What both see in at most ``LOOKED`` images, evenly over the list; unreadable ones missing."""
    detectors = [detector_of(c, settings, label_space) for c in (start, other)]
    count = min(LOOKED, len(images))
    rows = np.linspace(0, len(images) - 1, count).round().astype(int).tolist()
    pairs = []
    for row in track(rows, len(rows), "compare"):
        try:
            image = images.image(row)
        except DatasetError:  # counted when it was drawn for a crop
            continue
        before, after = (detector.detect(image) for detector in detectors)
        same = seen_twice(before, after, settings.validation.match_px)
        pairs.append(Pair(row, before, after, len(before) + len(after) - 2 * same))
    return pairs


def pick(pairs: list[Pair]) -> tuple[list[Pair], list[Pair]]:
    """Some evenly chosen ones, and of the others those that changed most, most first."""
    places = np.linspace(0, len(pairs) - 1, min(SHOWN, len(pairs))).round().astype(int)
    evenly = [pairs[i] for i in np.unique(places).tolist()] if pairs else []
    taken = {pair.row for pair in evenly}
    rest = [pair for pair in pairs if pair.changed and pair.row not in taken]
    return evenly, sorted(rest, key=lambda pair: (-pair.changed, pair.row))[:SHOWN]


def before_after(
    images: ImageList,
    start: Candidate,
    other: Candidate,
    settings: AdaptSettings,
    label_space: LabelSpace,
) -> str:
    """A section of the report with pictures.

    Args:
        images: Of the new city.
        start: The network before.
        other: The network that is shown beside it.
        settings: Of the run.
        label_space: Classes.
    """
    evenly, most = pick(compare(images, start, other, settings, label_space))
    parts = []
    for title, chosen in (("Evenly chosen", evenly), ("Most difference", most)):
        figures = []
        for pair in chosen:
            image, name = images.image(pair.row), Path(images.name(pair.row)).name
            for seen, when in ((pair.before, "before"), (pair.after, f"step {other.step}")):
                text = f"{name}, {when}: {len(seen)} landmarks"
                figures.append(picture(draw_observations(image, seen, label_space), text))
        if figures:
            shown = "".join(figures)
            parts.append(f"<h3>{html.escape(title)}</h3><div class='pictures'>{shown}</div>")
    return "".join(parts)
