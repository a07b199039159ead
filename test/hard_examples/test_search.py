"""The search without a network: what hurts is a function of the parameters."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.search_play import Answer, answered, settings

from dalearn_ros.core.errors import InputError, SettingsError
from dalearn_ros.hard_examples.light_table import Condition
from dalearn_ros.hard_examples.search import HARD, HARMLESS, ORIGINAL_FAILS, Search
from dalearn_ros.hard_examples.search_colours import ColourWay
from dalearn_ros.hard_examples.search_settings import (
    HardenSettings,
    check_harden,
    updates_of,
    wanted_outputs,
)
from dalearn_ros.hard_examples.statistics import WHOLE, AreaStatistics
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.store_schema import StoreError
from dalearn_ros.hard_examples.tries import DRAWN, GENERATED, KEPT, NEAR, Try

DAY, NIGHT = Condition("day", "sunny"), Condition("night", "sunny")
AREAS = [("road", "sky"), ("road",), ("road", "sky")]


@pytest.fixture
def store(tmp_path: Path) -> ParameterStore:
    """Twelve images by day, bright and alike, and twelve by night, dark."""
    made = ParameterStore.create(tmp_path / "store.sqlite")
    for condition, level in ((DAY, 60.0), (NIGHT, 20.0)):
        for i in range(12):
            mean = np.array([[level + i + more, 0.0, 0.0] for more in (0, 3, 1)])
            std = np.tile([8.0 + i / 4, 2.0, 2.0], (3, 1))
            pixels = np.array([500, 500, 1000])
            found = AreaStatistics(("road", "sky", WHOLE), pixels, mean, std)
            made.add_target(f"{condition}{i}", f"{condition}{i}", condition, found)
    return made


def darkness(one: Try) -> tuple[float, float | None]:
    """Recognised unless the road is dark; originals are fine."""
    road = one.parameters.get("road", one.parameters.get(WHOLE))
    assert road is not None
    return (0.3 if road.distribution.mean[0] < 40.0 else 0.9), 1.0


def play(search: Search, tries: int, answer: Answer = darkness) -> list[tuple[Try, str]]:
    return answered(search, tries, answer)


def of_colours(
    store: ParameterStore, areas: list[tuple[str, ...]], how: HardenSettings, seed: int
) -> Search:
    return Search([ColourWay(store, areas, how)], len(areas), how.search, seed)


def test_the_first_parameters_are_of_one_target_of_the_named_condition(
    store: ParameterStore,
) -> None:
    how = settings(search={"condition": "night", "explore": False})
    for one, _ in play(of_colours(store, AREAS, how, 1), 10):
        assert {p.cell.condition for p in one.parameters.values()} == {NIGHT}
        assert len({p.target for p in one.parameters.values()}) == 1
        assert set(one.parameters) == {*AREAS[one.row], WHOLE}
        assert set(one.rules.values()) == {DRAWN} and one.parent is None


def test_it_goes_on_near_what_hurt_for_every_area_by_itself(store: ParameterStore) -> None:
    how = settings(search={"fresh": 0.0, "by_cell": False}, neighbours={"radius": 3.0})
    found = play(of_colours(store, AREAS, how, 3), 60)
    explored = [one for one, _ in found if one.parent is not None]
    assert explored
    for one in explored:
        hurt, outcome = found[one.parent or 0]
        assert outcome == HARD
        for area, parameter in one.parameters.items():
            away = parameter.distribution.vector[:2] - hurt.parameters[area].distribution.vector[:2]
            assert parameter.cell.area == area
            assert np.hypot(*away) < 3.0
            assert one.rules[area] in (NEAR, GENERATED, KEPT)
    mixed = [len({p.target for p in one.parameters.values()}) > 1 for one in explored]
    assert any(mixed)


def test_areas_may_follow_one_neighbouring_target_together(store: ParameterStore) -> None:
    how = settings(search={"fresh": 0.0, "together": True, "generate": False})
    found = play(of_colours(store, AREAS, how, 3), 30)
    explored = [one for one, _ in found if one.parent is not None]
    assert explored
    for one in explored:
        assert len({p.target for p in one.parameters.values()}) == 1


def test_nothing_is_explored_near_what_did_no_harm(store: ParameterStore) -> None:
    found = play(of_colours(store, AREAS, settings(), 2), 80)
    outcomes = {one.number: outcome for one, outcome in found}
    parents = {one.parent for one, _ in found} - {None}
    assert parents and {outcomes[number] for number in parents if number is not None} == {HARD}
    hard = [outcome == HARD for _, outcome in found]
    plain = play(of_colours(store, AREAS, settings(search={"explore": False}), 2), 80)
    assert np.mean(hard) > np.mean([outcome == HARD for _, outcome in plain]) + 0.1


def test_an_explored_parameter_is_tried_once(store: ParameterStore) -> None:
    how = settings(search={"fresh": 0.0, "generate": False})
    found = play(of_colours(store, AREAS, how, 5), 60)
    near = [
        parameter.id
        for one, _ in found
        for area, parameter in one.parameters.items()
        if one.rules[area] not in (DRAWN, KEPT)
    ]
    assert len(near) == len(set(near)) > 5


def test_new_parameters_are_made_where_the_store_has_none(store: ParameterStore) -> None:
    before = len(store)
    how = settings(
        search={"fresh": 0.0, "by_cell": False, "by_distance": False, "condition": "night"}
    )
    found = play(of_colours(store, AREAS, how, 5), 12)
    rules = {why for one, _ in found for why in one.rules.values()}
    assert rules == {DRAWN, GENERATED} and len(store) > before


def test_the_same_seed_and_answers_give_the_same_tries(
    store: ParameterStore, tmp_path: Path
) -> None:
    store.db.execute("VACUUM INTO ?", (str(tmp_path / "copy.sqlite"),))
    copy = ParameterStore.open(tmp_path / "copy.sqlite", write=True)
    one, again = (play(of_colours(s, AREAS, settings(), 7), 40) for s in (store, copy))
    assert one == again
    other = play(of_colours(copy, AREAS, settings(), 8), 40)
    assert [t.row for t, _ in other] != [t.row for t, _ in one]


def test_an_original_that_fails_says_nothing_until_the_model_changes(
    store: ParameterStore,
) -> None:
    def first_fails(one: Try) -> tuple[float, float | None]:
        return 0.1, 0.2 if one.row == 0 else 0.9

    how = settings(search={"condition": "night", "failing_originals": "skip"})
    search = of_colours(store, AREAS, how, 1)
    found = play(search, 30, first_fails)
    assert [outcome for one, outcome in found if one.row == 0] == [ORIGINAL_FAILS]
    assert search.outputs == 29
    search.updated()
    assert any(one.row == 0 for one, _ in play(search, 10, first_fails))
    used = of_colours(store, AREAS, settings(search={"failing_originals": "use"}), 1)
    assert {outcome for _, outcome in play(used, 10, first_fails)} == {HARD}


def test_an_original_that_fails_is_hard_if_the_conversion_made_it_much_worse(
    store: ParameterStore,
) -> None:
    for accuracy, original, outcome in (
        (0.36, 0.5, ORIGINAL_FAILS),  # above 0.7 times 0.5
        (0.34, 0.5, HARD),
        (0.0, 0.0, ORIGINAL_FAILS),
        (0.69, 0.7, HARD),  # this original does not fail
    ):
        search = of_colours(store, AREAS, settings(), 1)
        search.propose()
        assert search.tell(accuracy, original) == outcome


def test_a_model_that_fails_on_all_originals_is_told(store: ParameterStore) -> None:
    search = of_colours(store, AREAS, settings(), 1)
    with pytest.raises(InputError, match="3 that it fails on"):
        play(search, 20, lambda one: (0.0, 0.0))


def test_the_budget_ends_it(store: ParameterStore) -> None:
    search = of_colours(store, AREAS, settings(search={"outputs": 3, "tries": 20}), 1)
    play(search, 20, lambda one: (1.0, None))
    assert search.over and search.outputs == 0
    search = of_colours(store, AREAS, settings(search={"outputs": 3}), 1)
    assert {outcome for _, outcome in play(search, 3, lambda one: (0.0, 1.0))} == {HARD}
    assert search.over


def test_which_areas_are_converted(store: ParameterStore) -> None:
    def areas(row_areas: list[tuple[str, ...]], **how: Any) -> set[tuple[str, ...]]:
        search = of_colours(store, row_areas, settings(convert=how), 1)
        tries = play(search, 30, lambda one: (1.0, None))
        return {tuple(sorted(one.parameters)) for one, _ in tries}

    assert areas([("road", "sky")], whole="alone") == {(WHOLE,)}
    assert areas([("road", "sky")], whole="never") == {("road", "sky")}
    assert areas([("road", "sky")], areas=["sky"]) == {(WHOLE, "sky")}
    assert areas([()]) == {(WHOLE,)}  # without an index image
    some = areas([("road", "sky")], subsets=True, whole="never")
    assert some == {("road",), ("sky",), ("road", "sky")}
    with pytest.raises(InputError, match=r"areas of the source images \(river\)"):
        areas([("river",)], whole="never")


def test_an_image_without_a_known_area_is_passed_over(store: ParameterStore) -> None:
    some = [("road",), (), ("river",), ("sky",)]
    search = of_colours(store, some, settings(convert={"whole": "never"}), 1)
    tries = play(search, 20, lambda one: (1.0, None))
    assert {one.row for one, _ in tries} == {0, 3}


def test_an_empty_store_and_an_unknown_condition_are_told(
    store: ParameterStore, tmp_path: Path
) -> None:
    empty = ParameterStore.create(tmp_path / "empty.sqlite")
    with pytest.raises(StoreError, match="empty"):
        of_colours(empty, AREAS, settings(), 1).propose()
    with pytest.raises(SettingsError, match="nigth"):
        of_colours(store, AREAS, settings(search={"condition": "nigth"}), 1)


@pytest.mark.parametrize(("every", "updates"), [(1, 8), (3, 3), (0, 1), (8, 1), (99, 1)])
def test_steps_are_shared_out_evenly(every: int, updates: int) -> None:
    how = settings(search={"outputs": 8}, update={"every": every}, loop={"steps": 24})
    wanted = [wanted_outputs(how, step) for step in range(24)]
    assert updates_of(how) == updates
    assert wanted == sorted(wanted) and wanted[-1] == 8
    assert wanted[0] == min(every or 8, 8)
    lengths = [wanted.count(count) for count in sorted(set(wanted))]
    assert len(lengths) == updates and max(lengths) - min(lengths) <= 1


def test_settings_that_do_not_fit_are_told() -> None:
    with pytest.raises(SettingsError, match="a step for each update"):
        check_harden(settings(search={"outputs": 50}, loop={"steps": 10}))
    with pytest.raises(SettingsError, match="equal steps"):
        check_harden(settings(loop={"patience": 3}))
    off = {"by_cell": False, "by_distance": False, "generate": False}
    with pytest.raises(SettingsError, match="by_cell, by_distance or generate"):
        check_harden(settings(search=off))
    check_harden(settings(search={**off, "explore": False}))
    with pytest.raises(SettingsError, match="convert.whole.*found 'alone' with subsets"):
        check_harden(settings(convert={"whole": "alone", "subsets": True}))


def test_harmless_is_what_reaches_the_threshold(store: ParameterStore) -> None:
    search = of_colours(store, AREAS, settings(), 1)
    search.propose()
    assert search.tell(0.7) == HARMLESS
