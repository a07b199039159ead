"""Bytes of image messages become pixels, for every encoding that is claimed."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from dalearn_ros.bags.images import (
    ImageFault,
    check_complete,
    decode_compressed,
    decode_depth,
    decode_raw,
    jpeg_size,
)

BGR = np.random.default_rng(0).integers(0, 255, (6, 8, 3), dtype=np.uint8)


def _raw(pixels: np.ndarray, encoding: str, padding: int = 0) -> np.ndarray:
    """Decode pixels (H, W[, C]) sent with rows padded by some bytes."""
    height, width = pixels.shape[:2]
    rows = np.ascontiguousarray(pixels).view(np.uint8).reshape(height, -1)
    sent = np.concatenate([rows, np.full((height, padding), 77, np.uint8)], axis=1)
    return decode_raw(sent.tobytes(), height, width, encoding, sent.shape[1])


@pytest.mark.parametrize("padding", [0, 5])
@pytest.mark.parametrize(
    "encoding, order", [("bgr8", [0, 1, 2]), ("rgb8", [2, 1, 0]), ("8UC3", [0, 1, 2])]
)
def test_three_channels(encoding: str, order: list[int], padding: int) -> None:
    assert np.array_equal(_raw(BGR[..., order], encoding, padding), BGR)


@pytest.mark.parametrize("encoding, order", [("bgra8", [0, 1, 2]), ("rgba8", [2, 1, 0])])
def test_four_channels(encoding: str, order: list[int]) -> None:
    with_alpha = np.dstack([BGR[..., order], np.full((6, 8), 9, np.uint8)])
    assert np.array_equal(_raw(with_alpha, encoding), BGR)


def test_grey_of_8_and_16_bits() -> None:
    grey = BGR[..., 0]
    assert np.array_equal(_raw(grey, "mono8", 3), np.dstack([grey] * 3))
    wide = grey.astype(np.uint16) * 256 + 200
    assert np.array_equal(_raw(wide, "mono16"), np.dstack([grey] * 3))
    big = wide.astype(">u2")
    found = decode_raw(big.tobytes(), 6, 8, "mono16", 16, is_bigendian=True)
    assert np.array_equal(found[..., 0], grey)


@pytest.mark.parametrize("encoding", ["bayer_rggb", "bayer_gbrg", "rgb", "bgra", "mono"])
@pytest.mark.parametrize("big", [False, True])
def test_of_16_bits_the_upper_8_are_taken(encoding: str, big: bool) -> None:
    shape = {"rgb": (6, 8, 3), "bgra": (6, 8, 4)}.get(encoding, (6, 8))
    eight = np.random.default_rng(1).integers(0, 255, shape, dtype=np.uint8)
    wide = (eight.astype(np.uint16) * 256 + 200).astype(">u2" if big else "<u2")
    step = wide[0].nbytes
    found = decode_raw(wide.tobytes(), 6, 8, f"{encoding}16", step, is_bigendian=big)
    assert np.array_equal(found, _raw(eight, f"{encoding}8"))


def test_an_unknown_encoding_is_told_with_the_known_ones() -> None:
    with pytest.raises(ImageFault, match=r"'nv12' is not supported; known are bgr8, .*rggb8"):
        _raw(BGR, "nv12")


@pytest.mark.parametrize(
    "encoding, tile",
    [
        ("bayer_rggb8", "rggb"),
        ("bayer_bggr8", "bggr"),
        ("bayer_gbrg8", "gbrg"),
        ("bayer_grbg8", "grbg"),
    ],
)
def test_bayer_names_are_those_of_ros(encoding: str, tile: str) -> None:
    """A picture of one colour gives that colour back if the four letters are read as ROS does."""
    colour = {"b": 40, "g": 120, "r": 220}
    mosaic = np.zeros((8, 8), np.uint8)
    for place, letter in enumerate(tile):
        mosaic[place // 2 :: 2, place % 2 :: 2] = colour[letter]
    assert np.array_equal(_raw(mosaic, encoding)[4, 4], [40, 120, 220])


@pytest.mark.parametrize("encoding, order", [("yuv422", [1, 0]), ("yuv422_yuy2", [0, 1])])
def test_yuv(encoding: str, order: list[int]) -> None:
    grey = np.dstack([np.full((4, 4), 90, np.uint8), np.full((4, 4), 128, np.uint8)])
    found = _raw(grey[..., order], encoding)  # luma 90, no colour
    assert found.std(axis=2).max() == 0
    assert abs(int(found[0, 0, 0]) - 86) <= 2  # (90 - 16) * 1.164


@pytest.mark.parametrize(
    "arguments, reason",
    [
        ((b"\0" * 10, 6, 8, "bgr8", 24), "truncated"),
        ((b"\0" * 144, 6, 8, "bgr8", 3), "truncated"),
        ((b"\0" * 144, 6, 8, "jpeg2000", 24), "encoding"),
    ],
)
def test_a_bad_image_has_a_reason(arguments: tuple, reason: str) -> None:
    with pytest.raises(ImageFault) as caught:
        decode_raw(*arguments)
    assert caught.value.reason == reason


def test_depth_in_metres() -> None:
    metres = np.array([[1.5, np.nan], [0.0, 80.25]], np.float32)
    found = decode_depth(metres.tobytes(), 2, 2, "32FC1", 8)
    assert np.array_equal(found, metres, equal_nan=True)
    millimetres = np.array([[1500, 0]], ">u2")
    found = decode_depth(millimetres.tobytes(), 1, 2, "16UC1", 4, is_bigendian=True)
    assert found.tolist() == [[pytest.approx(1.5), 0.0]]
    with pytest.raises(ImageFault):
        decode_depth(b"\0" * 8, 1, 2, "bgr8", 8)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_a_half_written_file_is_noticed(suffix: str) -> None:
    picture = np.random.default_rng(1).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    encoded = cv2.imencode(suffix, picture)[1].tobytes()
    assert decode_compressed(encoded).shape == (40, 60, 3)
    for part in (len(encoded) // 2, len(encoded) - 20, 0):
        with pytest.raises(ImageFault) as caught:
            check_complete(encoded[:part])
        assert caught.value.reason == "truncated"


def test_what_a_telephone_appends_does_not_make_a_jpeg_half_written() -> None:
    picture = np.random.default_rng(1).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    encoded = cv2.imencode(".jpg", picture)[1].tobytes()
    check_complete(encoded + b"trailer of some maker" * 10)
    # A preview in the header ends, but the picture itself does not.
    preview = cv2.imencode(".jpg", picture[:8, :8])[1].tobytes()
    header = b"\xff\xe1" + (len(preview) + 2).to_bytes(2, "big") + preview
    for share in (0.5, 0.9):
        half = encoded[:2] + header + encoded[2 : int(share * len(encoded))]
        with pytest.raises(ImageFault, match="half-written"):
            check_complete(half)
    check_complete(encoded[:2] + header + encoded[2:] + b"0" * 100)


def test_what_is_no_image_is_noticed() -> None:
    with pytest.raises(ImageFault) as caught:
        decode_compressed(b"hello, world")
    assert caught.value.reason == "undecodable"


@pytest.mark.parametrize("flags", [[], [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]])
def test_size_of_a_jpeg_without_decoding(flags: list[int]) -> None:
    encoded = cv2.imencode(".jpg", np.zeros((123, 77, 3), np.uint8), flags)[1].tobytes()
    assert jpeg_size(encoded) == (77, 123)
    assert jpeg_size(b"\x89PNG") is None
    assert jpeg_size(encoded[:20]) is None
