"""Batches from other processes, and how their mishaps are told."""

from __future__ import annotations

import multiprocessing
import os
import signal

import cv2
import numpy as np
import pytest
import torch

from dalearn_ros.core.errors import DalearnError, DatasetError
from dalearn_ros.training.loading import Batch, batch_loader, to_device, worker_errors


class Numbers(torch.utils.data.Dataset[Batch]):
    """Batch n holds n; from ``bad`` on there are none."""

    def __init__(self, bad: int = 10**6) -> None:
        self.bad = bad

    def __getitem__(self, step: int) -> Batch:
        if step >= self.bad:
            raise DatasetError(f"{step}: cannot be read.")
        return {"number": torch.tensor([step]), "threads": cv2.getNumThreads()}


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_batches_come_in_the_order_of_their_steps(workers: int) -> None:
    found = [int(batch["number"]) for batch in batch_loader(Numbers(), workers, 3, 7)]
    assert found == [3, 4, 5, 6]


def test_a_workers_error_is_its_sentence_alone() -> None:
    with pytest.raises(DatasetError) as caught, worker_errors():
        list(batch_loader(Numbers(bad=2), 1, 0, 5))
    assert str(caught.value) == "2: cannot be read."


def test_a_killed_worker_is_a_sentence() -> None:
    before = _children()

    def rounds() -> None:
        for number, _ in enumerate(batch_loader(Numbers(), 1, 0, 100_000)):
            if number == 0:
                for child in _children() - before:
                    os.kill(child, signal.SIGKILL)

    with pytest.raises(DalearnError, match="ended unexpectedly"), worker_errors():
        rounds()


def test_workers_start_without_opencvs_threads() -> None:
    """A worker that is forked with OpenCV's pool of threads would wait for them for ever."""
    cv2.setNumThreads(2)
    cv2.GaussianBlur(np.zeros((2000, 2000), np.float32), (31, 31), 5)  # the pool is there now
    assert [batch["threads"] for batch in batch_loader(Numbers(), 1, 0, 2)] == [1, 1]
    assert cv2.getNumThreads() == 1


def test_only_tensors_move_to_a_device() -> None:
    moved = to_device(
        {"a": torch.ones(2), "b": {"c": torch.ones(1)}, "d": ["x"]}, torch.device("meta")
    )
    assert (moved["a"].device.type, moved["b"]["c"].device.type) == ("meta", "meta")
    assert moved["d"] == ["x"]


def _children() -> set[int]:
    """Processes that this one has started with multiprocessing."""
    return {p.pid for p in multiprocessing.active_children() if p.pid is not None}
