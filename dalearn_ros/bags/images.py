"""From the bytes of image messages to BGR or depth arrays, without cv_bridge.

One table from ROS encodings to OpenCV conversions; ``step`` and ``is_bigendian`` are honoured.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]

# encoding -> (channels in memory, OpenCV conversion to BGR; None: already BGR)
_BYTES: dict[str, tuple[int, int | None]] = {
    "bgr8": (3, None),
    "8UC3": (3, None),
    "rgb8": (3, cv2.COLOR_RGB2BGR),
    "bgra8": (4, cv2.COLOR_BGRA2BGR),
    "8UC4": (4, cv2.COLOR_BGRA2BGR),
    "rgba8": (4, cv2.COLOR_RGBA2BGR),
    "mono8": (1, cv2.COLOR_GRAY2BGR),
    "8UC1": (1, cv2.COLOR_GRAY2BGR),
    # ROS names the first two pixels of the first row, OpenCV those of the second row and column.
    "bayer_rggb8": (1, cv2.COLOR_BayerBG2BGR),
    "bayer_bggr8": (1, cv2.COLOR_BayerRG2BGR),
    "bayer_gbrg8": (1, cv2.COLOR_BayerGR2BGR),
    "bayer_grbg8": (1, cv2.COLOR_BayerGB2BGR),
    "yuv422": (2, cv2.COLOR_YUV2BGR_UYVY),
    "uyvy": (2, cv2.COLOR_YUV2BGR_UYVY),
    "yuv422_yuy2": (2, cv2.COLOR_YUV2BGR_YUY2),
    "yuyv": (2, cv2.COLOR_YUV2BGR_YUY2),
}
# Luma rows, then half as many rows of colour: encoding -> conversion. Sides are even.
_PLANES = {"nv12": cv2.COLOR_YUV2BGR_NV12, "nv21": cv2.COLOR_YUV2BGR_NV21}
_WIDE = {"16UC1": "mono8", "16UC3": "bgr8", "16UC4": "bgra8"}
DEPTH_ENCODINGS = ("32FC1", "16UC1")
PNG = b"\x89PNG\r\n\x1a\n"
_SCAN, _END = 0xDA, b"\xff\xd9"  # markers of a JPEG


class ImageFault(Exception):
    """An image that cannot be used; ``reason`` is the key under which it is counted."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


def decode_raw(
    data: Any,
    height: int,
    width: int,
    encoding: str,
    step: int,
    is_bigendian: bool = False,
    out: Image | None = None,
) -> Image:
    """BGR image of a sensor_msgs/Image, in one pass over its bytes (two where they are 16 bit).

    Args:
        data: Its bytes (anything with a buffer); they are not copied before the conversion.
        height: Rows.
        width: Columns.
        encoding: As in sensor_msgs/image_encodings. Of 16 bits the upper 8 are taken.
        step: Bytes from one row to the next; may be larger than the row (padding).
        is_bigendian: Byte order of encodings with 16 bits.
        out: (H, W, 3) uint8 that gets the image, such as a part of a network's input; rows may
            be apart, the pixels of a row are not. None: memory of its own.

    Returns:
        (H, W, 3) uint8, BGR: ``out`` if it is given; else a view of ``data`` if that is BGR.

    Raises:
        ImageFault: Unknown encoding (``encoding``) or too few bytes (``truncated``).
    """
    pixels, conversion = _memory(data, height, width, encoding, step, is_bigendian)
    if conversion is not None:
        return np.asarray(cv2.cvtColor(pixels, conversion, dst=out), dtype=np.uint8)
    if out is None:
        return pixels
    np.copyto(out, pixels)
    return out


def _memory(
    data: Any, height: int, width: int, encoding: str, step: int, is_bigendian: bool
) -> tuple[Image, int | None]:
    """A view of the pixels as OpenCV takes them, and the conversion to BGR; None: they are BGR."""
    if encoding in _PLANES:
        if height % 2 or width % 2:
            text = f"{encoding} needs even sides, found {width}x{height} pixels"
            raise ImageFault("truncated", text)
        return _rows(data, height + height // 2, width, step), _PLANES[encoding]
    wide = encoding in _WIDE or encoding.endswith("16")
    eight = _WIDE.get(encoding, f"{encoding[:-2]}8") if wide else encoding
    if eight not in _BYTES:
        known = f"known are {', '.join([*_BYTES, *_PLANES])}, and those that end in 8 with 16"
        raise ImageFault("encoding", f"image encoding '{encoding}' is not supported; {known}")
    channels, conversion = _BYTES[eight]
    if wide:
        both = _rows(data, height, width * channels * 2, step)
        rows = np.ascontiguousarray(both[:, 0 if is_bigendian else 1 :: 2])
    else:
        rows = _rows(data, height, width * channels, step)
    if channels == 1:
        return rows, conversion
    return rows.reshape(height, width, channels), conversion  # still a view


def decode_depth(
    data: Any,
    height: int,
    width: int,
    encoding: str,
    step: int,
    is_bigendian: bool = False,
) -> npt.NDArray[np.float32]:
    """Depth (H, W) in metres along the optical axis (REP 118): ``32FC1`` m or ``16UC1`` mm.

    No measurement (0, NaN, infinity) stays as it is.

    Raises:
        ImageFault: Another encoding (``encoding``) or too few bytes (``truncated``).
    """
    order = ">" if is_bigendian else "<"
    if encoding == "32FC1":
        metres = _rows(data, height, width * 4, step).view(f"{order}f4")
        in_metres: npt.NDArray[np.float32] = np.asarray(metres, dtype=np.float32)
        return in_metres
    if encoding == "16UC1":
        millimetres = _rows(data, height, width * 2, step).view(f"{order}u2")
        scaled: npt.NDArray[np.float32] = np.float32(0.001) * millimetres.astype(np.float32)
        return scaled
    raise ImageFault("encoding", f"depth encoding '{encoding}' is not supported")


def decode_compressed(encoded: bytes) -> Image:
    """BGR image (H, W, 3) of a JPEG or PNG file.

    Raises:
        ImageFault: Half-written (``truncated``) or not an image (``undecodable``).
    """
    check_complete(encoded)
    try:
        image = cv2.imdecode(np.frombuffer(encoded, dtype=np.uint8), cv2.IMREAD_COLOR)
    except (cv2.error, MemoryError) as error:  # such as more pixels than OpenCV allows
        text = str(error).strip().splitlines()[-1:] or ["too little memory"]
        raise ImageFault(
            "undecodable", f"the compressed image cannot be decoded: {text[0]}"
        ) from None
    if image is None:
        raise ImageFault("undecodable", "the compressed image cannot be decoded")
    return np.asarray(image, dtype=np.uint8)


def check_complete(encoded: bytes) -> None:
    """Raise ImageFault if a JPEG or PNG lacks its beginning or its end."""
    if encoded[:2] == b"\xff\xd8":
        if _END not in encoded[-32:] and not _ends_before_its_tail(encoded):
            raise ImageFault("truncated", "the JPEG has no end: it is half-written")
    elif encoded[:8] == PNG:
        if b"IEND" not in encoded[-16:]:
            raise ImageFault("truncated", "the PNG has no end: it is half-written")
    elif not encoded:
        raise ImageFault("truncated", "the compressed image is empty")


def coded_size(encoded: bytes) -> tuple[int, int] | None:
    """(width, height) from the header of a JPEG or PNG, without decoding; None if it is neither."""
    if encoded[:8] == PNG and len(encoded) >= 24:
        width, height = struct.unpack(">II", encoded[16:24])
        return width, height
    return jpeg_size(encoded)


def jpeg_size(encoded: bytes) -> tuple[int, int] | None:
    """(width, height) from a JPEG's header without decoding it; None if it is no JPEG."""
    for marker, at in _segments(encoded):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC) and at + 9 <= len(encoded):
            height, width = struct.unpack(">HH", encoded[at + 5 : at + 9])
            return width, height
    return None


def _segments(encoded: bytes) -> Iterator[tuple[int, int]]:
    """Marker and place of each segment of a JPEG's header, up to the start of the picture."""
    at = 2 if encoded[:2] == b"\xff\xd8" else len(encoded)
    while at + 4 <= len(encoded) and encoded[at] == 0xFF:
        marker = encoded[at + 1]
        if marker == 0xFF or marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 1 if marker == 0xFF else 2
            continue
        yield marker, at
        if marker == _SCAN:
            return
        at += 2 + int.from_bytes(encoded[at + 2 : at + 4], "big")


def _ends_before_its_tail(encoded: bytes) -> bool:
    """Is the picture whole, with something else behind it, as telephones append?

    Its end is looked for after its start: a preview in the header has an end of its own.
    """
    start = next((at for marker, at in _segments(encoded) if marker == _SCAN), len(encoded))
    return encoded.find(_END, start) >= 0


def _rows(data: Any, height: int, row: int, step: int) -> Image:
    """(H, row) uint8 view of rows of so many bytes, without their padding."""
    step = step or row
    found = memoryview(data).nbytes
    if height < 1 or row < 1 or step < row or found < step * (height - 1) + row:
        needed = f"{height} rows of {row} bytes (step {step})"
        raise ImageFault("truncated", f"{found} bytes are too few for {needed}")
    rows: Image = np.ndarray((height, row), np.uint8, data, strides=(step, 1))
    return rows
