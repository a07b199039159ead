"""``dalearn export`` from the shell."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.full_disk import files_up_to
from helpers.model_with_body import write_model_with_body
from helpers.tiny_attention_run import write_attention
from helpers.tiny_training import tiny_settings, write_dataset

import dalearn_ros.export.onnx as exporter
from dalearn_ros.cli.main import main
from dalearn_ros.coding.location import LOCATION
from dalearn_ros.coding.metadata import DepthMetadata
from dalearn_ros.core.files import plain
from dalearn_ros.core.settings import dump_settings
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.depth.run import build_depth
from dalearn_ros.depth.settings import DistillSettings
from dalearn_ros.detector.run import open_run, train_detector
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.inference.backend import OnnxBackend
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.training.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
from dalearn_ros.training.loop import WEIGHTS

CAMERA = Camera(128, 96, np.array([[100.0, 0, 63.5], [0, 100.0, 47.5], [0, 0, 1]]))


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset and a run of one step on it."""
    folder = tmp_path_factory.mktemp("export")
    data = Dataset.open(write_dataset(folder / "data"))
    train_detector([data], [], folder / "run", tiny_settings({"loop": {"steps": 1}}), 0)
    return folder


def test_writes_a_model(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "m.onnx"
    arguments = ["export", "--model", f"{place}/run", "--out", str(out)]
    assert main([*arguments, "--val", f"{place}/data"]) == 0
    told = capsys.readouterr().out
    assert told.count("\n") == 1
    detector = LandmarkDetector.load(out)
    assert detector.label_space.digest in told
    onnx.checker.check_model(str(out))
    first = out.read_bytes()
    assert main(arguments) == 0  # again, over the old file
    assert main(arguments) == 0
    assert out.read_bytes() != b""
    assert len(first) > 1000


def _with_depth(run: Path, folder: Path, location: str | None = LOCATION) -> Path:
    """A copy of a run with a depth head of random weights, as 'dalearn distill' leaves it."""
    shutil.copytree(run, folder)
    settings = DistillSettings(location=location is not None)
    description = json.loads((folder / "run.json").read_text())
    description["depth"] = {"settings": plain(dump_settings(settings)), "location": location}
    (folder / "run.json").write_text(json.dumps(description))
    weights = load_checkpoint(folder / WEIGHTS)
    head = build_depth(open_run(folder), settings).head
    groups = {**weights.groups, "depth": head.state_dict()}
    save_checkpoint(folder / WEIGHTS, Checkpoint(groups, weights.header))
    return folder


def test_depth_by_option(place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = _with_depth(place / "run", tmp_path / "distilled")
    names = ("plain.onnx", "of_distilled.onnx", "deep.onnx")
    plain_file, same_file, deep_file = (tmp_path / name for name in names)
    assert main(["export", "--model", f"{place}/run", "--out", str(plain_file)]) == 0
    assert main(["export", "--model", str(run), "--out", str(same_file)]) == 0
    assert plain_file.read_bytes() == same_file.read_bytes()  # off costs nothing
    capsys.readouterr()
    assert main(["export", "--model", str(run), "--out", str(deep_file), "--depth"]) == 0
    assert "depth from 2 to 80 m" in capsys.readouterr().out
    found = OnnxBackend(deep_file, threads=1)
    assert found.metadata.depth == DepthMetadata(LOCATION, 8, 2.0, 80.0)
    answer = LandmarkDetector(found).answer(np.zeros((96, 128, 3), np.uint8), 0, CAMERA)
    assert answer.depth is not None and answer.depth.image((128, 96)).shape == (96, 128)


def test_an_attention_branch_needs_no_option(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, out = write_attention(tmp_path / "run", place / "run"), str(tmp_path / "m.onnx")
    assert main(["export", "--model", str(run), "--out", out]) == 0
    assert "with its attention map" in capsys.readouterr().out
    answer = LandmarkDetector.load(out, 1).answer(np.zeros((96, 128, 3), np.uint8), attention=True)
    assert answer.attention is not None and answer.attention.attention.shape == (12, 16)
    assert main(["export", "--model", str(run), "--out", out, "--depth"]) == 1
    assert "a run with a depth head, found one without" in capsys.readouterr().err


def test_depth_that_is_not_there_or_not_for_every_camera_is_a_sentence(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "m.onnx"), "--depth"]
    assert main(["export", "--model", f"{place}/run", *out]) == 1
    assert "dalearn distill" in capsys.readouterr().err
    blind = _with_depth(place / "run", tmp_path / "blind", location=None)
    assert main(["export", "--model", str(blind), *out]) == 1
    assert "told the location" in capsys.readouterr().err
    (tmp_path / "file.onnx").write_bytes(b"x")
    assert _exit_code(["export", "--model", str(tmp_path / "file.onnx"), *out]) == 2
    assert "keeps the depth" in capsys.readouterr().err
    assert not (tmp_path / "m.onnx").exists()


@pytest.mark.parametrize(
    "option, value, named",
    [
        ("--out", "m.pt", "ends with .onnx"),
        ("--model", "nowhere", "dalearn train"),
        ("--val", "nowhere", "no such folder"),
    ],
)
def test_bad_input_is_a_sentence(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    option: str, value: str, named: str,
) -> None:  # fmt: skip
    arguments = ["export", "--model", f"{place}/run", "--out", f"{tmp_path}/m.onnx"]
    assert main([*arguments, option, f"{tmp_path}/{value}"]) == 1
    assert named in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_leaves_the_old_file(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "m.onnx"
    out.write_bytes(b"old")
    with files_up_to(4_000):
        assert main(["export", "--model", f"{place}/run", "--out", str(out)]) == 1
    told = capsys.readouterr().err
    assert "cannot be written" in told
    assert "Traceback" not in told
    assert out.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [out]


def test_an_interrupt_leaves_nothing(
    place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: object) -> float:
        raise KeyboardInterrupt

    monkeypatch.setattr(exporter, "parity", interrupted)
    assert main(["export", "--model", f"{place}/run", "--out", f"{tmp_path}/m.onnx"]) == 1
    assert "interrupted" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_wrong_usage() -> None:
    assert main(["export"]) == 2


def test_wrong_usage_of_precisions(capsys: pytest.CaptureFixture[str]) -> None:
    start = ["export", "--model", "m.onnx", "--out", "o.onnx"]
    wrong = {
        "measured on real frames": ["--precision", "fp16"],
        "--calibrate and --precision int8 go together": ["--precision", "int8", "--val", "d"],
        "--config goes with": ["--config", "c.yaml"],
        "invalid choice": ["--precision", "fp8"],
    }
    for told, options in wrong.items():
        assert _exit_code([*start, *options]) == 2
        assert told in capsys.readouterr().err


def _exit_code(words: list[str]) -> object:
    try:
        return main(words)
    except SystemExit as left:
        return left.code


def test_an_exported_model_in_another_precision(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, data = write_model_with_body(tmp_path / "m.onnx"), f"{place}/data"
    (tmp_path / "c.yaml").write_text("calibration: minmax\nmeasured_frames: 2\n")
    out = tmp_path / "int8.onnx"
    arguments = ["export", "--model", str(model), "--out", str(out), "--precision", "int8"]
    arguments += ["--calibrate", data, "--val", data, "--config", f"{tmp_path}/c.yaml"]
    assert main(arguments) == 0
    told = capsys.readouterr().out
    assert "int8 (minmax of 4 frames); on 2 frames F1 1.000 -> 1.000" in told
    assert told.count("\n") == 1
    assert len(LandmarkDetector.load(out).detect(Dataset.open(data).image(0))) == 1


def test_a_run_in_another_precision_is_exported_first(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The untrained run finds nothing: both steps ran, and the second refused."""
    arguments = ["export", "--model", f"{place}/run", "--out", f"{tmp_path}/m.onnx"]
    assert main([*arguments, "--precision", "fp16", "--val", f"{place}/data"]) == 1
    told = capsys.readouterr().err
    assert "m.onnx: not written, because the fp32 model finds no landmark" in told
    assert list(tmp_path.iterdir()) == []


def test_a_model_file_is_exported_already(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = write_model_with_body(tmp_path / "m.onnx")
    assert main(["export", "--model", str(model), "--out", f"{tmp_path}/o.onnx"]) == 1
    assert "expected a run folder of 'dalearn train', found a file" in capsys.readouterr().err
