"""One conversion of one image as a picture: input, target, index, converted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.randomness import generator
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.hard_examples.convert import Converted, Source, convert
from dalearn_ros.hard_examples.statistics import WHOLE
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.view import colour_index, side_by_side

Image = npt.NDArray[np.uint8]


def preview(
    data: Path,
    store_path: Path,
    row: int,
    condition: str | None = None,
    areas: Sequence[str] | None = None,
    soft_px: float = 0.0,
    seed: int = 0,
) -> tuple[Image, str]:
    """Convert an image of a dataset to a target of a store.

    Args:
        data: A dataset; without an index image only the whole image can be converted.
        store_path: The store.
        row: Row number of the image.
        condition: Of the target, ``TIME/WEATHER``; None: any.
        areas: Areas to convert, ``image`` for the whole; None: all that both images have.
        soft_px: As for :func:`convert`.
        seed: Which of the targets.

    Returns:
        (H, W, 3) uint8 BGR, and a sentence about it.

    Raises:
        InputError: No such row, or an area that one of both images lacks.
        StoreError: No target of the condition.
    """
    dataset = Dataset.open(data)
    if not 0 <= row < len(dataset):
        raise InputError.at(data, "", f"an image 0 to {len(dataset) - 1}", str(row))
    image, sidecar = dataset.image(row), dataset.areas
    index = sidecar.read(dataset.image_path(row), image.shape)
    with ParameterStore.open(store_path) as store:
        wanted = None if condition is None else store.table.condition(condition)
        target = store.draw(generator(seed, "preview"), wanted)
        known = index if index is not None else np.zeros(image.shape[:2], np.uint8)
        source = Source.of(image, known, sidecar.names, store.space)
        own = source.statistics.present() if index is not None else ()
        having = store.of_target(target.id)
        both = [name for name in (*own, WHOLE) if name in having]
        chosen = list(areas) if areas else [name for name in both if name != WHOLE] or [WHOLE]
        for name in chosen:
            if name not in both:
                expected = "areas that image and target have: " + ", ".join(both)
                raise InputError.at("--area", "", expected, f"'{name}'")
        targets = {name: having[name].distribution for name in chosen}
        made = convert(source, targets, soft_px=soft_px)
        small, target_index = store.thumbnail_of(target.id), store.index_of(target.id)
    panels = [("input", image), (f"converted: {', '.join(chosen)}", made.image)]
    if index is not None:
        panels.append(("index of the input", colour_index(index, sidecar.names)))
    if target_index is not None:
        panels.append(("index of the target", colour_index(*target_index)))
    if small is not None:
        panels.append((f"target: {target.condition}, {target.name}", small))
    return side_by_side(panels), _told(made, str(target.condition), target.name)


def _told(made: Converted, condition: str, name: str) -> str:
    text = f"{', '.join(made.areas)} as {condition} in {name}"
    text += f"; {100.0 * made.clipped:.1f} % of the pixels clipped"
    if made.flat:
        told = ", ".join(f"{channel} of {area}" for area, channel in made.flat)
        text += f"; without spread, only shifted: {told}"
    return text + "."
