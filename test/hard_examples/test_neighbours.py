"""Expressions 3 and 4 by hand, strictness, and what is generated within the bounds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from dalearn_ros.hard_examples.neighbours import (
    Bounds,
    NeighbourSettings,
    distances,
    generate,
    inside,
    nearest_first,
    possible_colours,
)
from dalearn_ros.hard_examples.spaces import LAB, SPACES

CENTRE = np.array([50.0, 10.0, 0.0, 3.0, 0.0, 3.0])


def moved(mean: float = 0.0, std: float = 0.0, a: float = 0.0) -> np.ndarray:
    return CENTRE + np.array([mean, std, a, 0.0, 0.0, 0.0])


def test_the_radius_by_hand() -> None:
    """3-4-5: a distance of 5 is not below Rth2 = 5, one of 4.99 is."""
    bounds = NeighbourSettings(radius=5.0).bounds()
    rows = np.stack([moved(3, 4), moved(2.99, 3.99), moved(0, 0, a=60), moved(4.9, 2)])
    assert inside(rows, CENTRE, bounds).tolist() == [False, True, True, False]
    assert distances(moved(3, 4), CENTRE, bounds) == pytest.approx(1.0)


def test_all_channels_together() -> None:
    bounds = NeighbourSettings(radius=5.0, channels="all").bounds()
    rows = np.stack([moved(3, 3, a=3), moved(2, 2, a=2), moved(a=60)])
    assert inside(rows, CENTRE, bounds).tolist() == [False, True, False]


def test_each_axis_for_itself_by_hand() -> None:
    bounds = NeighbourSettings(rule="box", mean=6.0, std=2.0).bounds()
    rows = np.stack([moved(5.9, 1.9), moved(6, 0), moved(0, 2), moved(-5.9, -1.9), moved(a=99)])
    assert inside(rows, CENTRE, bounds).tolist() == [True, False, False, True, True]


def test_a_bound_of_0_holds_nothing() -> None:
    bounds = NeighbourSettings(radius=0.0).bounds()
    assert not inside(np.stack([CENTRE, moved(1)]), CENTRE, bounds).any()
    random = np.random.default_rng(0)
    assert len(generate(CENTRE, bounds, random, 3, lambda v: np.ones(len(v), bool))) == 0


def test_nearest_first() -> None:
    bounds = NeighbourSettings(radius=5.0).bounds()
    vectors = [moved(4), moved(9), moved(-1), moved(0, 2)]
    assert nearest_first(vectors, CENTRE, bounds) == [2, 3, 0]
    assert nearest_first([], CENTRE, bounds) == []


@given(
    rule=some.sampled_from(["radius", "box"]),
    channels=some.sampled_from(["lightness", "all"]),
    seed=some.integers(0, 50),
)
def test_what_is_generated_lies_within_and_is_possible(rule: str, channels: str, seed: int) -> None:
    settings = NeighbourSettings(rule=rule, channels=channels, radius=7.0, mean=6.0, std=3.0)
    centre = np.array([20.0, 3.0, 2.0, 2.0, -3.0, 2.0])
    random = np.random.default_rng(seed)
    found = generate(centre, settings.bounds(), random, 20, lambda v: possible_colours(v, LAB))
    assert found.shape == (20, 6)
    assert inside(found, centre, settings.bounds()).all()
    assert (found[:, 1::2] > 0.0).all()
    assert LAB.inside(found[:, 0::2]).all()
    if channels == "lightness":
        assert np.array_equal(found[:, 2:], np.repeat(centre[None, 2:], 20, axis=0))
    again = generate(
        centre, settings.bounds(), np.random.default_rng(seed), 20,
        lambda v: possible_colours(v, LAB),
    )  # fmt: skip
    assert np.array_equal(found, again)


def test_the_disc_is_filled_evenly() -> None:
    """Half of the points of a disc lie within 1/sqrt(2) of its radius."""
    bounds = Bounds((1.0, 1.0))
    random = np.random.default_rng(3)
    found = generate(np.zeros(2), bounds, random, 4000, lambda v: np.ones(len(v), bool))
    share = float((np.hypot(found[:, 0], found[:, 1]) < np.sqrt(0.5)).mean())
    assert share == pytest.approx(0.5, abs=0.03)


def test_where_nothing_is_possible_fewer_come() -> None:
    bounds = NeighbourSettings(radius=2.0).bounds()
    random = np.random.default_rng(0)
    assert len(generate(CENTRE, bounds, random, 5, lambda v: np.zeros(len(v), bool))) == 0


def test_possible_colours_by_hand() -> None:
    rows = np.array(
        [
            [50, 49.9, 0, 1, 0, 1],  # black and white halves: mean 50, deviation 50 at most
            [50, 50.1, 0, 1, 0, 1],
            [2, 20, 0, 1, 0, 1],  # sqrt(2 * 98) = 14
            [2, 13, 0, 1, 0, 1],
            [50, 0, 0, 1, 0, 1],
            [50, 5, 100, 1, 0, 1],
            [101, 5, 0, 1, 0, 1],
            [50, np.nan, 0, 1, 0, 1],
        ]
    )
    expected = [True, False, False, True, False, False, False, False]
    assert possible_colours(rows, LAB).tolist() == expected
    assert possible_colours([[50, 5, 60, 5, 70, 5]], SPACES["rgb"]).tolist() == [True]
