"""What was just found is learnt from before the next search."""

from __future__ import annotations

import numpy as np
import pytest

from dalearn_ros.core.rounds import Rounds
from dalearn_ros.core.settings import load_settings
from dalearn_ros.hard_examples.learning import repeats_of
from dalearn_ros.hard_examples.search_settings import HardenSettings, known_outputs


@pytest.mark.parametrize(
    ("known", "count", "newest", "drawn"),
    [
        (0, 3, 0.5, [1, 1, 1]),  # all are new
        (3, 3, 0.5, [1, 1, 1]),  # none is
        (4, 6, 0.5, [1, 1, 1, 1, 2, 2]),
        (4, 5, 0.75, [1, 1, 1, 1, 12]),  # 12 of 16
        (2, 6, 0.5, [1, 1, 1, 1, 1, 1]),  # they have more than their share anyway
        (4, 5, 0.0, [1, 1, 1, 1, 1]),
    ],
)
def test_new_images_have_their_share_of_the_draws(
    known: int, count: int, newest: float, drawn: list[int]
) -> None:
    assert repeats_of(known, count, newest).tolist() == drawn


def test_the_last_of_many_is_drawn_in_its_own_update() -> None:
    draws = np.repeat(np.arange(200), repeats_of(199, 200, 0.5))
    for seed in range(20):
        seen = Rounds(draws, seed, "order").take(5970, 6000)  # the 30 draws of 7 to 8 steps
        assert 6 <= np.count_nonzero(seen == 199) <= 24


def test_what_was_known_at_the_last_update() -> None:
    values = {"search": {"outputs": 8}, "update": {"every": 3}, "loop": {"steps": 24}}
    how = load_settings(HardenSettings, None, values)
    assert [known_outputs(how, step) for step in (0, 7, 8, 15, 16, 23)] == [0, 0, 3, 3, 6, 6]
    once = load_settings(HardenSettings, None, {**values, "update": {"every": 0}})
    assert {known_outputs(once, step) for step in range(24)} == {0}
