"""Order of samples, batches, parts, and that the plain task learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.tiny_images import SHAPES, TINY, write_images

from dalearn_ros.classification.folders import read_labelled
from dalearn_ros.classification.network import ImageClassifier
from dalearn_ros.classification.settings import ClassificationSettings
from dalearn_ros.classification.task import ClassificationTask, Order, classify, split_batch
from dalearn_ros.core.settings import load_settings
from dalearn_ros.training.loop import Trainer

REPEATS = np.array([1, 3, 2])


def test_a_round_has_every_sample_once() -> None:
    order = Order(np.ones(8, np.int64), 1, "x")
    assert sorted(order.take(0, 8).tolist()) == list(range(8))
    assert sorted(order.take(8, 16).tolist()) == list(range(8))
    assert order.take(0, 8).tolist() != order.take(8, 16).tolist()


def test_samples_come_as_often_as_asked() -> None:
    rows = Order(REPEATS, 1, "x").take(0, 6)
    assert torch.bincount(rows).tolist() == REPEATS.tolist()


def test_a_place_has_the_same_sample_however_it_is_asked() -> None:
    whole = Order(REPEATS, 3, "x").take(0, 40)
    order = Order(REPEATS, 3, "x")
    parts = [order.take(start, start + 10) for start in (30, 0, 20, 10)]
    assert torch.equal(whole, torch.cat([parts[1], parts[3], parts[2], parts[0]]))
    assert not torch.equal(whole, Order(REPEATS, 4, "x").take(0, 40))


@pytest.mark.parametrize("count,sizes", [(1, [7]), (3, [2, 2, 3]), (9, [2, 2, 3])])
def test_parts_share_the_batch(count: int, sizes: list[int]) -> None:
    batch = {"image": torch.arange(7), "label": torch.arange(7) * 2, "step": 4}
    parts = split_batch(batch, count, torch.device("cpu"))
    assert [len(part["image"]) for part, _ in parts] == sizes
    assert torch.equal(torch.cat([part["label"] for part, _ in parts]), batch["label"])
    assert sum(share for _, share in parts) == pytest.approx(1.0)


def test_it_learns_shapes(tmp_path: Path) -> None:
    data = read_labelled(write_images(tmp_path / "data", count=12), SHAPES, 16, 0)
    unseen = read_labelled(write_images(tmp_path / "other", count=8, seed=9), SHAPES, 16, 0)
    plain = {key: TINY[key] for key in ("network", "input")}
    changes = {
        **plain, "batch": {"size": 24, "threads": 1},
        "augmentation": {"scale": 0.1, "stroke": 0.2, "shear": 0.1},
        "loop": {"steps": 60, "warmup_steps": 5, "learning_rate": 0.02, "average_decay": 0.9},
    }  # fmt: skip
    settings = load_settings(ClassificationSettings, None, changes)
    torch.manual_seed(0)
    network = ImageClassifier(settings.network, 1, 3)
    (tmp_path / "run").mkdir()
    task = ClassificationTask(settings, data, 0)
    trainer = Trainer(network, task, settings.loop, tmp_path / "run", seed=0)
    assert trainer.run().steps == 60
    average = trainer.average.network
    assert isinstance(average, ImageClassifier)
    right = classify(average, unseen.images).argmax(dim=1) == unseen.labels
    assert right.float().mean() > 0.8
