"""Input, areas, target and converted image side by side, and what both models see in it (H16)."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from dalearn_ros.datasets.areas import read_index
from dalearn_ros.evaluation.drawing import draw_matching
from dalearn_ros.evaluation.matching import match
from dalearn_ros.evaluation.page import picture
from dalearn_ros.hard_examples.found import HardImage
from dalearn_ros.hard_examples.hunt import Detect, Hunt
from dalearn_ros.hard_examples.recognition import recognise
from dalearn_ros.hard_examples.search_settings import AccuracySettings
from dalearn_ros.hard_examples.statistics import WHOLE
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.view import colour_index, side_by_side
from dalearn_ros.landmarks.catalogue import LabelSpace

Image = npt.NDArray[np.uint8]
SHOWN, TILE_PX = 12, 480
TITLES = ("seen by the start", "seen after learning")


def pictures(
    hunt: Hunt,
    store: ParameterStore | None,
    detectors: tuple[Detect, Detect],
    space: LabelSpace,
    how: AccuracySettings,
) -> str:
    """A section with the hardest images of each condition, and of each conversion but colours.

    Args:
        hunt: The search.
        store: The run's; None: no colours were converted.
        detectors: What the start and the hardened model see in an image.
        space: Names of the classes.
        how: Recognition accuracy.
    """
    rows = hardest([dict(one.provenance) for one in hunt.found.found], SHOWN)
    if not rows:
        return ""
    data, parts = hunt.found.dataset(), []
    for row in rows:
        one = hunt.found.found[row]
        image, truth = data.image(row), hunt.found.labels(one)
        source = hunt.sources.sample(one.row)
        tiles = {"input": source.image, "areas": colour_index(source.index, source.areas)}
        if store is not None and "areas" in one.provenance:
            tiles["target"] = _target(store, one, image.shape)
        index = hunt.found.index_path(one)
        if one.moved and index is not None:
            moved = read_index(index, image.shape, source.areas)
            tiles["areas moved along"] = colour_index(moved, source.areas)
        tiles["converted"] = image
        said = []
        for title, detect in zip(TITLES, detectors, strict=True):
            seen = detect(image)
            found = match(truth, seen, how.tau_px)
            tiles[title] = draw_matching(image, truth, seen, found, space)
            accuracy = recognise(truth, seen, how.measure, how.tau_px).accuracy
            said.append(f"{accuracy or 0.0:.2f}")
        original = one.provenance["accuracy_before"]
        text = (
            f"{one.name}: accuracy {original:.2f} unconverted, {said[0]} converted, {said[1]} "
            f"after learning ({_told(one.provenance)})"
        )
        parts.append(picture(side_by_side(list(tiles.items()), TILE_PX), text))
    shown = "".join(parts)
    legend = "Green: recognised; orange: missed; red: false alarm."
    return f"<h2>The hardest of each condition</h2><p>{html.escape(legend)}</p>{shown}"


def hardest(provenance: Sequence[dict[str, object]], count: int) -> list[int]:
    """Places of the least recognised images, each condition in turn."""
    groups: dict[str, list[int]] = {}
    accuracy = [float(str(entry["accuracy"])) for entry in provenance]
    for i in sorted(range(len(provenance)), key=lambda i: (accuracy[i], i)):
        groups.setdefault(_condition(provenance[i]), []).append(i)
    chosen: list[int] = []
    while groups and len(chosen) < count:
        for name in sorted(groups):
            chosen.append(groups[name].pop(0))
            if not groups[name]:
                del groups[name]
    return chosen[:count]


def _told(provenance: Mapping[str, Any]) -> str:
    """What was changed and how."""
    if "areas" in provenance:
        areas = provenance["areas"]
        return ", ".join(f"{area}: {areas[area]['condition']}" for area in areas)
    parts = provenance["parts"]
    values = [
        f"{part}: " + ", ".join(f"{key} {x:.2f}" for key, x in parts[part].items() if key != "rule")
        for part in parts
    ]
    return f"{provenance['conversion']} of {'; '.join(values)}"


def _condition(entry: dict[str, object]) -> str:
    if "conversion" in entry:
        return str(entry["conversion"])
    areas = entry["areas"]
    assert isinstance(areas, dict)
    return str(next(iter(areas.values()))["condition"])


def _target(store: ParameterStore, one: HardImage, shape: tuple[int, ...]) -> Image:
    """The picture of the image that the whole, or the first area, was made like; grey: unknown."""
    areas = one.provenance["areas"]
    number = areas[WHOLE if WHOLE in areas else next(iter(areas))]["parameter"]
    parameter = store.parameter(int(number))
    while parameter.target is None and parameter.parent is not None:  # generated near another
        parameter = store.parameter(parameter.parent)
    shown = None if parameter.target is None else store.thumbnail_of(parameter.target)
    return np.full((*shape[:2], 3), 128, np.uint8) if shown is None else shown
