"""Drives of the world by city and condition: those of ``ship_data.py``, others by their seeds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.ship_data import CONDITIONS, Drive, make
from dalearn_ros.datasets.store import Dataset

SHARES = ("train", "wide", "streets")
TEST_SEEDS = (9201, 9202, 9203)  # streets that nothing else shows
VAL_SEEDS = (9301, 9302, 9303, 9304, 9305)


def learnt_from(data: Path, name: str) -> list[Dataset]:
    """All drives of ``ship_data.py`` to learn from.

    Args:
        data: Its folder.
        name: City and condition, as ``north_low_sun``.
    """
    paths = [path for share in SHARES for path in sorted((data / share).glob(f"{name}_*"))]
    if not paths:
        raise SystemExit(f"no drives {name} in {data}; make them with ship_data.py.")
    return [Dataset.open(path) for path in paths]


def rendered(data: Path, share: str, name: str, seeds: Sequence[int]) -> list[Dataset]:
    """Drives of a share; rendered and labelled if they are absent.

    Args:
        data: Folder of all shares.
        share: One of those of ``ship_data.FRAMES``.
        name: City and condition, as ``north_low_sun``.
        seeds: Of the streets.
    """
    city, _, condition = name.partition("_")
    number = CONDITIONS.index(condition)  # no street is seen under two conditions
    drives = [Drive(share, city, condition, seed * 10 + number) for seed in seeds]
    return [Dataset.open(make(drive, data)) for drive in drives]
