"""Which subregions belong to which landmark (D13)."""

import math

import numpy as np
import pytest

from dalearn_ros.coding.grid import Grid
from dalearn_ros.datasets.coco import polygon_area
from dalearn_ros.detector.targets import IGNORE, TargetSettings, coverage, make_targets
from dalearn_ros.labels.polygons import clip_halfspace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels

SIZE = (160, 96)
GRID = Grid(8, 1)


def _box(left, top, right, bottom):
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)


def _labels(*rows):
    """Rows of (class id, point, outline, range, ignore)."""
    count = len(rows)
    return Labels(
        class_id=np.array([r[0] for r in rows], np.int64),
        point_px=np.array([r[1] for r in rows], float).reshape(-1, 2),
        outlines_px=Ragged.of([r[2] for r in rows], 2),
        range_m=np.array([r[3] for r in rows], float),
        visible=np.ones(count),
        map_id=np.array([""] * count),
        covariance_px2=np.zeros((count, 2, 2)),
        ignore=np.array([r[4] for r in rows], bool),
    )


def _targets(*rows, **changes):
    return make_targets(_labels(*rows), SIZE, GRID, TargetSettings(**changes))


def test_a_sign_has_the_cells_it_covers():
    # On the columns 5..7 and rows 3..4; its centre is in the middle.
    found = _targets((2, (51.5, 31.5), _box(40, 24, 63, 39), 20.0, False))
    expected = np.zeros((12, 20), np.int64)
    expected[3:5, 5:8] = 2
    assert np.array_equal(found.class_id, expected)
    assert np.allclose(found.point_px[3, 5], (51.5, 31.5))
    assert found.log_range[4, 7] == pytest.approx(math.log(20.0))
    assert np.isnan(found.log_range[0, 0])


def test_a_landmark_keeps_four_cells_around_its_point_and_ignores_the_rest():
    point = (8 * 10 + 3.5, 8 * 6 + 3.5)  # the centre of cell (6, 10)
    found = _targets((8, point, _box(-0.5, -0.5, 159.5, 95.5), 9.0, False))
    rows, columns = np.mgrid[0:12, 0:20]
    away = np.hypot(columns - 10, rows - 6)
    assert np.array_equal(found.class_id == 8, away <= 4.0)
    assert np.array_equal(found.class_id == IGNORE, away > 4.0)


@pytest.mark.parametrize("first", [0, 1])
def test_the_nearer_landmark_has_the_cell(first):
    near = (1, (43.5, 43.5), _box(31.5, 31.5, 55.5, 55.5), 10.0, False)
    far = (3, (59.5, 43.5), _box(47.5, 31.5, 71.5, 55.5), 30.0, False)
    found = _targets(*((near, far) if first == 0 else (far, near)))
    assert (found.class_id[4:7, 4:7] == 1).all()  # column 6 is covered by both
    assert (found.class_id[4:7, 7:9] == 3).all()
    assert np.allclose(found.point_px[5, 6], (43.5, 43.5))


def test_at_the_same_distance_the_nearer_point_has_the_cell():
    one = (1, (43.5, 43.5), _box(31.5, 31.5, 63.5, 55.5), 10.2, False)
    other = (3, (67.5, 43.5), _box(47.5, 31.5, 79.5, 55.5), 10.9, False)
    found = _targets(one, other)
    assert found.class_id[5, 6] == 1  # one cell from the first, two from the second
    assert found.class_id[5, 7] == 3


def test_a_thin_far_landmark_has_cells_too():
    line = _box(40.0, 43.0, 56.0, 43.5)  # half a pixel high: covers 1/16 of its cells
    found = _targets((7, (55.5, 43.5), line, 80.0, False))
    assert found.class_id[5, 6] == 7 or found.class_id[5, 7] == 7
    assert (found.class_id == 7).sum() >= 1
    owned = found.class_id == 7
    assert np.allclose(found.point_px[owned], (55.5, 43.5))


def test_an_outline_that_is_none_still_has_its_core():
    found = _targets((5, (43.5, 43.5), np.zeros((0, 2)), math.nan, False))
    assert np.argwhere(found.class_id == 5).tolist() == [[5, 5]]
    # range unknown: a NaN, not a number
    assert not np.isfinite(found.log_range[5, 5])


def test_ignored_landmarks_are_neither_target_nor_background():
    found = _targets((2, (51.5, 31.5), _box(39.5, 23.5, 63.5, 39.5), 20.0, True))
    assert (found.class_id[3:5, 5:8] == IGNORE).all()
    assert not (found.class_id > 0).any()
    assert (found.class_id[2, 5:8] == IGNORE).all()  # the margin
    assert (found.class_id[0] == 0).all()


def test_an_ignored_landmark_takes_nothing_from_a_target():
    sign = (2, (51.5, 31.5), _box(39.5, 23.5, 63.5, 39.5), 20.0, False)
    hidden = (1, (59.5, 31.5), _box(47.5, 23.5, 71.5, 39.5), 10.0, True)
    for rows in [(sign, hidden), (hidden, sign)]:
        found = _targets(*rows)
        assert (found.class_id[3:5, 5:8] == 2).all()
        assert (found.class_id[3:5, 8] == IGNORE).all()


@pytest.mark.parametrize("point", [(-0.6, 31.5), (51.5, 95.5), (200.0, 31.5)])
def test_a_point_outside_the_image_is_ignored(point):
    found = _targets((8, point, _box(-0.5, 23.5, 63.5, 39.5), 20.0, False))
    assert not (found.class_id > 0).any()
    assert (found.class_id[3:5, 0:8] == IGNORE).all()


def test_coverage_is_the_share_of_the_cell():
    share = coverage(_box(3.5, -0.5, 11.5, 7.5), (0, 0, 3, 1), 8, 0.0)
    assert share[0] == pytest.approx([0.5, 0.5, 0.0], abs=0.13)
    assert coverage(_box(300, 0, 400, 10), (0, 0, 3, 1), 8, 0.0).max() == 0.0
    assert coverage(np.full((4, 2), np.nan), (0, 0, 3, 1), 8, 0.0).max() == 0.0
    assert coverage(_box(-1e12, -1e12, 1e12, 1e12), (1, 0, 3, 1), 8, 0.0).min() == 1.0


def test_coverage_of_a_window_is_a_part_of_the_whole():
    outline = np.array([[10.0, 4.0], [70.0, 20.0], [30.0, 55.0]])
    whole = coverage(outline, (0, 0, 10, 8), 8, 3.0)
    part = coverage(outline, (2, 1, 7, 6), 8, 3.0)
    assert part == pytest.approx(whole[1:6, 2:7], abs=0.05)
    assert 0.0 < whole.mean() < 1.0


def test_what_is_not_a_number_is_never_a_target():
    box = _box(39.5, 23.5, 63.5, 39.5)
    nowhere = (2, (math.nan, 31.5), box, 20.0, False)
    found = _targets(nowhere, (3, (math.nan, math.nan), box * math.nan, math.nan, False))
    assert not (found.class_id > 0).any()
    assert (found.class_id[3:5, 5:8] == IGNORE).all()  # something is there
    far = (2, (51.5, 31.5), box, math.inf, False)
    assert (_targets(far).class_id[3:5, 5:8] == 2).all()


def _exact(outline, size=(64, 64), cell=8):
    """The same share by clipping the polygon at each cell's borders."""
    share = np.zeros((size[1] // cell, size[0] // cell))
    for (row, column), _ in np.ndenumerate(share):
        part = outline
        for axis, low in ((0, column * cell - 0.5), (1, row * cell - 0.5)):
            part = clip_halfspace(part, part[:, axis] - low)
            part = clip_halfspace(part, low + cell - part[:, axis]) if len(part) else part
            if not len(part):
                break
        share[row, column] = polygon_area(part) / cell**2 if len(part) > 2 else 0.0
    return share


def test_coverage_grows_the_polygon_a_little_and_does_not_shift_it():
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[0:8, 0:8]
    shifts = []
    for number in range(80):
        half, turn = random.uniform(2, 14, 2), random.uniform(-0.3, 0.3)
        turned = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        square = _box(-1, -1, 1, 1)[:: 1 if number % 2 else -1]
        middle = random.uniform(20, 44, 2)
        exact = _exact(square * half @ turned + middle)
        found = coverage(square * half @ turned + middle, (0, 0, 8, 8), 8, 0.0)
        assert (found >= exact - 0.03).all()
        assert (found <= _exact(square * (half + 1.0) @ turned + middle) + 0.02).all()
        means = [[(s * columns).sum(), (s * rows).sum()] / s.sum() for s in (found, exact)]
        shifts.append(8 * (means[0] - means[1]))
    assert np.abs(np.mean(shifts, axis=0)).max() < 0.06  # pixels
