"""``dalearn import`` from the shell."""

from __future__ import annotations

import contextlib
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.full_disk import files_up_to
from helpers.small_kitti import write_small_kitti

from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.cli.main import main
from dalearn_ros.datasets import Dataset, DatasetWriter


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """One photo with a stop sign and a painted crossing, in VOC form."""
    folder = tmp_path / "photos"
    for part in ("annotations", "images"):
        (folder / part).mkdir(parents=True)
    box = "<bndbox><xmin>11</xmin><ymin>21</ymin><xmax>40</xmax><ymax>60</ymax></bndbox>"
    objects = "".join(f"<object><name>{n}</name>{box}</object>" for n in ("stop", "zebra"))
    (folder / "annotations" / "a.xml").write_text(f"<annotation>{objects}</annotation>")
    cv2.imwrite(str(folder / "images" / "a.jpg"), np.zeros((80, 100, 3), np.uint8))
    return folder


def test_imports_voc(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = photos.parent / "out"
    classes = ["--classes", "stop=regulating_sign,zebra=none"]
    assert main(["import", "voc", "--data", str(photos), "--out", str(out), *classes]) == 0
    assert "1 images with 1 labels" in capsys.readouterr().out
    assert len(Dataset.open(out).labels(0)) == 1


def test_refuses_boxes_of_markings(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = photos.parent / "out"
    words = ["import", "voc", "--data", str(photos), "--out", str(out)]
    words += ["--classes", "stop=regulating_sign,zebra=crosswalk"]
    assert main(words) == 1
    assert "--approximate" in capsys.readouterr().err
    assert not out.exists()
    assert main([*words, "--approximate"]) == 0
    assert Dataset.open(out).approximate(0).tolist() == [False, True]


def test_imports_coco_from_another_place(photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = photos.parent / "out"
    words = ["import", "coco", "--data", str(photos / "x.json"), "--out", str(out)]
    assert main(words) == 1
    assert "x.json" in capsys.readouterr().err
    (photos / "x.json").write_text(
        '{"images": [{"id": 1, "file_name": "a.jpg"}], "categories": [{"id": 1, "name": "signal"}],'
        ' "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [10, 10, 20, 30]}]}'
    )
    assert main([*words, "--images", str(photos / "images")]) == 0
    assert Dataset.open(out).labels(0).point_px.tolist() == [[19.5, 24.5]]


@pytest.mark.parametrize("kind", ["voc", "coco", "kitti"])
def test_nothing_there_is_a_sentence(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["import", kind, "--data", str(tmp_path / "none"), "--out", str(tmp_path / "out")]
    assert main(words) == 1
    told = capsys.readouterr().err
    assert str(tmp_path / "none") in told
    assert "Traceback" not in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["voc", "coco", "kitti"])
@pytest.mark.parametrize("fault", ["full disk", "interrupt"])
def test_nothing_half_written_stays(
    kind: str,
    fault: str,
    photos: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out, place = photos.parent / "out", photos.parent
    words = ["import", kind, "--data", str(_foreign(kind, photos)), "--out", str(out)]
    words += ["--classes", "stop=regulating_sign,zebra=none"] if kind != "kitti" else []
    before = sorted(path.name for path in place.iterdir())
    if fault == "interrupt":

        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(BagWriter, "compressed_image", interrupted)
        monkeypatch.setattr(DatasetWriter, "add", interrupted)
    with files_up_to(300) if fault == "full disk" else contextlib.nullcontext():
        assert main(words) == 1
    told = capsys.readouterr().err
    assert ("cannot be written" if fault == "full disk" else "interrupted") in told
    assert "Traceback" not in told
    assert sorted(path.name for path in place.iterdir()) == before


def _foreign(kind: str, photos: Path) -> Path:
    """The photo as a set of that kind; for KITTI a drive of three frames past a sign."""
    if kind == "voc":
        return photos
    if kind == "coco":
        file = photos / "x.json"
        file.write_text(
            '{"images": [{"id": 1, "file_name": "a.jpg"}], "categories": [{"id": 1, "name": "stop"}'
            '], "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "bbox": [9, 9, 20, 9]}]}'
        )
        return file
    return write_small_kitti(photos.parent / "kitti")


def test_wrong_usage_is_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "yolo"]) == 2
    assert main(["import"]) == 2
    assert "voc" in capsys.readouterr().err
