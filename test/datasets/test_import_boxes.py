"""VOC and COCO conventions, class tables, and boxes that give no reference point."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from dalearn_ros.core.errors import DatasetError, InputError, SettingsError
from dalearn_ros.datasets import Dataset
from dalearn_ros.datasets.boxes import ClassTable
from dalearn_ros.datasets.import_boxes import import_coco, import_voc

OBJECT = (
    "<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>{0}</xmin>"
    "<ymin>{1}</ymin><xmax>{2}</xmax><ymax>{3}</ymax></bndbox></object>"
)
BOX = (11, 21, 30, 60)  # 1-based, both ends included: 20 x 40 pixels


def _object(name: str, box: tuple[int, ...] = BOX, difficult: int = 0) -> str:
    return OBJECT.format(*box, name=name, difficult=difficult)


def _voc(folder: Path, *objects: str, name: str = "a", image: bool = True) -> Path:
    for part in ("annotations", "images"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    text = f"<annotation>{''.join(objects)}</annotation>"
    (folder / "annotations" / f"{name}.xml").write_text(text)
    if image:
        cv2.imwrite(str(folder / "images" / f"{name}.jpg"), np.zeros((80, 100, 3), np.uint8))
    return folder


def _coco(folder: Path, *annotations: dict) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(folder / "a.png"), np.zeros((80, 100, 3), np.uint8))
    rows = [{"id": i, "image_id": 1, "category_id": 3, **row} for i, row in enumerate(annotations)]
    content = {
        "images": [{"id": 1, "file_name": "a.png", "width": 100, "height": 80}],
        "annotations": rows,
        "categories": [{"id": 3, "name": "lamp"}, {"id": 4, "name": "zebra"}],
    }
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def test_voc_counts_from_one_and_includes_the_last(tmp_path: Path) -> None:
    data = _voc(tmp_path / "set", _object("stop"))
    counts = import_voc(data, tmp_path / "out", ClassTable("stop=regulating_sign"))
    assert counts == {"images": 1, "labels": 1}
    labels = Dataset.open(tmp_path / "out").labels(0)
    # 1-based columns 11..30 are our columns 10..29: middle 19.5; rows 21..60 are 20..59.
    assert labels.point_px.tolist() == [[19.5, 39.5]]
    outline = np.asarray(labels.outlines_px[0])
    assert outline.min(axis=0).tolist() == [9.5, 19.5]
    assert outline.max(axis=0).tolist() == [29.5, 59.5]
    assert labels.class_id.tolist() == [2]
    assert np.isnan(labels.range_m).all()
    assert not labels.ignore.any()


def test_coco_counts_from_the_corner(tmp_path: Path) -> None:
    data = _coco(tmp_path / "set", {"bbox": [10.0, 20.0, 20.0, 40.0]})
    counts = import_coco(data, tmp_path / "out", ClassTable("lamp=signal,zebra=none"), None)
    assert counts == {"images": 1, "labels": 1}
    labels = Dataset.open(tmp_path / "out").labels(0)
    # Corners 10..30 cover our pixels 10..29: the same box as in the VOC test.
    assert labels.point_px.tolist() == [[19.5, 39.5]]
    assert np.asarray(labels.outlines_px[0]).max(axis=0).tolist() == [29.5, 59.5]


def test_coco_keypoints_are_pixel_indices(tmp_path: Path) -> None:
    row = {"category_id": 4, "bbox": [10.0, 20.0, 20.0, 40.0], "keypoints": [28.25, 58.0, 2]}
    data = _coco(tmp_path / "set", row)
    import_coco(data, tmp_path / "out", ClassTable("zebra=crosswalk,lamp=none"), None)
    dataset = Dataset.open(tmp_path / "out")
    assert dataset.labels(0).point_px.tolist() == [[28.25, 58.0]]
    assert dataset.approximate(0).tolist() == [False]  # a real point, not a box's corner


def test_a_written_dataset_comes_back_through_coco(tmp_path: Path) -> None:
    first = _voc(tmp_path / "set", _object("stop"))
    import_voc(first, tmp_path / "a", ClassTable("stop=regulating_sign"))
    import_coco(tmp_path / "a", tmp_path / "b", ClassTable(None), None)
    a, b = Dataset.open(tmp_path / "a").labels(0), Dataset.open(tmp_path / "b").labels(0)
    assert a.point_px.tolist() == b.point_px.tolist()
    assert np.allclose(a.outlines_px.values, b.outlines_px.values)


def test_a_box_gives_no_lower_right(tmp_path: Path) -> None:
    data = _voc(tmp_path / "set", _object("zebra"))
    with pytest.raises(DatasetError, match=r"a\.xml, 'zebra'.*--approximate"):
        import_voc(data, tmp_path / "out", ClassTable("zebra=crosswalk"))
    assert not (tmp_path / "out").exists()
    import_voc(data, tmp_path / "out", ClassTable("zebra=crosswalk", approximate=True))
    dataset = Dataset.open(tmp_path / "out")
    assert dataset.approximate(0).tolist() == [True]
    assert dataset.labels(0).point_px.tolist() == [[29.5, 59.5]]  # the box's lower right corner


def test_small_and_difficult_boxes_are_ignored(tmp_path: Path) -> None:
    data = _voc(
        tmp_path / "set",
        _object("stop", (1, 1, 11, 11)),
        _object("stop", (1, 1, 12, 5)),
        _object("stop", difficult=1),
    )
    import_voc(data, tmp_path / "out", ClassTable("stop=regulating_sign"))
    # 11 pixels wide is under 12, 12 pixels wide is not.
    assert Dataset.open(tmp_path / "out").labels(0).ignore.tolist() == [True, False, True]


def test_objects_can_be_left_out(tmp_path: Path) -> None:
    data = _voc(tmp_path / "set", _object("stop"), _object("car"))
    counts = import_voc(data, tmp_path / "out", ClassTable("stop=regulating_sign,car=none"))
    assert counts["labels"] == 1


def test_an_unknown_object_is_a_sentence(tmp_path: Path) -> None:
    data = _voc(tmp_path / "set", _object("stopp"))
    with pytest.raises(DatasetError, match=r"'stopp'.*Did you mean 'stop'.*--classes"):
        import_voc(data, tmp_path / "out", ClassTable("stop=regulating_sign"))


def test_bad_images_are_left_out_and_counted(tmp_path: Path) -> None:
    data = _voc(tmp_path / "set", _object("stop"))
    _voc(data, _object("stop"), name="gone", image=False)
    _voc(data, _object("stop"), name="half")
    _voc(data, _object("stop"), name="text")
    half = data / "images" / "half.jpg"
    half.write_bytes(half.read_bytes()[: half.stat().st_size // 2])
    (data / "images" / "text.jpg").write_bytes(b"not an image")
    counts = import_voc(data, tmp_path / "out", ClassTable("stop=regulating_sign"))
    assert counts == {
        "images": 1,
        "labels": 1,
        "skipped:missing": 1,
        "skipped:truncated": 1,
        "skipped:undecodable": 1,
    }


@pytest.mark.parametrize("text", ["<annotation>", "<!DOCTYPE a [<!ENTITY b 'c'>]><annotation/>"])
def test_a_broken_annotation_is_a_sentence(tmp_path: Path, text: str) -> None:
    data = _voc(tmp_path / "set", _object("stop"))
    (data / "annotations" / "b.xml").write_text(text)
    with pytest.raises(DatasetError, match=r"b\.xml"):
        import_voc(data, tmp_path / "out", ClassTable("stop=regulating_sign"))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("number", ["nan", "inf", "", "ten"])
def test_a_box_that_is_no_number_is_a_sentence(tmp_path: Path, number: str) -> None:
    text = _object("stop").replace("<xmin>11</xmin>", f"<xmin>{number}</xmin>")
    with pytest.raises(DatasetError, match=r"a\.xml, bndbox of 'stop'"):
        import_voc(_voc(tmp_path / "a", text), tmp_path / "out", ClassTable("stop=regulating_sign"))


@pytest.mark.parametrize(
    "part, change",
    [
        ("images", {"file_name": None}),
        ("images", {}),
        ("annotations", {"bbox": [1, 2, 3, 4]}),
        ("annotations", {"image_id": 1, "category_id": 3, "bbox": [1, 2, 3]}),
        ("annotations", {"image_id": 1, "category_id": 3, "bbox": [1, 2, 3, float("inf")]}),
        ("categories", {"id": "three", "name": "lamp"}),
        ("categories", {"id": 3}),
    ],
)
def test_a_damaged_coco_file_is_a_sentence(tmp_path: Path, part: str, change: dict) -> None:
    data = _coco(tmp_path / "set", {"bbox": [10.0, 20.0, 20.0, 40.0]})
    file = data / "annotations.json"
    content = json.loads(file.read_text())
    content[part] = [change]
    file.write_text(json.dumps(content))
    with pytest.raises(DatasetError, match=r"annotations\.json"):
        import_coco(data, tmp_path / "out", ClassTable("lamp=signal,zebra=none"), None)
    assert not (tmp_path / "out").exists()


def test_coco_in_the_folder_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(_coco(tmp_path / "set", {"bbox": [10.0, 20.0, 20.0, 40.0]}))
    table = ClassTable("lamp=signal,zebra=none")
    assert import_coco(Path("annotations.json"), tmp_path / "out", table, None)["images"] == 1


def test_what_is_missing_is_a_sentence(tmp_path: Path) -> None:
    table = ClassTable(None)
    with pytest.raises(DatasetError, match="no such folder"):
        import_voc(tmp_path / "none", tmp_path / "out", table)
    with pytest.raises(DatasetError, match="COCO file"):
        import_coco(tmp_path / "none.json", tmp_path / "out", table, None)
    data = _voc(tmp_path / "set", _object("signal"), image=False)
    with pytest.raises(DatasetError, match="1 skipped:missing"):
        import_voc(data, tmp_path / "out", table)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    with pytest.raises(InputError, match="exists already"):
        import_voc(data, tmp_path / "full", table)


def test_class_tables(tmp_path: Path) -> None:
    assert ClassTable("road_photos").ids["crosswalk"] == 3  # a blue sign there, not a marking
    assert ClassTable("carla_towns").ids["vehicle"] is None
    path = tmp_path / "mine.yaml"
    path.write_text("classes: {lamp: signal, car: null}")
    assert ClassTable(str(path)).ids == {"lamp": 5, "car": None}
    with pytest.raises(DatasetError, match="carla_towns, road_photos"):
        ClassTable("nonsense")
    with pytest.raises(SettingsError, match="one of background, warning_sign"):
        ClassTable("lamp=lantern")
    path.write_text("lamp: signal")
    with pytest.raises(DatasetError, match="classes"):
        ClassTable(str(path))


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name, images, boxes", [("road_photos", 257, 450), ("carla_towns", 721, 1125)]
)
def test_real_sets_are_read_whole(
    real_data: Path, tmp_path: Path, name: str, images: int, boxes: int
) -> None:
    counts = import_voc(real_data / name, tmp_path / "out", ClassTable(name))
    dataset = Dataset.open(tmp_path / "out")
    assert counts["images"] == len(dataset) == images
    assert sum(len(dataset.labels(i)) for i in range(images)) == boxes
    assert not any(key.startswith("skipped") for key in counts)
