"""Images in folders: classes, channels, sizes, and files that cannot be read."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from helpers.tiny_images import SHAPES, write_images

from dalearn_ros.classification.folders import (
    check_classes,
    class_names,
    fit,
    read_flat,
    read_labelled,
)
from dalearn_ros.core.errors import DatasetError


def test_classes_are_the_folders_sorted(tmp_path: Path) -> None:
    write_images(tmp_path / "data")
    (tmp_path / "data" / ".cache").mkdir()
    (tmp_path / "data" / "notes.txt").write_text("x")
    assert class_names(tmp_path / "data") == SHAPES


def test_no_classes_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="a folder for each class"):
        class_names(tmp_path)
    with pytest.raises(DatasetError, match="no such folder"):
        class_names(tmp_path / "nowhere")


def test_a_foreign_class_is_named(tmp_path: Path) -> None:
    check_classes(tmp_path, ["a"], ["a", "b"], tmp_path)  # one may be missing
    with pytest.raises(DatasetError, match=r"expected the classes of .*\(a, b\), found c"):
        check_classes(tmp_path, ["a", "c"], ["a", "b"], tmp_path)


def test_labels_follow_the_folders(tmp_path: Path) -> None:
    write_images(tmp_path, count=2, size=16)
    found = read_labelled(tmp_path, SHAPES, 16, 0)
    assert found.images.shape == (6, 1, 16, 16)
    assert found.labels.tolist() == [0, 0, 1, 1, 2, 2]
    first = cv2.imread(str(tmp_path / "bar" / "0.png"), cv2.IMREAD_GRAYSCALE)
    assert np.array_equal(found.images[0, 0].numpy(), first)


def test_corrupt_files_are_left_out_and_named(tmp_path: Path) -> None:
    write_images(tmp_path, count=2)
    whole = (tmp_path / "bar" / "0.png").read_bytes()
    (tmp_path / "bar" / "0.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "dot" / "more.png").write_bytes(b"no image")
    found = read_labelled(tmp_path, SHAPES, 16, 0)
    assert found.labels.tolist() == [0, 1, 1, 2, 2]
    assert len(found.unreadable) == 2
    assert "0.png" in found.unreadable[0] and "more.png" in found.unreadable[1]


def test_nothing_readable_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "bar").mkdir()
    (tmp_path / "bar" / "0.png").write_bytes(b"")
    with pytest.raises(DatasetError, match="1 such files, none of them readable"):
        read_flat(tmp_path, 16, 0)


def test_one_coloured_image_makes_three_channels(tmp_path: Path) -> None:
    write_images(tmp_path / "grey", count=1)
    write_images(tmp_path / "mixed", count=1)
    write_images(tmp_path / "mixed", count=2, colour=True)
    cv2.imwrite(str(tmp_path / "mixed" / "bar" / "9.png"), np.full((16, 16), 77, np.uint8))
    assert read_flat(tmp_path / "grey", 16, 0).images.shape[1] == 1
    mixed = read_labelled(tmp_path / "mixed", SHAPES, 16, 0)
    assert mixed.images.shape[1] == 3
    assert mixed.images[2].unique().tolist() == [77]  # the grey one, in all channels
    assert read_flat(tmp_path / "mixed", 16, 1).images.shape[1] == 1
    grey = read_flat(tmp_path / "grey", 16, 0).with_channels(3).images
    assert torch.equal(grey[:, 0], grey[:, 2])


@pytest.mark.parametrize("shape", [(16, 16), (10, 20)])
def test_enlarging_is_half_pixel_correct(shape: tuple[int, int]) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*shape, 1), dtype=np.uint8)
    reference = cv2.resize(image, (32, 32), interpolation=cv2.INTER_LINEAR)
    found = fit(image, 32)[:, :, 0].astype(int)
    assert np.abs(found - reference).max() <= 4  # warpAffine has fractions of 1/32 px
    assert np.abs(found - reference).mean() < 1.0


def test_shrinking_keeps_mean_and_frame() -> None:
    image = np.full((100, 60, 3), 200, np.uint8)
    assert fit(image, 28).shape == (28, 28, 3)
    assert (fit(image, 28) == 200).all()


def test_a_flat_list_depends_on_contents_alone(tmp_path: Path) -> None:
    write_images(tmp_path / "one", count=3)
    (tmp_path / "two" / "all").mkdir(parents=True)
    for number, file in enumerate(sorted((tmp_path / "one").rglob("*.png"), reverse=True)):
        (tmp_path / "two" / "all" / f"x{number}.png").write_bytes(file.read_bytes())
    (tmp_path / "two" / "again.png").write_bytes((tmp_path / "one/dot/0.png").read_bytes())
    one, two = (read_flat(tmp_path / name, 16, 0) for name in ("one", "two"))
    assert torch.equal(one.images, two.images)
    assert one.fingerprint == two.fingerprint
    assert (one.repeated, two.repeated) == (0, 1)
    assert one.labels.unique().tolist() == [0]
