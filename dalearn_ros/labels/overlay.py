"""Labels drawn on their image, for people to judge."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels

Image = npt.NDArray[np.uint8]
COLOURS = (  # BGR, one a class
    (128, 128, 128), (0, 215, 255), (0, 0, 255), (255, 128, 0), (255, 0, 255), (0, 255, 0),
    (255, 255, 0), (0, 128, 255), (128, 255, 128), (255, 128, 255),
)  # fmt: skip
GREY = (150, 150, 150)


def draw_labels(image: Image, labels: Labels, space: LabelSpace) -> Image:
    """A copy of an image with outlines, reference points, class names and distances.

    Args:
        image: (H, W, 3) uint8 BGR.
        labels: What to draw; `ignore` is drawn thin and grey.
        space: Names of the classes.
    """
    picture = np.array(image, dtype=np.uint8, copy=True)
    for i in range(len(labels)):
        class_id, ignored = int(labels.class_id[i]), bool(labels.ignore[i])
        colour = GREY if ignored else COLOURS[class_id % len(COLOURS)]
        outline = np.rint(np.asarray(labels.outlines_px[i]) * 8).astype(np.int32)
        cv2.polylines(picture, [outline], True, colour, 1, cv2.LINE_AA, shift=3)
        if ignored:
            continue
        u, v = (round(float(x)) for x in labels.point_px[i])
        cv2.drawMarker(picture, (u, v), (255, 255, 255), cv2.MARKER_CROSS, 11, 3)
        cv2.drawMarker(picture, (u, v), colour, cv2.MARKER_CROSS, 9, 1)
        distance = float(labels.range_m[i])
        text = space.names[class_id] + (f" {distance:.0f} m" if np.isfinite(distance) else "")
        for width, ink in ((3, (0, 0, 0)), (1, colour)):
            cv2.putText(
                picture, text, (u + 7, v - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.42, ink, width,
                cv2.LINE_AA,
            )  # fmt: skip
    return picture
