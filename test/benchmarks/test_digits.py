"""The converter of the digits, and the settings of the benchmark's rows."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("h5py")

from benchmarks.digits import load_mnist, load_usps, variant, write_folders
from dalearn_ros.adaptation.classifier_settings import AdaptClassifierSettings
from dalearn_ros.classification.folders import class_names, read_labelled


def test_folders_hold_the_images(tmp_path: Path) -> None:
    images = np.random.default_rng(0).integers(0, 256, (5, 16, 16), dtype=np.uint8)
    write_folders(images, np.array([3, 0, 3, 9, 1]), tmp_path / "usps")
    names = class_names(tmp_path / "usps")
    assert names == tuple("0123456789")
    found = read_labelled(tmp_path / "usps", names, 16, 0)
    assert found.labels.tolist() == [0, 1, 3, 3, 9]
    assert np.array_equal(found.images[:, 0].numpy(), images[[1, 4, 0, 2, 3]])


def test_a_row_without_self_training_differs_in_that_alone() -> None:
    settings = AdaptClassifierSettings()
    assert variant(settings, "all") is settings
    other = variant(settings, "domain")
    assert other.adaptation.self_training.weight == 0.0
    assert other.adaptation.domain == settings.adaptation.domain
    assert other.loop == settings.loop and other.augmentation == settings.augmentation


@pytest.mark.real_data
def test_the_published_sets_are_whole(real_data: Path) -> None:
    counts = {(load_mnist, "train"): 60000, (load_mnist, "test"): 10000}
    counts |= {(load_usps, "train"): 7291, (load_usps, "test"): 2007}
    for (load, part), count in counts.items():
        images, digits = load(real_data / "digits", part)
        assert images.shape == (count, *images.shape[1:]) and images.dtype == np.uint8
        assert sorted(set(digits.tolist())) == list(range(10))
        assert images.max() == 255 and np.median(images) == 0  # bright on dark
