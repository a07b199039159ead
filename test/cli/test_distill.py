"""``dalearn distill`` from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import onnxruntime
import pytest
from helpers.changed_bag import change_bag, stamped
from helpers.small_drive import write_bag
from helpers.tiny_depth import write_config, write_detector, write_roads

from dalearn_ros.bags.storage import RawMessage
from dalearn_ros.cli.main import main
from dalearn_ros.datasets.store import Dataset


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Datasets, a detector and settings."""
    folder = tmp_path_factory.mktemp("distill")
    roads = write_roads(folder / "roads")
    write_roads(folder / "no_camera", 1, camera=None)
    write_roads(folder / "no_distances", 1, distances=False)
    write_detector(folder / "detector", roads)
    write_config(folder / "tiny.yaml")
    write_bag(folder / "bag", 3)
    write_bag(folder / "no_info", 2, info=False)
    return folder


def call(work: Path, out: str, *words: str) -> int:
    base = ["distill", "--init", str(work / "detector"), "--config", str(work / "tiny.yaml")]
    return main([*base, "--out", str(work / out), *words])


def test_distils_onto_the_images_of_a_bag(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--data", str(work / "roads"), "--val", str(work / "roads")]
    assert call(work, "run", *words, "--target", str(work / "bag")) == 0
    line = capsys.readouterr().out.strip()
    assert "3 steps" in line and "AbsRel" in line and line.endswith("metrics.json.")
    (extracted,) = (work / "run" / "target_images").iterdir()
    data = Dataset.open(extracted)
    assert len(data) == 3 and data.meta(0)["camera"]["matrix"][0][0] == 500.0
    assert not len(data.labels(0))
    metrics = json.loads((work / "run" / "metrics.json").read_text())
    assert metrics["target_images"] == 3 and metrics["images"] == 4
    session = onnxruntime.InferenceSession(str(work / "run" / "model.onnx"))
    assert [item.name for item in session.get_outputs()][-2:] == [
        "log_depth",
        "log_depth_variance",
    ]
    assert call(work, "run", *words, "--target", str(work / "bag")) == 0  # goes on: nothing to do


def test_images_of_a_bag_that_are_left_out_are_told(
    work: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def pictures(name: str, change: Callable[[RawMessage], list[RawMessage]]) -> list[str]:
        own = change_bag(work / "bag", tmp_path / name, change)
        return ["--data", str(work / "roads"), "--target", str(own)]

    twice = pictures("twice", lambda one: [one, one] if one.kind.endswith("Image") else [one])
    assert call(work, str(tmp_path / "run"), *twice) == 0
    assert "left out: 1 (skipped in" in capsys.readouterr().out
    (said,) = json.loads((tmp_path / "run" / "metrics.json").read_text())["skipped"]
    assert said.endswith("twice: 3 image:duplicate")
    still = pictures("still", lambda o: [stamped(o, 0) if o.kind.endswith("Image") else o])
    assert call(work, str(tmp_path / "other"), *still) == 1
    assert "images with stamps of their own, found 2 image:duplicate" in capsys.readouterr().err


def test_the_local_model_alone_and_then_as_a_teacher(
    work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(work, "local", "--data", str(work / "roads"), "--local-only") == 0
    assert f"{work / 'local' / 'local'}: 3 steps" in capsys.readouterr().out
    words = ["--teacher", str(work / "local"), "--target", str(work / "roads")]
    assert call(work, "student", *words) == 0
    assert not (work / "student" / "local").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--data", "no_camera"], "expected the camera's calibration, found none"),
        (["--data", "no_distances"], "expected known distances"),
        (["--data", "roads", "--target", "no_info"], "no sensor_msgs/CameraInfo in the bag"),
        (["--data", "roads", "--target", "tiny.yaml"], "expected a dataset or a bag"),
        (["--target", "roads"], "or --teacher"),
        (["--data", "roads", "--teacher", "detector"], "expected a local depth run"),
        (["--data", "roads", "--teacher", "run", "--local-only"], "is a local model already"),
        (["--teacher", "run"], "nothing to learn on"),
        (["--data", "roads", "--topic", "/image"], "--topic: expected a bag among those of"),
        (["--data", "roads", "--target", "roads", "--images=raw"], "--images: expected a bag"),
    ],
)
def test_bad_input_is_a_sentence(
    work: Path, words: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    given = [word if word.startswith("--") else str(work / word) for word in words]
    assert call(work, "bad", *given) == 1
    found = capsys.readouterr().err
    assert sentence in found and "Traceback" not in found
