"""The data and the table of the benchmark of attention where the answer is known."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np

from benchmarks.attention_known import BRANCH, PLAIN, tables
from benchmarks.attention_known_data import OBJECT, SIZE, box_map, elsewhere, write_known


def test_the_map_of_a_box() -> None:
    found = box_map((4, 8, 36, 42))
    expected = np.zeros((16, 16))
    expected[2:10, 1:9], expected[10, 1:9] = 1.0, 0.5
    assert np.array_equal(found, expected)


def test_a_box_elsewhere_shares_a_quarter_at_most() -> None:
    for left, top in ((0, 0), (32, 32), (16, 15), (3, 20)):
        box = left, top, left + OBJECT, top + OBJECT
        own, other = box_map(box), box_map(elsewhere(box))
        assert other.sum() == own.sum()
        assert (own * other).sum() <= own.sum() / 4 + 1e-6


def test_objects_lie_where_the_boxes_say(tmp_path: Path) -> None:
    for part in ("train", "test"):
        for name, level in (("a", 0), ("b", 255)):
            folder = tmp_path / "plain" / part / name
            folder.mkdir(parents=True)
            drawn = np.full((OBJECT, OBJECT, 3), level, np.uint8)
            assert cv2.imwrite(str(folder / "0.jpg"), drawn)
    known = write_known(tmp_path / "plain", tmp_path / "known", 1)
    boxes = json.loads((known / "boxes.json").read_text())
    assert sorted(boxes) == [f"{p}/{n}/0.png" for p in ("test", "train") for n in ("a", "b")]
    left, top, right, bottom = boxes["test/b/0.png"]
    image = cv2.imread(str(known / "test" / "b" / "0.png"), cv2.IMREAD_COLOR)
    assert image.shape == (SIZE, SIZE, 3)
    assert image[top:bottom, left:right].min() > 250
    assert (image > 250).all(axis=2).sum() < 1.5 * OBJECT**2


def test_the_table_has_means_of_the_seeds() -> None:
    shared = {"row": BRANCH, "mass": 0.5, "edits": 7}
    entries = [{**shared, "seed": n, "accuracy": a} for n, a in ((1, 0.2), (2, 0.4))]
    plain, branch = tables([*entries, {"row": PLAIN, "seed": 1, "accuracy": 0.1}])
    assert plain["attention in the box"] is None
    assert np.isclose(branch["accuracy"], 0.3)
    assert branch["each seed"] == "0.200 0.400"
