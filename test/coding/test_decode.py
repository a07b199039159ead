"""Votes of all anchors become one observation a landmark (D17)."""

import numpy as np
import pytest

from dalearn_ros.coding.decode import (
    MAX_VOTES,
    DecodeSettings,
    RawOutputs,
    decode,
    gather_votes,
)
from dalearn_ros.coding.grid import Grid

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
