"""Distances beside the images: round trip, copies, damage."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.small_drive import POSE_TOPIC, write_bag, write_street

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets import Dataset, DatasetWriter
from dalearn_ros.datasets.copy import write_subset
from dalearn_ros.datasets.from_bag import Extras, label_bag
from dalearn_ros.datasets.split import Subset
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Distances, Labels

IMAGE = np.zeros((48, 64, 3), np.uint8)
SOME = Distances(
    np.array([[1.5, 2.25], [63.0, 0.0]]), np.array([3.5, 80.0]), np.array([0, 3], np.uint8)
)


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """One image with distances, one without."""
    with DatasetWriter(tmp_path / "d", LabelSpace.load(), {"kind": "test"}) as writer:
        for name, distances in (("a", SOME), ("b", None)):
            meta = {"name": name, "width": 64, "height": 48}
            writer.add(IMAGE, Labels.empty(), meta, distances=distances)
    return Dataset.open(tmp_path / "d")


def test_what_is_kept_is_read(dataset: Dataset) -> None:
    found = dataset.distances(0)
    assert found is not None and dataset.distances(1) is None
    np.testing.assert_array_equal(found.pixels, SOME.pixels)
    np.testing.assert_array_equal(found.depth_m, SOME.depth_m)
    np.testing.assert_array_equal(found.kind, SOME.kind)


def test_a_copy_takes_them_along(dataset: Dataset, tmp_path: Path) -> None:
    subset = Subset(dataset.label_space, ((dataset, 0), (dataset, 1)))
    copied = write_subset(subset, tmp_path / "copy", {"kind": "test"})
    found = copied.distances(0)
    assert found is not None and copied.distances(1) is None
    np.testing.assert_array_equal(found.depth_m, SOME.depth_m)


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.unlink(),
        lambda file: file.write_bytes(file.read_bytes()[:40]),
        lambda file: np.savez(file, pixels=SOME.pixels, kind=SOME.kind),
        lambda file: np.savez(file, pixels=SOME.pixels, kind=SOME.kind, depth_m=-SOME.depth_m),
        lambda file: np.savez(file, pixels=SOME.pixels, kind=SOME.kind + 9, depth_m=SOME.depth_m),
        lambda file: np.savez(file, pixels=SOME.pixels, kind=SOME.kind, depth_m=SOME.depth_m[:1]),
    ],
)
def test_damage_is_a_sentence(dataset: Dataset, damage) -> None:
    damage(dataset.path / "distances" / "a.npz")
    with pytest.raises(DatasetError, match=r"a\.npz: expected arrays pixels"):
        dataset.distances(0)


def test_a_labelled_drive_keeps_what_was_asked_for(tmp_path: Path) -> None:
    write_street(tmp_path / "map")
    write_bag(tmp_path / "bag", 2, depth_m=25.0)
    kinds = {}
    for asked in ("none", "map", "all"):
        out = tmp_path / f"out_{asked}"
        extras = Extras(distances=asked)
        summary = label_bag(tmp_path / "bag", tmp_path / "map", out, POSE_TOPIC, extras=extras)
        found = Dataset.open(out).distances(0)
        kinds[asked] = None if found is None else set(found.kind.tolist())
        assert ("distances" in summary) == (asked != "none")
    assert kinds["none"] is None and kinds["map"] <= {0, 1}
    assert kinds["all"] == kinds["map"] | {3}
