"""What was just found is learnt from before the next search; earlier images stay decoded."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from helpers.tiny_training import merged, write_dataset

from dalearn_ros.core.rounds import Rounds
from dalearn_ros.core.settings import load_settings
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.hard_examples.learning import HardenTask, repeats_of
from dalearn_ros.hard_examples.search_settings import HardenSettings, known_outputs


@pytest.mark.parametrize(
    ("known", "count", "newest", "drawn"),
    [
        (0, 3, 0.5, [1, 1, 1]),  # all are new
        (3, 3, 0.5, [1, 1, 1]),  # none is
        (4, 6, 0.5, [1, 1, 1, 1, 2, 2]),
        (4, 5, 0.75, [1, 1, 1, 1, 12]),  # 12 of 16
        (2, 6, 0.5, [1, 1, 1, 1, 1, 1]),  # they have more than their share anyway
        (4, 5, 0.0, [1, 1, 1, 1, 1]),
    ],
)
def test_new_images_have_their_share_of_the_draws(
    known: int, count: int, newest: float, drawn: list[int]
) -> None:
    assert repeats_of(known, count, newest).tolist() == drawn


def test_the_last_of_many_is_drawn_in_its_own_update() -> None:
    draws = np.repeat(np.arange(200), repeats_of(199, 200, 0.5))
    for seed in range(20):
        seen = Rounds(draws, seed, "order").take(5970, 6000)  # the 30 draws of 7 to 8 steps
        assert 6 <= np.count_nonzero(seen == 199) <= 24


def test_what_was_known_at_the_last_update() -> None:
    values = {"search": {"outputs": 8}, "update": {"every": 3}, "loop": {"steps": 24}}
    how = load_settings(HardenSettings, None, values)
    assert [known_outputs(how, step) for step in (0, 7, 8, 15, 16, 23)] == [0, 0, 3, 3, 6, 6]
    once = load_settings(HardenSettings, None, {**values, "update": {"every": 0}})
    assert {known_outputs(once, step) for step in range(24)} == {0}


class Found:
    """Hard images that are there so far: the first ones of a dataset."""

    def __init__(self, folder: Path) -> None:
        self.whole, self.count = Dataset.open(folder), 0

    def __len__(self) -> int:
        return self.count

    @property
    def found(self) -> list[Any]:
        return [SimpleNamespace(row=row) for row in range(self.count)]

    def dataset(self) -> Dataset:
        coco = {"images": [self.whole.meta(i) for i in range(self.count)]}
        rows = [row for i in range(self.count) for row in self.whole.rows(i)]
        info = {"label_space": self.whole.label_space.to_dict()}
        return Dataset(self.whole.path, info, {**coco, "annotations": rows})


@pytest.mark.parametrize("replayed", ["all", "some", "sources"])
def test_earlier_images_are_decoded_once_and_the_draws_are_as_if_made_anew(
    tmp_path: Path, replayed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = [Dataset.open(write_dataset(tmp_path / "data", 3))]
    found = Found(write_dataset(tmp_path / "hard", 4))
    changes: dict[str, Any] = {
        "batch": {"size": 4, "crops_per_image": 1, "cache_mb": 50},
        "loop": {"steps": 8},
        "search": {"outputs": 4},
        "update": {"replayed": replayed, "replay_images": 2},
    }
    how = load_settings(HardenSettings, None, merged(changes))
    frames = [(data[0], i, i) for i in range(3)] + [(data[0], 0, 0)]
    hunt: Any = SimpleNamespace(found=found, over=True, sources=SimpleNamespace(frames=frames))

    def task() -> HardenTask:
        metadata: Any = None
        return HardenTask(how, data, [], 1, hunt, metadata, {})

    decoded: list[str] = []
    image = Dataset.image

    def counted(self: Dataset, index: int) -> Any:
        if self.path == data[0].path:
            decoded.append(self.meta(index)["file_name"])
        return image(self, index)

    monkeypatch.setattr(Dataset, "image", counted)
    kept, made = task(), []
    for step in range(8):
        found.count = 1 + step // 2
        made += kept.batches(step, step + 1)
    if replayed != "sources":  # which are others each time
        assert len(decoded) == len(set(decoded)) > 1
    for step in range(8):
        found.count = 1 + step // 2
        (batch,) = task().batches(step, step + 1)
        assert batch["names"] == made[step]["names"]
        assert torch.equal(batch["image"], made[step]["image"])
