"""An endless order in rounds."""

from __future__ import annotations

import weakref

import numpy as np

from dalearn_ros.core.randomness import generator
from dalearn_ros.core.rounds import Rounds


def test_a_round_has_every_row_and_the_next_one_another_order() -> None:
    rows = np.array([0, 1, 1, 5, 7, 8, 9, 11])
    order = Rounds(rows, 3, "order")
    first = [order[n] for n in range(8)]
    second = [order[n] for n in range(8, 16)]
    assert len(order) == 8
    assert sorted(first) == sorted(second) == rows.tolist()
    assert first != second


def test_the_order_is_that_of_the_named_stream() -> None:
    order = Rounds(np.arange(6), 3, "order")
    for which in (0, 1, 4, 1, 0):  # forth and back
        wanted = generator(3, "order", which).permutation(6)
        assert [order[which * 6 + n] for n in range(6)] == wanted.tolist()


def test_places_are_taken_across_rounds_however_they_are_asked_for() -> None:
    rows = np.array([0, 1, 1, 1, 2, 2])
    whole, order = Rounds(rows, 3, "x").take(0, 40), Rounds(rows, 3, "x")
    assert whole.tolist() == [order[number] for number in range(40)]
    for start in (30, 0, 20, 10):
        assert order.take(start, start + 10).tolist() == whole[start : start + 10].tolist()


def test_seed_and_name_change_it() -> None:
    orders = [Rounds(np.arange(50), seed, name) for seed, name in ((1, "a"), (2, "a"), (1, "b"))]
    drawn = {tuple(order[n] for n in range(50)) for order in orders}
    assert len(drawn) == 3


def test_its_memory_goes_with_the_last_name_of_it() -> None:
    """A cycle of references would keep the images of the batches that draw by it."""
    order = Rounds(np.arange(6), 3, "order")
    assert order[7] in range(6)
    gone = weakref.ref(order)
    del order
    assert gone() is None
