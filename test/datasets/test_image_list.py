"""The flat list of target images: names and labels change nothing, what is bad is counted."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from helpers.small_drive import jpeg, write_bag
from helpers.tiny_training import write_dataset

from dalearn_ros.bags.writer import BagWriter
from dalearn_ros.core.errors import BagError, DatasetError
from dalearn_ros.datasets.image_list import ImageList, image_files, left_out_lines

_opened: list[str] | None = None


def _hook(event: str, args: tuple[object, ...]) -> None:
    if event == "open" and _opened is not None:
        _opened.append(str(args[0]))


@pytest.fixture
def opened() -> Iterator[list[str]]:
    """Every file that is opened from here on."""
    global _opened
    if not hasattr(sys, "_watched_by_image_list"):
        sys.addaudithook(_hook)  # cannot be taken off again
        sys._watched_by_image_list = True  # type: ignore[attr-defined]
    _opened = []
    yield _opened
    _opened = None


def _write(path: Path, seed: int, size: tuple[int, int] = (40, 24), grey: bool = False) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    shape = size[::-1] if grey else (*size[::-1], 3)
    picture = np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)
    assert cv2.imwrite(str(path), picture)
    return path


def _content(images: ImageList) -> list[tuple[str, bytes]]:
    return [(images.digest(i), images.image(i).tobytes()) for i in range(len(images))]


def test_renaming_moving_and_merging_change_nothing(tmp_path: Path) -> None:
    for seed in range(8):
        _write(tmp_path / f"one/{'ab'[seed % 2]}/{seed}.png", seed)
    before = ImageList.open([tmp_path / "one"])
    for seed in range(8):  # reversed names, all in two other folders
        source = tmp_path / f"one/{'ab'[seed % 2]}/{seed}.png"
        target = tmp_path / f"{'xyz'[seed % 3]}/deep/{9 - seed}.PNG"
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    after = ImageList.open([tmp_path / name for name in "zyx"])
    assert _content(after) == _content(before)
    assert after.fingerprint == before.fingerprint
    digests = [before.digest(i) for i in range(8)]
    assert digests == sorted(digests) and len(set(digests)) == 8


def test_of_a_dataset_only_the_images_are_opened(tmp_path: Path, opened: list[str]) -> None:
    folder = write_dataset(tmp_path / "data")
    _write(folder / "audit" / "drawn.jpg", 1)
    before = ImageList.open([folder])
    for name in ("annotations.json", "dataset.json"):
        (folder / name).write_text("scrambled")
    opened.clear()
    for inputs in ([folder], [tmp_path]):  # named itself, or found in a folder
        after = ImageList.open(inputs)
        assert _content(after) == _content(before)
        assert [after.size(i) for i in range(len(after))] == [(128, 96)] * len(after)
    assert any("images" in name for name in opened)  # the watch works
    assert not [name for name in opened if name.endswith(".json") or "audit" in name]


def test_sizes_channels_and_formats_may_differ(tmp_path: Path) -> None:
    _write(tmp_path / "a.png", 1, (31, 17), grey=True)
    for number, suffix in enumerate(("jpg", "bmp", "webp", "tiff", "JPEG")):
        _write(tmp_path / f"{number}.{suffix}", number, (32 + number, 20))
    (tmp_path / "notes.txt").write_text("no image")
    _write(tmp_path / ".hidden.png", 9)
    images = ImageList.open([tmp_path])
    assert len(images) == 6 and images.left_out == {}
    sizes = set()
    for i in range(6):
        image = images.image(i)
        assert image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3
        assert images.size(i) == image.shape[1::-1]
        sizes.add(images.size(i))
        if images.name(i).endswith("a.png"):
            assert (image[..., 0] == image[..., 2]).all()
    assert len(sizes) == 6


def test_a_turned_photo_has_the_size_that_it_is_decoded_to(tmp_path: Path) -> None:
    encoded = jpeg(1, (40, 24))
    exif = (
        b"Exif\0\0" + b"II*\0\x08\0\0\0\x01\0" + b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0" + b"\0" * 4
    )
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    (tmp_path / "turned.jpg").write_bytes(encoded[:2] + segment + encoded[2:])
    images = ImageList.open([tmp_path])
    assert images.size(0) == (24, 40) == images.image(0).shape[1::-1]


def test_duplicates_and_unreadable_files_are_counted_by_reason(tmp_path: Path) -> None:
    _write(tmp_path / "a/1.png", 1)
    shutil.copy(tmp_path / "a/1.png", tmp_path / "a/2.png")
    (tmp_path / "cut.jpg").write_bytes(jpeg(2)[:500])
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    os.symlink(tmp_path, tmp_path / "a" / "back")  # a circle ends
    images = ImageList.open([tmp_path])
    names = {reason: [Path(n).name for n in group] for reason, group in images.left_out.items()}
    assert names == {
        "duplicate": ["2.png"],
        "truncated": ["cut.jpg", "empty.png"],
        "undecodable": ["text.jpg"],
        "unreadable": ["gone.jpg"],
    }
    assert images.name(0).endswith("1.png") and len(images) == 1
    assert left_out_lines(images.left_out, 1)[0].startswith("2 truncated (")


def test_select_keeps_the_order_and_adds_reasons(tmp_path: Path) -> None:
    for seed in range(4):
        _write(tmp_path / f"{seed}.png", seed)
    images = ImageList.open([tmp_path])
    some = images.select([0, 3], {"blur": [images.name(1), images.name(2)]})
    assert [some.digest(i) for i in range(2)] == [images.digest(0), images.digest(3)]
    assert len(some.left_out["blur"]) == 2 and images.left_out == {}
    assert some.fingerprint != images.fingerprint


def test_what_vanishes_later_is_a_sentence(tmp_path: Path) -> None:
    file = _write(tmp_path / "1.png", 1)
    images = ImageList.open([file])
    file.unlink()
    with pytest.raises(DatasetError, match=r"1\.png: expected an image, found no such file"):
        images.image(0)


def test_bad_inputs_are_sentences(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="No images were given"):
        ImageList.open([])
    with pytest.raises(DatasetError, match="nowhere: there is no such folder"):
        ImageList.open([tmp_path / "nowhere"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(DatasetError, match="empty: expected images, found none"):
        ImageList.open([tmp_path / "empty"])
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(DatasetError, match=r"notes\.txt: expected a folder"):
        ImageList.open([tmp_path / "notes.txt"])
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/1.jpg").write_bytes(jpeg()[:300])
    with pytest.raises(DatasetError, match=r"can be read, found 1 truncated \(.*1\.jpg\)"):
        ImageList.open([tmp_path / "broken"])


def test_a_bag_becomes_files_once(tmp_path: Path) -> None:
    write_bag(tmp_path / "bag", 4, depth_m=5.0, broken=(2,))
    with pytest.raises(DatasetError, match="needs a folder for its images"):
        ImageList.open([tmp_path / "bag"])
    images = ImageList.open([tmp_path / "bag"], tmp_path / "files")
    wanted = {jpeg(number) for number in (0, 5, 15)}
    assert {images.path(i).read_bytes() for i in range(len(images))} == wanted
    assert images.left_out == {"truncated": ["/camera/image_raw/compressed at 200000000 ns"]}
    by_time = sorted(images.path(i) for i in range(3))
    assert [path.read_bytes() for path in by_time] == [jpeg(number) for number in (0, 5, 15)]

    shutil.move(tmp_path / "bag", tmp_path / "renamed")  # interrupted, then found elsewhere
    next((tmp_path / "files").rglob("extracted.json")).unlink()
    by_time[1].unlink()
    kept = by_time[0].stat().st_mtime_ns
    again = ImageList.open([tmp_path / "renamed"], tmp_path / "files")
    assert _content(again) == _content(images) and again.left_out == images.left_out
    assert by_time[0].stat().st_mtime_ns == kept

    by_time[2].unlink()  # done: the bag's images are not read again
    assert len(ImageList.open([tmp_path / "renamed"], tmp_path / "files")) == 2
    with pytest.raises(BagError, match="images on /other"):
        ImageList.open([tmp_path / "renamed"], tmp_path / "files", "/other")


def test_raw_images_of_a_bag_become_png(tmp_path: Path) -> None:
    picture = np.random.default_rng(0).integers(0, 255, (12, 20, 3), dtype=np.uint8)
    with BagWriter(tmp_path / "bag") as bag:
        bag.image("/camera/image_raw", 5, picture, "rgb8", "camera")
        bag.image("/camera/image_raw", 5, picture[..., 0], "mono8", "camera")  # the same stamp
        bag.image("/camera/image_raw", 6, picture, "odd", "camera")
    images = ImageList.open([tmp_path / "bag"], tmp_path / "files", "/camera/image_raw")
    files = list(image_files(tmp_path / "files"))
    assert [file.suffix for file in files] == [".png"] * 2
    assert (cv2.imread(str(files[0])) == picture[..., ::-1]).all()
    assert images.left_out == {"encoding": ["/camera/image_raw at 6 ns"]}
