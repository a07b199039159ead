"""Maps on other grids and on crops."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from dalearn_ros.attention.cells import WantedMap, crop_cells, over_image, resampled
from dalearn_ros.coding.pixels import PixelMap


def ramp(size: tuple[int, int] = (32, 24), cell: int = 8) -> WantedMap:
    """A map whose value is the place of a cell's centre along u, over 100, corner-based."""
    width, height = size
    columns, rows = -(-width // cell), -(-height // cell)
    values = np.broadcast_to((np.arange(columns) + 0.5) * cell / 100, (rows, columns))
    covered = float(columns * cell), float(rows * cell)
    return WantedMap(values.astype(np.float32), covered, size)


def test_the_image_itself_is_the_map_itself() -> None:
    wanted = WantedMap(np.random.default_rng(0).random((3, 4), np.float32), (32.0, 24.0), (32, 24))
    found, weight = crop_cells(wanted, PixelMap.identity(), (3, 4), 8)
    assert (weight == 1).all()
    inner = wanted.attention[1, 1:3]
    assert np.abs(found[1, 1:3] - inner).max() < 0.5  # cells are blended with their neighbours
    flat = WantedMap(np.full((3, 4), 0.25, np.float32), (32.0, 24.0), (32, 24))
    assert np.allclose(crop_cells(flat, PixelMap.identity(), (3, 4), 8)[0], 0.25)


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        (PixelMap.crop(8, 0), [0.12, 0.20, 0.28]),
        (PixelMap.crop(4, 0), [0.08, 0.16, 0.24]),
        (PixelMap.mirror(24) @ PixelMap.crop(8, 0), [0.28, 0.20, 0.12]),
        (PixelMap.resize(2.0), [0.02, 0.06, 0.10]),
    ],
)
def test_a_crop_takes_the_map_of_its_place(mapping: PixelMap, expected: list[float]) -> None:
    found, weight = crop_cells(ramp((64, 24)), mapping, (2, 3), 8)
    assert (weight == 1).all()
    at = [abs(value - 0.02) > 0.021 for value in expected]  # the map's border goes on outside
    assert np.allclose(found[:, at], np.array(expected)[at], atol=1e-6)


def test_cells_outside_the_image_are_left_out() -> None:
    found, weight = crop_cells(ramp(), PixelMap.crop(-16, -8), (5, 7), 8)
    expected = np.zeros((5, 7))
    expected[1:4, 2:6] = 1
    assert np.array_equal(weight, expected)
    assert (found[weight == 0] == 0).all()
    padded = WantedMap(np.ones((4, 4), np.float32), (32.0, 32.0), (32, 20))
    assert crop_cells(padded, PixelMap.identity(), (4, 4), 8)[1][:, 0].tolist() == [1, 1, 1, 0]


def test_cells_that_are_not_known_are_left_out() -> None:
    known = np.ones((3, 4), np.float32)
    known[1, 2] = 0
    wanted = dataclasses.replace(ramp(), known=known)
    _, weight = crop_cells(wanted, PixelMap.identity(), (3, 4), 8)
    assert np.array_equal(weight, known)
    _, mirrored = crop_cells(wanted, PixelMap.mirror(32), (3, 4), 8)
    assert np.array_equal(mirrored, known[:, ::-1])


def test_another_grid_by_area() -> None:
    fine = np.array([[0, 1, 1, 1], [0, 0, 1, 1]], np.float32)
    assert resampled(fine, (1, 2)).tolist() == [[0.25, 1.0]]
    assert resampled(np.ones((2, 3), np.float32), (6, 6)).shape == (6, 6)
    assert resampled(fine, (2, 4)) is fine


def test_what_was_padded_is_no_part_of_the_image() -> None:
    padded = np.zeros((4, 4), np.float32)
    padded[:3] = 1.0  # rows 0 to 2 are the image of 40 x 30, row 3 was padded
    padded[0, :2] = 0.5
    found = over_image(WantedMap(padded, (40.0, 40.0), (40, 30)), (3, 4))
    assert np.allclose(found[:2, 2:], 1.0, atol=0.2)
    assert found[1:2, :].min() > 0.85
    assert found[2].min() > 0.8  # stretched without a crop it would be about a third
    fine = over_image(WantedMap(padded, (40.0, 40.0), (40, 30)), (30, 40))
    rows = cv2.resize(padded, (40, 40), interpolation=cv2.INTER_LINEAR)[:30]
    assert np.abs(fine - rows).max() < 0.03
    exact = over_image(WantedMap(padded, (40.0, 30.0), (40, 30)), (4, 4))
    assert np.array_equal(exact, padded)
