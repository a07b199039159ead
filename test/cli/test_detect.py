"""``dalearn detect`` from the shell."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from helpers.full_disk import files_up_to
from helpers.tiny_attention_model import write_tiny_attention_model
from helpers.tiny_model import write_tiny_model

import dalearn_ros.inference.files as files
from dalearn_ros.cli.main import main


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A model that sees red squares on the grid, and a picture with one."""
    write_tiny_model(tmp_path / "m.onnx")
    image = np.zeros((64, 96, 3), np.uint8)
    image[16:24, 40:48] = (0, 0, 255)
    cv2.imwrite(str(tmp_path / "street.png"), image)
    cv2.imwrite(str(tmp_path / "empty.png"), image * 0)
    return tmp_path


def _arguments(place: Path, *images: str, model: str = "m.onnx") -> list[str]:
    paths = [f"{place}/{name}" for name in images or ("street.png",)]
    return ["detect", "--model", f"{place}/{model}", "--out", f"{place}/out", *paths]


def test_finds_and_draws(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(_arguments(place, "street.png", "empty.png")) == 0
    assert "1 landmarks in 2 images" in capsys.readouterr().out
    found = json.loads((place / "out" / "observations.json").read_text())
    first, second = found["images"]
    (row,) = first["observations"]
    assert row["class"] == "warning_sign"
    assert row["point_px"] == pytest.approx([43.5, 19.5])
    assert row["range_m"] == pytest.approx(20.0, rel=1e-4)
    assert second["observations"] == []
    drawn = cv2.imread(str(place / "out" / "street.png.jpg"))
    assert drawn is not None
    assert drawn.shape == (64, 96, 3)


def test_attention_is_drawn_below_where_the_model_has_it(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*_arguments(place), "--attention"]) == 1
    assert "a model with an attention branch, for --attention" in capsys.readouterr().err
    assert not (place / "out").exists()
    write_tiny_attention_model(place / "m.onnx")
    assert main([*_arguments(place), "--attention"]) == 0
    drawn = cv2.imread(str(place / "out" / "street.png.jpg"))
    assert drawn is not None
    assert 2 * 64 < drawn.shape[0] < 2 * 64 + 30 and drawn.shape[1] == 96
    below = drawn[64:128].astype(int)
    assert below[18:22, 42:46].sum() > 3 * below[40:60, 60:90].sum() * 16 / 600  # per pixel


def test_the_score_can_be_given(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*_arguments(place), "--score", "1.0"]) == 0
    capsys.readouterr()
    assert main([*_arguments(place), "--score", "1.5", "--out", f"{place}/other"]) == 1
    assert "score_threshold" in capsys.readouterr().err


@pytest.mark.parametrize(
    "image, named",
    [
        ("none.png", "no such image"),
        ("cut.png", "can be read"),
        ("cut.jpg", "half-written"),
        (".", "no such"),
    ],
)
def test_an_unreadable_image_is_a_sentence(
    place: Path, capsys: pytest.CaptureFixture[str], image: str, named: str
) -> None:
    (place / "cut.png").write_bytes((place / "street.png").read_bytes()[:20])
    photo = cv2.imencode(".jpg", np.full((64, 96, 3), 90, np.uint8))[1].tobytes()
    (place / "cut.jpg").write_bytes(photo[: len(photo) - 30])
    assert main(_arguments(place, "street.png", image)) == 1
    assert named in capsys.readouterr().err
    assert sorted(p.name for p in place.iterdir()) == [
        "cut.jpg", "cut.png", "empty.png", "m.onnx", "street.png",
    ]  # fmt: skip


@pytest.mark.parametrize("kind", ["missing", "truncated", "foreign", "empty folder"])
def test_a_wrong_model_is_a_sentence(
    place: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    path = place / "m.onnx"
    named = {
        "missing": "no such model",
        "truncated": "not a readable ONNX model",
        "foreign": "a landmark detector with its metadata",
        "empty folder": "no exported model yet",
    }[kind]
    if kind == "truncated":
        path.write_bytes(path.read_bytes()[:500])
    elif kind == "foreign":
        model = onnx.load(str(path))
        del model.metadata_props[:]
        onnx.save(model, str(path))
    else:
        path.unlink()
    if kind == "empty folder":
        path.mkdir()
    assert main(_arguments(place)) == 1
    told = capsys.readouterr().err
    assert named in told
    assert str(path) in told
    assert not (place / "out").exists()


def test_an_interrupt_leaves_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    whole = files.read_image

    def interrupted(path: Path) -> np.ndarray:
        if path.name == "empty.png":
            raise KeyboardInterrupt
        return whole(path)

    with monkeypatch.context() as patch:
        patch.setattr(files, "read_image", interrupted)
        assert main(_arguments(place, "street.png", "empty.png")) == 1
    assert "interrupted" in capsys.readouterr().err
    assert sorted(p.name for p in place.iterdir()) == ["empty.png", "m.onnx", "street.png"]
    assert main(_arguments(place, "street.png", "empty.png")) == 0  # the same command again


def test_a_full_disk_leaves_nothing(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with files_up_to(300):
        assert main(_arguments(place)) == 1
    told = capsys.readouterr().err
    assert "cannot be written" in told
    assert "Traceback" not in told
    assert sorted(p.name for p in place.iterdir()) == ["empty.png", "m.onnx", "street.png"]


def test_an_image_given_twice_is_a_sentence(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(_arguments(place, "street.png", "street.png")) == 1
    assert "given twice" in capsys.readouterr().err


def test_wrong_usage() -> None:
    assert main(["detect", "--model", "m.onnx"]) == 2
