"""Both counts of the ways, and that each way is there once."""

from __future__ import annotations

import pytest

from dalearn_ros.hard_examples.subsets import Subsets


@pytest.mark.parametrize("areas, targets", [(1, 1), (3, 2), (4, 1), (2, 5)])
def test_counts_and_no_way_twice(areas: int, targets: int) -> None:
    names = [f"area{i}" for i in range(areas)]
    one, mixed = Subsets.of(names, targets), Subsets.of(names, targets, mixed=True)
    assert one.count == (2**areas - 1) * targets
    assert mixed.count == (targets + 1) ** areas - 1
    for ways in (one, mixed):
        found = [tuple(sorted(way.items())) for way in ways]
        assert len(set(found)) == ways.count
        assert all(way for way in found)
    assert all(len(set(way.values())) == 1 for way in one)


def test_by_hand() -> None:
    ways = Subsets.of(["road", "sky"], 2)
    assert [ways[i] for i in range(6)] == [
        {"road": 0}, {"road": 1}, {"sky": 0}, {"sky": 1},
        {"road": 0, "sky": 0}, {"road": 1, "sky": 1},
    ]  # fmt: skip
    assert {"road": 1, "sky": 0} in list(Subsets.of(["road", "sky"], 2, mixed=True))


def test_many_are_counted_without_being_made() -> None:
    ways = Subsets.of([f"a{i}" for i in range(12)], 999, mixed=True)
    assert ways.count == 1000**12 - 1
    assert ways[ways.count - 1] == {f"a{i}": 998 for i in range(12)}
    with pytest.raises(IndexError):
        ways[ways.count]
