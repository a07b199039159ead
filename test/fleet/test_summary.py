"""Figures of a fleet out of the rows of its bags."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from helpers.fleet_work import write_map

from dalearn_ros.core.randomness import generator
from dalearn_ros.evaluation.intervals import draw_images, f1_interval
from dalearn_ros.fleet import summary
from dalearn_ros.fleet.bag_list import FleetBag
from dalearn_ros.fleet.engine import Answer, Todo
from dalearn_ros.fleet.manifest import Manifest
from dalearn_ros.fleet.parts import BagWork, Job, Processed

CLASSES = ["warning_sign", "signal"]


@dataclass(frozen=True)
class Given:
    """A bag's result as it is told: (hits, false alarms, missed) of each class, and errors."""

    counts: dict[str, Sequence[tuple[int, int, int]]]
    lateral: dict[str, Sequence[float]]

    def __call__(self, bag: FleetBag, folder: Path) -> Processed:
        counts = self.counts[bag.name]
        columns = dict(zip(("hits", "false_alarms", "missed"), np.array(counts).T))
        table = {"tolerance": ["main", "main"], "class": CLASSES, **columns}
        lateral = self.lateral[bag.name]
        errors = {"quantity": ["localization/lateral_m"] * len(lateral), "value": np.array(lateral)}
        hits = sum(row[0] for row in counts)
        facts = {"f1": hits / 10, "seconds": 2.0, "drive_s": 5.0, "pose_frames": 4}
        facts["poses"] = len(lateral)
        return Processed(7, {"no pose": 1}, facts, {"counts": table, "errors": errors})


@pytest.fixture
def manifest(tmp_path: Path):  # type: ignore[no-untyped-def]
    counts = {"b": [(3, 1, 1), (0, 0, 2)], "a": [(5, 0, 0), (1, 2, 0)], "c": [(0, 0, 0), (1, 1, 1)]}
    lateral = {"b": [-0.4, 0.1], "a": [0.2], "c": [0.3, -0.3, 0.5, 0.6]}
    work = BagWork(tmp_path / "out", Given(counts, lateral))
    write_map(tmp_path / "map", "a city")
    with Manifest.open(tmp_path / "out", {}) as opened:
        entries = []
        for name in counts:
            (tmp_path / name).write_text(name)
            job = Job(FleetBag(name, tmp_path / name, tmp_path / "map"))
            entries.append((work(job), 1))
        opened.seal(entries[:2])
        opened.seal(entries[2:])
        yield opened


def test_sums_and_intervals_over_bags(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    few = summary.summarise(manifest, CLASSES, 8.0)
    assert few["f1_interval"] is None  # three bags say nothing of others
    assert few["localization"]["lateral_m"]["median_interval"] is None
    monkeypatch.setattr(summary, "LEAST_UNITS", 2)
    found = summary.summarise(manifest, CLASSES, 8.0)
    assert (
        found["bags"] == 3 and found["frames"] == 21 and found["frames_skipped"] == {"no pose": 3}
    )
    # all: 10 hits, 4 false alarms, 4 missed
    assert found["precision"] == found["recall"] == found["f1"] == pytest.approx(10 / 14)
    assert found["support"] == 14
    by_bag = np.array([[6, 2, 0], [3, 1, 3], [1, 1, 1]])  # in the order of their names
    assert found["f1_interval"] == f1_interval(by_bag)
    sign, signal = found["per_class"]["warning_sign"], found["per_class"]["signal"]
    assert sign["f1"] == pytest.approx(16 / 18) and sign["support"] == 9
    assert signal["f1"] == pytest.approx(4 / 10) and signal["support"] == 5
    lateral = found["localization"]["lateral_m"]
    assert lateral["median"] == pytest.approx(0.3)  # 0.1 0.2 0.3 0.3 0.4 0.5 0.6
    assert lateral["median_interval"] == (
        pytest.approx(0.2),
        pytest.approx(0.4),
    )
    assert found["localization"]["availability"] == pytest.approx(7 / 12)
    assert math.isnan(found["localization"]["heading_deg"]["median"])
    assert [row["bag"] for row in found["worst_bags"]] == ["c", "b", "a"]
    times = summary.timing(manifest)
    assert times == {"drive_s": 15.0, "work_s": 6.0, "frames_per_work_s": 3.5}


def test_many_bags_are_drawn_in_groups(manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(summary, "LEAST_UNITS", 2)
    one = summary.summarise(manifest, CLASSES, 8.0)
    monkeypatch.setattr(summary, "MOST_GROUPS", 2)
    two = summary.summarise(manifest, CLASSES, 8.0)
    assert two["f1"] == one["f1"] and two["f1_interval"] != one["f1_interval"]


def test_of_many_errors_a_part_is_taken(
    manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = summary.summarise(manifest, CLASSES, 8.0)
    monkeypatch.setattr(summary, "MOST_ERRORS", 4)
    two = summary.summarise(manifest, CLASSES, 8.0)
    # 7 values: every second of each bag, from its first or second on
    lateral = {"a": [0.2], "b": [0.4, 0.1], "c": [0.3, 0.3, 0.5, 0.6]}
    first = {
        bag: int(generator(0, "errors", "localization/lateral_m", bag).integers(2)) for bag in "abc"
    }
    assert set(first.values()) == {0, 1}  # not all of them the first
    taken = [value for bag, start in first.items() for value in lateral[bag][start::2]]
    assert two["localization"]["lateral_m"]["median"] == pytest.approx(float(np.median(taken)))
    assert two["localization"]["availability"] == one["localization"]["availability"]
    kept = summary._gather(manifest, CLASSES).errors["localization/lateral_m"]
    assert all(values.base is None for values in kept)  # what is not taken is not in memory
    monkeypatch.setattr(summary, "MOST_ERRORS", 7)
    whole = summary.summarise(manifest, CLASSES, 8.0)
    assert whole["localization"]["lateral_m"] == one["localization"]["lateral_m"]


def test_draws_without_anything_say_nothing_of_a_class() -> None:
    counts = np.zeros((200, 3), np.int64)
    counts[:6] = [2, 0, 0]  # found in 6 bags, always: whatever is drawn of them, F1 is 1
    drawn = draw_images(200)
    assert (drawn[:, :6].sum(axis=1) == 0).any()  # some draws have none of the 6
    assert summary._f1_interval(counts, drawn) == (1.0, 1.0)
    assert summary._f1_interval(counts[1:], drawn[:, 1:]) is None  # in 5 bags


def test_no_bag_at_all(tmp_path: Path) -> None:
    with Manifest.open(tmp_path / "out", {}) as manifest:
        found = summary.summarise(manifest, CLASSES, 8.0)
    assert found["bags"] == 0 and math.isnan(found["f1"]) and found["f1_interval"] is None
    assert found["worst_bags"] == []


def test_tries_are_counted() -> None:
    todo = Todo(["a", "b"], 2)
    first, second = todo.take(), todo.take()
    assert first is not None and second is not None and todo.take() is None
    assert todo.settle(first, Answer(reason="once")) is None
    done = todo.settle(second, Answer(result=3))
    assert done is not None and (done.result, done.tries, done.reason) == (3, 1, "")
    again = todo.take()
    assert again is first
    failed = todo.settle(again, Answer(reason="twice"))
    assert failed is not None and (failed.job, failed.tries, failed.reason) == ("a", 2, "twice")
