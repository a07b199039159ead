"""What a replay writes beside its figures: a bag, pictures, a film."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from dalearn_ros.bags.result_bag import LANDMARKS_TOPIC, POSE_TOPIC
from dalearn_ros.bags.storage import Bag
from dalearn_ros.core.errors import InputError
from dalearn_ros.evaluation import film as films
from dalearn_ros.evaluation.drive_options import DriveOptions
from dalearn_ros.evaluation.film import film
from dalearn_ros.evaluation.outputs import OutputPaths
from dalearn_ros.evaluation.replay import evaluate_bag
from dalearn_ros.inference.detector import LandmarkDetector


def replay(drive: Any, out: Path, paths: OutputPaths, **options: Any) -> dict[str, Any]:
    chosen = DriveOptions(outputs=paths, **options)
    collected = evaluate_bag(drive.bag, drive.map, LandmarkDetector.load(drive.model, 1), chosen)
    return collected.write(out)


@pytest.fixture(scope="module")
def written(drive: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The drive replayed twice, into a/ and b/."""
    folder = tmp_path_factory.mktemp("outputs")
    for name in ("a", "b"):
        out = folder / name
        out.mkdir()
        replay(drive, out, OutputPaths(out / "bag", out / "overlays", out / "film.mp4"))
    return folder


def test_the_same_drive_and_model_give_the_same_bytes(written: Path) -> None:
    names = ["metrics.json", "bag/bag.mcap", "bag/metadata.yaml"]
    names += [str(path.relative_to(written / "a")) for path in (written / "a/overlays").iterdir()]
    for name in names:
        assert (written / "a" / name).read_bytes() == (written / "b" / name).read_bytes(), name


def test_outputs_do_not_change_the_figures(drive: Any, written: Path, tmp_path: Path) -> None:
    replay(drive, tmp_path, OutputPaths())
    plain = (tmp_path / "metrics.json").read_bytes()
    assert plain == (written / "a/metrics.json").read_bytes()
    assert not (tmp_path / "bag").exists()


def test_every_frame_has_results_tracks_and_a_picture(drive: Any, written: Path) -> None:
    with Bag(written / "a/bag") as bag:
        clouds = [bag.decode(raw) for raw in bag.raw([LANDMARKS_TOPIC])]
        assert bag.counts[POSE_TOPIC] == drive.frames  # availability is 1 on this drive
    assert len(clouds) == drive.frames
    tracks = [np.frombuffer(c.data, "<i4").reshape(c.width, 13)[:, 12] for c in clouds]
    assert all(np.all(one == -1) for one in tracks[:2])  # confirmed when seen three times
    assert np.concatenate(tracks[2:]).max() >= 0
    pictures = sorted((written / "a/overlays").iterdir())
    assert len(pictures) == drive.frames
    drawn = cv2.imread(str(pictures[0]))
    assert drawn is not None and drawn.shape == (360, 640, 3)
    green = (drawn[..., 1] > 180) & (drawn[..., 0] < 120) & (drawn[..., 2] < 120)
    assert green.sum() > 50  # outlines of hits; the drive itself is grey and red


def test_a_film_has_all_frames_at_the_drives_rate(drive: Any, written: Path) -> None:
    opened = cv2.VideoCapture(str(written / "a/film.mp4"))
    assert opened.get(cv2.CAP_PROP_FRAME_COUNT) == drive.frames
    assert opened.get(cv2.CAP_PROP_FPS) == pytest.approx(10.0, abs=0.5)
    assert (opened.get(3), opened.get(4)) == (640, 360)
    done, first = opened.read()
    assert done and 100 < first.mean() < 140  # the drive is grey 120


def test_frames_without_truth_are_seen_but_not_scored(drive: Any, tmp_path: Path) -> None:
    """Poses end at 2.0 s: shifted by a second, the images from 1.1 s to 1.9 s have none."""
    paths = OutputPaths(tmp_path / "bag", tmp_path / "overlays")
    metrics = replay(drive, tmp_path, paths, time_offset_ns=1_000_000_000)
    assert metrics["frames"] == drive.frames - 9
    assert metrics["frames_skipped"] == {"pose:after_end": 9}
    with Bag(tmp_path / "bag") as bag:
        assert bag.counts[LANDMARKS_TOPIC] == drive.frames
    assert len(list((tmp_path / "overlays").iterdir())) == drive.frames


def test_what_is_in_the_way_is_told_before_the_work(drive: Any, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for paths, text in (
        (OutputPaths(bag=tmp_path), "exists already"),
        (OutputPaths(overlays=tmp_path), "exists already"),
        (OutputPaths(video=tmp_path / "film.avi"), r"ends in \.mp4, found film\.avi"),
    ):
        with pytest.raises(InputError, match=text):
            replay(drive, tmp_path / "out", paths)
    assert not (tmp_path / "out").exists()


def test_without_an_encoder_there_is_a_sentence_and_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(films, "CODECS", ("none",))
    with (
        pytest.raises(InputError, match=r"no encoder for \.mp4 \(none\).*--overlays"),
        film(tmp_path / "film.mp4", 10.0) as written,
    ):
        written.add(np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(InputError, match="no picture came"), film(tmp_path / "film.mp4", 10.0):
        pass
    assert not list(tmp_path.iterdir())


def test_pictures_of_other_sizes_are_scaled_to_the_first(tmp_path: Path) -> None:
    with film(tmp_path / "film.mp4", 10.0) as written:
        for width, height in ((65, 33), (128, 64), (32, 16)):
            written.add(np.full((height, width, 3), 200, np.uint8))
    opened = cv2.VideoCapture(str(tmp_path / "film.mp4"))
    assert opened.get(cv2.CAP_PROP_FRAME_COUNT) == 3
    assert (opened.get(3), opened.get(4)) == (64, 32)
