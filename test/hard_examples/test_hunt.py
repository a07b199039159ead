"""The loop of a search with a made-up model: its time, its end, what it keeps of colours."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from helpers.search_play import settings
from helpers.tiny_adaptation import picture, write_city

from dalearn_ros.core.errors import InputError
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.hard_examples import hunt as hunting
from dalearn_ros.hard_examples.found import HardImages
from dalearn_ros.hard_examples.hunt import STUCK, Hunt
from dalearn_ros.hard_examples.light_table import Condition
from dalearn_ros.hard_examples.recognition import Recognition
from dalearn_ros.hard_examples.run import ways_of
from dalearn_ros.hard_examples.search import ORIGINAL_FAILS, Search
from dalearn_ros.hard_examples.search_settings import HardenSettings
from dalearn_ros.hard_examples.search_summary import timing
from dalearn_ros.hard_examples.sources import Sources
from dalearn_ros.hard_examples.statistics import measure
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.hard_examples.try_log import TryLog

SMOOTH = {"use": ["smooth"]}
See = Callable[[Any], Any]


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a model sees in an image is its recognition accuracy."""

    def recognise(truth: Any, seen: Any, measure: str, tau_px: float) -> Recognition:
        return Recognition(float(seen), {1: (int(seen >= 0.5), 1)})

    monkeypatch.setattr(hunting, "recognise", recognise)


@pytest.fixture
def city(tmp_path: Path) -> Dataset:
    return Dataset.open(write_city(tmp_path / "city", range(3)))


def hunt(
    folder: Path,
    city: Dataset,
    how: HardenSettings,
    last_step: int = 0,
    store: ParameterStore | None = None,
) -> Hunt:
    sources, space = Sources([city]), city.label_space
    ways = ways_of(how, sources, store, space)
    search = Search(ways, len(sources), how.search, 1)
    log = TryLog(folder / "tries.jsonl", last_step)
    return Hunt(search, store, sources, HardImages(folder / "found", sources, space), log, how, "m")


def seeing(city: Dataset, original: float, converted: float) -> See:
    """Accuracy of originals and of all other images."""
    known = {city.image(i).tobytes() for i in range(len(city))}
    return lambda image: original if image.tobytes() in known else converted


def test_all_the_time_of_a_try_is_counted(
    tmp_path: Path, city: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    how = settings(conversions=SMOOTH, search={"failing_originals": "use", "fresh": 1.0})
    one, now = hunt(tmp_path, city, how), [0.0]

    def taking(seconds: float, work: Callable[..., Any]) -> Callable[..., Any]:
        def done(*given: Any) -> Any:
            now[0] += seconds
            return work(*given)

        return done

    monkeypatch.setattr(hunting, "time", SimpleNamespace(perf_counter=lambda: now[0]))
    monkeypatch.setattr(one.search, "propose", taking(3.0, one.search.propose))
    monkeypatch.setattr(one.sources, "prepared", taking(1.0, one.sources.prepared))
    monkeypatch.setattr(one.found, "add", taking(5.0, one.found.add))
    one.until(1, 0, taking(10.0, seeing(city, 0.9, 0.1)))  # the original is asked for, too
    (entry,) = one.log.entries
    assert entry.seconds == {"read": 1.0, "convert": 0.0, "recognise": 20.0, "rest": 8.0}
    assert one.seconds(0) == now[0] == 29.0 and one.seconds(1) == 0.0
    found = timing(one.log.entries, 1.0)
    assert found["tries_per_second"] == pytest.approx(1 / 29.0)
    assert sum(found["share"].values()) == pytest.approx(1.0)


PARTS = {"loop": {"steps": 6}, "search": {"outputs": 3, "fresh": 1.0}, "conversions": SMOOTH}


def test_a_model_that_fails_on_every_original_ends_a_search_that_found_some(
    tmp_path: Path, city: Dataset, caplog: pytest.LogCaptureFixture
) -> None:
    how = settings(**PARTS)
    one = hunt(tmp_path, city, how)
    one.until(1, 0, seeing(city, 0.9, 0.1))
    assert len(one.found) == 1 and not one.over
    with caplog.at_level(logging.WARNING):
        one.until(2, 2, seeing(city, 0.0, 0.0))
    assert one.over and one.ended == STUCK
    assert f"before its budget, with 1 hard images: {STUCK}" in caplog.text
    assert [entry.outcome for entry in one.log.entries[1:]] == [ORIGINAL_FAILS] * 3
    one.until(3, 4, seeing(city, 0.9, 0.1))
    assert len(one.found) == 1

    def again(last_step: int) -> Hunt:
        return hunt(tmp_path, city, how, last_step)

    known = again(2)  # killed before a later checkpoint: it gets there again, without a new try
    assert not known.over
    known.until(2, 2, seeing(city, 0.0, 0.0))
    assert known.ended == STUCK and len(known.log.entries) == 4
    assert again(4).ended == STUCK  # the steps 2 and 3 were taken without what they wanted
    assert again(0).ended == ""


def test_a_search_that_found_what_it_wanted_goes_on(tmp_path: Path, city: Dataset) -> None:
    how = settings(**PARTS)
    one = hunt(tmp_path, city, how)
    one.until(1, 0, seeing(city, 0.9, 0.1))
    one.until(2, 2, seeing(city, 0.9, 0.1))
    assert hunt(tmp_path, city, how, 4).ended == ""


def test_a_model_that_fails_on_every_original_at_once_is_an_error(
    tmp_path: Path, city: Dataset
) -> None:
    one = hunt(tmp_path, city, settings(conversions=SMOOTH))
    with pytest.raises(InputError, match="recognises unconverted, found 3 that it fails on, of 3"):
        one.until(1, 0, seeing(city, 0.0, 0.0))


def test_an_original_that_fails_says_nothing_of_the_colours(tmp_path: Path, city: Dataset) -> None:
    index = np.zeros(city.image(0).shape[:2], np.uint8)
    with ParameterStore.create(tmp_path / "store.sqlite") as store:
        for seed in range(4):
            found = measure(store.space.from_bgr(picture(seed, 60)[0]), index, ("other",))
            condition = Condition("night", "sunny")
            store.add_target(f"t{seed}", f"t{seed}", condition, found.of_the_whole())
        how = settings(search={"failing_originals": "skip", "outputs": 9, "explore": False})
        one = hunt(tmp_path, city, how, store=store)
        with pytest.raises(InputError):
            one.until(1, 0, seeing(city, 0.2, 0.1))
        assert {entry.outcome for entry in one.log.entries} == {ORIGINAL_FAILS}
        used = [parameter for parameter in store.parameters() if parameter.used]
        assert used and {parameter.accuracy for parameter in used} == {None}
