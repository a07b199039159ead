"""Which map a path means, and what is said where there is none."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.opendrive import objects, road, sign, signals, thing, write
from helpers.small_drive import write_street

from dalearn_ros.core.errors import MapError
from dalearn_ros.maps import load_map
from dalearn_ros.maps.load import find_map, kind_of, map_digest, read_map


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a.osm", ".osm"),
        ("Town01.XODR", ".xodr"),
        ("a.b.xodr.gz", ".xodr.gz"),
        ("a.geojson", ".geojson"),
        ("a.csv", ".csv"),
        ("a.gz", ""),
        ("osm", ""),
    ],
)
def test_the_kind_follows_the_name(name: str, kind: str) -> None:
    assert kind_of(Path("somewhere") / name) == kind


def test_a_folder_means_its_lanelet2_map_then_its_opendrive_map(tmp_path: Path) -> None:
    (tmp_path / "survey.csv").write_text("")
    assert find_map(tmp_path).name == "survey.csv"
    path = write(tmp_path, road(signals(sign())))
    assert find_map(tmp_path) == path
    (tmp_path / "other.osm").write_text("")
    assert find_map(tmp_path).name == "other.osm"
    write_street(tmp_path)
    assert find_map(tmp_path).name == "lanelet2_map.osm"


def test_two_maps_are_named(tmp_path: Path) -> None:
    for name in ("a.xodr", "b.xodr"):
        (tmp_path / name).write_text("")
    with pytest.raises(MapError, match="one map .*found a.xodr, b.xodr"):
        find_map(tmp_path)


def test_both_formats_load_by_the_same_call(tmp_path: Path) -> None:
    write_street(tmp_path / "lanelet2")
    assert len(load_map(tmp_path / "lanelet2")) > 1
    assert load_map(write(tmp_path, road(signals(sign())))).ids.tolist() == ["signal:7"]


def test_a_catalogue_of_another_country_knows_the_tags_of_the_format(tmp_path: Path) -> None:
    light = sign(id="8", country="OpenDRIVE", type="1000001", subtype="-1")
    found = load_map(write(tmp_path, road(signals(sign(), light))), "korea")
    assert found.ids.tolist() == ["signal:8"]
    assert dict(found.report.unknown) == {"signal:DE:274-30": 1}


def test_a_map_without_landmarks_is_refused_or_read_empty(tmp_path: Path) -> None:
    path = write(tmp_path, road(objects(thing(type="tree"))))
    with pytest.raises(MapError, match=r"with a class, found object:tree\. Signals and objects"):
        load_map(path)
    empty = read_map(path)
    assert len(empty) == 0
    assert dict(empty.report.by_tag) == {"tree": 1}


def test_a_map_of_which_nothing_could_be_read_names_the_first_problem(tmp_path: Path) -> None:
    path = write(tmp_path, road(signals(sign(s=900), sign(id="8", s=901))))
    with pytest.raises(
        MapError, match=r"found 2 problems, the first: signal 7: .* 100 m\. Signals"
    ):
        load_map(path)


def test_the_digest_is_that_of_the_content(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write_street(tmp_path / name)
    one = map_digest(tmp_path / "a")
    assert one == map_digest(tmp_path / "b") == map_digest(tmp_path / "b" / "lanelet2_map.osm")
    with (tmp_path / "b" / "lanelet2_map.osm").open("a") as file:
        file.write("\n")
    assert map_digest(tmp_path / "b") != one


def test_the_digest_of_tiles_covers_all_of_them(tmp_path: Path) -> None:
    digests = []
    for name, texts in (("a", "xy"), ("b", "xy"), ("c", "xz")):
        folder = tmp_path / name / "lanelet2_map.osm"
        folder.mkdir(parents=True)
        for tile, text in zip(("1.osm", "2.osm"), texts, strict=True):
            (folder / tile).write_text(text)
        digests.append(map_digest(tmp_path / name))
    assert digests[0] == digests[1] != digests[2]
