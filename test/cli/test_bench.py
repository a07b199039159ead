"""``dalearn bench`` from the shell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.tiny_attention_model import write_tiny_attention_model
from helpers.tiny_depth_model import write_tiny_depth_model
from helpers.tiny_model import write_tiny_model
from helpers.tiny_training import write_dataset

from dalearn_ros.cli.main import main

STAGES = {"preprocess", "inference", "decode", "total", "session_run"}
LEVELS = {"mean", "p50", "p80", "p90", "p95", "p99"}


@pytest.fixture
def model(tmp_path: Path) -> str:
    return str(write_tiny_model(tmp_path / "m.onnx"))


def test_figures_by_stage_as_json(model: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["bench", "--model", model, "--size", "100x60", "--frames", "5", "--threads", "1"]
    assert main([*words, "--backend", "onnx", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["sizes"] == ["100x60"]
    assert (found["frames"], found["threads"], found["images"]) == (5, 1, "noise")
    assert (found["runtime"], found["device"], found["precision"]) == ("onnxruntime", "cpu", "fp32")
    assert found["depth"] is False and found["attention"] is False
    latency = found["latency_ms"]
    assert set(latency) == STAGES
    assert all(set(levels) == LEVELS for levels in latency.values())
    parts = sum(latency[stage]["mean"] for stage in ("preprocess", "inference", "decode"))
    assert 0.0 < parts <= latency["total"]["mean"] + 1e-3
    assert latency["session_run"]["p50"] <= latency["session_run"]["p99"]


def test_depth_is_a_row_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(write_tiny_depth_model(tmp_path / "deep.onnx"))
    words = ["bench", "--model", model, "--size", "100x60", "--frames", "2", "--threads", "1"]
    assert main([*words, "--backend", "onnx", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["depth"] is True and set(found["latency_ms"]) == STAGES | {"depth_image"}


def test_attention_is_a_row_of_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = str(write_tiny_attention_model(tmp_path / "attentive.onnx"))
    words = ["bench", "--model", model, "--size", "100x60", "--frames", "2", "--threads", "1"]
    assert main([*words, "--backend", "onnx", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["attention"] is True
    assert set(found["latency_ms"]) == STAGES | {"attention_image"}


def test_images_of_a_dataset(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = write_dataset(tmp_path / "data")
    words = ["bench", "--model", model, "--frames", "3", "--data", str(data)]
    assert main(words) == 0
    told = capsys.readouterr().out
    assert f"3 frames of 128x96 px ({data})" in told.splitlines()[-1]
    assert told.splitlines()[0].split() == ["ms", "mean", "p50", "p80", "p90", "p95", "p99"]
    assert main([*words, "--size", "64x64"]) == 0
    assert "of 64x64 px" in capsys.readouterr().out


@pytest.mark.parametrize(
    "options, named",
    [
        (["--size", "1280"], "WIDTHxHEIGHT"),
        (["--size", "0x20"], "WIDTHxHEIGHT"),
        (["--frames", "0"], "above 0"),
        (["--threads", "-1"], "above 0"),
        (["--backend", "cuda"], "invalid choice"),
    ],
)
def test_wrong_usage(
    model: str, capsys: pytest.CaptureFixture[str], options: list[str], named: str
) -> None:
    assert main(["bench", "--model", model, *options]) == 2
    assert named in capsys.readouterr().err


def test_bad_input_is_a_sentence(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["bench", "--model", f"{tmp_path}/none.onnx", "--size", "64x64"]) == 1
    assert "none.onnx: there is no such model file" in capsys.readouterr().err
    assert main(["bench", "--model", model, "--data", f"{tmp_path}/none"]) == 1
    assert "expected a dataset, found no such folder" in capsys.readouterr().err
