"""Votes of all anchors become one observation a landmark (D17)."""

import numpy as np
import pytest

from dalearn_ros.coding.calibration import Calibration
from dalearn_ros.coding.decode import DecodeSettings, decode
from dalearn_ros.coding.grid import Grid
from dalearn_ros.coding.votes import MAX_VOTES, RawOutputs, gather_votes

CLASSES = 10


def outputs_of(landmarks, grid, shape=(46, 80), probability=0.9, radius=2.0, sigma_cells=0.1):
    """The outputs of a network that is right; landmarks are (class, u, v, metres)."""
    nodes = grid.nodes
    logits = np.zeros((nodes, CLASSES, *shape), np.float32)
    logits[:, 0] = 12.0
    offset = np.zeros((nodes, 2, *shape), np.float32)
    log_range = np.zeros((nodes, *shape), np.float32)
    rows, columns = np.mgrid[0 : shape[0], 0 : shape[1]]
    places = grid.nodes_px(rows, columns)
    for class_id, u, v, metres in landmarks:
        away = np.hypot(*np.moveaxis(grid.centers_px(rows, columns) - (u, v), -1, 0))
        cells = away <= radius * grid.cell_px
        logits[:, 0, cells] = 0.0
        logits[:, 1:, cells] = -20.0
        logits[:, class_id, cells] = np.log(probability / (1 - probability))
        error = (np.array([u, v]) - places) / grid.cell_px
        offset[:, :, cells] = np.moveaxis(error[cells], 0, -1)
        log_range[:, cells] = np.log(metres)
    variance = np.full((nodes * 2, *shape), 2 * np.log(sigma_cells), np.float32)
    return RawOutputs(logits.reshape(-1, *shape), offset.reshape(-1, *shape), variance, log_range)


@pytest.mark.parametrize("nodes", [1, 5, 9])
def test_every_landmark_once_where_it_is(nodes):
    grid = Grid(8, nodes)
    truth = [(1, 100.25, 60.75, 20.0), (4, 103.0, 110.5, 21.0), (6, 400.1, 300.9, 8.0)]
    found = decode(outputs_of(truth, grid), grid, DecodeSettings(), stamp_ns=7)
    found = found.select(np.argsort(found.class_id))
    assert found.class_id.tolist() == [1, 4, 6]
    np.testing.assert_allclose(found.point_px, [t[1:3] for t in truth], atol=1e-3)
    np.testing.assert_allclose(found.range_m, [20.0, 21.0, 8.0], rtol=1e-5)
    np.testing.assert_allclose(found.score, 0.9, atol=1e-5)
    assert found.stamp_ns == 7 and (found.track_id == -1).all()


def test_covariance_is_predicted_variance_plus_spread_by_hand():
    grid = Grid(8, 1)
    # Two cells of one row vote for points 2 px apart with equal weight: spread 1 px² along u.
    shape = (4, 4)
    logits = np.zeros((CLASSES, *shape), np.float32)
    logits[0] = 12.0
    logits[0, 1, 1:3], logits[1, 1, 1:3] = 0.0, 8.0
    logits[2:, 1, 1:3] = -30.0
    offset = np.zeros((2, *shape), np.float32)
    offset[0, 1, 1], offset[0, 1, 2] = 0.5 - 1 / 8, -0.5 + 1 / 8
    variance = np.full((2, *shape), np.log(0.25), np.float32)
    raw = RawOutputs(logits, offset, variance, np.zeros((1, *shape), np.float32))
    found = decode(raw, grid, DecodeSettings())
    np.testing.assert_allclose(found.point_px, [[15.5, 11.5]], atol=1e-5)
    # 0.25 cells² = 16 px²; along u the spread of ±1 px comes on top.
    np.testing.assert_allclose(found.covariance_px2[0], [[17.0, 0.0], [0.0, 16.0]], atol=1e-4)
    scaled = decode(raw, grid, DecodeSettings(variance_scale=0.5))
    np.testing.assert_allclose(scaled.covariance_px2, 0.5 * found.covariance_px2)


def test_neighbours_of_one_class_stay_apart_beyond_the_radius():
    grid = Grid(8, 5)
    truth = [(1, 100.0, 60.0, 20.0), (1, 130.0, 60.0, 20.0)]
    raw = outputs_of(truth, grid, radius=1.5)
    assert len(decode(raw, grid, DecodeSettings(merge_radius_px=12.0))) == 2
    assert len(decode(raw, grid, DecodeSettings(merge_radius_px=40.0))) == 1


def test_the_threshold_and_the_number_hold():
    grid = Grid(8, 5)
    truth = [(1, 40.0 + 60 * i, 60.0, 20.0) for i in range(6)]
    raw = outputs_of(truth, grid, probability=0.6)
    assert len(decode(raw, grid, DecodeSettings(score_threshold=0.59))) == 6
    assert len(decode(raw, grid, DecodeSettings(score_threshold=0.61))) == 0
    assert len(decode(raw, grid, DecodeSettings(score_threshold=0.5, max_landmarks=4))) == 4


def test_a_landmark_needs_its_support():
    grid = Grid(8, 5)
    raw = outputs_of([(1, 43.5, 43.5, 20.0)], grid, radius=0.5)  # one cell: 5 votes of 0.9
    assert len(decode(raw, grid, DecodeSettings(min_support=4.4))) == 1
    assert len(decode(raw, grid, DecodeSettings(min_support=4.6))) == 0


def test_the_cheap_bound_loses_no_vote():
    grid, random = Grid(8, 5), np.random.default_rng(4)
    shape = (12, 15)
    logits = random.normal(0, 2, (5 * CLASSES, *shape)).astype(np.float32)
    zero = np.zeros((10, *shape), np.float32)
    votes = gather_votes(RawOutputs(logits, zero, zero, zero[:5]), grid, 0.3)
    exponent = np.exp(logits.reshape(5, CLASSES, -1).astype(float))
    best = (exponent / exponent.sum(1, keepdims=True))[:, 1:].max(axis=1)
    expected = np.sort(best[best >= 0.3])[::-1]
    np.testing.assert_allclose(votes.score, expected, rtol=1e-6)


def test_an_untrained_network_gives_a_bounded_number_of_votes():
    grid = Grid(8, 5)
    logits = np.random.default_rng(0).normal(0, 3, (50, 92, 160)).astype(np.float32)
    zero = np.zeros((10, 92, 160), np.float32)
    raw = RawOutputs(logits, zero, zero, zero[:5])
    assert len(gather_votes(raw, grid, 0.1).score) == MAX_VOTES
    assert len(decode(raw, grid, DecodeSettings(score_threshold=0.1))) == 100


def _random_outputs(seed=3, shape=(24, 40)):
    """Landmarks of several classes close together, each a different probability, noisy offsets."""
    grid, random = Grid(8, 5), np.random.default_rng(seed)
    logits = random.normal(0, 1.5, (5, CLASSES, *shape)).astype(np.float32)
    logits[:, 0] += 5.0
    for _ in range(30):
        row, column = random.integers(0, shape[0] - 2), random.integers(0, shape[1] - 2)
        logits[:, random.integers(1, 4), row : row + 2, column : column + 2] += random.uniform(3, 9)
    offset = random.normal(0, 0.5, (10, *shape)).astype(np.float32)
    variance = random.normal(-3, 0.5, (10, *shape)).astype(np.float32)
    distance = random.normal(3, 0.3, (5, *shape)).astype(np.float32)
    return RawOutputs(logits.reshape(-1, *shape), offset, variance, distance), grid


def _one_by_one(votes, settings):
    """Votes merged as the method says it, one landmark after the other over all classes."""
    left, rows = list(range(len(votes.score))), []
    for seed in range(len(votes.score)):
        if votes.score[seed] < settings.score_threshold or seed not in left:
            continue
        same = [i for i in left if votes.class_id[i] == votes.class_id[seed]]

        def near(center, same=same):
            away = [np.hypot(*(votes.point_px[i] - center)) for i in same]
            return [i for i, d in zip(same, away, strict=True) if d <= settings.merge_radius_px]

        members = near(votes.point_px[seed])
        center = np.average(votes.point_px[members], axis=0, weights=votes.score[members])
        members = near(center) or members
        left = [i for i in left if i not in members and i != seed]
        weight = votes.score[members]
        if weight.sum() < settings.min_support:
            continue
        point = np.average(votes.point_px[members], axis=0, weights=weight)
        spread = np.cov(votes.point_px[members].T, aweights=weight, ddof=0).reshape(2, 2)
        variance = np.average(votes.variance_px2[members], axis=0, weights=weight)
        log_range = np.average(votes.log_range[members], weights=weight)
        rows.append((votes.class_id[seed], votes.score[seed], point, spread + np.diag(variance),
                     np.exp(log_range)))  # fmt: skip
    return rows[: settings.max_landmarks]


@pytest.mark.parametrize("most", [5, 100])
def test_without_a_calibration_it_is_the_method_step_by_step(most):
    raw, grid = _random_outputs()
    settings = DecodeSettings(0.4, merge_radius_px=14.0, min_support=1.5, max_landmarks=most)
    found = decode(raw, grid, settings)
    expected = _one_by_one(gather_votes(raw, grid, settings.vote_threshold), settings)
    assert len(found) == len(expected) >= 5
    columns = [np.array(column) for column in zip(*expected, strict=True)]
    assert found.class_id.tolist() == columns[0].tolist()
    np.testing.assert_array_equal(found.score, columns[1])
    np.testing.assert_allclose(found.point_px, columns[2], atol=1e-9)
    np.testing.assert_allclose(found.covariance_px2, columns[3], atol=1e-9)
    np.testing.assert_allclose(found.range_m, columns[4], rtol=1e-12)


def test_a_calibration_makes_the_score_orders_by_it_and_is_thresholded():
    raw, grid = _random_outputs()
    wide = {"merge_radius_px": 14.0, "max_landmarks": 1000}
    calibration = Calibration((0.3, 0.5, -0.8, 0.1), (0.2, -0.4, 0.0, *[0.0] * 6))
    plain = decode(raw, grid, DecodeSettings(score_threshold=0.3, **wide))
    settings = DecodeSettings(0.01, 0.3, **wide)
    every = decode(raw, grid, settings, 4, calibration)
    assert len(every) == len(plain) and every.stamp_ns == 4
    assert (np.diff(every.score) <= 0).all()
    assert sorted(every.point_px[:, 0]) == pytest.approx(sorted(plain.point_px[:, 0]))
    assert not np.allclose(np.sort(every.score), np.sort(plain.score))
    middle = float(np.median(every.score))
    likely = decode(raw, grid, DecodeSettings(middle, 0.3, **wide), 0, calibration)
    assert likely.point_px.tolist() == every.point_px[every.score >= middle].tolist()
    settings = DecodeSettings(0.01, 0.3, **{**wide, "max_landmarks": 3})
    best = decode(raw, grid, settings, 0, calibration)
    assert best.score.tolist() == every.score[:3].tolist()


def test_the_floor_is_added_after_the_factor():
    grid = Grid(8, 5)
    raw = outputs_of([(1, 100.0, 60.0, 20.0)], grid)
    before = decode(raw, grid, DecodeSettings()).covariance_px2
    after = decode(raw, grid, DecodeSettings(variance_scale=0.5, variance_floor_px2=0.3))
    np.testing.assert_allclose(after.covariance_px2, 0.5 * before + 0.3 * np.eye(2))


def test_nothing_seen_with_a_calibration():
    grid = Grid(8, 5)
    calibration = Calibration((1.0,) * 4, (0.0,) * 9)
    found = decode(outputs_of([], grid), grid, DecodeSettings(), 9, calibration)
    assert len(found) == 0 and found.stamp_ns == 9
    assert found.covariance_px2.shape == (0, 2, 2)
