"""Batches depend on seed and step alone; unreadable images are left out and named."""

import json
import weakref

import pytest
import torch
from helpers.tiny_training import tiny_settings, write_dataset

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.samples import CropBatches, check_label_spaces, split_batch
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.training.loading import batch_loader
from dalearn_ros.training.peers import Peers


@pytest.fixture
def data(tmp_path):
    return Dataset.open(write_dataset(tmp_path / "data"))


def _same(one, other):
    tensors = ("image", "class_id", "point_px")
    return one["names"] == other["names"] and all(torch.equal(one[k], other[k]) for k in tensors)


def test_the_same_seed_and_step_give_the_same_batch(data):
    one, other = (CropBatches([data], tiny_settings(), 5) for _ in range(2))
    other[0]  # what was asked before does not matter
    assert _same(one[3], other[3])
    assert not _same(one[3], one[4])
    assert not _same(one[3], CropBatches([data], tiny_settings(), 6)[3])


def test_cached_images_go_with_the_batches(data):
    """No circle holds them until the garbage is collected: runs come one after another."""
    batches = CropBatches([data], tiny_settings(), 5)
    batches[0]
    cache = weakref.ref(batches._cache)
    del batches
    assert cache() is None


def test_shapes_and_targets(data):
    batch = CropBatches([data], tiny_settings({"crops": {"around_landmark": 1.0}}), 0)[0]
    assert batch["image"].shape == (2, 64, 96, 3)
    assert batch["image"].dtype == torch.uint8
    assert batch["class_id"].shape == (2, 8, 12)
    assert batch["point_px"].shape == (2, 8, 12, 2)
    assert (batch["class_id"] == 1).any()
    assert batch["skipped"] == []


def test_a_grey_input(data):
    settings = tiny_settings({"input": {"channels": 1}})
    assert CropBatches([data], settings, 0)[0]["image"].shape == (2, 64, 96, 1)


def test_every_image_once_a_round(data):
    batches = CropBatches([data], tiny_settings(), 1)
    names = [name for step in range(2) for name in batches[step]["names"]]
    assert len(set(names)) == 4


def test_an_unreadable_image_is_skipped_and_named(data):
    data.image_path(2).write_bytes(b"no image")
    batches = CropBatches([data], tiny_settings(), 0)
    found = [batches[step] for step in range(4)]
    assert all(batch["image"].shape[0] == 2 for batch in found)
    skipped = {name for batch in found for name in batch["skipped"]}
    assert skipped == {f"{data.path}, image 2"}
    assert all("image 2" not in name for batch in found for name in batch["names"])


def test_only_unreadable_images_are_a_sentence(data):
    for index in range(len(data)):
        data.image_path(index).unlink()
    with pytest.raises(DatasetError, match="in a row cannot be read"):
        CropBatches([data], tiny_settings(), 0)[0]


def test_no_image_and_other_classes_are_sentences(tmp_path, data):
    empty = Dataset.open(write_dataset(tmp_path / "empty", count=0))
    with pytest.raises(DatasetError, match="no image to train on"):
        CropBatches([empty], tiny_settings(), 0)
    space = LabelSpace(("background", "tree"), ("", "center"), (0.0, 1.0), (0.0, 80.0))
    other = Dataset.open(write_dataset(tmp_path / "other", space=space))
    with pytest.raises(DatasetError, match=r"other.*found tree"):
        check_label_spaces([data, other])


def test_workers_give_the_same_batches(data):
    alone = CropBatches([data], tiny_settings(), 0)
    helped = CropBatches([data], tiny_settings({"batch": {"workers": 1}}), 0)
    for step, batch in enumerate(
        batch_loader(helped, helped.settings.batch.workers, 1, 3), start=1
    ):
        assert _same(batch, alone[step])


@pytest.mark.parametrize("cache_mb", [0, 1])
@pytest.mark.parametrize("workers", [0, 2])
def test_the_cache_and_the_workers_change_nothing(data, cache_mb, workers):
    plain = CropBatches([data], tiny_settings({"batch": {"cache_mb": 0}}), 0)
    batch = {"workers": workers, "cache_mb": cache_mb}
    other = CropBatches([data], tiny_settings({"batch": batch}), 0)
    for step, found in enumerate(
        batch_loader(other, other.settings.batch.workers, 0, 7)
    ):  # more than three rounds
        assert _same(found, plain[step])


def test_a_cached_image_is_not_decoded_again(data, monkeypatch):
    batches = CropBatches([data], tiny_settings({"batch": {"cache_mb": 1}}), 0)
    for step in range(2):
        batches[step]
    monkeypatch.setattr(Dataset, "image", lambda *_: pytest.fail("decoded again"))
    assert batches[2]["image"].shape[0] == 2


def test_processes_share_the_batch_of_one(data):
    settings = tiny_settings({"batch": {"size": 5, "crops_per_image": 2}, "crops": {"mirror": 0.5}})
    whole = CropBatches([data], settings, 0)
    parts = [CropBatches([data], settings, 0, Peers(rank, 3)) for rank in range(3)]
    for step in range(3):
        made = [part[step] for part in parts]
        assert [len(part["image"]) for part in made] == [1, 2, 2]
        for key in ("image", "class_id", "point_px"):
            assert torch.equal(torch.cat([part[key] for part in made]), whole[step][key])


def test_a_batch_in_parts(data):
    batch = CropBatches([data], tiny_settings({"batch": {"size": 5}}), 0)[0]
    parts = split_batch(batch, 2, 10, torch.device("cpu"))
    assert [share for _, share in parts] == [0.2, 0.3]
    assert torch.equal(torch.cat([part["image"] for part, _ in parts]), batch["image"])
    assert len(split_batch(batch, 9, 5, torch.device("cpu"))) == 5


def test_a_class_that_the_dataset_does_not_have_is_skipped(tmp_path):
    path = write_dataset(tmp_path / "strange")
    coco = json.loads((path / "annotations.json").read_text())
    coco["annotations"][2]["category_id"] = 99
    (path / "annotations.json").write_text(json.dumps(coco))
    strange = Dataset.open(path)
    with pytest.raises(DatasetError, match=r"f2.*category_id 99"):
        strange.labels(2)
    found = [CropBatches([strange], tiny_settings(), 0)[step] for step in range(3)]
    assert {name for batch in found for name in batch["skipped"]} == {f"{path}, image 2"}
