"""Order of samples, batches, parts, and that the plain task learns."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.tiny_images import SHAPES, TINY, write_images

from dalearn_ros.classification.folders import ImageSet, read_labelled
from dalearn_ros.classification.network import ImageClassifier
from dalearn_ros.classification.settings import ClassificationSettings
from dalearn_ros.classification.task import ClassificationTask, classify, split_batch
from dalearn_ros.core.settings import load_settings
from dalearn_ros.training.loop import Trainer

REPEATS = np.array([1, 3, 2])


def test_samples_come_as_often_as_asked() -> None:
    images, files = torch.arange(3).reshape(3, 1, 1, 1), (Path("a"), Path("b"), Path("c"))
    data = ImageSet(images, files, torch.tensor([2, 0, 1]), (), 0, ("", "", ""))
    settings = load_settings(ClassificationSettings, None, {"batch": {"size": 6}})
    for repeats, often in ((REPEATS, REPEATS.tolist()), (None, [2, 2, 2])):
        (batch,) = ClassificationTask(settings, data, 1, repeats).batches(4, 5)
        assert torch.bincount(batch["image"].flatten()).tolist() == often
        assert torch.equal(batch["label"], data.labels[batch["image"].flatten()])


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
