"""Identities stand in manifests and in caches of the recipe: those of given files never change."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dalearn_ros.datasets import identity
from dalearn_ros.fleet import identity as fleet_identity

MIB = 1 << 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A bag of a long and a short recording, a dataset, and a map with its projection."""
    files = {
        "bag/metadata.yaml": b"a: 1\n",
        "bag/long.mcap": bytes(range(256)) * (12 * MIB // 1024),
        "bag/short.mcap": b"\x01" * (MIB + 5),
        "bag/.hidden": b"12",
        "data/dataset.json": b"{}",
        "data/annotations.json": b"[]",
        "data/images/1.png": b"png",
        "map/lanelet2_map.osm": b"a city",
        "map/map_projector_info.yaml": b"projector_type: MGRS\n",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(content)
    return tmp_path


def test_of_inputs_of_the_recipe(folder: Path) -> None:
    found = {
        "bag": identity.identity_of(folder / "bag"),
        "file": identity.identity_of(folder / "bag/long.mcap"),
        "data": identity.identity_of(folder / "data"),
        "whole images": identity.identity_of(folder / "data", whole_images=True),
        "map": identity.identity_of_map(folder / "map"),
    }
    assert {name: digest[:16] for name, digest in found.items()} == {
        "bag": "84b3715df94eafbe",
        "file": "b04bead3f827167e",
        "data": "e1f2737c5be54370",
        "whole images": "fb144be47c465143",
        "map": "6e4532d24d2d84ad",
    }


def test_of_bags_and_maps_of_a_fleet(folder: Path) -> None:
    found = {
        "bag": fleet_identity.identity_of(folder / "bag"),
        "file": fleet_identity.identity_of(folder / "bag/long.mcap"),
        "short": fleet_identity.identity_of(folder / "bag/short.mcap"),
        "map": fleet_identity.identity_of_map(folder / "map"),
    }
    assert {name: digest[:16] for name, digest in found.items()} == {
        "bag": "0019a56ee63c396e",
        "file": "62bdb29c14f6cafd",
        "short": "380ded5691d420b5",
        "map": "3c8b6409ec6433a2",
    }


def test_a_projection_beside_the_file_of_a_map_counts(folder: Path) -> None:
    lanelets, info = (folder / "map" / n for n in ("lanelet2_map.osm", "map_projector_info.yaml"))
    found = {identity.identity_of_map(lanelets)}
    info.write_text("projector_type: Local\n")
    found.add(identity.identity_of_map(lanelets))
    assert identity.identity_of_map(lanelets) == identity.identity_of_map(folder / "map")
    info.unlink()
    found.add(identity.identity_of_map(lanelets))
    assert len(found) == 3


def test_of_a_long_recording_both_ends_count_by_hand(folder: Path) -> None:
    file = folder / "bag/long.mcap"
    content = file.read_bytes()
    size = f"{len(content)}\0".encode()
    ends = content[:MIB] + content[-MIB:]
    assert identity.identity_of(file) == hashlib.sha256(b"\0" + size + ends).hexdigest()
    name = b".mcap\0"
    assert fleet_identity.identity_of(file) == hashlib.sha256(name + size + ends).hexdigest()
