"""A part of one or several datasets as a dataset of its own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dalearn_ros.datasets.areas import common_areas
from dalearn_ros.datasets.distances import DISTANCES
from dalearn_ros.datasets.split import Subset
from dalearn_ros.datasets.store import Dataset, DatasetWriter


def write_subset(subset: Subset, path: Path, source: Mapping[str, Any]) -> Dataset:
    """Write a subset as a dataset; image files are linked, or copied byte for byte.

    Index images go with their images.

    Args:
        subset: The images. Names that occur twice are told apart by a number.
        path: The new dataset.
        source: Where it comes from; kept in ``dataset.json``.

    Returns:
        The dataset, opened.

    Raises:
        DatasetError: An image file is missing, or index images have different areas.
        InputError: ``path`` exists, or the disk is full.
    """
    names: set[str] = set()
    datasets = {dataset.path: dataset for dataset, _ in subset.items}
    sidecars = {folder: dataset.areas for folder, dataset in datasets.items()}
    areas = common_areas(list(sidecars.values()))
    with DatasetWriter(path, subset.label_space, source, areas) as writer:
        for i in range(len(subset)):
            meta = subset.meta(i)
            name = Path(meta.pop("file_name")).stem
            meta.pop("id")
            unique = name if name not in names else f"{name}_{i}"
            names.add(unique)
            file = subset.image_path(i)
            content = file if file.is_file() else subset.image(i)
            meta = {"map": subset.place(i), **meta, "name": unique}
            meta.pop(DISTANCES, None)
            index = sidecars[subset.items[i][0].path].file(file)
            writer.add(
                content,
                subset.labels(i),
                meta,
                subset.approximate(i),
                index if index.is_file() else None,
                subset.distances(i),
            )
    return Dataset.open(path)
