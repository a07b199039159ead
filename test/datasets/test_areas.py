"""Index images beside images: kept, moved along, read from segmentations, refused."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.core.errors import DatasetError, SettingsError
from dalearn_ros.datasets import Dataset, DatasetWriter
from dalearn_ros.datasets.area_mapping import AreaMapping
from dalearn_ros.datasets.areas import AreaSidecar, read_index
from dalearn_ros.datasets.copy import write_subset
from dalearn_ros.datasets.split import merge
from dalearn_ros.labels.area_settings import AREAS, ROAD, SKY
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels

SPACE = LabelSpace.load()
IMAGE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
INDEX = np.random.default_rng(1).integers(0, len(AREAS), (48, 64), dtype=np.uint8)


def write(path: Path, names: tuple[str, ...] = AREAS) -> Dataset:
    """Two images, the first with an index image."""
    with DatasetWriter(path, SPACE, {"kind": "test"}, names) as writer:
        for number in range(2):
            meta = {"name": f"f{number}", "width": 64, "height": 48}
            index = INDEX if number == 0 else None
            writer.add(IMAGE, Labels.empty(), meta, areas=index)
    return Dataset.open(path)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    dataset = write(tmp_path / "d")
    sidecar = dataset.areas
    assert sidecar.names == AREAS
    found = sidecar.read(dataset.image_path(0), IMAGE.shape)
    assert found is not None and np.array_equal(found, INDEX)
    assert sidecar.read(dataset.image_path(1), IMAGE.shape) is None


def test_a_dataset_without_them_has_none(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "d", SPACE, {}) as writer:
        writer.add(IMAGE, Labels.empty(), {"name": "a", "width": 64, "height": 48})
    assert Dataset.open(tmp_path / "d").areas.read("a", IMAGE.shape) is None
    assert not (tmp_path / "d" / "areas").exists()


def test_a_copy_takes_them_along(tmp_path: Path) -> None:
    first = write(tmp_path / "a")
    copied = write_subset(merge([first, first]), tmp_path / "c", {})
    found = copied.areas.read(copied.image_path(2), IMAGE.shape)  # f0 again, under a new name
    assert found is not None and np.array_equal(found, INDEX)
    other = write(tmp_path / "b", (*AREAS, "river"))
    with pytest.raises(DatasetError, match="expected the areas of .*a: other, road"):
        write_subset(merge([first, other]), tmp_path / "d", {})


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.png"
    cv2.imwrite(str(file), INDEX)
    with pytest.raises(DatasetError, match="expected 64x50 px as the image, found 64x48 px"):
        read_index(file, (50, 64), AREAS)
    with pytest.raises(DatasetError, match="labels: expected 0 other, 1 road, found [2-7]"):
        read_index(file, (48, 64), AREAS[:2])
    cv2.imwrite(str(file), IMAGE)
    with pytest.raises(DatasetError, match="expected 8 bits, one channel, found uint8, 3 channels"):
        read_index(file, (48, 64), AREAS)
    file.write_bytes(b"nothing")
    with pytest.raises(DatasetError, match="cannot be decoded"):
        read_index(file, (48, 64), AREAS)
    with pytest.raises(DatasetError, match="No such file"):
        read_index(tmp_path / "y.png", (48, 64), AREAS)


@pytest.mark.parametrize("text", ["[]", "{", '{"version": 2}', '{"version": 1, "names": 3}'])
def test_a_damaged_list_of_names_is_told(tmp_path: Path, text: str) -> None:
    (tmp_path / "areas").mkdir()
    (tmp_path / "areas" / "areas.json").write_text(text)
    with pytest.raises(DatasetError, match=r"areas\.json"):
        AreaSidecar.open(tmp_path)


def test_a_segmentation_by_numbers(tmp_path: Path) -> None:
    file = tmp_path / "s.png"
    cv2.imwrite(str(file), np.array([[7, 8, 23, 26]], np.uint8))
    mapping = AreaMapping.load("cityscapes")
    assert [AREAS[i] for i in mapping.read(file, (1, 4))[0]] == ["road", "sidewalk", "sky", "other"]
    strict = AreaMapping.from_dict({"areas": {"road": [7, 8], "river": [23]}}, "m.yaml")
    assert strict.names == (*AREAS, "river")
    with pytest.raises(DatasetError, match=r"s\.png, labels: .* found 26\. Name it"):
        strict.read(file, (1, 4))
    with pytest.raises(DatasetError, match="expected 4x2 px"):
        strict.read(file, (2, 4))


def test_a_segmentation_by_colours(tmp_path: Path) -> None:
    file = tmp_path / "s.png"
    cv2.imwrite(str(file), np.array([[[180, 130, 70], [128, 64, 128]]], np.uint8))  # BGR
    content = {"areas": {"sky": [[70, 130, 180]], "road": [[128, 64, 128]]}}
    mapping = AreaMapping.from_dict(content, "m.yaml")
    assert mapping.read(file, (1, 2)).tolist() == [[SKY, ROAD]]
    with pytest.raises(DatasetError, match="expected one channel, as the mapping has, found col"):
        AreaMapping.load("cityscapes").read(file, (1, 2))


@pytest.mark.parametrize(
    "content, text",
    [
        (None, "key 'areas'"),
        ({"areas": {"sky": 3}}, "area 'sky': expected a list"),
        ({"areas": {"sky": [-1]}}, "whole numbers of 0 to 65535"),
        ({"areas": {"sky": [3], "road": [3]}}, "3 again"),
        ({"areas": {"sky": [3], "road": [[1, 2, 3]]}}, "numbers or colours"),
    ],
)
def test_a_wrong_mapping_is_told(content: object, text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        AreaMapping.from_dict(content, "m.yaml")


def test_an_unknown_mapping_is_told() -> None:
    with pytest.raises(SettingsError, match="nosuch: expected a file, or the name of a shipped"):
        AreaMapping.load("nosuch")


def test_crops_mirrors_and_sizes_take_labels_along() -> None:
    assert np.array_equal(PixelMap.mirror(64).warp_labels(INDEX, (64, 48)), INDEX[:, ::-1])
    crop = PixelMap.crop(5, 7).warp_labels(INDEX, (20, 10))
    assert np.array_equal(crop, INDEX[7:17, 5:25])
    padded = PixelMap.crop(-2, -1).warp_labels(INDEX, (66, 49), fill=9)
    assert (padded[0] == 9).all() and (padded[:, :2] == 9).all()
    assert np.array_equal(padded[1:, 2:], INDEX)
    twice = PixelMap.resize(2.0).warp_labels(INDEX, (128, 96))
    assert np.array_equal(twice, np.repeat(np.repeat(INDEX, 2, axis=0), 2, axis=1))
    third = PixelMap.resize(1 / 3).warp_labels(INDEX, (21, 16))
    assert np.array_equal(third, INDEX[1::3, 1:63:3])


@given(angle=some.floats(-3.0, 3.0), scale=some.floats(0.5, 2.0))
def test_a_label_goes_where_its_pixel_goes(angle: float, scale: float) -> None:
    """A disc's middle keeps its label, as points do."""
    index = np.zeros((60, 60), np.uint8)
    cv2.circle(index, (25, 33), 8, 3, -1)
    mapping = PixelMap.turn(angle, (30.0, 30.0)) @ PixelMap.resize(scale)
    moved = mapping.warp_labels(index, (200, 200))
    u, v = np.rint(mapping.apply([25.0, 33.0])).astype(int)
    if 0 <= u < 200 and 0 <= v < 200:
        assert moved[v, u] == 3
