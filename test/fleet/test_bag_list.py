"""Lists of bags, as YAML and as folders."""

from __future__ import annotations

from pathlib import Path

import pytest

from dalearn_ros.core.errors import InputError
from dalearn_ros.fleet.bag_list import FleetBag, read_bag_list


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "fleet.yaml"
    path.write_text(text)
    return path


def test_a_list_with_paths_relative_to_it(tmp_path: Path) -> None:
    text = """
map: city
bags:
  - monday/bag
  - {bag: /data/tuesday.mcap, map: other, name: tuesday again}
  - bag: wednesday
"""
    other = Path("/data/tuesday.mcap")
    assert read_bag_list(written(tmp_path, text)) == [
        FleetBag("monday", tmp_path / "monday/bag", tmp_path / "city"),
        FleetBag("tuesday_again", other, tmp_path / "other"),
        FleetBag("wednesday", tmp_path / "wednesday", tmp_path / "city"),
    ]
    third = read_bag_list(tmp_path / "fleet.yaml", Path("/maps/all"))[2]
    assert third.map == Path("/maps/all")


def test_a_folder_of_bags(tmp_path: Path) -> None:
    for name in ("drive_b/bag", "drive_b/map", "drive_a", "map", ".hidden"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "drive_c.mcap").touch()
    (tmp_path / "notes.txt").touch()
    assert read_bag_list(tmp_path) == [
        FleetBag("drive_a", tmp_path / "drive_a", tmp_path / "map"),
        FleetBag("drive_b", tmp_path / "drive_b/bag", tmp_path / "drive_b/map"),
        FleetBag("drive_c", tmp_path / "drive_c.mcap", tmp_path / "map"),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("bags: []", "expected at least one bag, found none"),
        ("bags: {a: b}", "expected a list 'bags'"),
        ("- a", "expected a list 'bags'"),
        ("bags: [a", "expected YAML"),
        ("bags: [a]", "bag 1: expected a map, found none. Give --map"),
        ("{bags: [a], map: m, maps: n}", "expected the keys bags and map, found maps"),
        ("{bags: [{bag: a, mpa: m}], map: m}", "expected texts for bag, map, name"),
        ("{bags: [{map: a}], map: m}", "bag 1: expected a list 'bags' of entries with bag"),
        ("{bags: [{bag: 7}], map: m}", "expected texts for"),
        ("{bags: [x, b/../x], map: m}", "expected every bag once, found the bag .*/x as bag 1 and"),
        ("{bags: [a], map: [m]}", "key 'map': expected the path of a map"),
        ("{bags: [a/x, b/x], map: m}", "the name x as bag 1 and bag 2. Two bags of one name need"),
    ],
)
def test_what_is_wrong_with_a_list(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_bag_list(written(tmp_path, text))


def test_no_list_and_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no such list of bags"):
        read_bag_list(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="expected at least one bag, found none"):
        read_bag_list(tmp_path)


def test_a_missing_bag_is_no_error_of_the_list(tmp_path: Path) -> None:
    (found,) = read_bag_list(written(tmp_path, "{bags: [gone], map: m}"))
    assert not found.bag.exists()
