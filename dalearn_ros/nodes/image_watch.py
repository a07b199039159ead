"""What is odd about the images of one camera: stamps, sizes, a calibration that does not fit."""

from __future__ import annotations

from collections import Counter

from dalearn_ros.geometry.camera import Camera

TOLD_FOR = 100  # images; so long a sentence stays after what it tells of
ZERO_STAMP, BACKWARDS, OTHER_SIZE = "zero_stamp", "time_backwards", "other_size"
CAMERA_INFO = "camera_info"


class ImageWatch:
    """Looks at stamp and size of each image. Odd images are used; a sentence tells of them.

    Attributes:
        counts: How many images were odd, by matter.
    """

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self._told: dict[str, tuple[int, str]] = {}
        self._number = 0
        self._stamp_ns = 0
        self._size: tuple[int, int] | None = None

    def look(self, stamp_ns: int, size: tuple[int, int], camera: Camera | None) -> bool:
        """Look at the next image.

        Args:
            stamp_ns: Of the image.
            size: (width, height) of the image.
            camera: What camera_info says; None: none came.

        Returns:
            Whether the calibration belongs to images of this size.
        """
        self._number += 1
        before, was = self._stamp_ns, self._size
        self._stamp_ns, self._size = stamp_ns, size
        if stamp_ns == 0:
            self._tell(ZERO_STAMP, "images have no stamp (zero): no pose can be found for them")
        elif stamp_ns < before:
            back = (before - stamp_ns) * 1e-9
            text = f"the stamp of an image is {back:.3g} s before that of the last one"
            self._tell(BACKWARDS, f"{text}: was a bag started anew, or do two senders share it?")
        if was is not None and size != was:
            text = f"images of {was[0]}x{was[1]} and of {size[0]}x{size[1]} pixels come"
            self._tell(OTHER_SIZE, f"{text} on one topic: do two senders share it?")
        fits = camera is None or size == (camera.width, camera.height)
        if camera is not None and not fits:
            text = f"camera_info belongs to {camera.width}x{camera.height} pixels, the image has"
            hint = "no x y z and no depth are published"
            self._tell(CAMERA_INFO, f"{text} {size[0]}x{size[1]}: {hint}")
        return fits and camera is not None

    def sentences(self) -> dict[str, str]:
        """The sentence about each matter; empty when it is over."""
        return {
            matter: text if self._number - number < TOLD_FOR else ""
            for matter, (number, text) in self._told.items()
        }

    def _tell(self, matter: str, text: str) -> None:
        self.counts[matter] += 1
        self._told[matter] = self._number, text
