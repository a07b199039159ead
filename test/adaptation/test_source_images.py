"""Filter, oversampling and batches together: what is left out is never drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.painted_scene import noisy, scene
from helpers.tiny_training import SIZE, one_label, tiny_settings

from dalearn_ros.adaptation.source_images import class_counts, draws_of
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.image_filter import FilterSettings
from dalearn_ros.datasets.split import merge
from dalearn_ros.datasets.store import Dataset, DatasetWriter
from dalearn_ros.detector.samples import CropBatches
from dalearn_ros.landmarks.catalogue import LabelSpace

SPACE = LabelSpace(("background", "car", "tree"), ("", "center", "center"), (0.0, 1.0, 1.0),
                   (0.0, 80.0, 80.0))  # fmt: skip


def _write(path: Path, classes: list[int], bad: tuple[int, ...] = ()) -> Dataset:
    with DatasetWriter(path, SPACE, {"kind": "test"}) as writer:
        for number, class_id in enumerate(classes):
            image = scene(number, SIZE)
            if number in bad:
                image = noisy(image, 60.0)
            meta = {"name": f"{number}", "width": SIZE[0], "height": SIZE[1]}
            writer.add(image, one_label(class_id, (60.0, 50.0)), meta)
    return Dataset.open(path)


def test_counts_are_those_of_the_labels(tmp_path: Path) -> None:
    data = [_write(tmp_path / "a", [1, 1, 2]), _write(tmp_path / "b", [2])]
    counts = class_counts(merge(data))
    assert counts.tolist() == [[0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 1]]


def test_spoiled_images_go_and_the_others_become_even(tmp_path: Path) -> None:
    data = [_write(tmp_path / "a", [1, 1, 1], bad=(1,)), _write(tmp_path / "b", [2, 1, 1])]
    filtering = FilterSettings(min_change=None)
    draws = draws_of(data, filtering, 8)
    assert list(draws.repeats) == [1, 0, 1, 4, 1, 1]
    assert [Path(name).stem for name in draws.left_out["noise"]] == ["1"]
    assert draws.notes == ()
    few = draws_of(data, filtering, 8, total=40)
    assert list(few.repeats) == [5, 0, 5, 20, 5, 5]


def test_a_class_that_vanishes_is_said(tmp_path: Path) -> None:
    data = [_write(tmp_path / "a", [1, 1, 2], bad=(2,))]
    draws = draws_of(data, FilterSettings(), 8)
    assert len(draws.notes) == 1 and "no image with tree: 1 noise" in draws.notes[0]
    assert list(draws_of(data, None, 8).repeats) == [1, 1, 2]


def test_a_filter_that_leaves_nothing_is_a_sentence(tmp_path: Path) -> None:
    data = [_write(tmp_path / "a", [1, 2], bad=(0, 1))]
    with pytest.raises(DatasetError, match=r"that the filter keeps, found 2 noise"):
        draws_of(data, FilterSettings(), 8)


def test_batches_draw_each_image_as_often_as_asked(tmp_path: Path) -> None:
    data = _write(tmp_path / "a", [1, 2, 1])
    batches = CropBatches([data], tiny_settings(), 3, repeats=np.array([1, 3, 0]))
    steps = [batches[step] for step in range(4)]  # two rounds of four images
    names = [name for step in steps for name in step["names"]]
    assert names.count(f"{data.path}, image 0") == 2
    assert names.count(f"{data.path}, image 1") == 6
    copies = [
        (step["image"][place].numpy(), step["point_px"][place].numpy())
        for step in steps
        for place, name in enumerate(step["names"])
        if name.endswith("image 1")
    ]
    assert not any((copies[0][0] == image).all() for image, _ in copies[1:])
    moved = [points[np.isfinite(points)] for _, points in copies]
    assert any(p.shape != moved[0].shape or not np.allclose(p, moved[0]) for p in moved[1:])


def test_without_repeats_the_order_is_the_same_as_once_each(tmp_path: Path) -> None:
    data = _write(tmp_path / "a", [1, 2, 1])
    plain, once = (
        CropBatches([data], tiny_settings(), 3, repeats=repeats)
        for repeats in (None, np.ones(3, np.int64))
    )
    assert [plain[i]["names"] for i in range(3)] == [once[i]["names"] for i in range(3)]
    with pytest.raises(DatasetError, match="every image is left out"):
        CropBatches([data], tiny_settings(), 3, repeats=np.zeros(3, np.int64))
