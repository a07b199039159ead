"""Maps that were drawn elsewhere."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from dalearn_ros.attention.import_maps import import_map
from dalearn_ros.attention.teacher_maps import TeacherMaps
from dalearn_ros.core.digests import sha256_of
from dalearn_ros.core.errors import InputError


@pytest.fixture
def image(tmp_path: Path) -> Path:
    file = tmp_path / "image.png"
    assert cv2.imwrite(str(file), np.zeros((20, 32, 3), np.uint8))
    return file


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_drawn_map_of_another_size(tmp_path: Path, image: Path, dtype: type) -> None:
    full = np.iinfo(dtype).max
    drawn = np.zeros((40, 64), dtype)
    drawn[:, :32] = full  # the left half
    drawn[:8, 32:36] = full  # a quarter of a cell of 8 image pixels
    assert cv2.imwrite(str(tmp_path / "drawn.png"), drawn)
    found = import_map(image, tmp_path / "drawn.png", (3, 4), (32.0, 24.0), "Ada", "by hand")
    expected = np.zeros((3, 4))
    expected[:2, :2], expected[2, :2], expected[0, 2] = 1.0, 0.5, 0.125
    assert np.allclose(found.attention, expected, atol=1e-4)
    assert (found.made, found.note, found.size_px) == ("imported", "by hand", (32, 20))
    written = TeacherMaps(tmp_path / "edits").write(found)
    assert written.digest == sha256_of(image)


def test_what_is_clear_is_no_attention_and_the_proportions_are_the_images(
    tmp_path: Path, image: Path
) -> None:
    drawn = np.full((20, 32, 4), 255, np.uint8)
    drawn[:, 16:, 3] = 0
    assert cv2.imwrite(str(tmp_path / "clear.png"), drawn)
    found = import_map(image, tmp_path / "clear.png", (5, 4), (32.0, 20.0), "Ada", "by hand")
    assert np.array_equal(found.attention, np.broadcast_to([1, 1, 0, 0], (5, 4)))
    assert cv2.imwrite(str(tmp_path / "tall.png"), np.zeros((32, 20), np.uint8))
    with pytest.raises(InputError, match="32 x 20, found 20 x 32"):
        import_map(image, tmp_path / "tall.png", (5, 4), (32.0, 20.0), "Ada", "by hand")


def test_colours_damage_and_a_missing_note(tmp_path: Path, image: Path) -> None:
    colours = tmp_path / "colours.png"
    cv2.imwrite(str(colours), np.random.default_rng(0).integers(0, 9, (4, 4, 3)).astype(np.uint8))
    with pytest.raises(InputError, match="expected a grey picture of 8 or 16 bits"):
        import_map(image, colours, (3, 4), (32.0, 24.0), "Ada", "by hand")
    with pytest.raises(InputError, match="cannot be decoded"):
        import_map(image, Path(__file__), (3, 4), (32.0, 24.0), "Ada", "by hand")
    with pytest.raises(InputError, match="cannot be read"):
        import_map(image, tmp_path / "none.png", (3, 4), (32.0, 24.0), "Ada", "by hand")
    with pytest.raises(InputError, match="needs a note"):
        import_map(image, image, (3, 4), (32.0, 24.0), "Ada", " ")


def test_a_turned_photograph_is_as_everybody_sees_it(tmp_path: Path) -> None:
    file = tmp_path / "phone.jpg"
    encoded = cv2.imencode(".jpg", np.zeros((20, 32, 3), np.uint8))[1].tobytes()
    # Exif, big-endian, one entry: tag 0x0112 (orientation), short, once, 6: a quarter turn
    entry = bytes.fromhex("0112000300000001000600000000")
    tiff = b"MM\x00*\x00\x00\x00\x08\x00\x01" + entry + bytes(2)
    block = b"Exif\x00\x00" + tiff
    size = (len(block) + 2).to_bytes(2, "big")
    file.write_bytes(encoded[:2] + b"\xff\xe1" + size + block + encoded[2:])
    assert cv2.imread(str(file)).shape[:2] == (32, 20)
    assert cv2.imwrite(str(tmp_path / "drawn.png"), np.full((64, 40), 255, np.uint8))
    found = import_map(file, tmp_path / "drawn.png", (4, 3), (24.0, 32.0), "Ada", "by hand")
    assert found.size_px == (20, 32)
