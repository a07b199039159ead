"""Intervals over images against draws that are made one after the other."""

from __future__ import annotations

import math

import numpy as np

from dalearn_ros.evaluation.intervals import (
    DRAWS,
    draw_images,
    drawn_f1,
    drawn_median,
    f1_interval,
    interval,
)


def test_the_interval_of_a_share_is_that_of_the_binomial() -> None:
    assert f1_interval(np.tile([3, 1, 1], (50, 1))) == (0.75, 0.75)
    mixed = np.array([[1, 0, 0], [0, 0, 1]] * 50)  # F1 of a share p of hits: 2p / (1 + p)
    share = 0.5 + np.array([-1.96, 1.96]) * 0.05
    np.testing.assert_allclose(f1_interval(mixed), 2 * share / (1 + share), atol=0.01)
    assert f1_interval(mixed) == f1_interval(mixed)


def test_draws_are_of_images_and_all_their_classes_together() -> None:
    drawn = draw_images(5)
    assert drawn.shape == (DRAWS, 5)
    assert (drawn.sum(axis=1) == 5).all()
    counts = np.random.default_rng(1).integers(0, 4, (5, 3, 3))
    found = drawn_f1(counts, drawn)
    images = np.repeat(np.arange(5), drawn[7])
    hits, wrong, missed = counts[images].sum(axis=0).T
    np.testing.assert_allclose(found[7], 2 * hits / (2 * hits + wrong + missed))


def test_the_median_of_a_draw_is_numpys() -> None:
    random = np.random.default_rng(2)
    image = random.integers(0, 6, 17)
    values = random.exponential(2.0, 17)
    drawn = draw_images(6)
    found = drawn_median(values, image, drawn)
    for i in range(40):
        taken = np.repeat(values, drawn[i, image])
        np.testing.assert_allclose(found[i], np.median(taken) if len(taken) else math.nan)


def test_what_no_draw_has_is_unknown() -> None:
    drawn = draw_images(3)
    nothing = drawn_median(np.zeros(0), np.zeros(0, np.int64), drawn)
    assert np.isnan(nothing).all()
    assert all(math.isnan(end) for end in interval(nothing))
    one = drawn_median(np.array([4.0]), np.array([1]), drawn)
    assert np.isnan(one[drawn[:, 1] == 0]).all() and (one[drawn[:, 1] > 0] == 4.0).all()
