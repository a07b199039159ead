"""What is written: the contract's keys, the same bytes, all files or none."""

from __future__ import annotations

import json
import math
import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from dalearn_ros.core.errors import InputError
from dalearn_ros.evaluation import collector as module
from dalearn_ros.evaluation.collector import Collector
from dalearn_ros.evaluation.gallery import APART_NS
from dalearn_ros.geometry.pose import Pose
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels, Observations

KEYS = {
    "frames", "frames_skipped", "match_px", "precision", "recall", "f1", "f1_at", "f1_macro",
    "per_class", "reference_point_px", "distance", "localization", "prior", "calibration",
}  # fmt: skip


def frame(rng: np.random.Generator, stamp_ns: int, wrong: int) -> tuple[Labels, Observations]:
    n = 4
    points = rng.uniform(20, 300, (n, 2))
    truth = Labels(
        class_id=np.arange(1, n + 1),
        point_px=points,
        outlines_px=Ragged.of([p + np.array([[-9, -9], [9, -9], [9, 9]]) for p in points], 2),
        range_m=rng.uniform(5, 60, n),
        visible=np.ones(n),
        map_id=np.array(["a", "b", "c", "d"]),
        covariance_px2=np.zeros((n, 2, 2)),
        ignore=np.array([False, False, False, True]),
    )
    seen_points = np.concatenate(
        [points + rng.normal(0, 1, (n, 2)), rng.uniform(0, 300, (wrong, 2))]
    )
    observations = Observations.of_points(
        np.concatenate([np.arange(1, n + 1), np.full(wrong, 9)]),
        seen_points,
        np.full(len(seen_points), 0.9),
        stamp_ns=stamp_ns,
    )
    return truth, observations


def filled(poses: bool = True) -> Collector:
    collected = Collector(title="A <drive>", source={"bag": Path("x/bag")})
    rng = np.random.default_rng(1)
    for i in range(30):
        stamp = 1_700_000_000_000_000_000 + i * APART_NS // 2
        truth, seen = frame(rng, stamp, wrong=i % 3)
        image = np.full((320, 320, 3), i * 8, np.uint8)
        collected.add(truth, seen, (320, 320), timing_ms={"inference": 5.0 + i}, image=image)
        if poses:
            true = Pose(stamp, Transform.from_euler(0, 0, 0.1, [i * 2.0, 0.0, 0.0]))
            covariance = np.diag([0.04, 0.04, 1, 1, 1, 1e-4])
            off = Transform.from_euler(0, 0, 0.11, [i * 2.0 + 0.1, 0.2, 0.0])
            estimate = Pose(stamp, off, covariance) if i % 5 else None
            reason = "" if i % 5 else "not enough landmarks: 1 of at least 2"
            collected.add_pose(estimate, true, Pose(stamp, off, covariance), reason)
    collected.skip("image:truncated", 2)
    collected.span(45.0, 9.0)
    return collected


def test_the_contracts_keys_are_there(tmp_path: Path) -> None:
    filled().write(tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics.keys() >= KEYS
    assert metrics["frames_skipped"] == {"image:truncated": 2}
    assert metrics["f1_at"].keys() == {"4", "8", "0.6%"}
    for source in ("localization", "prior"):
        for key in ("lateral_m", "longitudinal_m", "heading_deg"):
            assert metrics[source][key].keys() == {"median", "p95"}
        assert metrics[source]["nees"] is not None
    assert metrics["localization"]["availability"] == 0.8
    timing = json.loads((tmp_path / "timing.json").read_text())
    stages = {"preprocess", "inference", "decode", "publish", "total", "session_run"}
    assert timing["latency_ms"].keys() >= stages
    assert timing["latency_ms"]["inference"].keys() == {"mean", "p50", "p80", "p90", "p95", "p99"}
    assert timing["latency_ms"]["publish"]["mean"] is None and timing["realtime_factor"] == 5.0


def test_the_same_frames_give_the_same_bytes(tmp_path: Path) -> None:
    filled().write(tmp_path / "a")
    filled().write(tmp_path / "b")
    for name in ("metrics.json", "report.html"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    numbers = re.findall(r"\d\.(\d+)", (tmp_path / "a" / "metrics.json").read_text())
    assert max(map(len, numbers)) <= 6


def test_without_true_poses_localization_is_null(tmp_path: Path) -> None:
    filled(poses=False).write(tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["localization"]["lateral_m"] == {"median": None, "p95": None}
    assert metrics["localization"]["availability"] is None and metrics["prior"]["nees"] is None
    assert "no true pose" in (tmp_path / "report.html").read_text()


def test_the_report_holds_everything_in_one_file(tmp_path: Path) -> None:
    filled().write(tmp_path)
    page = (tmp_path / "report.html").read_text()
    assert "A &lt;drive&gt;" in page and page.count("<script>") == 1  # its own
    assert not re.findall(r'(?:src|href)="(?!data:)', page)
    assert 5 <= page.count("data:image/jpeg;base64,") <= 9  # worst, best, one of an error
    assert page.count("<svg") >= 5
    assert "not enough landmarks: 1 of at least 2" in page
    assert ">nan<" not in page


def test_pictures_are_kept_for_few_frames_only() -> None:
    collected = filled()
    kept = [*collected.gallery.worst(), *collected.gallery.best()]
    assert len(kept) <= 8 and all(snapshot.encoded for snapshot in kept)
    errors = [snapshot.errors for snapshot in collected.gallery.worst()]
    assert errors == sorted(errors, reverse=True) and errors[0] >= 2
    assert all(snapshot.errors == 0 for snapshot in collected.gallery.best())


def test_an_empty_run_can_be_written(tmp_path: Path) -> None:
    Collector().write(tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["frames"] == 0 and metrics["f1"] is None


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_all_three_files_or_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException
) -> None:
    collected, out = filled(), tmp_path / "result"
    write = Path.write_text

    def fails(self: Path, text: str, **more: str) -> int:
        if "report" in self.name:
            raise error
        return write(self, text, **more)

    monkeypatch.setattr(Path, "write_text", fails)
    with pytest.raises((KeyboardInterrupt, InputError)):
        collected.write(out)
    assert not out.exists()


def test_an_earlier_result_survives_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled().write(tmp_path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}

    def fails(*_: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "report_page", fails)
    with pytest.raises(KeyboardInterrupt):
        filled(poses=False).write(tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "result").write_text("mine")
    with pytest.raises(InputError, match="expected a folder for the results"):
        filled().write(tmp_path / "result")
    assert math.isfinite(filled().metrics()["f1"])


def test_intervals_are_of_the_stretches_and_in_the_report(tmp_path: Path) -> None:
    filled().write(tmp_path)
    metrics = json.loads((tmp_path / "metrics.json").read_text())
    assert metrics["intervals"]["units"] == 3  # 43.5 s of frames
    assert metrics["intervals"]["figures"]["f1"] == {"low": None, "high": None, "units": 3}
    page = (tmp_path / "report.html").read_text()
    assert "No intervals: 3 stretches of 20 s, 6 or more are needed." in page
    for title in ("Precision and recall over the score", "By size", "By occlusion"):
        assert f"<h3>{title}</h3>" in page
    assert "By condition" not in page and "Health of" not in page


def test_figures_by_condition_by_hand(tmp_path: Path) -> None:
    collected = Collector()
    rng = np.random.default_rng(1)
    for i in range(4):  # 3 scored truths each, all found; false alarms in the rain only
        truth, seen = frame(rng, i + 1, wrong=2 * (i % 2))
        collected.add(truth, seen, (320, 320), condition="rain" if i % 2 else "day")
        moved = Pose(i + 1, Transform.from_euler(0, 0, 0, [0.0, 0.2 if i % 2 else 0.1, 0.0]))
        collected.add_pose(moved, Pose(i + 1, Transform.from_euler(0, 0, 0, [0, 0, 0])), None)
    found = collected.metrics()["by_condition"]
    assert found["day"]["f1"] == 1.0 and found["rain"]["precision"] == 6 / 10
    assert found["rain"]["frames"] == 2 and found["rain"]["support"] == 6
    assert found["rain"]["lateral_m"]["median"] == pytest.approx(0.2)
    assert found["day"]["reference_point_px"]["median"] > 0
    collected.write(tmp_path)
    assert "<h3>By condition</h3>" in (tmp_path / "report.html").read_text()


def test_a_frame_takes_little_memory() -> None:
    """4 truths, 5 claims and a pose a frame; images are not kept, but for the gallery's few."""
    collected, rng = Collector(), np.random.default_rng(0)
    still = Pose(0, Transform.from_euler(0, 0, 0, [0, 0, 0]), np.eye(6))

    def more(frames: int) -> None:
        for _ in range(frames):
            stamp = collected.detection.frames + 1
            truth, seen = frame(rng, stamp, wrong=1)
            timing = {"inference": 5.0, "total": 6.0}
            collected.add(truth, seen, (320, 320), timing_ms=timing, image=b"x" * 100_000)
            collected.add_pose(still, still, still)

    tracemalloc.start()
    more(50)
    before, _ = tracemalloc.get_traced_memory()
    more(300)
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert after - before < 300 * 2000
