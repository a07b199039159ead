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
from dalearn_ros.bags.pictures import fit_depth

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
    with pytest.raises(ImageFault, match=r"'jpeg2000' is not supported; known are bgr8, .*rggb8"):
        _raw(BGR, "jpeg2000")


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


def _planes(height: int, width: int) -> np.ndarray:
    """Rows of luma, then half as many of colour, as nv12 has them."""
    return np.random.default_rng(2).integers(16, 235, (height * 3 // 2, width), dtype=np.uint8)


@pytest.mark.parametrize("encoding", ["nv12", "nv21"])
@pytest.mark.parametrize("padding", [0, 6])
def test_luma_and_colour_in_planes(encoding: str, padding: int) -> None:
    """BT.601, limited range, by hand: the colour of a pixel is that of its block of 2 x 2."""
    planes = _planes(4, 6)
    sent = np.pad(planes, ((0, 0), (0, padding)), constant_values=7)
    found = decode_raw(sent.tobytes(), 4, 6, encoding, sent.shape[1]).astype(float)
    blue_first = encoding == "nv12"
    for row, column in ((0, 0), (3, 5), (2, 1)):
        luma = 1.164 * (float(planes[row, column]) - 16.0)
        pair = planes[4 + row // 2, column // 2 * 2 :][:2].astype(float) - 128.0
        cb, cr = pair if blue_first else pair[::-1]
        expected = [luma + 2.018 * cb, luma - 0.813 * cr - 0.391 * cb, luma + 1.596 * cr]
        np.testing.assert_allclose(found[row, column], np.clip(expected, 0, 255), atol=2.5)


def test_planes_of_an_odd_size_are_refused() -> None:
    with pytest.raises(ImageFault, match="even sides"):
        decode_raw(bytes(99), 5, 6, "nv12", 6)


ALL = ["bgr8", "rgb8", "bgra8", "rgba8", "mono8", "mono16", "16UC1", "bayer_rggb8", "bayer_grbg16",
       "yuv422", "yuyv", "nv12", "rgb16"]  # fmt: skip


@pytest.mark.parametrize("encoding", ALL)
@pytest.mark.parametrize("padding", [0, 6])
def test_an_image_is_written_into_a_given_place(encoding: str, padding: int) -> None:
    """The same pixels as without a place, and nothing beside it is touched."""
    pixel = {"bgra8": 4, "rgba8": 4, "bgr8": 3, "rgb8": 3, "rgb16": 6}.get(encoding, 1)
    pixel = 2 if encoding in ("mono16", "16UC1", "bayer_grbg16", "yuv422", "yuyv") else pixel
    rows = 9 if encoding == "nv12" else 6
    step = 8 * pixel + padding
    data = np.random.default_rng(3).integers(0, 255, rows * step, dtype=np.uint8).tobytes()
    room = np.full((16, 32, 3), 99, np.uint8)
    found = decode_raw(data, 6, 8, encoding, step, out=room[:6, :8])
    assert np.shares_memory(found, room)
    expected = decode_raw(data, 6, 8, encoding, step)
    assert np.array_equal(room[:6, :8], expected)
    assert (room[6:] == 99).all() and (room[:, 8:] == 99).all()


def test_a_last_row_without_its_padding_is_whole() -> None:
    sent = np.pad(BGR.reshape(6, 24), ((0, 0), (0, 5))).tobytes()[:-5]
    assert np.array_equal(decode_raw(sent, 6, 8, "bgr8", 29), BGR)
    with pytest.raises(ImageFault, match="too few for 6 rows of 24 bytes"):
        decode_raw(sent[:-1], 6, 8, "bgr8", 29)


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


def test_a_depth_image_of_half_the_size_keeps_its_pixel_centres() -> None:
    small = np.arange(12, dtype=np.float32).reshape(3, 4)
    full = fit_depth(small, 8, 6)
    assert full is not None
    np.testing.assert_array_equal(full, np.repeat(np.repeat(small, 2, axis=0), 2, axis=1))
    assert fit_depth(small, 4, 3) is small


def test_a_depth_image_of_another_shape_is_another_view() -> None:
    assert fit_depth(np.ones((480, 640), np.float32), 1280, 720) is None
    assert fit_depth(np.ones((0, 4), np.float32), 1280, 720) is None
