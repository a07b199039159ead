"""Plain classifiers and regressors with a branch: network, run folder, viewer."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.tiny_attention import image_settings, write_image_run

from dalearn_ros.attention.classifier import ImageAttention
from dalearn_ros.attention.classifier_run import (
    CLASSIFICATION,
    REGRESSION,
    Make,
    build_image_network,
    open_image_run,
)
from dalearn_ros.attention.classifier_viewing import ClassifierViewer, RegressorViewer
from dalearn_ros.attention.opening import open_viewer
from dalearn_ros.core.errors import ModelError

NAMES = ("bar", "cross", "dot")
VALUES = Make(REGRESSION, ("x", "y"), 3, True, (10.0, 20.0), (2.0, 4.0))


def picture(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 255, (30, 50, 3)).astype(np.uint8)


@pytest.mark.parametrize(("split", "cells"), [(1, 8), (2, 4)])
def test_a_full_map_answers_as_the_network_without_a_branch(split: int, cells: int) -> None:
    settings = image_settings({"split": split})
    network = build_image_network(settings, Make(CLASSIFICATION, NAMES, 3, True), 1).eval()
    assert isinstance(network, ImageAttention)
    image = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        found = network(image, torch.ones(2, 1, cells, cells))
        assert torch.allclose(found.answer, network.classifier(image), atol=1e-6)
        assert found.attention.shape == (2, 1, cells, cells)
        assert found.scores.shape == (2, 3)


def test_every_weight_of_it_belongs_to_one_part() -> None:
    network = build_image_network(image_settings(), Make(CLASSIFICATION, NAMES, 3, True), 1)
    assert isinstance(network, ImageAttention)
    parts = network.parts().values()
    every = [id(p) for modules in parts for module in modules for p in module.parameters()]
    assert sorted(every) == sorted(id(p) for p in network.parameters())


def test_a_classifier_is_opened_and_asked(tmp_path: Path) -> None:
    viewer = open_viewer(write_image_run(tmp_path / "run"))
    assert isinstance(viewer, ClassifierViewer)
    assert viewer.names == NAMES
    view = viewer.see(picture())
    assert view.size_px == (50, 30)
    assert view.covered_px == (50.0, 30.0)
    assert view.scores.sum() == pytest.approx(1.0, abs=1e-6)
    own, edited = viewer.answer(view), viewer.answer(view, np.zeros_like(view.attention))
    assert own.probabilities is not None and edited.probabilities is not None
    assert own.probabilities.sum() == pytest.approx(1.0, abs=1e-6)
    assert not np.array_equal(own.probabilities, edited.probabilities)
    empty = viewer.see(picture(1))
    other = viewer.answer(empty, np.zeros_like(empty.attention)).probabilities
    assert np.array_equal(other, edited.probabilities)


def test_a_regressor_tells_its_values_in_their_units(tmp_path: Path) -> None:
    path = write_image_run(tmp_path / "run", VALUES)
    viewer = open_viewer(path)
    assert isinstance(viewer, RegressorViewer)
    view = viewer.see(picture())
    found = viewer.answer(view).values
    network = open_image_run(path).network
    assert isinstance(network, ImageAttention)
    with torch.no_grad():
        raw = network.answer(view.features, torch.from_numpy(view.attention)[None, None])[0].numpy()
    assert found is not None
    assert np.allclose(found, [10.0 + 2.0 * raw[0], 20.0 + 4.0 * raw[1]])


def test_a_network_without_a_branch_is_not_edited(tmp_path: Path, detector_path: Path) -> None:
    path = write_image_run(tmp_path / "run", Make(CLASSIFICATION, NAMES, 3, False))
    for run in (path, detector_path):
        with pytest.raises(ModelError, match="depends on no map that could be edited"):
            open_viewer(run)
    with pytest.raises(ModelError, match="found none"):
        open_viewer(tmp_path)
    (path / "weights.safetensors").unlink()
    with pytest.raises(ModelError, match="not finished"):
        open_viewer(path)
