"""frames.jsonl holds what the figures are made of, and gives them back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.random_runs import START_NS, random_run
from helpers.random_scenes import SIZE, random_scene

from dalearn_ros.core.errors import InputError
from dalearn_ros.evaluation.collector import Collector
from dalearn_ros.evaluation.frames import read_frames, truth_digest


def test_a_line_a_frame_whose_sums_are_the_metrics(tmp_path: Path) -> None:
    run = random_run(40)
    run.skip("image:truncated", 3)
    metrics = run.write(tmp_path)
    lines = [json.loads(line) for line in (tmp_path / "frames.jsonl").read_text().splitlines()]
    assert [line["frame"] for line in lines] == [f"frame{i}" for i in range(40)]
    assert lines[3]["stamp_ns"] == START_NS + 3_000_000_000
    assert (lines[3]["drive"], lines[3]["condition"]) == ("drive0", "rain")
    hits, wrong, missed = np.sum(
        [count for line in lines for count in line["counts"].values()], axis=0
    )
    assert metrics["precision"] == hits / (hits + wrong)
    assert metrics["recall"] == hits / (hits + missed) and metrics["support"] == hits + missed
    for name, entry in metrics["per_class"].items():
        counts = [line["counts"].get(name, [0, 0, 0]) for line in lines]
        assert entry["support"] == sum(count[0] + count[2] for count in counts)
    points = [px for line in lines for errors in line["point_px"].values() for px in errors]
    assert len(points) == hits
    assert np.median(points) == pytest.approx(metrics["reference_point_px"]["median"], abs=1e-4)
    poses = [line["pose"] for line in lines]
    assert [pose is None for pose in poses] == [i % 7 == 0 for i in range(40)]
    lateral = [abs(pose["lateral_m"]) for pose in poses if pose]
    assert np.median(lateral) == pytest.approx(metrics["localization"]["lateral_m"]["median"])
    assert lines[0]["prior"]["lateral_m"] == pytest.approx(0.1)
    assert metrics["skipped_share"] == 3 / 43


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    run = random_run(30, drives=3)
    run.write(tmp_path)
    table = read_frames(tmp_path / "frames.jsonl", run.label_space.names)
    assert table.frames == run.table.frames
    np.testing.assert_array_equal(table.counts(), run.table.counts())
    assert list(table.lines()) == list(run.table.lines())


def test_without_poses_or_names_nothing_is_said_of_them(tmp_path: Path) -> None:
    run = Collector()
    run.add(*random_scene(np.random.default_rng(0)), SIZE)
    run.write(tmp_path)
    line = json.loads((tmp_path / "frames.jsonl").read_text())
    assert line.keys() == {
        "frame",
        "stamp_ns",
        "truth",
        "counts",
        "point_px",
        "truth_row",
        "claims",
    }
    assert run.metrics()["by_condition"] == {}


def test_truth_is_known_again_unless_it_changes() -> None:
    truth, _ = random_scene(np.random.default_rng(3))
    assert len(truth) >= 2
    first = truth_digest(truth)
    truth.point_px[0] += 1e-6
    assert truth_digest(truth) == first
    truth.point_px[0] += 0.1
    moved = truth_digest(truth)
    truth.ignore[0] = not truth.ignore[0]
    assert len({first, moved, truth_digest(truth)}) == 3


@pytest.mark.parametrize("line", ["", "[]", '{"frame": "a"}', "{", '{"frame": 1, "stamp_ns": "x"}'])
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "frames.jsonl"
    file.write_text(line + "\n")
    with pytest.raises(InputError, match=r"frames.jsonl, line 1: expected a frame"):
        read_frames(file, ("background", "arrow"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="Evaluate it again"):
        read_frames(tmp_path / "frames.jsonl", ("background",))


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    file = tmp_path / "frames.jsonl"
    file.write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="frames.jsonl, after line 0: expected UTF-8 text"):
        read_frames(file, ("background",))
