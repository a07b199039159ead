"""Splits by place are disjoint in place; folds are balanced; several datasets read as one."""

from __future__ import annotations

import hashlib
import itertools
from pathlib import Path

import numpy as np
import pytest
from helpers.small_drive import write_bag, write_street
from hypothesis import given
from hypothesis import strategies as st

from dalearn_ros.core.errors import DatasetError
from dalearn_ros.datasets import Dataset, DatasetWriter
from dalearn_ros.datasets.copy import write_subset
from dalearn_ros.datasets.from_bag import label_bag
from dalearn_ros.datasets.split import merge, split_by_place, stratified_folds, tile_of
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels

SPACE = LabelSpace.load()
SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}


def test_tiles_are_200_m() -> None:
    assert tile_of([0.0, 0.0, 5.0]) == "0_0"
    assert tile_of([199.9, -0.1]) == "0_-1"
    assert tile_of([-200.0, 400.0]) == "-1_2"


@given(st.lists(st.integers(0, 12), min_size=30, max_size=200), st.integers(0, 5))
def test_no_tile_is_in_two_parts(numbers: list[int], seed: int) -> None:
    tiles = [f"{n}_0" for n in [*numbers, 0, 1, 2]]
    parts = split_by_place(tiles, SHARES, seed)
    assert sorted(np.concatenate(list(parts.values())).tolist()) == list(range(len(tiles)))
    places = {part: {tiles[i] for i in rows} for part, rows in parts.items()}
    for a, b in itertools.combinations(places.values(), 2):
        assert not a & b
    assert all(len(rows) for rows in parts.values())


def test_shares_are_kept_where_tiles_allow() -> None:
    tiles = [f"{n // 10}_0" for n in range(1000)]
    parts = split_by_place(tiles, SHARES)
    assert {part: len(rows) for part, rows in parts.items()} == {
        "train": 700,
        "val": 150,
        "test": 150,
    }


@pytest.mark.parametrize("seed", range(5))
def test_two_tiles_go_the_way_of_the_shares(seed: int) -> None:
    parts = split_by_place(["a"] * 16 + ["b"] * 35, {"train": 0.7, "val": 0.3}, seed)
    assert {name: len(rows) for name, rows in parts.items()} == {"train": 35, "val": 16}


def test_the_seed_decides() -> None:
    tiles = [f"{n}_0" for n in range(40)]
    first, again, other = (split_by_place(tiles, SHARES, seed)["val"] for seed in (1, 1, 2))
    assert first.tolist() == again.tolist()
    assert first.tolist() != other.tolist()


def test_too_few_tiles_is_a_sentence() -> None:
    with pytest.raises(DatasetError, match="1 map tile of 200 m"):
        split_by_place(["0_0"] * 50, SHARES)
    with pytest.raises(DatasetError, match="above 0"):
        split_by_place(["0_0", "1_0"], {"train": 1.0, "val": 0.0})


def test_folds_share_each_class_out() -> None:
    rng = np.random.default_rng(0)
    classes = [list(rng.choice(4, size=rng.integers(0, 3), p=[0.6, 0.3, 0.08, 0.02]))
               for _ in range(250)]  # fmt: skip
    folds = stratified_folds(classes, 5)
    assert sorted(np.concatenate(folds).tolist()) == list(range(250))
    assert max(len(f) for f in folds) - min(len(f) for f in folds) <= 4
    for kind in range(4):
        counts = [sum(classes[i].count(kind) for i in fold) for fold in folds]
        assert max(counts) - min(counts) <= max(3, 0.25 * max(counts)), (kind, counts)


def test_folds_need_images() -> None:
    with pytest.raises(DatasetError, match="2 or more folds"):
        stratified_folds([[1]], 5)


def _dataset(path: Path, map_name: str, tiles: list[str], space: LabelSpace = SPACE) -> Dataset:
    with DatasetWriter(path, space, {"map": map_name}) as writer:
        for number, tile in enumerate(tiles):
            image = np.full((8, 8, 3), number, np.uint8)
            meta = {"name": f"{number}", "width": 8, "height": 8, "tile": tile}
            writer.add(image, Labels.empty(), meta)
    return Dataset.open(path)


def test_merge_keeps_order_and_tells_maps_apart(tmp_path: Path) -> None:
    a = _dataset(tmp_path / "a", "m1", ["0_0", "1_0"])
    b = _dataset(tmp_path / "b", "m2", ["0_0"])
    both = merge([a, b])
    assert len(both) == 3
    assert both.tiles == ["m1:0_0", "m1:1_0", "m2:0_0"]
    chosen = both.select([2, 1])
    assert [chosen.meta(i)["tile"] for i in range(2)] == ["0_0", "1_0"]
    assert chosen.image(1).mean() == pytest.approx(1.0, abs=1.0)
    assert chosen.image_path(0).parts[-3] == "b"
    assert len(chosen.labels(0)) == 0
    assert len(chosen.approximate(0)) == 0


def test_a_map_in_two_folders_is_one_place(tmp_path: Path) -> None:
    """Two drives, each with its own copy of one map: their tiles and landmarks are the same."""
    for name in ("monday", "tuesday"):
        write_street(tmp_path / name / "map")
        write_bag(tmp_path / name / "bag")
        label_bag(tmp_path / name / "bag", tmp_path / name / "map", tmp_path / name / "labels")
    days = [Dataset.open(tmp_path / name / "labels") for name in ("monday", "tuesday")]
    assert days[0].source["map"] != days[1].source["map"]
    both = merge(days)
    assert both.tiles[: len(days[0])] == both.tiles[len(days[0]) :]
    assert (
        both.place(0)
        == hashlib.sha256((tmp_path / "monday/map/lanelet2_map.osm").read_bytes()).hexdigest()
    )
    again = write_subset(both, tmp_path / "both", {"kind": "fold"})
    assert merge([again]).tiles == both.tiles  # a copy keeps it


def test_merge_refuses_other_classes(tmp_path: Path) -> None:
    other = LabelSpace.from_dict({"classes": [{"name": "x", "rule": "center"}]})
    a = _dataset(tmp_path / "a", "m", ["0_0"])
    b = _dataset(tmp_path / "b", "m", ["0_0"], other)
    with pytest.raises(DatasetError, match="other classes"):
        merge([a, b])
    with pytest.raises(DatasetError, match="No dataset"):
        merge([])


def test_a_subset_becomes_a_dataset(tmp_path: Path) -> None:
    a = _dataset(tmp_path / "a", "m1", ["0_0", "1_0"])
    b = _dataset(tmp_path / "b", "m2", ["5_0"])
    chosen = merge([a, b]).select([2, 0])
    written = write_subset(chosen, tmp_path / "c", {"kind": "fold"})
    assert len(written) == 2
    assert [written.meta(i)["tile"] for i in range(2)] == ["5_0", "0_0"]
    assert written.image_path(0).name != written.image_path(1).name  # both were called 0
    assert written.image_path(1).read_bytes() == a.image_path(0).read_bytes()
    assert written.source["kind"] == "fold"
