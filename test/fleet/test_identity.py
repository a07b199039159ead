"""The identity of a bag."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from dalearn_ros.core.digests import END_BYTES
from dalearn_ros.core.errors import BagError, MapError
from dalearn_ros.fleet.identity import identity_of, identity_of_map


def test_it_is_the_same_elsewhere_and_another_after_a_change(tmp_path: Path) -> None:
    bag = tmp_path / "a"
    bag.mkdir()
    (bag / "metadata.yaml").write_text("x")
    (bag / "data.mcap").write_bytes(bytes(3 * END_BYTES))
    first = identity_of(bag)
    shutil.copytree(bag, tmp_path / "elsewhere" / "b")
    assert identity_of(tmp_path / "elsewhere" / "b") == first
    for place in (0, 3 * END_BYTES - 1):
        content = bytearray(3 * END_BYTES)
        content[place] = 1
        (bag / "data.mcap").write_bytes(content)
        assert identity_of(bag) != first
    (bag / "data.mcap").write_bytes(bytes(3 * END_BYTES + 1))
    assert identity_of(bag) != first
    (bag / "data.mcap").write_bytes(bytes(3 * END_BYTES))
    assert identity_of(bag) == first
    (bag / "metadata.yaml").rename(bag / "other.yaml")
    assert identity_of(bag) != first


def test_one_file_whatever_its_name(tmp_path: Path) -> None:
    for name, content in (("a.mcap", b"12"), ("b.mcap", b"12"), ("c.mcap", b"13")):
        (tmp_path / name).write_bytes(content)
    one, other, third = (identity_of(tmp_path / f"{name}.mcap") for name in "abc")
    assert one == other != third


def test_there_is_no_bag(tmp_path: Path) -> None:
    with pytest.raises(BagError, match="expected a bag, found no such file or folder"):
        identity_of(tmp_path / "gone")
    with pytest.raises(BagError, match="expected a bag, found an empty folder"):
        identity_of(tmp_path)


def test_of_a_map_its_content_and_projection_count(tmp_path: Path) -> None:
    one = tmp_path / "one"
    one.mkdir()
    (one / "lanelet2_map.osm").write_text("a city")
    first = identity_of_map(one)
    shutil.copytree(one, tmp_path / "other")
    assert identity_of_map(tmp_path / "other") == first == identity_of_map(one / "lanelet2_map.osm")
    (one / "map_projector_info.yaml").write_text("projector_type: MGRS")
    second = identity_of_map(one)
    (one / "map_projector_info.yaml").unlink()
    (one / "lanelet2_map.osm").write_text("a town")  # the same size
    assert len({first, second, identity_of_map(one)}) == 3
    with pytest.raises(MapError):
        identity_of_map(tmp_path / "gone")
