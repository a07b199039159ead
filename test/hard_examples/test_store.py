"""The store: what goes in comes out, histories, draws, merging; other files are told."""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from helpers.small_store import DAY, NAMES, NIGHT, RAIN, filled, picture, statistics

from dalearn_ros.hard_examples.colour import bgr_to_lab
from dalearn_ros.hard_examples.light_table import Condition
from dalearn_ros.hard_examples.neighbours import NeighbourSettings, possible_colours
from dalearn_ros.hard_examples.statistics import WHOLE, Distribution, measure
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.store_merge import merge_stores
from dalearn_ros.hard_examples.store_schema import StoreError
from dalearn_ros.hard_examples.vicinity import by_cell, by_distance, new_ones


@pytest.mark.parametrize("spread", ["deviation", "variance"])
def test_what_goes_in_comes_out(tmp_path: Path, spread: str) -> None:
    with filled(tmp_path / "s.sqlite", {DAY: [150]}, spread=spread):
        pass
    with ParameterStore.open(tmp_path / "s.sqlite") as store:
        assert store.spread == spread and store.space.name == "lab" and len(store) == 3
        found = store.of_target(store.targets()[0].id)
        given = statistics(150)
        for area in ("road", "sky", WHOLE):  # `other` has no pixel
            own = given.of(area)
            assert own is not None
            assert np.allclose(found[area].distribution.vector, own.vector)
            assert found[area].cell.condition == DAY
            assert (found[area].used, found[area].accuracy, found[area].model) == (0, None, "")
        raw = store.db.execute("SELECT spread_0 FROM parameters WHERE area = 'road'").fetchone()[0]
        road = given.of("road")
        assert road is not None
        assert raw == pytest.approx(road.std[0] ** (2 if spread == "variance" else 1))
        kept = store.index_of(1)
        assert kept is not None and kept[1] == NAMES
        assert np.array_equal(kept[0], picture(150)[1])
        small = store.thumbnail_of(1)
        assert small is not None and small.shape == (15, 20, 3)
        assert store.targets()[0].size == (40, 30)


def test_an_image_counts_once_for_each_condition(tmp_path: Path) -> None:
    with filled(tmp_path / "s", {DAY: [100]}) as store:
        assert store.add_target("x", "day100", DAY, statistics(100)) is None
        assert store.add_target("x", "day100", NIGHT, statistics(100)) == 2
        assert store.conditions() == {DAY: 1, NIGHT: 1}


def test_small_areas_are_left_out(tmp_path: Path) -> None:
    index = np.ones((30, 40), np.uint8)
    index[0, :5] = 2
    found = measure(bgr_to_lab(picture(90)[0]), index, NAMES)
    with ParameterStore.create(tmp_path / "s") as store:
        store.add_target("x", "x", DAY, found)
        assert set(store.of_target(1)) == {"road", WHOLE}


def test_the_history_of_a_parameter(tmp_path: Path) -> None:
    with filled(tmp_path / "s", {DAY: [100], NIGHT: [5]}) as store:
        road = store.of_target(1)["road"]
        store.record_use([road.id], 0.4, "run-1")
        store.record_use([road.id], 0.6, "run-2")
        after = store.parameter(road.id)
        assert (after.used, after.accuracy, after.model) == (2, 0.6, "run-2")
        store.record_use([road.id], None, "run-3")  # which says nothing of it
        after = store.parameter(road.id)
        assert (after.used, after.accuracy, after.model) == (3, 0.6, "run-2")
        assert len(store.parameters("road")) == 2
        assert [one.cell.time for one in store.parameters("road", unused=True)] == ["night"]
    with ParameterStore.open(tmp_path / "s") as store:
        with pytest.raises(StoreError, match=r"/s: cannot be written \(.*readonly"):
            store.record_use([1], 0.1, "run-3")
        with pytest.raises(StoreError, match="cannot be written"):
            store.add_generated(Distribution((9.0, 1.0, 2.0), (1.0, 1.0, 1.0)), store.parameter(1))


def test_draws_are_seeded_and_of_the_condition(tmp_path: Path) -> None:
    with filled(tmp_path / "s", {DAY: [60, 80, 100, 120, 140], NIGHT: [5]}) as store:
        one = [store.draw(np.random.default_rng(7)).id for _ in range(3)]
        assert len(set(one)) == 1
        random = np.random.default_rng(1)
        times = [store.draw(random).condition.time for _ in range(40)]
        assert 8 < times.count("night") < 32  # each condition as likely, not each image
        assert {store.draw(random, DAY).condition for _ in range(9)} == {DAY}
        with pytest.raises(StoreError, match="images of day/rain, found day/sunny, night/sunny"):
            store.draw(random, RAIN)


def test_an_empty_store_is_told(tmp_path: Path) -> None:
    with ParameterStore.create(tmp_path / "s") as store:
        with pytest.raises(StoreError, match="an empty store. Fill it with `dalearn conditions"):
            store.draw(np.random.default_rng(0))
        with pytest.raises(StoreError, match="none: the store is empty"):
            store.draw(np.random.default_rng(0), DAY)
        with pytest.raises(StoreError, match="parameters: expected an id"):
            store.parameter(3)


def test_other_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match=r"no such file. Make one with `dalearn conditions"):
        ParameterStore.open(tmp_path / "none")
    (tmp_path / "text").write_text("no database " * 20)
    with pytest.raises(StoreError, match="another or a damaged file"):
        ParameterStore.open(tmp_path / "text")
    sqlite3.connect(tmp_path / "other").execute("CREATE TABLE t (x)")
    with pytest.raises(StoreError, match="another or a damaged file"):
        ParameterStore.open(tmp_path / "other")
    filled(tmp_path / "s", {}).close()
    for key, value, text in (
        ("version", "9", "version: expected 1, found 9. Collect it anew"),
        ("format", '"x"', "a database of format 'x'"),
        ("spread", '"range"', "deviation or variance, found 'range'"),
    ):
        shutil.copy(tmp_path / "s", tmp_path / key)
        db = sqlite3.connect(tmp_path / key)
        db.execute("UPDATE meta SET value = ? WHERE key = ?", (value, key))
        db.commit()
        db.close()
        with pytest.raises(StoreError, match=text):
            ParameterStore.open(tmp_path / key)
    with pytest.raises(StoreError, match="exists already"):
        ParameterStore.create(tmp_path / "s")


def test_neighbours_by_cell(tmp_path: Path) -> None:
    dusk, fog = Condition("dusk", "sunny"), Condition("day", "fog")
    levels = {NIGHT: [5, 9], dusk: [40], fog: [180], Condition("night", "rain"): [7]}
    with filled(tmp_path / "s", levels) as store:
        hurt = store.of_target(1)["sky"]
        found = [(one.cell.time, one.cell.weather, why) for one, why in by_cell(store, hurt)]
        assert found == [
            ("night", "sunny", "same"),
            ("dusk", "sunny", "neighbour"),
            ("night", "rain", "associated"),
        ]
        store.record_use([store.of_target(2)["sky"].id], 0.9, "m")
        assert [why for _, why in by_cell(store, hurt)] == ["neighbour", "associated"]
        assert len(by_cell(store, hurt, unused=False)) == 3


def test_neighbours_by_distance_and_new_ones(tmp_path: Path) -> None:
    with filled(tmp_path / "s", {DAY: [100, 108, 170], RAIN: [104]}) as store:
        hurt = store.of_target(1)["road"]
        bounds = NeighbourSettings(radius=6.0).bounds()
        near = by_distance(store, hurt, bounds)
        assert [one.target for one in near] == [4, 2]  # whatever the condition, nearest first
        made = new_ones(store, hurt, bounds, np.random.default_rng(0), 4)
        assert len(made) == 4
        assert all(one.parent == hurt.id and one.target is None for one in made)
        assert all(one.cell == hurt.cell and one.pixels == 0 for one in made)
        vectors = np.stack([one.distribution.vector for one in made])
        assert possible_colours(vectors, store.space).all()
        assert len(by_distance(store, hurt, bounds)) == 6


def test_merging_keeps_targets_once_and_the_longer_history(tmp_path: Path) -> None:
    with (
        filled(tmp_path / "a", {DAY: [100]}) as one,
        filled(tmp_path / "b", {DAY: [100], NIGHT: [5]}, spread="variance") as other,
    ):
        road = other.of_target(1)["road"]
        other.record_use([road.id], 0.3, "m")
        new_ones(other, road, NeighbourSettings().bounds(), np.random.default_rng(0))
        one.record_use([one.of_target(1)["sky"].id], 0.8, "n")
    counts = merge_stores([tmp_path / "a", tmp_path / "b", tmp_path / "b"], tmp_path / "c")
    assert counts == Counter(targets=2, parameters=7, twice=3)
    with ParameterStore.open(tmp_path / "c") as merged:
        assert merged.spread == "deviation"
        assert merged.of_target(1)["road"].accuracy == 0.3
        assert merged.of_target(1)["sky"].accuracy == 0.8
        (made,) = [found for found in merged.parameters() if found.target is None]
        assert made.parent == merged.of_target(1)["road"].id
        with ParameterStore.open(tmp_path / "b") as other:
            assert np.allclose(
                merged.of_target(2)["road"].distribution.vector,
                other.of_target(2)["road"].distribution.vector,
            )
        assert merged.index_of(2) is not None


def test_merging_adds_the_areas_that_the_first_store_lacks(tmp_path: Path) -> None:
    image, index = picture(100)
    with ParameterStore.create(tmp_path / "whole") as store:
        nothing = measure(bgr_to_lab(image), np.zeros_like(index), ("other",))
        store.add_target("day100", "day100", DAY, nothing, "test", (40, 30), None, None)
    filled(tmp_path / "areas", {DAY: [100]}).close()
    for order in (("whole", "areas"), ("areas", "whole")):
        out = tmp_path / "_".join(order)
        merge_stores([tmp_path / name for name in order], out)
        with ParameterStore.open(out) as merged:
            assert {"road", "sky", WHOLE} <= set(merged.of_target(1))
            found = merged.index_of(1)
            assert found is not None and np.array_equal(found[0], index)


def test_generated_ones_keep_the_longer_history(tmp_path: Path) -> None:
    with filled(tmp_path / "a", {DAY: [100]}) as store:
        road = store.of_target(1)["road"]
        (made,) = new_ones(store, road, NeighbourSettings().bounds(), np.random.default_rng(0))
    shutil.copyfile(tmp_path / "a", tmp_path / "b")
    with ParameterStore.open(tmp_path / "b", write=True) as store:
        store.record_use([made.id], 0.2, "m")
    merge_stores([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    with ParameterStore.open(tmp_path / "c") as merged:
        (kept,) = [one for one in merged.parameters() if one.target is None]
        assert (kept.used, kept.accuracy) == (1, 0.2)


def test_grey_areas_have_new_ones_too(tmp_path: Path) -> None:
    grey = Distribution((50.0, 0.0, 0.0), (10.0, 0.0, 0.0))
    with filled(tmp_path / "s", {DAY: [100]}) as store:
        hurt = store.add_generated(grey, store.of_target(1)["road"])
        made = new_ones(store, hurt, NeighbourSettings().bounds(), np.random.default_rng(0), 3)
        assert len(made) == 3
        assert all(min(one.distribution.std) > 0.0 for one in made)


def test_what_cannot_be_merged_is_told(tmp_path: Path) -> None:
    filled(tmp_path / "a", {DAY: [100]}).close()
    filled(tmp_path / "b", {}, space="rgb").close()
    with pytest.raises(StoreError, match="colour space lab as in .*a, found rgb"):
        merge_stores([tmp_path / "a", tmp_path / "b"], tmp_path / "c")
    assert not (tmp_path / "c").exists()
    with pytest.raises(StoreError, match="exists already"):
        merge_stores([tmp_path / "a"], tmp_path / "b")
    with pytest.raises(StoreError, match="No store"):
        merge_stores([], tmp_path / "c")
