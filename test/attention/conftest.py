"""A tiny detector and datasets that the tests of this room share."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from helpers.tiny_depth import write_detector, write_roads

from dalearn_ros.datasets.store import Dataset

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def roads(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """Four labelled images."""
    return write_roads(tmp_path_factory.mktemp("roads") / "data")


@pytest.fixture(scope="session")
def detector_path(tmp_path_factory: pytest.TempPathFactory, roads: Dataset) -> Path:
    """The run folder of a tiny detector without an attention branch."""
    return write_detector(tmp_path_factory.mktemp("detector") / "run", roads)
