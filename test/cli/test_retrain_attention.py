"""``dalearn retrain-attention`` from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import yaml
from helpers.tiny_attention import TINY as TINY_IMAGES
from helpers.tiny_depth import write_detector, write_roads
from helpers.tiny_images import write_images

from dalearn_ros.attention.teacher_maps import TeacherMap, TeacherMaps
from dalearn_ros.cli.main import main
from dalearn_ros.core.digests import sha256_of

TINY = {
    "crops": {"width": 96, "height": 64},
    "batch": {"size": 2, "crops_per_image": 1, "workers": 0, "threads": 1, "cache_mb": 1},
    "loop": {"steps": 2, "warmup_steps": 1, "log_every": 1},
    "validation": {"images": 2},
}


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset, a detector, an edit, folders of images, settings."""
    folder = tmp_path_factory.mktemp("attention")
    roads = write_roads(folder / "roads")
    write_detector(folder / "detector", roads)
    file = roads.image_path(0)
    attention = np.ones((12, 20), np.float32)
    TeacherMaps(folder / "edits").write(
        TeacherMap(sha256_of(file), attention, (160, 96), (160.0, 96.0), file.name, "hand", "Ada",
                   "2026-01-01T00:00:00Z", {}, "perception")
    )  # fmt: skip
    (folder / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    (folder / "images.yaml").write_text(yaml.safe_dump(TINY_IMAGES))
    write_images(folder / "shapes")
    return folder


def call(work: Path, out: str, *words: str) -> int:
    return main(["retrain-attention", "--out", str(work / out), *words])


def test_a_branch_and_then_edits(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = ["--data", str(work / "roads"), "--config", str(work / "tiny.yaml")]
    assert call(work, "run", "--init", str(work / "detector"), *data) == 0
    line = capsys.readouterr().out.strip()
    assert "A new attention branch was put on." in line
    assert line.endswith(f"report in {work / 'run' / 'report.html'}.")
    edits = ["--init", str(work / "run"), "--edits", str(work / "edits")]
    assert call(work, "edited", *edits, *data, "--val", str(work / "roads"), "--seed", "3") == 0
    line = capsys.readouterr().out
    assert "1 of 1 corrected maps used" in line
    metrics = json.loads((work / "edited" / "metrics.json").read_text())
    assert metrics["edited"]["images"] == 1
    assert metrics["elsewhere_is"] == "validation"
    session = onnxruntime.InferenceSession(str(work / "edited" / "model.onnx"))
    assert "attention" in [item.name for item in session.get_outputs()]


def test_plain_images(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["--task", "classification", "--data", str(work / "shapes")]
    assert call(work, "shapes_run", *words, "--config", str(work / "images.yaml")) == 0
    assert "A new network after 6 steps." in capsys.readouterr().out
    assert not (work / "shapes_run" / "model.onnx").exists()


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--data", "roads"], "--init: detection starts from the run folder"),
        (["--data", "roads", "--init", "nowhere"], "found nothing"),
        (["--data", "roads", "--init", "roads"], "expected a landmark-detector run"),
        (["--data", "roads", "--init", "detector", "--edits", "no"], "no such folder"),
        (["--task", "classification", "--data", "shapes", "roads"], "one folder"),
        (["--task", "regression", "--data", "shapes"], "values.csv: cannot be read"),
    ],
)
def test_mistakes_are_sentences(
    work: Path, capsys: pytest.CaptureFixture[str], words: list[str], sentence: str
) -> None:
    paths = [w if w.startswith("--") or w in ("classification", "regression") else str(work / w)
             for w in words]  # fmt: skip
    assert call(work, "none", *paths) == 1
    error = capsys.readouterr().err
    assert sentence in error
    assert "Traceback" not in error
    assert not (work / "none").exists()
