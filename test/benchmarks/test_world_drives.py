"""Where drives of the world lie, and which seeds they have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from benchmarks import world_drives
from benchmarks.ship_data import Drive


@pytest.fixture(autouse=True)
def opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is rendered or read."""

    class Stub:
        @staticmethod
        def open(path: Any) -> Any:
            return path

    monkeypatch.setattr(world_drives, "Dataset", Stub)
    monkeypatch.setattr(world_drives, "make", lambda drive, data: drive)


def test_a_drives_seed_is_of_its_condition(tmp_path: Path) -> None:
    found = world_drives.rendered(tmp_path, "adaptation_test", "east_night", (9201, 9202))
    assert found == [Drive("adaptation_test", "east", "night", n) for n in (92013, 92023)]
    (found,) = world_drives.rendered(tmp_path, "hard_train", "north_low_sun", (9401,))
    assert found == Drive("hard_train", "north", "low_sun", 94011)


def test_drives_to_learn_from_are_those_of_three_shares(tmp_path: Path) -> None:
    for name in ("wide/north_day_2", "train/north_day_1", "train/north_dusk_5", "val/north_day_9"):
        (tmp_path / name).mkdir(parents=True)
    found = world_drives.learnt_from(tmp_path, "north_day")
    assert found == [tmp_path / "train/north_day_1", tmp_path / "wide/north_day_2"]
    with pytest.raises(SystemExit, match=r"no drives south_day in .*ship_data\.py"):
        world_drives.learnt_from(tmp_path, "south_day")
