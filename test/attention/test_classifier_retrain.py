"""Learning of plain classifiers and regressors, with maps and without, new and from a start."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from helpers.tiny_attention import image_settings
from helpers.tiny_images import SHAPES, write_images

from dalearn_ros.attention import classifier_retrain
from dalearn_ros.attention.classifier_data import names_of, read_examples
from dalearn_ros.attention.classifier_retrain import retrain_images
from dalearn_ros.attention.classifier_run import open_image_run
from dalearn_ros.attention.classifier_start import ImageInputs
from dalearn_ros.attention.classifier_start import image_settings as settings_of
from dalearn_ros.attention.classifier_viewing import RegressorViewer
from dalearn_ros.attention.opening import open_viewer
from dalearn_ros.attention.regression_report import REPORT
from dalearn_ros.attention.teacher_maps import TeacherMap, TeacherMaps
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.errors import DatasetError, InputError, ModelError, SettingsError
from dalearn_ros.training.checkpoint import load_checkpoint

CLASSES, VALUES = "classification", "regression"


def write_edits(path: Path, files: list[Path]) -> Path:
    for file in files:
        attention = np.zeros((8, 8), np.float32)
        attention[2:6, 2:6] = 1.0
        TeacherMaps(path).write(
            TeacherMap(sha256_of(file), attention, (16, 16), (16.0, 16.0), file.name, "hand",
                       "Ada", "2026-01-01T00:00:00Z", {}, "perception")
        )  # fmt: skip
    return path


def write_values(path: Path, count: int = 12) -> Path:
    """Images whose brightness is a value, and how far left their bright half begins another."""
    random = np.random.default_rng(0)
    path.mkdir()
    lines = ["file,light,place"]
    for number in range(count):
        light, place = int(random.integers(40, 250)), int(random.integers(2, 14))
        image = np.zeros((16, 16), np.uint8)
        image[:, place:] = light
        assert cv2.imwrite(str(path / f"{number}.png"), image)
        lines.append(f"{number}.png,{light},{place}")
    (path / "values.csv").write_text("\n".join(lines) + "\n")
    return path


def weights(run: Path) -> dict[str, torch.Tensor]:
    return dict(load_checkpoint(run / "weights.safetensors").groups["network"])


def test_a_new_classifier_then_one_that_edits_correct(tmp_path: Path) -> None:
    data, val = write_images(tmp_path / "data"), write_images(tmp_path / "val", 2, seed=1)
    first, second = tmp_path / "first", tmp_path / "second"
    start = retrain_images(ImageInputs(CLASSES, data, val), first, image_settings(), 1)
    assert start["learns"] == ["features", "attention", "perception"]
    assert start["new_branch"]
    assert start["verdict"].startswith("A new network after 6 steps: accuracy")
    odd = data / "dot" / os.fsdecode(b"Stra\xdfe.png")  # its name is no UTF-8
    (data / "dot" / "1.png").rename(odd)
    edits = write_edits(tmp_path / "edits", [data / "bar" / "0.png", odd])
    shutil.copyfile(data / "bar" / "0.png", val / "bar" / "learnt.png")
    inputs = ImageInputs(CLASSES, data, val, first, edits)
    how = image_settings()
    of_start = settings_of(first, None)
    assert (of_start.network, of_start.input, of_start.split) == (how.network, how.input, how.split)
    found = retrain_images(inputs, second, how, 1)
    assert found["losses"] == ["attention", "perception", "map"]
    assert found["learns"] == ["attention", "perception"]
    assert found["edited"]["images"] == 2
    assert found["elsewhere"]["images"] == 6
    assert found["edits"]["in_validation"] == 1
    assert (second / "report.html").read_text(encoding="utf-8").count("<figure>") >= 1
    assert found["edited"]["mass_before"] is not None
    assert found["edits"]["recognised_before_share"] == 0.0
    before, after = weights(first), weights(second)
    same = {name for name in before if torch.equal(before[name], after[name])}
    frozen = {name for name in before if name.startswith("classifier.stages.0.")}
    assert frozen
    assert frozen <= same
    again = retrain_images(inputs, tmp_path / "again", how, 1)
    assert again == found
    other = weights(tmp_path / "again")
    assert all(torch.equal(after[name], other[name]) for name in after)
    with pytest.raises(InputError, match="another 'seed'"):
        retrain_images(inputs, second, how, 2)


def test_maps_of_padded_images_are_cropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_images(tmp_path / "data")
    padded = np.zeros((8, 8), np.float32)
    padded[:4] = 1.0  # of the 16 rows that the image has, all
    file, about = data / "bar" / "0.png", ("hand", "Ada", "2026-01-01T00:00:00Z", {})
    edit = TeacherMap(sha256_of(file), padded, (16, 16), (16.0, 32.0), file.name, *about)
    TeacherMaps(tmp_path / "edits").write(edit)
    given: list[np.ndarray] = []

    def report(
        path: Path, metrics: object, rows: object, wanted: dict[str, np.ndarray], is_cam: bool
    ) -> None:
        given.extend(wanted.values())

    monkeypatch.setattr(classifier_retrain, "write_report", report)
    inputs = ImageInputs(CLASSES, data, None, None, tmp_path / "edits")
    retrain_images(inputs, tmp_path / "run", image_settings(), 1)
    (wanted,) = given
    assert wanted.shape == (8, 8)
    assert wanted[:7].min() > 0.95  # stretched, the lower half would be 0
    assert wanted[7].min() > 0.7


def test_maps_move_with_their_images(tmp_path: Path) -> None:
    data = write_images(tmp_path / "data")
    files = [data / name / f"{number}.png" for name in SHAPES for number in range(4)]
    edits = write_edits(tmp_path / "edits", files)
    first, second = tmp_path / "first", tmp_path / "second"
    retrain_images(ImageInputs(CLASSES, data), first, image_settings(), 1)
    loop = {"steps": 60, "learning_rate": 0.05, "average_decay": 0.5}
    changes = {"attention": {"losses": ["map"], "map_norm": "mse"}, "loop": loop, "mirror": 0.5}
    found = retrain_images(
        ImageInputs(CLASSES, data, None, first, edits), second, image_settings(changes), 1
    )
    assert found["learns"] == ["attention"]
    assert found["edited"]["mass_after"] > found["edited"]["mass_before"] + 0.1


def test_without_a_branch_and_then_with_class_activation_maps(tmp_path: Path) -> None:
    data = write_images(tmp_path / "data")
    plain, taught = tmp_path / "plain", tmp_path / "taught"
    how = image_settings({"attention": {"source": "cam"}})
    first = retrain_images(ImageInputs(CLASSES, data), plain, how, 1)
    assert first["losses"] == ["perception"]
    with pytest.raises(ModelError, match="no map that could be edited"):
        open_viewer(plain)
    edits = write_edits(tmp_path / "edits", [data / "bar" / "0.png"])
    found = retrain_images(ImageInputs(CLASSES, data, None, plain, edits), taught, how, 1)
    assert found["losses"] == ["perception", "map"]
    assert found["edited"]["mass_before"] is not None
    assert "what speaks for the answer that the network gave" in (taught / REPORT).read_text()
    assert not open_image_run(taught).make.branch
    branch = retrain_images(
        ImageInputs(CLASSES, data, None, plain), tmp_path / "branch", image_settings(), 1
    )
    assert branch["new_branch"]
    assert branch["elsewhere"]["mass_before"] is None
    with pytest.raises(ModelError, match="use attention.source 'branch'"):
        retrain_images(
            ImageInputs(CLASSES, data, None, tmp_path / "branch"), tmp_path / "no", how, 1
        )


def test_a_regressor_learns_its_values(tmp_path: Path) -> None:
    data = write_values(tmp_path / "data")
    changes = {
        "loop": {"steps": 80, "learning_rate": 0.02, "average_decay": 0.9},
        "augmentation": {"shift": 0.0, "scale": 0.0, "contrast": 0.0, "noise": 0.0},
        "value_tolerance": 20.0,
    }
    found = retrain_images(
        ImageInputs(VALUES, data, data), tmp_path / "run", image_settings(changes), 1
    )
    viewer = open_viewer(tmp_path / "run")
    assert isinstance(viewer, RegressorViewer)
    assert viewer.names == ("light", "place")
    truth = read_examples(data, VALUES, viewer.names, 16, 0).truth
    places = []
    for number in range(12):
        image = cv2.imread(str(data / f"{number}.png"), cv2.IMREAD_COLOR)
        values = viewer.answer(viewer.see(image)).values
        assert values is not None
        places.append(abs(values[1] - float(truth[number, 1])))
    spread = float(truth[:, 1].std())
    assert np.mean(places) < 0.6 * spread
    assert found["figures"]["error"] < float((truth - truth.mean(dim=0)).abs().mean())


def test_bad_data_is_named(tmp_path: Path) -> None:
    data = write_values(tmp_path / "data")
    table = data / "values.csv"
    for text, sentence in (
        ("", "line 1: expected 'file' and the names"),
        ("file,x\n0.png\n", "line 2: expected a file and 1 numbers"),
        ("file,x\n0.png,1\n1.png,nan\n", "line 3"),
        ("file,x\n../data2.png,1\n", "expected a file in"),
    ):
        table.write_text(text)
        with pytest.raises(DatasetError, match=sentence):
            names_of(data, VALUES)
    table.write_text("file,x\n0.png,1\n")
    with pytest.raises(DatasetError, match="expected the values y, found x"):
        read_examples(data, VALUES, ("y",), 16, 0)


def test_settings_that_do_not_fit(tmp_path: Path) -> None:
    data = write_images(tmp_path / "data")
    for changes, sentence in (
        ({"split": 3}, "at most 2, the stages"),
        ({"attention": {"map_teachers": "all"}}, "labels without outlines"),
        ({"attention": {"learns": ["perception"], "losses": ["attention"]}}, "has a gradient"),
    ):
        with pytest.raises(SettingsError, match=sentence):
            retrain_images(ImageInputs(CLASSES, data), tmp_path / "run", image_settings(changes), 1)
    assert not (tmp_path / "run").exists()
