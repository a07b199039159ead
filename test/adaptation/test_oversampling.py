"""Copies of images with rare classes: by hand, and whatever the counts are."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dalearn_ros.adaptation.oversampling import (
    even_repeats,
    repeats_to_total,
    shortfall,
    vanished_classes,
)


def one_hot(*classes: int) -> np.ndarray:
    """One landmark an image, of the given classes."""
    return np.eye(max(classes) + 1, dtype=np.int64)[list(classes)]


@st.composite
def some_counts(draw: st.DrawFn) -> np.ndarray:
    images, classes = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    random = np.random.default_rng(draw(st.integers(0, 10_000)))
    rare = random.random(classes) ** 2
    return random.binomial(4, rare, (images, classes)).astype(np.int64)


def test_a_rare_class_reaches_the_common_one() -> None:
    counts = one_hot(*[1] * 10, *[2] * 3)
    repeats = even_repeats(counts, 8)
    assert list(repeats) == [1] * 10 + [4, 3, 3]
    assert list(repeats @ counts) == [0, 10, 10]
    assert shortfall((repeats @ counts)[1:]) == 0.0


def test_shortfall_by_hand() -> None:
    assert shortfall(np.array([10, 3])) == pytest.approx(0.7**2 / 2)
    both = shortfall(np.array([[4, 4, 4], [4, 2, 0]]))
    assert both == pytest.approx([0.0, (0.25 + 1.0) / 3])
    assert shortfall(np.zeros(3, np.int64)) == 1.0


def test_the_largest_factor_is_a_bound() -> None:
    counts = one_hot(*[0] * 100, *[1] * 50, 2)
    repeats = even_repeats(counts, 10)
    assert list(repeats @ counts) == [100, 100, 10]
    assert list(even_repeats(counts, 1)) == [1] * 151


def test_whole_images_carry_common_classes_along() -> None:
    """Copies of an image help if it shows more of the rare class than there is on the whole."""
    counts = np.array([[9, 1], [1, 1], [10, 0]])
    repeats = even_repeats(counts, 50)
    assert list(repeats) == [1, 50, 1]
    assert list(repeats @ counts) == [69, 51]  # from 20 to 2
    assert list(even_repeats(np.array([[9, 1]]), 50)) == [1]


def test_two_common_classes_grow_together() -> None:
    """Class 2 comes with class 0 only; class 1 must follow, or it would fall behind."""
    counts = np.array([[1, 0, 1]] + [[1, 0, 0]] * 9 + [[0, 1, 0]] * 10)
    repeats = even_repeats(counts, 20)
    totals = repeats @ counts
    assert totals[2] == 20 and totals[0] == 29 and totals[1] == 29
    assert repeats[1:].max() <= 3


def test_images_without_landmarks_stay_once() -> None:
    counts = np.array([[0, 0], [4, 0], [0, 1]])
    assert list(even_repeats(counts, 9)) == [1, 1, 4]
    assert list(even_repeats(np.zeros((3, 2), np.int64), 9)) == [1, 1, 1]
    assert len(even_repeats(np.zeros((0, 2), np.int64), 9)) == 0


@given(some_counts(), st.integers(1, 30))
def test_never_less_even_and_within_the_bounds(counts: np.ndarray, largest: int) -> None:
    repeats = even_repeats(counts, largest)
    assert repeats.shape == (len(counts),) and repeats.min() >= 1 and repeats.max() <= largest
    before, after = counts.sum(axis=0), repeats @ counts
    occur = before > 0
    if occur.any():
        assert shortfall(after[occur]) <= shortfall(before[occur])
    assert ((after > 0) == (before > 0)).all()
    assert (repeats == even_repeats(counts, largest)).all()


@given(some_counts(), st.integers(0, 100))
def test_the_order_of_images_hardly_matters(counts: np.ndarray, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(len(counts))
    one, other = even_repeats(counts, 9), even_repeats(counts[order], 9)
    assert (one @ counts == other @ counts[order]).all()


def test_few_labelled_images_come_as_often_as_the_source() -> None:
    counts = one_hot(1, 1, 2)  # the only image of class 2 comes as often as both of class 1
    repeats = repeats_to_total(counts, 100, 8)
    assert list(repeats) == [25, 25, 50]
    assert list(repeats_to_total(counts, 2, 8)) == [1, 1, 1]
    assert list(repeats_to_total(one_hot(1), 7, 8)) == [7]
    assert len(repeats_to_total(counts[:0], 7, 8)) == 0


@given(some_counts(), st.integers(0, 200), st.integers(1, 9))
def test_the_total_is_met(counts: np.ndarray, total: int, largest: int) -> None:
    repeats = repeats_to_total(counts, total, largest)
    assert repeats.min() >= 1
    assert repeats.sum() == max(total, len(counts))


def test_classes_that_vanish_are_named() -> None:
    counts = one_hot(1, 2, 2, 4)
    assert vanished_classes(counts, counts[[1, 3]]) == [1]
    assert vanished_classes(counts, counts[:0]) == [1, 2, 4]
    assert vanished_classes(counts, counts) == []
