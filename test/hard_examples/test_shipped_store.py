"""The store that is shipped: all conditions of the world, all areas, seeds of its own."""

from __future__ import annotations

import re

import numpy as np

from dalearn_ros.core.resources import resource
from dalearn_ros.hard_examples.neighbours import possible_colours
from dalearn_ros.hard_examples.statistics import WHOLE
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.world.style import CONDITIONS


def test_it_has_every_condition_and_area() -> None:
    path = resource("config/conditions.sqlite")
    assert path.stat().st_size < 300_000
    with ParameterStore.open(path) as store:
        assert set(store.conditions()) == {store.table.condition(name) for name in CONDITIONS}
        for condition in store.conditions():
            areas = {one.cell.area for one in store.parameters(condition=condition)}
            expected = {"road", "sidewalk", "sign", "signal", "marking", "building", "sky", WHOLE}
            assert areas == expected
        vectors = np.stack([one.distribution.vector for one in store.parameters()])
        assert possible_colours(vectors, store.space).mean() > 0.95
        assert all(one.used == 0 and one.target is not None for one in store.parameters())


def test_it_is_of_its_own_cities_and_seeds() -> None:
    with ParameterStore.open(resource("config/conditions.sqlite")) as store:
        for target in store.targets():
            found = re.fullmatch(r"world (south|east) (\w+) (\d+)", target.source)
            assert found is not None
            assert store.table.condition(found[2]) == target.condition
            assert 40000 <= int(found[3]) < 41000
            index = store.index_of(target.id)
            assert index is not None and index[0].shape == (72, 128)


def test_nights_are_darker_than_days_in_the_sky() -> None:
    with ParameterStore.open(resource("config/conditions.sqlite")) as store:
        means = {
            name: np.mean(
                [
                    one.distribution.mean[0]
                    for one in store.parameters("sky", store.table.condition(name))
                ]
            )
            for name in ("day", "dusk", "night")
        }
    assert means["day"] > means["dusk"] + 20.0 > means["night"] + 40.0
