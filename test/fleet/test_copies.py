"""Copies of a recording, found before any work."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.fleet_work import DoAsTold, tries_of, write_map

from dalearn_ros.core.errors import DalearnError
from dalearn_ros.fleet import run
from dalearn_ros.fleet.bag_list import FleetBag
from dalearn_ros.fleet.copies import copies_of
from dalearn_ros.fleet.engine import Outcome
from dalearn_ros.fleet.identity import identity_of, identity_of_map
from dalearn_ros.fleet.manifest import Manifest
from dalearn_ros.fleet.run import run_fleet


@pytest.fixture
def fleet(tmp_path: Path) -> list[FleetBag]:
    """b, its copy a after it, c of the same size, and one that is not there."""
    write_map(tmp_path / "map", "a city")
    (tmp_path / "log").mkdir()
    for name, word in (("b", "same"), ("a", "same"), ("c", "else")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data").write_text(word)
    return [FleetBag(name, tmp_path / name, tmp_path / "map") for name in ("b", "a", "c", "gone")]


def test_the_first_of_the_list_counts_unless_one_is_in(fleet: list[FleetBag]) -> None:
    assert copies_of(fleet, {}) == {"a": "b"}
    assert copies_of(fleet[1::-1], {}) == {"b": "a"}
    recording = identity_of(fleet[0].bag), identity_of_map(fleet[0].map)
    assert copies_of(fleet, {recording: "a"}) == {"b": "a"}


def test_another_map_is_another_recording(fleet: list[FleetBag], tmp_path: Path) -> None:
    write_map(tmp_path / "town", "a town")
    other = FleetBag("a", fleet[1].bag, tmp_path / "town")
    assert copies_of([fleet[0], other], {}) == {}


class Backwards:
    """Does jobs in this process, the last one first; a crash on request."""

    def run(self, work, jobs, tries):  # type: ignore[no-untyped-def]
        for job in reversed(list(jobs)):
            try:
                yield Outcome(job, work(job), "", 1)
            except DalearnError as error:
                yield Outcome(job, None, str(error), 1)


def test_a_bag_that_moved_and_has_another_name_counts_once(
    fleet: list[FleetBag], tmp_path: Path
) -> None:
    before, after = fleet[0], FleetBag("new name", tmp_path / "moved", tmp_path / "map")
    process = DoAsTold(tmp_path / "log")
    with Manifest.open(tmp_path / "out", {}) as manifest:
        run_fleet([before], manifest, process, Backwards())
    before.bag.rename(after.bag)
    with Manifest.open(tmp_path / "out", {}) as manifest:
        result = run_fleet([before, after], manifest, process, Backwards())
        assert manifest.known.keys() == {"b"} and (result.done, result.new) == (1, 0)
    reasons = {failure.name: failure.reason for failure in result.failures}
    assert "no such file or folder" in reasons["b"]
    assert "is the same recording as bag b, which counts" in reasons["new name"]


def test_a_copy_that_could_not_be_read_at_first_counts_once(
    fleet: list[FleetBag], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "copies_of", lambda bags, known: {})
    with Manifest.open(tmp_path / "out", {}) as manifest:
        result = run_fleet(fleet[:3], manifest, DoAsTold(tmp_path / "log"), Backwards())
        assert manifest.known.keys() == {"a", "c"}
    (failure,) = result.failures
    assert (failure.name, failure.tries) == ("b", 1)
    assert "is the same recording as bag a, which counts" in failure.reason
    assert not list((tmp_path / "out" / "parts").iterdir())


def test_copies_cost_no_work_and_no_part_is_left(fleet: list[FleetBag], tmp_path: Path) -> None:
    process = DoAsTold(tmp_path / "log")
    with Manifest.open(tmp_path / "out", {}) as manifest:
        (tmp_path / "out" / "parts" / "of a bag that the list no longer names").mkdir()
        result = run_fleet(fleet, manifest, process, Backwards())
        assert manifest.known.keys() == {"b", "c"}
    assert [failure.name for failure in result.failures] == ["a", "gone"]
    assert "is the same recording as bag b, which counts" in result.failures[0].reason
    assert tries_of(tmp_path / "log", "a") == 0
    assert not list((tmp_path / "out" / "parts").iterdir())
