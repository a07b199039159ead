"""A film of pictures, encoded by OpenCV."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.core.errors import InputError
from dalearn_ros.core.files import atomic_file

Image = npt.NDArray[np.uint8]
CODECS = ("avc1", "mp4v")  # H.264, which browsers play, or MPEG-4, which only players do
RATES_HZ = (1.0, 120.0)


@contextlib.contextmanager
def film(path: Path, rate_hz: float) -> Iterator[Film]:
    """A new ``.mp4`` file, whole when the block ends well, else absent.

    Args:
        path: The file.
        rate_hz: Pictures a second.

    Raises:
        InputError: It cannot be written, no picture came, or there is no encoder.
    """
    with atomic_file(path) as part:
        written = Film(part, path, rate_hz)
        try:
            yield written
        finally:
            written.close()
        if not part.is_file() or not part.stat().st_size:
            raise InputError(f"{path}: no picture came, so there is no film.")


class Film:
    """Takes pictures one by one; the first one gives the size.

    Args:
        part: Where to write.
        path: What to call it in sentences.
        rate_hz: Pictures a second.
    """

    def __init__(self, part: Path, path: Path, rate_hz: float) -> None:
        self._part, self._path = part, path
        self._rate_hz = float(np.clip(rate_hz, *RATES_HZ))
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)

    def add(self, image: Image) -> None:
        """Take the next picture, (H, W, 3) BGR; one of another size is scaled to that of the first.

        Raises:
            InputError: There is no encoder.
        """
        if self._writer is None:
            self._size = image.shape[1] & ~1, image.shape[0] & ~1  # encoders want even sides
            self._writer = self._opened()
        if image.shape[1::-1] != self._size:
            image = np.asarray(cv2.resize(image, self._size), np.uint8)
        self._writer.write(image)

    def close(self) -> None:
        """Write the end of the file."""
        if self._writer is not None:
            self._writer.release()

    def _opened(self) -> cv2.VideoWriter:
        for codec in CODECS:
            code = cv2.VideoWriter.fourcc(*codec)
            with _silent():
                writer = cv2.VideoWriter(
                    str(self._part), cv2.CAP_FFMPEG, code, self._rate_hz, self._size
                )
            if writer.isOpened():
                return writer
            writer.release()
        raise InputError(
            f"{self._path}: this OpenCV has no encoder for .mp4 ({' or '.join(CODECS)}). Install "
            "'opencv-python-headless' from pip, or write pictures with --overlays."
        )


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Without what FFmpeg prints about encoders that are not there."""
    before = os.dup(2)
    with open(os.devnull, "wb") as nothing:
        os.dup2(nothing.fileno(), 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
