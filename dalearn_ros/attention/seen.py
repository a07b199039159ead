"""An image after one look of a model: its features, its map, a picture for people, the answer."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.attention.viewing import Answer, View, Viewer
from dalearn_ros.bags.images import ImageFault, decode_compressed
from dalearn_ros.coding.pixels import PixelMap
from dalearn_ros.core.errors import DatasetError

Image = npt.NDArray[np.uint8]
NETWORK_PIXELS = 9_000_000  # a larger image is reduced for the network
SHOWN_SIDE = 3072  # the longest side of a picture that the page gets
TINY_PIXELS = 128 * 128  # up to here a picture is sent without loss


@dataclass(frozen=True)
class Seen:
    """An image after one look.

    Attributes:
        index: Its number.
        digest: SHA-256 of its file.
        stamp: (modification time in ns, bytes) of the file when it was read.
        view: Features and map, of the image as the network got it.
        to_original: Pixels of that image to those of the file.
        size_px: (width, height) of the file's image.
        covered_px: (width, height) of it that the map covers.
        picture: The image for people: a JPEG, or a PNG if it is tiny.
        shown_px: (width, height) of that.
        before: Answer under the branch's own map.
    """

    index: int
    digest: str
    stamp: tuple[int, int]
    view: View
    to_original: PixelMap
    size_px: tuple[int, int]
    covered_px: tuple[float, float]
    picture: bytes
    shown_px: tuple[int, int]
    before: Answer

    @property
    def reduced(self) -> bool:
        """Whether the network got a smaller image than the file's."""
        return self.view.size_px != self.size_px

    @property
    def media(self) -> str:
        """Media type of the picture."""
        return "image/png" if self.picture[:4] == b"\x89PNG" else "image/jpeg"


def see(
    viewer: Viewer, encoded: bytes, file: Path, index: int, digest: str, stamp: tuple[int, int]
) -> Seen:
    """Let a model see an image.

    An image of more than 9 million pixels is reduced for the network, so that memory is bounded;
    its answers are given in the pixels of the file's image all the same.

    Args:
        viewer: The model.
        encoded: The file's bytes.
        file: Its name, for the error.
        index: The image's number.
        digest: SHA-256 of the bytes.
        stamp: (modification time in ns, bytes) of the file.

    Raises:
        DatasetError: The image cannot be decoded.
    """
    try:
        image = decode_compressed(encoded)
    except (ImageFault, cv2.error) as error:
        found = f"a file that cannot be decoded ({error})"
        raise DatasetError.at(file, "", "an image", found) from None
    height, width = image.shape[:2]
    for_network = _at_most(image, float(np.sqrt(NETWORK_PIXELS / (width * height))))
    view = viewer.see(for_network)
    across, down = width / for_network.shape[1], height / for_network.shape[0]
    to_original = PixelMap.resize(across, down)
    shown = _at_most(image, SHOWN_SIDE / max(width, height))
    return Seen(
        index=index,
        digest=digest,
        stamp=stamp,
        view=view,
        to_original=to_original,
        size_px=(width, height),
        covered_px=(view.covered_px[0] * across, view.covered_px[1] * down),
        picture=_encoded(shown),
        shown_px=(shown.shape[1], shown.shape[0]),
        before=in_original(viewer.answer(view), to_original),
    )


def _at_most(image: Image, scale: float) -> Image:
    """The image reduced by a factor; as it is if that is 1 or more."""
    if scale >= 1.0:
        return image
    size = max(1, int(image.shape[1] * scale)), max(1, int(image.shape[0] * scale))
    return np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)


def in_original(answer: Answer, to_original: PixelMap) -> Answer:
    """An answer in the pixels of the file's image."""
    found = answer.observations
    if found is None:
        return answer
    moved = dataclasses.replace(
        found,
        point_px=to_original.apply(found.point_px),
        covariance_px2=to_original.apply_covariance(found.covariance_px2),
    )
    return dataclasses.replace(answer, observations=moved)


def _encoded(image: Image) -> bytes:
    if image.shape[0] * image.shape[1] <= TINY_PIXELS:
        return cv2.imencode(".png", image)[1].tobytes()
    return cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 92])[1].tobytes()
