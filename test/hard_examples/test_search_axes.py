"""The search with filters and shapes: what hurts is a function of the vector."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from helpers.search_play import Answer, answered, settings

from dalearn_ros.core.errors import InputError, SettingsError
from dalearn_ros.hard_examples.conversion import distance, narrowed
from dalearn_ros.hard_examples.filters import EDGES, FILTERS, SHARPEN, SMOOTH
from dalearn_ros.hard_examples.search import HARD, ORIGINAL_FAILS, Search
from dalearn_ros.hard_examples.search_axes import AxisWay
from dalearn_ros.hard_examples.search_settings import HardenSettings, check_harden
from dalearn_ros.hard_examples.shapes import SHAPES, ShapeConversion
from dalearn_ros.hard_examples.statistics import WHOLE
from dalearn_ros.hard_examples.tries import DRAWN, GENERATED, Try
from dalearn_ros.landmarks.catalogue import LabelSpace

ROWS = 4
LANDMARKS = [("landmark 0",), (), ("landmark 1", "landmark 2"), ()]  # of each row


def whole(row: int, vector: Any) -> Sequence[str]:
    return (WHOLE,)


def small_enough(row: int, vector: Any) -> Sequence[str]:
    """Landmarks that bear to shrink, and to grow a little."""
    return LANDMARKS[row] if vector is None or vector[0] < 0.1 else ()


def search(names: Sequence[str], how: HardenSettings, seed: int = 1) -> Search:
    shapes = ShapeConversion(LabelSpace.load())
    ways = [
        AxisWay(FILTERS[name], whole, ROWS, how)
        if name in FILTERS
        else AxisWay(shapes, small_enough, ROWS, how)
        for name in names
    ]
    return Search(ways, ROWS, how.search, seed)


def blur_hurts(one: Try) -> tuple[float, float]:
    return (0.2 if next(iter(one.vectors.values()))[0] > 3.0 else 0.9), 1.0


def play(search: Search, tries: int, answer: Answer = blur_hurts) -> list[tuple[Try, str]]:
    return answered(search, tries, answer)


def vector_of(one: Try) -> tuple[float, ...]:
    ((_, vector),) = one.vectors.items()
    return vector


def test_first_vectors_are_from_all_of_the_ranges_that_the_strength_leaves() -> None:
    how = settings(search={"explore": False}, conversions={"strength": 0.25})
    found = [one for one, _ in play(search(["sharpen"], how), 200)]
    amount, sigma = np.array([vector_of(one) for one in found]).T
    assert 0.0 <= amount.min() < 0.1 and 1.15 < amount.max() <= 1.25
    assert 0.5 <= sigma.min() < 0.7 and 4.8 < sigma.max() <= 5.0  # no value changes nothing
    assert {tuple(one.vectors) for one in found} == {(WHOLE,)}
    assert {one.rules[WHOLE] for one in found} == {DRAWN}
    assert {one.condition for one in found} == {"sharpen"} and not found[0].parameters


def test_it_goes_on_near_what_hurt_and_only_there() -> None:
    how = settings(search={"fresh": 0.0}, conversions={"near": 1.5, "strength": 1.0})
    found = play(search(["smooth"], how), 100)
    explored = [one for one, _ in found if one.parent is not None]
    assert len(explored) > 50
    for one in explored:
        hurt, outcome = found[one.parent or 0]
        assert outcome == HARD and one.rules == {WHOLE: GENERATED}
        assert 0.0 < distance(SMOOTH.axes, vector_of(one), vector_of(hurt)) < 1.5
        assert 0.3 <= vector_of(one)[0] <= 12.0


def test_the_same_seed_and_answers_give_the_same_tries() -> None:
    one, again = (play(search(["smooth", SHAPES], settings(), 7), 40) for _ in range(2))
    assert one == again != play(search(["smooth", SHAPES], settings(), 8), 40)


def test_several_conversions_are_drawn_evenly_and_neighbours_stay_with_theirs() -> None:
    found = play(search(["smooth", "edges", SHAPES], settings(search={"fresh": 0.5})), 300)
    drawn = [one.conversion for one, _ in found if one.parent is None]
    assert all(0.25 < drawn.count(name) / len(drawn) < 0.42 for name in ("smooth", "edges", SHAPES))
    explored = [(one, found[one.parent][0]) for one, _ in found if one.parent is not None]
    assert explored and all(one.conversion == hurt.conversion for one, hurt in explored)


def test_a_landmark_is_changed_where_one_bears_it() -> None:
    how = settings(search={"fresh": 0.3})
    found = play(search([SHAPES], how), 60, lambda one: (0.1, 1.0))
    for one, _ in found:
        ((part, vector),) = one.vectors.items()
        assert part in LANDMARKS[one.row] and vector[0] < 0.1
    assert {part for one, _ in found for part in one.vectors} == set(sum(LANDMARKS, ()))
    assert {one.parent is None for one, _ in found} == {True, False}


def test_near_in_the_same_image_is_the_same_landmark() -> None:
    how = settings(search={"fresh": 0.0, "image": "same"})
    found = play(search([SHAPES], how), 30, lambda one: (0.1, 1.0))
    for one, _ in found[1:]:
        hurt = found[one.parent or 0][0]
        assert (one.row, set(one.vectors)) == (hurt.row, set(hurt.vectors))


def test_where_all_signs_fail_already_the_other_conversion_goes_on() -> None:
    def signs_fail(one: Try) -> tuple[float, float]:
        return 0.0, 0.0 if LANDMARKS[one.row] else 1.0

    found = play(search([SHAPES, "smooth"], settings(search={"fresh": 0.5})), 40, signs_fail)
    assert {one.conversion for one, _ in found[-20:]} == {"smooth"}
    assert {one.row for one, outcome in found if outcome == ORIGINAL_FAILS} <= {0, 2}
    with pytest.raises(InputError, match="2 that it fails on, of 4"):
        play(search([SHAPES], settings()), 10, signs_fail)


def test_images_without_signs_are_told() -> None:
    with pytest.raises(InputError, match="for 'shapes': expected images with signs or signals"):
        AxisWay(ShapeConversion(LabelSpace.load()), lambda row, vector: (), ROWS, settings())


def test_ranges_are_narrowed_about_what_changes_nothing() -> None:
    amount, sigma = narrowed(SHARPEN.axes, 0.5)
    assert (amount.low, amount.high) == (0.0, 2.5) and (sigma.low, sigma.high) == (0.5, 5.0)
    (share,) = narrowed(EDGES.axes, 0.1)
    assert (share.low, share.high) == pytest.approx((0.0, 0.1))
    scale, tilt = narrowed(ShapeConversion(LabelSpace.load()).axes, 0.5)
    assert (scale.low, scale.high, tilt.low, tilt.high) == (-0.35, 0.35, -22.5, 22.5)


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"conversions": {"use": ["smoth"]}}, "Did you mean 'smooth'"),
        ({"conversions": {"use": []}}, "one or more, each once, found none"),
        ({"conversions": {"use": ["edges", "edges"]}}, "each once, found edges, edges"),
        (
            {"conversions": {"use": ["colours", "edges"]}, "search": {"generate": False}},
            "only new ones can be near",
        ),
        (
            {"conversions": {"use": ["edges"]}, "search": {"condition": "night"}},
            r"about colours, which conversions.use \(edges\) lacks, found night",
        ),
        ({"conversions": {"use": ["edges"]}, "convert": {"subsets": True}}, "convert.subsets"),
    ],
)
def test_what_makes_no_sense_is_refused(sections: dict[str, Any], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        check_harden(settings(**sections))
