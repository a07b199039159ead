"""``dalearn label`` from the shell: what it writes, what it says, what it leaves behind."""

from __future__ import annotations

import dataclasses
import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.full_disk import files_up_to
from helpers.small_drive import (
    BASE_FROM_CAMERA,
    CAMERA,
    POSE_TOPIC,
    jpeg,
    pose_at,
    write_bag,
    write_street,
)
from helpers.tiny_model import write_tiny_model

from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.cli.main import main
from dalearn_ros.datasets import Dataset
from dalearn_ros.labels import Labeller, gallery


@pytest.fixture
def drive(tmp_path: Path) -> Path:
    """A street and six frames on it."""
    write_street(tmp_path / "drive" / "map")
    write_bag(tmp_path / "drive" / "bag")
    return tmp_path / "drive"


def _arguments(drive: Path, *more: str) -> list[str]:
    out = str(drive.parent / "out")
    return [
        "label", "--bag", f"{drive}/bag", "--map", f"{drive}/map", "--out", out, *more,
    ]  # fmt: skip


def _left_behind(drive: Path) -> list[str]:
    return sorted(path.name for path in drive.parent.iterdir() if path != drive)


def test_labels_a_drive(drive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_arguments(drive)) == 0
    told = capsys.readouterr()
    assert told.out.count("\n") == 1
    assert "6 frames" in told.out
    assert told.err == ""
    dataset = Dataset.open(drive.parent / "out")
    assert len(dataset) == 6
    assert dataset.image_path(0).read_bytes() == jpeg(0)  # untouched
    labels = dataset.labels(0)
    # Vehicle at (10, -1.75), camera at (11.5, -1.75, 1.5); the sign's centre at (40, -4.4, 2.6).
    row = int(np.flatnonzero(labels.class_id == 2)[0])
    z = 28.5
    assert labels.point_px[row] == pytest.approx(
        [319.5 + 500 * 2.65 / z, 191.5 - 500 * 1.1 / z], abs=1e-3
    )
    assert sorted(labels.class_id[~labels.ignore].tolist()) == [2, 5, 6, 7, 8]
    meta = dataset.meta(0)
    assert meta["drive"] == "drive"
    assert meta["tile"] == "0_-1"
    assert meta["stamp_ns"] == 0
    assert np.allclose(np.array(meta["map_from_camera"])[:3, 3], [11.5, -1.75, 1.5])


def test_the_audit_is_beside_the_labels(drive: Path) -> None:
    write_bag(drive / "broken", frames=8, broken=(2, 5))
    arguments = _arguments(drive)
    arguments[2] = f"{drive}/broken"
    assert main(arguments) == 0
    out = drive.parent / "out"
    audit = json.loads((out / "audit.json").read_text())
    assert audit["frames"] == 6
    assert audit["frames_skipped"] == {"image:truncated": 2}
    assert audit["landmarks_in_map"] == 6
    page = (out / "audit.html").read_text()
    pictures = sorted((out / "audit").glob("*.jpg"))
    assert pictures
    assert all(f"audit/{picture.name}" in page for picture in pictures)


def test_labels_are_audited_with_a_model(drive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The model sees nothing in these pictures of noise, and the closing line says so."""
    model = write_tiny_model(drive / "tiny.onnx")
    assert main(_arguments(drive, "--audit-model", str(model), "--threads", "1")) == 0
    assert "against the model: no observation lies near a label" in capsys.readouterr().out
    out = drive.parent / "out"
    found = json.loads((out / "audit.json").read_text())["against_detections"]
    assert found["pairs"] == 0
    assert found["labels"] > 20
    assert Dataset.open(out).image_path(0).read_bytes() == jpeg(0)  # still untouched


def test_an_audit_needs_a_model(drive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_arguments(drive, "--audit-model", f"{drive}/none.onnx")) == 1
    assert "none.onnx" in capsys.readouterr().err
    assert _left_behind(drive) == []


def test_settings_come_from_a_file(drive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = drive / "label.yaml"
    config.write_text("min_side_pxx: 3\n")
    assert main(_arguments(drive, "--config", str(config))) == 1
    assert "min_side_px" in capsys.readouterr().err
    config.write_text("min_side_px: 1000\n")
    assert main(_arguments(drive, "--config", str(config))) == 0
    assert Dataset.open(drive.parent / "out").labels(0).ignore.all()


@pytest.mark.parametrize(
    "option, value, named",
    [
        ("--bag", "nowhere", "no such bag"),
        ("--map", "nowhere", "no such map"),
        ("--bag", "map", "neither metadata.yaml"),
        ("--map", "bag", ".osm"),
        ("--pose-topic", "/gps", f"pose topics: {POSE_TOPIC}"),
        ("--camera-topic", "/rear", "image topics"),
    ],
)
def test_bad_input_is_a_sentence(
    drive: Path, capsys: pytest.CaptureFixture[str], option: str, value: str, named: str
) -> None:
    value = value if value.startswith("/") else f"{drive}/{value}"
    assert main([*_arguments(drive), option, value]) == 1
    told = capsys.readouterr().err
    assert named in told
    assert "Traceback" not in told
    assert _left_behind(drive) == []


def test_a_bag_without_camera_info_leaves_nothing(
    drive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bag(drive / "plain", info=False)
    assert main([*_arguments(drive), "--bag", f"{drive}/plain"]) == 1
    assert "camera_info" in capsys.readouterr().err
    assert _left_behind(drive) == []


def test_no_usable_frame_is_a_sentence(drive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_bag(drive / "bad", frames=3, broken=(0, 1, 2))
    assert main([*_arguments(drive), "--bag", f"{drive}/bad"]) == 1
    assert "3 image:truncated" in capsys.readouterr().err
    assert _left_behind(drive) == []


def test_an_interrupt_leaves_nothing(
    drive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = []
    whole = Labeller.label

    def interrupted(self: Labeller, frame: object) -> object:
        calls.append(frame)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return whole(self, frame)  # type: ignore[arg-type]

    monkeypatch.setattr(Labeller, "label", interrupted)
    assert main(_arguments(drive)) == 1
    assert "interrupted" in capsys.readouterr().err
    assert _left_behind(drive) == []


def test_a_full_disk_leaves_nothing(drive: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))

    command = [sys.executable, "-m", "dalearn_ros.cli.main", *_arguments(drive)]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        command, capture_output=True, text=True, preexec_fn=small_files, cwd=root, check=False
    )
    assert done.returncode == 1
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert _left_behind(drive) == []


def test_a_disk_that_is_full_at_the_pictures_leaves_nothing(
    drive: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (1000, 1000, 3), dtype=np.uint8)
    monkeypatch.setattr(gallery, "draw_labels", lambda *_: noise)
    with files_up_to(300_000):
        assert main(_arguments(drive)) == 1
    assert "cannot be written" in capsys.readouterr().err
    assert _left_behind(drive) == []


@pytest.mark.parametrize(
    "kind, named",
    [
        ("empty", "an empty bag"),
        ("truncated", "truncated or damaged"),
        ("metadata", "truncated or damaged"),
        ("nan", "2 pose:nan"),
    ],
)
def test_a_bad_bag_is_a_sentence(
    drive: Path, capsys: pytest.CaptureFixture[str], kind: str, named: str
) -> None:
    bad = drive / kind
    if kind in ("truncated", "metadata"):
        write_bag(bad, frames=2)
        file = next(bad.glob("*.mcap")) if kind == "truncated" else bad / "metadata.yaml"
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    elif kind == "empty":
        with BagWriter(bad):
            pass
    else:
        write_bag(bad, frames=2, step_m=float("nan"))
    assert main([*_arguments(drive), "--bag", str(bad)]) == 1
    told = capsys.readouterr().err
    assert named in told
    assert str(bad) in told
    assert "Traceback" not in told
    assert _left_behind(drive) == []


def test_poses_that_jump_are_left_out_and_told(
    drive: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bag(drive / "jumps", frames=3, step_m=50.0)
    assert main([*_arguments(drive), "--bag", f"{drive}/jumps"]) == 0
    assert "1 frames with" in (told := capsys.readouterr().out)  # the first has none before it
    assert "left out: 2 pose:jump" in told


def test_an_existing_output_is_kept(drive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_arguments(drive)) == 0
    assert main(_arguments(drive)) == 1
    assert "exists already" in capsys.readouterr().err
    assert len(Dataset.open(drive.parent / "out")) == 6


def test_two_cameras_and_a_time_offset(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write_street(tmp_path / "map")
    with BagWriter(tmp_path / "bag") as bag:
        names = ("front", "second")
        bag.transforms("/tf_static", 0, {("base_link", n): BASE_FROM_CAMERA for n in names})
        for number in range(20):
            bag.pose(POSE_TOPIC, pose_at(number, 10.0))
        for name in names:
            bag.camera_info(f"/{name}/camera_info", 0, dataclasses.replace(CAMERA, name=name))
            for number in (0, 5, 10):
                stamp = pose_at(number).stamp_ns
                bag.compressed_image(f"/{name}/image/compressed", stamp, jpeg(number), name)
    base = ["label", "--bag", f"{tmp_path}/bag", "--map", f"{tmp_path}/map"]
    topics = [w for n in names for w in ("--camera-topic", f"/{n}/image/compressed")]
    assert main([*base, *topics, "--out", f"{tmp_path}/both"]) == 0
    assert "6 frames" in capsys.readouterr().out
    plain = Dataset.open(tmp_path / "both")
    late = ["--time-offset-s", "0.1", "--out", f"{tmp_path}/late"]
    assert main([*base, *topics[:2], *late]) == 0
    moved = Dataset.open(tmp_path / "late")
    # 100 ms later the vehicle stands where the next frame's stamp sees it.
    np.testing.assert_allclose(moved.labels(0).point_px, plain.labels(1).point_px, atol=1e-6)
    assert moved.meta(0)["stamp_ns"] == 0
    capsys.readouterr()
    assert main([*base, *topics[:2], "--time-offset-s", "23", "--out", f"{tmp_path}/x"]) == 1
    assert "seconds between -1 and 1" in capsys.readouterr().err
