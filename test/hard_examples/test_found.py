"""The dataset of hard images: where its images belong, and the files beside them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.tiny_training import SIZE, one_label

from dalearn_ros.core.errors import ModelError
from dalearn_ros.datasets.split import merge
from dalearn_ros.datasets.split_write import split_disjoint
from dalearn_ros.datasets.store import Dataset, DatasetWriter
from dalearn_ros.hard_examples.conversion import Sample
from dalearn_ros.hard_examples.found import HardImage, HardImages
from dalearn_ros.hard_examples.sources import Sources
from dalearn_ros.labels.area_settings import AREAS
from dalearn_ros.landmarks.catalogue import LabelSpace

TILES = ("0_0", "0_1", "5_0", "5_1")


def city(path: Path, source: dict[str, Any], **entry: str) -> Dataset:
    """An image in each tile, with index images; their names have dots."""
    with DatasetWriter(path, LabelSpace.load(), source) as writer:
        for number, tile in enumerate(TILES):
            about = {"width": SIZE[0], "height": SIZE[1], "tile": tile, **entry}
            image = np.full((SIZE[1], SIZE[0], 3), 50 + 10 * number, np.uint8)
            index = np.full(image.shape[:2], number, np.uint8)
            label = one_label(1, (40.0, 44.0))
            writer.add(image, label, {"name": f"2024.05_{number:03d}", **about}, areas=index)
    return Dataset.open(path)


def hard_images(folder: Path, data: Dataset, moved: bool) -> HardImages:
    """One of each image; those that moved have an index image of their own."""
    sources = Sources([data])
    found = HardImages(folder, sources, data.label_space)
    for row in range(len(sources)):
        given = sources.sample(row)
        made = Sample(255 - given.image, given.labels, given.index + 4, AREAS)
        name = f"{sources.name(row)}_hard{row:06d}"
        found.add(HardImage(name, row, {"areas": {}}, moved), made)
    return found


@pytest.mark.parametrize(
    ("source", "entry", "place"),
    [
        ({"map_sha256": "abc", "map": "/maps/one"}, {}, "abc"),
        ({"map": "/maps/one"}, {}, "/maps/one"),
        ({"map_sha256": "abc"}, {"map": "its own"}, "its own"),
        ({}, {}, "{path}"),
    ],
)
def test_a_split_keeps_them_with_their_sources(
    tmp_path: Path, source: dict[str, Any], entry: dict[str, str], place: str
) -> None:
    data = city(tmp_path / "city", source, **entry)
    hard = hard_images(tmp_path / "found", data, False).write(tmp_path / "hard", {})
    both = merge([data, hard])
    assert {both.place(i) for i in range(len(both))} == {place.format(path=data.path)}
    assert both.tiles[:4] == both.tiles[4:]
    for part in split_disjoint(both, {"train": 0.5, "test": 0.5}).values():
        stems = [part.image_path(i).stem.partition("_hard")[0] for i in range(len(part))]
        assert len(part) == 4 and all(stems.count(stem) == 2 for stem in stems)


def test_names_with_dots_keep_their_index_images_apart(tmp_path: Path) -> None:
    data = city(tmp_path / "city", {})
    found = hard_images(tmp_path / "found", data, True)
    hard = found.write(tmp_path / "hard", {})
    for row in range(len(TILES)):
        index = hard.areas.read(hard.image_path(row), hard.image(row).shape)
        assert index is not None and set(np.unique(index)) == {row + 4}


def test_a_missing_index_image_is_told(tmp_path: Path) -> None:
    data = city(tmp_path / "city", {})
    found = hard_images(tmp_path / "found", data, True)
    one, again = found.found[2], HardImages(tmp_path / "found", Sources([data]), data.label_space)
    again.add(one, None)
    path = found.index_path(one)
    assert path is not None
    path.unlink()
    with pytest.raises(ModelError, match="is missing; the run cannot go on"):
        again.add(one, None)
