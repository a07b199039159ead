"""``dalearn calibrate time-offset`` from the shell."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.small_drive import write_bag, write_street
from helpers.tiny_model import write_tiny_model

from dalearn_ros.cli.main import main
from dalearn_ros.labels import time_offset, time_scan


def _arguments(folder: Path) -> list[str]:
    write_street(folder / "map")
    write_bag(folder / "bag", frames=8)
    model = str(write_tiny_model(folder / "tiny.onnx"))
    paths = ["--bag", f"{folder}/bag", "--map", f"{folder}/map", "--model", model]
    return ["calibrate", "time-offset", *paths]


def test_a_drive_that_shows_nothing_is_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_arguments(tmp_path)) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "not observable on this drive: " in told.err
    assert "observations have a landmark of their class in view" in told.err
    assert f"{tmp_path}/bag" in told.err
    assert told.err.count("\n") == 1


def test_the_closing_line_says_how_to_use_the_offset(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[time_scan.View] = []
    spread_ns = [800_000]

    def estimate(views: list[time_scan.View], poses: object) -> time_offset.TimeOffset:
        given.extend(views)
        return time_offset.TimeOffset(23_400_000, spread_ns[0], 8, 50, 6.0, 2.0, np.zeros((0, 2)))

    monkeypatch.setattr(time_offset, "estimate_time_offset", estimate)
    assert main([*_arguments(tmp_path), "--frames", "4"]) == 0
    line = capsys.readouterr().out
    assert line.count("\n") == 1
    assert "+23.4 ms" in line
    assert "--time-offset-s 0.0234" in line
    assert [view.frame.stamp_ns for view in given] == [0, 200_000_000, 400_000_000, 600_000_000]
    assert all(len(view.labels) for view in given)
    spread_ns[0] = 9_000_000  # less than three sigma
    assert main(_arguments(tmp_path / "again")) == 0
    assert "nothing to correct" in capsys.readouterr().out


def test_wrong_usage(tmp_path: Path) -> None:
    assert main(["calibrate"]) == 2
    with pytest.raises(SystemExit) as caught:
        main([*_arguments(tmp_path), "--frames", "0"])
    assert caught.value.code == 2
