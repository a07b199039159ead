"""``dalearn conditions``: from a drive and its map to a store, and what is said of wrong input."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.small_drive import write_bag, write_street

from dalearn_ros.cli.main import main
from dalearn_ros.datasets.from_bag import label_bag
from dalearn_ros.datasets.store import Dataset, DatasetWriter
from dalearn_ros.hard_examples.light_table import Condition
from dalearn_ros.hard_examples.store import ParameterStore
from dalearn_ros.labels.area_settings import SIGN
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``bag``, ``map`` and the dataset ``data``, which has index images."""
    folder = tmp_path_factory.mktemp("drive")
    write_street(folder / "map")
    write_bag(folder / "bag", 4)
    label_bag(folder / "bag", folder / "map", folder / "data")
    assert main(["conditions", "index", "--data", str(folder / "data")]) == 0
    return folder


@pytest.fixture
def store(drive: Path, tmp_path: Path) -> Path:
    out = tmp_path / "s.sqlite"
    collect = ["conditions", "collect", "--out", str(out)]
    assert main([*collect, "--data", str(drive / "data"), "--condition", "day"]) == 0
    return out


def test_index_images_of_a_labelled_drive(drive: Path) -> None:
    dataset = Dataset.open(drive / "data")
    assert dataset.areas.source == {"maps": []}
    for row in range(len(dataset)):
        index = dataset.areas.read(dataset.image_path(row), dataset.image(row).shape)
        assert index is not None
        names = {dataset.areas.names[i] for i in np.unique(index)}
        assert {"road", "sidewalk", "sign", "signal", "marking", "sky"} <= names


def test_label_makes_them_too(drive: Path, tmp_path: Path) -> None:
    words = ["label", "--bag", str(drive / "bag"), "--map", str(drive / "map"), "--areas"]
    assert main([*words, "--out", str(tmp_path / "d")]) == 0
    one, other = Dataset.open(tmp_path / "d"), Dataset.open(drive / "data")
    for row in range(4):
        shape = one.image(row).shape
        found, later = (d.areas.read(d.image_path(row), shape) for d in (one, other))
        assert found is not None and later is not None
        assert (found == later).mean() > 0.999  # poses are kept with 6 digits


def test_they_are_made_again_in_place(drive: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["conditions", "index", "--data", str(drive / "data"), "--map", str(drive / "map")]
    assert main(words) == 0
    assert "4 index images; other" not in capsys.readouterr().out
    assert sorted(p.name for p in (drive / "data").iterdir() if p.name.startswith(".")) == []


def test_collecting_from_data_bag_and_images(
    drive: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ["conditions", "collect", "--out", str(store), "--condition", "night/rain"]
    bag = ["--bag", str(drive / "bag"), "--map", str(drive / "map"), "--frames", "2"]
    assert main([*more, *bag]) == 0
    assert "2 images of night/rain added, 6 in all" in capsys.readouterr().out
    assert main([*more, "--data", str(drive / "data")]) == 0  # the same images as of the bag
    assert "2 images of night/rain added, 8 in all; 2 were there already" in capsys.readouterr().out
    assert main([*more[:-1], "fog", "--images", str(drive / "data" / "images")]) == 0
    assert "4 without index image count as a whole only" in capsys.readouterr().out
    with ParameterStore.open(store) as opened:
        assert opened.conditions() == {
            Condition("day", "fog"): 4, Condition("day", "sunny"): 4, Condition("night", "rain"): 4,
        }  # fmt: skip
        assert {one.cell.area for one in opened.parameters(condition=Condition("day", "fog"))} == {
            "image"
        }
        kept = opened.index_of(1)
        assert kept is not None and kept[0].shape == (192, 320)


def test_images_that_were_collected_before_their_index_images(
    drive: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["conditions", "collect", "--condition", "day", "--out", str(tmp_path / "s")]
    assert main([*words, "--images", str(drive / "data" / "images")]) == 0
    assert main([*words, "--data", str(drive / "data")]) == 0
    told = "0 images of day/sunny added, 4 in all; 4 were there already, 4 of them got areas"
    assert told in capsys.readouterr().out
    with ParameterStore.open(tmp_path / "s") as opened:
        assert {"road", "sky", "image"} <= set(opened.of_target(1))


def test_folders_with_segmentations(drive: Path, tmp_path: Path) -> None:
    for row in range(4):
        name = Dataset.open(drive / "data").image_path(row).stem
        (tmp_path / "seg").mkdir(exist_ok=True)
        labels = np.full((384, 640), 7, np.uint8)
        labels[:100] = 23
        cv2.imwrite(str(tmp_path / "seg" / f"{name}.png"), labels)
    words = ["conditions", "collect", "--images", str(drive / "data" / "images"), "--condition"]
    areas = ["--areas", str(tmp_path / "seg"), "--mapping", "cityscapes"]
    assert main([*words, "day", *areas, "--out", str(tmp_path / "s")]) == 0
    with ParameterStore.open(tmp_path / "s") as opened:
        assert set(opened.of_target(1)) == {"road", "sky", "image"}
        assert opened.of_target(1)["sky"].pixels == 64000


def test_info_as_text_json_and_graph(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    graph = tmp_path / "g.png"
    capsys.readouterr()
    words = ["conditions", "info", str(store)]
    assert main([*words, "--graph", str(graph), "--area", "road"]) == 0
    text = capsys.readouterr().out
    assert "day/sunny" in text and "day/sunny/road" in text
    assert cv2.imread(str(graph)).shape == (640, 900, 3)
    assert main([*words, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["targets"] == 4 and found["conditions"] == {"day/sunny": 4}
    assert found["cells"]["day/sunny/road"]["parameters"] == 4
    assert main([*words, "--graph", str(graph), "--area", "river"]) == 1
    assert "expected one of building, image, marking, road" in capsys.readouterr().err


def test_merge(store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "t.csv"
    assert main(["conditions", "merge", str(store), str(store), "--out", str(out)]) == 0
    assert "4 target images" in capsys.readouterr().out
    assert out.read_text().startswith("space,time,weather,area,image")
    (tmp_path / "own.yaml").write_text("times: [noon]\ntime_steps: []\nassociated: []\n")
    out.write_text(out.read_text().replace(",day,", ",noon,"))
    words = ["conditions", "merge", str(out), "--out", str(tmp_path / "own.sqlite")]
    assert main(words) == 1
    assert "time: one of" in capsys.readouterr().err
    assert main([*words, "--table", str(tmp_path / "own.yaml")]) == 0
    with ParameterStore.open(tmp_path / "own.sqlite") as opened:
        assert opened.conditions() == {Condition("noon", "sunny"): 4}


def test_side_by_side(
    drive: Path, store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "p.png"
    words = ["conditions", "show", "--data", str(drive / "data"), "--store", str(store)]
    assert main([*words, "--out", str(out), "--area", "road", "sky", "--soft-px", "2"]) == 0
    assert "road, sky as day/sunny in" in capsys.readouterr().out
    assert cv2.imread(str(out)).shape[1] == 1280
    assert main([*words, "--out", str(out), "--area", "river"]) == 1
    assert "areas that image and target have" in capsys.readouterr().err
    assert main([*words, "--out", str(out), "--image", "9"]) == 1
    assert "an image 0 to 3, found 9" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words, text",
    [
        (["collect", "--bag", "b", "--condition", "day", "--out", "o"], "--bag needs --map"),
        (["collect", "--images", "none", "--condition", "day", "--out", "o"], "no such folder"),
        (["collect", "--images", "x", "--condition", "noon", "--out", "o"], "time: one of"),
        (
            ["collect", "--data", "d", "--condition", "day", "--out", "o", "--areas", "a"],
            "--images; datasets and bags have their own",
        ),
        (
            ["collect", "--images", "x", "--condition", "day", "--out", "o", "--areas", "none"],
            "a folder of index images, found no such folder",
        ),
        (
            ["collect", "--images", "x", "--condition", "day", "--out", "o", "--mapping", "m"],
            "--mapping needs --areas",
        ),
        (["info", "none"], "Make one with `dalearn conditions collect`"),
        (["index", "--data", "none"], "expected a dataset, found no such folder"),
    ],
)
def test_wrong_input_is_a_sentence(
    words: list[str], text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    assert main(["conditions", *words]) == 1
    assert text in capsys.readouterr().err
    assert not list(tmp_path.iterdir())  # nothing half-written


def test_of_images_without_a_pose_only_landmarks_are_known(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image, labels = np.zeros((20, 30, 3), np.uint8), Labels.empty()
    square = np.array([[4.0, 5.0], [9.0, 5.0], [9.0, 12.0], [4.0, 12.0]])
    one = Labels(
        np.array([2]), square[:1], Ragged.of([square], 2), np.array([np.nan]), np.array([np.nan]),
        np.array([""]), np.full((1, 2, 2), np.nan), np.array([False]),
    )  # fmt: skip
    for name, found in (("none", labels), ("some", one)):
        with DatasetWriter(tmp_path / name, LabelSpace.load(), {}) as writer:
            writer.add(image, found, {"name": "a", "width": 30, "height": 20})
    assert main(["conditions", "index", "--data", str(tmp_path / "none")]) == 1
    assert "found 1 without camera, pose and landmarks" in capsys.readouterr().err
    assert main(["conditions", "index", "--data", str(tmp_path / "some")]) == 0
    assert "1 images have no camera and pose" in capsys.readouterr().out
    index = Dataset.open(tmp_path / "some").areas.read("a", image.shape)
    assert index is not None
    assert (index[5:13, 4:10] == SIGN).all() and (index == SIGN).sum() == 48
