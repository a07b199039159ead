"""The dataset on disk: round trip, other tools' conventions, half-written and foreign folders."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from dalearn_ros.core.errors import DatasetError, InputError
from dalearn_ros.datasets import Dataset, DatasetWriter
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels

SPACE = LabelSpace.load()
IMAGE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
OUTLINE = np.array([[10.0, 12.0], [20.0, 12.0], [20.0, 30.0], [10.0, 30.0]])


def some_labels() -> Labels:
    """Two rows: one with all that is known, one with nothing but class, point and outline."""
    return Labels(
        class_id=np.array([2, 8]),
        point_px=np.array([[15.123456, 21.0], [20.0, 30.0]]),
        outlines_px=Ragged.of([OUTLINE, OUTLINE[:3]], 2),
        range_m=np.array([17.5, np.nan]),
        visible=np.array([0.75, np.nan]),
        map_id=np.array(["way7", ""]),
        covariance_px2=np.stack([np.array([[4.0, 1.0], [1.0, 9.0]]), np.full((2, 2), np.nan)]),
        ignore=np.array([False, True]),
    )


def write_dataset(path: Path, images: int = 2) -> Dataset:
    """A dataset of equal images."""
    with DatasetWriter(path, SPACE, {"kind": "test"}) as writer:
        for number in range(images):
            meta = {"name": f"f{number}", "width": 64, "height": 48, "tile": f"{number}_0"}
            writer.add(IMAGE, some_labels(), meta, np.array([False, True]))
    return Dataset.open(path)


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    meta = {"name": "one", "width": 64, "height": 48}
    with pytest.raises(DatasetError, match=r"images/one\.jpg twice"):
        with DatasetWriter(tmp_path / "d", SPACE, {"kind": "test"}) as writer:
            writer.add(IMAGE, some_labels(), meta)
            writer.add(IMAGE, some_labels(), meta)
    assert not (tmp_path / "d").exists()


def test_what_is_written_is_read(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d")
    assert len(dataset) == 2
    assert dataset.label_space == SPACE
    found, given = dataset.labels(1), some_labels()
    for name in ("class_id", "point_px", "range_m", "visible", "covariance_px2"):
        assert np.allclose(getattr(found, name), getattr(given, name), equal_nan=True), name
    assert found.map_id.tolist() == ["way7", ""]
    assert found.ignore.tolist() == [False, True]
    assert np.allclose(found.outlines_px[1], OUTLINE[:3])
    assert dataset.approximate(1).tolist() == [False, True]
    assert dataset.meta(1)["tile"] == "1_0"
    assert dataset.image(1).shape == (48, 64, 3)


def test_coco_conventions(tmp_path: Path) -> None:
    """bbox and segmentation count from the image's corner, keypoints are pixel indices."""
    write_dataset(tmp_path / "d")
    coco = json.loads((tmp_path / "d" / "annotations.json").read_text())
    row = coco["annotations"][0]
    assert row["bbox"] == [10.5, 12.5, 10.0, 18.0]
    assert row["segmentation"] == [[10.5, 12.5, 20.5, 12.5, 20.5, 30.5, 10.5, 30.5]]
    assert row["keypoints"] == [15.123456, 21.0, 2]
    assert row["num_keypoints"] == 1
    assert row["area"] == 180.0
    assert row["iscrowd"] == 0
    assert coco["annotations"][1]["range_m"] is None
    assert coco["categories"][1] == {
        "id": 2,
        "name": "regulating_sign",
        "keypoints": ["reference_point"],
        "skeleton": [],
    }
    ids = [row["id"] for row in coco["annotations"]]
    assert ids == [1, 2, 3, 4]
    images = {image["id"]: image["file_name"] for image in coco["images"]}
    assert set(images) == {row["image_id"] for row in coco["annotations"]}


def test_other_tools_read_it(tmp_path: Path) -> None:
    pycocotools = pytest.importorskip("pycocotools.coco", reason="pycocotools is not installed")
    write_dataset(tmp_path / "d")
    coco = pycocotools.COCO(str(tmp_path / "d" / "annotations.json"))
    rows = coco.loadAnns(coco.getAnnIds(imgIds=[1], catIds=[2]))
    assert len(rows) == 1
    mask = coco.annToMask(rows[0])  # corner-based 10.5..20.5: the pixels 10 or 11 to 20
    assert mask.shape == (48, 64)
    assert abs(int(mask.sum()) - 180) <= 20


def test_encoded_bytes_stay_untouched(tmp_path: Path) -> None:
    jpeg = cv2.imencode(".jpg", IMAGE)[1].tobytes()
    png = cv2.imencode(".png", IMAGE)[1].tobytes()
    with DatasetWriter(tmp_path / "d", SPACE, {}) as writer:
        writer.add(jpeg, Labels.empty(), {"name": "a", "width": 64, "height": 48})
        writer.add(png, Labels.empty(), {"name": "b", "width": 64, "height": 48})
    dataset = Dataset.open(tmp_path / "d")
    assert dataset.image_path(0).read_bytes() == jpeg
    assert dataset.image_path(1).name == "b.png"
    assert np.array_equal(dataset.image(1), IMAGE)
    assert len(dataset.labels(0)) == 0


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    write_dataset(tmp_path / "a")
    write_dataset(tmp_path / "b")
    for name in ("annotations.json", "dataset.json", "images/f0.jpg"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_nothing_half_written_stays(tmp_path: Path, error: type[BaseException]) -> None:
    with pytest.raises(error), DatasetWriter(tmp_path / "d", SPACE, {}) as writer:
        writer.add(IMAGE, Labels.empty(), {"name": "a", "width": 64, "height": 48})
        raise error
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_not_touched(tmp_path: Path) -> None:
    write_dataset(tmp_path / "d", 1)
    before = (tmp_path / "d" / "annotations.json").read_bytes()
    with pytest.raises(InputError, match="exists already"):
        write_dataset(tmp_path / "d", 2)
    assert (tmp_path / "d" / "annotations.json").read_bytes() == before


def test_no_dataset_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such folder"):
        Dataset.open(tmp_path / "none")
    with pytest.raises(DatasetError, match=r"no dataset\.json.*dalearn label"):
        Dataset.open(tmp_path)


@pytest.mark.parametrize(
    "name, content, named",
    [
        ("dataset.json", "{", "cannot be read as JSON"),
        ("dataset.json", '{"version": 99}', "version 1"),
        ("annotations.json", "[]", "keys and values"),
        ("annotations.json", "{}", "images and annotations"),
        ("annotations.json", '{"images": [{"id": 1}], "annotations": []}', "file_name"),
        ("annotations.json", None, "is missing"),
    ],
)
def test_a_damaged_dataset_is_a_sentence(
    tmp_path: Path, name: str, content: str | None, named: str
) -> None:
    write_dataset(tmp_path / "d", 1)
    file = tmp_path / "d" / name
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    with pytest.raises(DatasetError, match=named) as caught:
        Dataset.open(tmp_path / "d")
    assert str(tmp_path) in str(caught.value)


def test_a_half_written_picture_is_no_picture(tmp_path: Path) -> None:
    """Some decoders fill the rest with grey; a label there would be learnt from nothing."""
    dataset = write_dataset(tmp_path / "d", 1)
    file = dataset.image_path(0)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(DatasetError, match=r"f0\.jpg.*half-written"):
        dataset.image(0)


def test_damaged_items_name_their_image(tmp_path: Path) -> None:
    dataset = write_dataset(tmp_path / "d", 2)
    dataset.image_path(0).write_bytes(b"half")
    dataset.image_path(1).unlink()
    with pytest.raises(DatasetError, match=r"f0\.jpg.*cannot be decoded"):
        dataset.image(0)
    with pytest.raises(DatasetError, match=r"f1\.jpg.*no such file"):
        dataset.image(1)
    path = tmp_path / "d" / "annotations.json"
    coco = json.loads(path.read_text())
    del coco["annotations"][0]["category_id"]
    path.write_text(json.dumps(coco))
    with pytest.raises(DatasetError, match=r"annotations of image images/f0\.jpg"):
        Dataset.open(tmp_path / "d").labels(0)
