"""No tile, and no landmark that is a target, is in two parts: in memory and on disk."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dalearn_ros.cli.main import main
from dalearn_ros.datasets import Dataset, DatasetWriter
from dalearn_ros.datasets.split import Subset, merge, tile_of
from dalearn_ros.datasets.split_write import landmark_names, split_disjoint
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels

SPACE = LabelSpace.load()
SHARES = {"train": 0.7, "val": 0.15, "test": 0.15}


def _labels(names: list[str], ignore: list[bool]) -> Labels:
    count = len(names)
    square = np.array([[1.0, 1], [5, 1], [5, 5], [1, 5]])
    return Labels(
        np.full(count, 2), np.full((count, 2), 3.0), Ragged.of([square] * count, 2),
        np.full(count, 20.0), np.ones(count), np.array(names, dtype=np.str_),
        np.zeros((count, 2, 2)), np.array(ignore, dtype=bool),
    )  # fmt: skip


def _drive(path: Path, map_name: str, start: float, count: int) -> Dataset:
    """An image every 20 m along x; each sees the landmarks up to 80 m ahead, one every 15 m."""
    with DatasetWriter(path, SPACE, {"map": map_name}) as writer:
        for number in range(count):
            x = start + 20.0 * number
            rows = [n for n in range(400) if x < 15.0 * n < x + 80.0]
            # every fifth is a crosswalk, labelled for one of its two directions
            names = [f"{n}:{'+-'[number % 2]}" if n % 5 == 0 else f"{n}" for n in rows]
            meta = {"name": f"{number}", "width": 8, "height": 8, "tile": tile_of([x, 0.0])}
            ignore = [n % 7 == 0 for n in rows]
            writer.add(np.zeros((8, 8, 3), np.uint8), _labels(names, ignore), meta)
    return Dataset.open(path)


@pytest.fixture(scope="module")
def drives(tmp_path_factory: pytest.TempPathFactory) -> list[Dataset]:
    """Two drives through the same street, and one in another town with the same ids."""
    folder = tmp_path_factory.mktemp("drives")
    return [
        _drive(folder / "a", "town", 0.0, 100),
        _drive(folder / "b", "town", 107.0, 90),
        _drive(folder / "c", "elsewhere", 0.0, 60),
    ]


def _targets(part: Subset) -> set[str]:
    found: set[str] = set()
    for i in range(len(part)):
        labels = part.labels(i)
        names = landmark_names(part, i, labels)
        found |= {name for name, ignored in zip(names, labels.ignore, strict=True) if not ignored}
    return found


def _assert_disjoint(parts: dict[str, Subset]) -> None:
    for a, b in itertools.combinations(parts.values(), 2):
        assert not set(a.tiles) & set(b.tiles)
        assert not _targets(a) & _targets(b)


@given(st.integers(0, 1000))
@settings(max_examples=8, deadline=None)
def test_parts_share_no_tile_and_no_target(drives: list[Dataset], seed: int) -> None:
    parts = split_disjoint(merge(drives), SHARES, seed)
    assert sum(len(part) for part in parts.values()) == 250
    _assert_disjoint(parts)  # type: ignore[arg-type]
    everything = _targets(merge(drives))
    assert set().union(*(_targets(part) for part in parts.values())) == everything


def test_a_selection_keeps_the_foreign_landmarks_ignored(drives: list[Dataset]) -> None:
    for part in split_disjoint(merge(drives), SHARES).values():
        rows = np.arange(len(part))[::-1]
        chosen = part.select(rows)
        for new, old in enumerate(rows):
            assert np.array_equal(chosen.labels(new).ignore, part.labels(int(old)).ignore)


def test_without_the_rule_landmarks_at_the_borders_would_leak(drives: list[Dataset]) -> None:
    parts = split_disjoint(merge(drives), SHARES)
    plain = {part: Subset(found.label_space, found.items) for part, found in parts.items()}
    leaks = [_targets(a) & _targets(b) for a, b in itertools.combinations(plain.values(), 2)]
    assert any(leaks)


def test_the_command_writes_disjoint_datasets(
    drives: list[Dataset], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "sets"
    words = ["split", "--data", *(str(d.path) for d in drives), "--out", str(out)]
    assert main([*words, "--shares", "0.6,0.2,0.2", "--seed", "3"]) == 0
    assert "labels of landmarks of another part are ignored" in capsys.readouterr().out
    parts = {name: merge([Dataset.open(out / name)]) for name in ("train", "val", "test")}
    assert sum(len(part) for part in parts.values()) == 250
    _assert_disjoint(parts)
    assert all(parts["train"].image_path(i).stat().st_nlink == 2 for i in range(9))  # no copies
    told = json.loads((out / "split.json").read_text())
    for name, part in parts.items():
        assert told["parts"][name]["images"] == len(part)
        assert told["parts"][name]["tiles"] == sorted(set(part.tiles))
        targets = sum(int((~part.labels(i).ignore).sum()) for i in range(len(part)))
        assert told["parts"][name]["targets"] == targets
    assert sum(found["targets_ignored"] for found in told["parts"].values()) > 0
    assert main(words) == 1  # it exists already


def test_wrong_shares_are_wrong_usage(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["split", "--data", "x", "--out", str(tmp_path / "o"), "--shares"]
    for text in ("0.7", "0.7,zero", "0.7,0.3,0", "1,1,1,1"):
        assert main([*words, text]) == 2
        assert "two or three shares above 0" in capsys.readouterr().err
    assert main([*words, "0.7,0.3"]) == 1
    assert "no such folder" in capsys.readouterr().err


def test_one_place_cannot_be_split(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    _drive(tmp_path / "short", "town", 0.0, 5)
    words = ["split", "--data", str(tmp_path / "short"), "--out", str(tmp_path / "o")]
    assert main(words) == 1
    assert "1 map tile of 200 m" in capsys.readouterr().err
    assert not (tmp_path / "o").exists()
