"""Batches out of shards: those of the COCO form's images, shared, and continued exactly."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from helpers.tiny_training import tiny_settings, write_config, write_dataset

from dalearn_ros.core.errors import DatasetError, InputError
from dalearn_ros.core.randomness import generator
from dalearn_ros.datasets.shard_stream import ShardStream
from dalearn_ros.datasets.shards import Shards, write_shards
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.regime import DetectorTask
from dalearn_ros.detector.run import train_detector
from dalearn_ros.detector.samples import make_crop
from dalearn_ros.detector.stream import StreamBatches
from dalearn_ros.training.checkpoint import load_checkpoint
from dalearn_ros.training.loading import Batch
from dalearn_ros.training.loop import WEIGHTS
from dalearn_ros.training.peers import Peers
from dalearn_ros.training.run_folder import RUN_FILE

ROOT = Path(__file__).parents[2]
COUNT = 8


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stream")
    write_dataset(folder / "data", COUNT)
    write_shards([folder / "data"], folder / "shards", 3, 0)
    return folder


def keys(batch: Batch) -> list[int]:
    return [int(name.rpartition(" ")[2]) for name in batch["names"]]


def batches(place: Path, stop: int, start: int = 0, workers: int = 0, peers: Peers = Peers()):  # type: ignore[no-untyped-def]  # noqa: B008
    settings = tiny_settings({"batch": {"workers": workers, "shuffle": 4}})
    task = DetectorTask(settings, [Shards.open(place / "shards")], [], 3, peers)
    return list(task.batches(start, stop))


def test_a_batch_is_cut_from_the_images_of_the_coco_form(place: Path) -> None:
    dataset, settings = Dataset.open(place / "data"), tiny_settings()
    for step, batch in enumerate(batches(place, 3)):
        for crop, index in enumerate(keys(batch)):
            random = generator(3, "crop", step, crop)
            image, labels = dataset.image(index), dataset.labels(index)
            pixels, target, _, _ = make_crop(image, labels, settings, dataset.label_space, random)
            np.testing.assert_array_equal(batch["image"][crop].numpy(), pixels)
            np.testing.assert_array_equal(batch["class_id"][crop].numpy(), target.class_id)
            np.testing.assert_array_equal(batch["point_px"][crop].numpy(), target.point_px)


def test_a_round_has_every_image_and_two_ranks_disjoint_halves(place: Path) -> None:
    alone = [index for batch in batches(place, COUNT // 2) for index in keys(batch)]
    assert sorted(alone) == list(range(COUNT))
    halves = [
        [
            index
            for batch in batches(place, COUNT // 2, peers=Peers(rank, 2))
            for index in keys(batch)
        ]
        for rank in range(2)
    ]
    assert len(halves[0]) == len(halves[1]) == COUNT // 2
    assert sorted(halves[0] + halves[1]) == list(range(COUNT))


@pytest.mark.parametrize("workers", [0, 2])
def test_steps_are_the_same_wherever_a_run_begins(place: Path, workers: int) -> None:
    stop = 14 if workers == 0 else 10
    whole = batches(place, stop, workers=workers)
    for start in (1, 2, 4, 13) if workers == 0 else (3, 9):  # 13 is in the fourth round
        rest = batches(place, stop, start, workers)
        for one, other in zip(whole[start:], rest, strict=True):
            assert one["names"] == other["names"]
            assert torch.equal(one["image"], other["image"])


def test_an_image_that_cannot_be_read_is_left_out(place: Path, tmp_path: Path) -> None:
    write_dataset(tmp_path / "data", 4)
    file = Dataset.open(tmp_path / "data").image_path(2)
    file.write_bytes(file.read_bytes()[:100])
    shards = write_shards([tmp_path / "data"], tmp_path / "shards", 4, 0)
    stream = StreamBatches([shards], tiny_settings(), 0).between(0, 3)
    found = list(stream)
    assert {index for batch in found for index in keys(batch)} == {0, 1, 3}
    skipped = {name for batch in found for name in batch["skipped"]}
    assert len(skipped) == 1 and skipped.pop().endswith("000000002")


def damaged(folder: Path, count: int) -> Shards:
    """A shard of ``count`` records of which the first is whole, and shards of one record each."""
    write_dataset(folder / "many", count)
    write_dataset(folder / "few", 2)
    write_shards([folder / "many"], folder / "cut", count, 0)
    file = folder / "cut" / Shards.open(folder / "cut").files[0]
    content = file.read_bytes()
    file.write_bytes(content[: content.index(b"000000001.jpg") + 600])
    write_shards([folder / "few"], folder / "whole", 1, 0)
    return Shards.open(folder / "cut")


def test_a_damaged_shard_longer_than_the_buffer_does_not_end_it(tmp_path: Path) -> None:
    """120 records are missing one after the other, of a buffer of 4, beside 3 good ones."""
    cut = damaged(tmp_path, 121)
    settings = tiny_settings({"batch": {"shuffle": 4}})
    stream = StreamBatches([cut, Shards.open(tmp_path / "whole")], settings, 0).between(0, 6)
    found = list(stream)
    names = {name for batch in found for name in batch["names"]}
    assert len(found) == 6 and len(names) == 3
    skipped = {name for batch in found for name in batch["skipped"]}
    assert skipped == {str(cut.path / cut.files[0])}  # one count a shard


def test_a_stream_without_a_good_record_ends(tmp_path: Path) -> None:
    cut = damaged(tmp_path, 6)
    (cut.path / cut.files[0]).write_bytes(b"")
    with pytest.raises(DatasetError, match=r"shard-00000.tar: no record of a whole round can be"):
        list(StreamBatches([cut], tiny_settings(), 0).between(0, 2))


def test_too_few_records_for_the_processes(place: Path) -> None:
    with pytest.raises(DatasetError, match="at least 12 records, one for each process"):
        settings = tiny_settings({"batch": {"workers": 4, "size": 4}})
        StreamBatches([Shards.open(place / "shards")], settings, 0, Peers(0, 3))


def test_a_run_over_shards_goes_on_with_as_many_processes(place: Path, tmp_path: Path) -> None:
    shards, run, settings = Shards.open(place / "shards"), tmp_path / "run", tiny_settings()
    train_detector([shards], [], run, settings, 0)
    train_detector([shards], [], run, settings, 0)  # one again
    description = json.loads((run / RUN_FILE).read_text())
    assert description["processes"] == 1
    (run / RUN_FILE).write_text(json.dumps({**description, "processes": 2}))
    with pytest.raises(InputError, match="holds a run with another 'processes'"):
        train_detector([shards], [], run, settings, 0)
    train_detector([Dataset.open(place / "data")], [], tmp_path / "coco", settings, 0)
    assert "processes" not in json.loads((tmp_path / "coco" / RUN_FILE).read_text())


@pytest.mark.timeout(900)  # three processes load torch
def test_two_processes_of_torchrun_learn_from_shards(place: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "train.yaml")
    command = [
        *(sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"),
        *("--standalone", "-m", "dalearn_ros.cli.main", "train"),
        *("--data", place / "shards", "--val", place / "data"),
        *("--config", config, "--out", tmp_path / "run"),
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=tmp_path, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "3 steps" in done.stdout and done.stdout.count("model in") == 1
    assert load_checkpoint(tmp_path / "run" / WEIGHTS).header["step"] == 3


def test_a_stream_reads_a_record_once_a_round(place: Path) -> None:
    """What two ranks with two workers each would read: all, once."""
    shards = Shards.open(place / "shards")
    streams = [ShardStream([shards], 3, 4, reader, 4) for reader in range(4)]
    seen = [r.where for s in streams for r in itertools.islice(s.records(), len(s))]
    assert len(seen) == len(set(seen)) == COUNT
