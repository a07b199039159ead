"""Where drive and map lie to each other, and the mistakes that explain why they do not meet."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from helpers.small_drive import write_street

from dalearn_ros.geometry.geodesy import Projector
from dalearn_ros.maps import IndexedMap, load_map
from dalearn_ros.maps.overlap import overlap

DRIVE = np.stack([np.arange(0.0, 200.0), np.full(200, -1.75), np.full(200, 0.5)], axis=1)


def drive_at(x: float, y: float) -> np.ndarray:
    return DRIVE + np.array([x, y, 0.0])


@pytest.fixture
def street(tmp_path: Path) -> IndexedMap:
    write_street(tmp_path)
    return load_map(tmp_path)


def moved(street: IndexedMap, x: float, y: float, projector: Projector | None) -> IndexedMap:
    report = dataclasses.replace(street.report, projector=projector)
    return dataclasses.replace(
        street, point_m=street.point_m + np.array([x, y, 0.0]), report=report
    )


def test_the_share_of_the_drive_near_landmarks(street: IndexedMap) -> None:
    found = overlap(street, DRIVE, reach_m=20.0)
    # Landmarks lie at x 20 to 45, the last one (a signal) 5.95 m beside the drive's line.
    end = 45.0 + np.sqrt(20.0**2 - 5.95**2)
    assert found.share == pytest.approx(np.count_nonzero(DRIVE[:, 0] <= end) / 200, abs=0.006)
    assert found.landmarks == 6
    assert found.height_m == pytest.approx(0.5)
    assert found.reason == ""


@pytest.mark.parametrize(
    "shift, drive, told",
    [
        ((0.0, 0.0), drive_at(100_000.0, -200_000.0), "-100 km and 200 km apart"),
        ((4000.0, 90.0), DRIVE[:, [1, 0, 2]] + [90.0, 4000.0, 0.0], "x and y"),
        ((0.0, 0.0), DRIVE * 1e-5 + [48.1, 11.5, 0.0], "degrees of latitude"),
        ((0.0, 0.0), DRIVE * 1e-5 + [11.5, 48.1, 0.0], "degrees of latitude"),
        ((30_000.0, 40_000.0), DRIVE - DRIVE[0], "begin at (0, 0)"),
        ((0.0, 0.0), drive_at(691_234.0, 5_331_234.0), "about its own origin"),
        ((0.0, 0.0), drive_at(7000.0, 0.0), "another place"),
    ],
)
def test_the_likely_reason(
    street: IndexedMap, shift: tuple[float, float], drive: np.ndarray, told: str
) -> None:
    landmarks = moved(street, *shift, street.report.projector)
    found = overlap(landmarks, drive)
    assert found.share == 0.0
    assert told in found.reason


def test_swapped_latitude_and_longitude(street: IndexedMap) -> None:
    projector = Projector("TransverseMercator", 40.0, 45.0)
    there = projector.forward(41.0, 46.0)[0]
    landmarks = moved(street, float(there[0]), float(there[1]), projector)
    wrong = projector.forward(46.0, 41.0)
    found = overlap(landmarks, wrong)
    assert "latitude and longitude swapped" in found.reason


def test_nothing_to_compare_is_refused(street: IndexedMap) -> None:
    with pytest.raises(ValueError, match="no position"):
        overlap(street, np.full((3, 3), np.nan))
