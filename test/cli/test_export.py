"""``dalearn export`` from the shell."""

from __future__ import annotations

from pathlib import Path

import onnx
import pytest
from helpers.full_disk import files_up_to
from helpers.tiny_training import tiny_settings, write_dataset

import dalearn_ros.export.onnx as exporter
from dalearn_ros.cli.main import main
from dalearn_ros.datasets.store import Dataset
from dalearn_ros.detector.run import train_detector
from dalearn_ros.inference.detector import LandmarkDetector


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
