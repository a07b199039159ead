"""``dalearn evaluate`` from the shell's point of view."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.evaluation_drive import write_drive

from dalearn_ros.cli.main import main
from dalearn_ros.inference.detector import LandmarkDetector


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return write_drive(tmp_path_factory.mktemp("drive"), frames=6)


def words(drive: Any, out: Path) -> list[str]:
    options = {"--bag": drive.bag, "--map": drive.map, "--model": drive.model, "--out": out}
    return ["evaluate", *(str(word) for pair in options.items() for word in pair)]


def test_it_writes_four_files_and_says_so(
    drive: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(drive, tmp_path / "a")) == 0
    out = capsys.readouterr().out.strip()
    assert out.count("\n") == 0 and "metrics.json, timing.json, report.html" in out
    assert "F1" in out and "median lateral error" in out and "(prior 0.40 m)" in out
    assert main(words(drive, tmp_path / "b")) == 0
    first, second = ((tmp_path / name / "metrics.json").read_bytes() for name in "ab")
    assert first == second
    assert json.loads(first)["frames"] == 6


def test_a_closer_look_needs_a_drive(
    drive: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words(drive, tmp_path / "out"), "--zoom"]) == 0
    assert json.loads((tmp_path / "out" / "metrics.json").read_text())["frames"] == 6
    line = ["evaluate", "--data", "d", "--model", str(drive.model), "--out", str(tmp_path / "x")]
    with pytest.raises(SystemExit, match="2"):
        main([*line, "--zoom"])
    assert "--zoom needs --bag" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change, text",
    [
        ({"--bag": "nowhere"}, "nowhere"),
        ({"--map": "nowhere"}, "nowhere"),
        ({"--model": "nowhere.onnx"}, "nowhere.onnx"),
        ({"--truth-topic": "/none"}, "/none"),
        ({"--config": "nowhere.yaml"}, "nowhere.yaml"),
    ],
)
def test_a_missing_input_is_named(
    drive: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: Any, text: str
) -> None:
    line = words(drive, tmp_path / "out")
    for option, value in change.items():
        if option in line:
            line[line.index(option) + 1] = value
        else:
            line += [option, value]
    assert main(line) == 1
    error = capsys.readouterr().err
    assert text in error and "Traceback" not in error and not (tmp_path / "out").exists()


def test_a_misspelt_setting_names_the_right_one(
    drive: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "settings.yaml").write_text("minimum_match: 3\n")
    line = [*words(drive, tmp_path / "out"), "--config", str(tmp_path / "settings.yaml")]
    assert main(line) == 1
    assert "Did you mean 'minimum_matches'?" in capsys.readouterr().err


def test_bag_without_map_is_wrong_usage(drive: Any, tmp_path: Path) -> None:
    line = words(drive, tmp_path / "out")
    del line[line.index("--map") : line.index("--map") + 2]
    with pytest.raises(SystemExit) as caught:
        main(line)
    assert caught.value.code == 2


def test_a_time_offset_goes_with_a_bag_and_is_in_seconds(
    drive: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = ["evaluate", "--data", f"{tmp_path}", "--model", f"{drive.model}", "--out", "x"]
    with pytest.raises(SystemExit):
        main([*plain, "--time-offset-s", "0.1"])
    assert "--time-offset-s goes with --bag" in capsys.readouterr().err
    assert main([*words(drive, tmp_path / "a"), "--time-offset-s", "23"]) == 1
    assert "seconds between -1 and 1" in capsys.readouterr().err
    assert main([*words(drive, tmp_path / "b"), "--time-offset-s", "0.05"]) == 0
    assert "F1" in capsys.readouterr().out


def test_an_interrupt_leaves_nothing(
    drive: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(LandmarkDetector, "answer", interrupted)
    assert main(words(drive, tmp_path / "out")) == 1
    assert "interrupted" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_said_in_a_sentence(drive: Any, tmp_path: Path) -> None:
    def small_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    done = subprocess.run(
        [sys.executable, "-B", "-m", "dalearn_ros.cli.main", *words(drive, tmp_path / "out")],
        cwd=Path(__file__).parents[2],
        preexec_fn=small_files,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 1, done.stderr
    assert "cannot be written" in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "out").exists()


def test_two_results_are_compared(
    drive: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(words(drive, tmp_path / "a")) == 0
    capsys.readouterr()
    line = ["evaluate", "--compare", str(tmp_path / "a"), str(tmp_path / "a")]
    assert main(line) == 0
    assert "Nothing was written" in capsys.readouterr().out
    assert main([*line, "--out", str(tmp_path / "out")]) == 0
    out = capsys.readouterr().out
    assert "Too little to tell: F1 +0.000" in out.splitlines()[0]
    assert out.splitlines()[-1].startswith(f"{tmp_path / 'out'}: compare.json, compare.html; Too")
    found = json.loads((tmp_path / "out" / "compare.json").read_text())
    assert found["figures"][0]["difference"] == 0.0 and found["frames"] == 6
    assert "<title>Comparison of two models" in (tmp_path / "out" / "compare.html").read_text()
    assert main(["evaluate", "--compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 1
    assert "expected a metrics.json, found none" in capsys.readouterr().err
    for wrong in (["--model", "m"], ["--match-px", "4"], ["--zoom"], ["--config", "c"]):
        with pytest.raises(SystemExit, match="2"):
            main([*line, *wrong])


def test_a_scenario_file_is_judged(
    drive: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "ci.yaml"
    text = (
        f"scenarios:\n- {{name: d, bag: {drive.bag}, map: {drive.map}, limits: {{f1: {{LIMIT}}}}}}"
    )
    options = ["--scenario", str(file), "--model", str(drive.model), "--out", str(tmp_path / "out")]
    file.write_text(text.replace("LIMIT", "min: 0.5"))
    assert main(["evaluate", *options]) == 0
    assert "verdict.json, junit.xml; 1 of 1 limits kept" in capsys.readouterr().out
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["state"] == "passed"
    file.write_text(text.replace("LIMIT", "max: 0.5"))
    assert main(["evaluate", *options]) == 1
    error = capsys.readouterr().err
    assert "0 of 1 limits kept; not passed: d." in error
    assert "<failure" in (tmp_path / "out" / "junit.xml").read_text()
    file.write_text(text.replace("LIMIT", "min: 1.5").replace(str(drive.bag), "nowhere"))
    assert main(["evaluate", *options]) == 1
    assert "f1 is 1 at most" in capsys.readouterr().err
    assert not (tmp_path / "out" / "verdict.json").exists()  # nothing of the earlier run is left
    assert not (tmp_path / "out" / "junit.xml").exists()
    file.write_text(text.replace("LIMIT", "min: 0.5").replace(str(drive.bag), "nowhere"))
    assert main(["evaluate", *options]) == 1
    assert json.loads((tmp_path / "out" / "verdict.json").read_text())["state"] == "error"
    assert not (tmp_path / "out" / "d").exists()
    for wrong in (["--map", "m"], ["--match-px", "4"], ["--time-offset-s", "0.1"]):
        with pytest.raises(SystemExit, match="2"):
            main(["evaluate", *options, *wrong])


def test_a_model_is_needed(drive: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(["evaluate", "--bag", str(drive.bag), "--map", str(drive.map), "--out", "x"])
    assert "--model is needed" in capsys.readouterr().err


def test_what_is_written_beside_the_figures_is_told_and_needs_a_bag(
    drive: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["evaluate", "--bag", str(drive.bag), "--map", str(drive.map)]
    words += ["--model", str(drive.model), "--out", str(tmp_path / "out")]
    assert main([*words, "--overlays", str(tmp_path / "frames")]) == 0
    assert capsys.readouterr().out.endswith(f". Beside it: {tmp_path / 'frames'}.\n")
    assert len(list((tmp_path / "frames").iterdir())) == drive.frames
    for option in ("--write-bag", "--overlays", "--video"):
        with pytest.raises(SystemExit, match="2"):
            main(["evaluate", "--compare", "a", "b", "--out", "c", option, "d"])
        assert "go with --bag" in capsys.readouterr().err
