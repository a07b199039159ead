"""Results as messages of the type store that writes bags, equal to those that the nodes publish."""

from __future__ import annotations

from typing import Any

import numpy as np

from dalearn_ros.bags.message_parts import MessageParts
from dalearn_ros.bags.observation_rows import (
    FIELDS,
    ROW,
    box_sizes_of,
    point_covariances_of,
    points_of,
    rows_of,
)
from dalearn_ros.geometry.camera import Camera
from dalearn_ros.geometry.transforms import Transform
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.types import Labels, Observations

LANDMARKS = "sensor_msgs/msg/PointCloud2"
DETECTIONS = "vision_msgs/msg/Detection2DArray"
LABEL_INFO = "vision_msgs/msg/LabelInfo"
ANNOTATIONS = "foxglove_msgs/msg/ImageAnnotations"
LINE_LOOP = 2
SEEN, TRUE, IGNORED = (0.24, 0.86, 0.31), (1.0, 0.65, 0.0), (0.67, 0.67, 0.67)  # red green blue


class ResultMessages(MessageParts):
    """Makes the messages of what was seen in an image."""

    def landmarks(self, found: Observations, frame_id: str, camera: Camera | None) -> Any:
        """sensor_msgs/PointCloud2 with the fields of :func:`rows_of`, 52 bytes a point."""
        rows, dense = rows_of(found, camera)
        fields = [
            self.make(
                "sensor_msgs/msg/PointField", name=name, offset=offset, datatype=kind, count=1
            )
            for name, offset, kind in FIELDS
        ]
        return self.make(
            LANDMARKS,
            header=self.header(found.stamp_ns, frame_id),
            height=1,
            width=len(rows),
            fields=fields,
            is_bigendian=False,
            point_step=ROW.itemsize,
            row_step=ROW.itemsize * len(rows),
            data=np.frombuffer(rows.tobytes(), np.uint8),
            is_dense=dense,
        )

    def detections(self, found: Observations, frame_id: str, camera: Camera | None) -> Any:
        """vision_msgs/Detection2DArray: a box of 6 sigma about each point, and its place."""
        header = self.header(found.stamp_ns, frame_id)
        points, covariances = points_of(found, camera), point_covariances_of(found, camera)
        sizes = box_sizes_of(found)
        made = []
        for row in range(len(found)):
            place, covariance = Transform.identity(), None
            if np.isfinite(points[row]).all():
                place = Transform(np.eye(3), points[row])
                covariance = np.zeros((6, 6))
                covariance[:3, :3] = covariances[row]
            hypothesis = self.make(
                "vision_msgs/msg/ObjectHypothesis",
                class_id=str(int(found.class_id[row])),
                score=float(found.score[row]),
            )
            opinion = self.make(
                "vision_msgs/msg/ObjectHypothesisWithPose",
                hypothesis=hypothesis,
                pose=self.pose_with_covariance_body(place, covariance),
            )
            track = int(found.track_id[row])
            one = self.make(
                "vision_msgs/msg/Detection2D",
                header=header,
                results=[opinion],
                bbox=self._box(found.point_px[row], sizes[row]),
                id=str(track) if track >= 0 else "",
            )
            made.append(one)
        return self.make(DETECTIONS, header=header, detections=made)

    def label_info(self, space: LabelSpace, threshold: float, stamp_ns: int) -> Any:
        """vision_msgs/LabelInfo: number and name of every class, and the score threshold."""
        classes = [
            self.make("vision_msgs/msg/VisionClass", class_id=i, class_name=name)
            for i, name in enumerate(space.names)
        ]
        header = self.header(stamp_ns, "")
        return self.make(LABEL_INFO, header=header, class_map=classes, threshold=float(threshold))

    def annotations(self, found: Observations, truth: Labels | None, space: LabelSpace) -> Any:
        """foxglove_msgs/ImageAnnotations: a ring and a text at each point, truth as outlines.

        Green is what was seen, orange the truth that counts, grey the truth that does not.
        Foxglove counts pixels from the corner of the first one, half a pixel before its centre.

        Args:
            found: In the pixels of the image.
            truth: The same; None: there is none.
            space: Names of the classes.
        """
        stamp = self.header(found.stamp_ns, "").stamp
        circles, texts, outlines = [], [], []
        for row in range(len(found)):
            at = self._point(found.point_px[row])
            text = f"{space.names[int(found.class_id[row])]} {found.score[row]:.2f}"
            circles.append(self._ring(stamp, at))
            texts.append(self._text(stamp, at, text))
        for row in range(0 if truth is None else len(truth)):
            assert truth is not None
            colour = self._colour(IGNORED if truth.ignore[row] else TRUE)
            outlines.append(self._outline(stamp, truth.outlines_px[row], colour))
        return self.make(ANNOTATIONS, circles=circles, points=outlines, texts=texts)

    def _box(self, centre: Any, size: Any) -> Any:
        u, v = (float(value) for value in centre)
        position = self.make("vision_msgs/msg/Point2D", x=u, y=v)
        pose = self.make("vision_msgs/msg/Pose2D", position=position, theta=0.0)
        width, height = (float(value) for value in size)
        return self.make("vision_msgs/msg/BoundingBox2D", center=pose, size_x=width, size_y=height)

    def _point(self, pixel: Any) -> Any:
        return self.make(
            "foxglove_msgs/msg/Point2", x=float(pixel[0]) + 0.5, y=float(pixel[1]) + 0.5
        )

    def _colour(self, rgb: tuple[float, float, float], opaque: float = 1.0) -> Any:
        red, green, blue = rgb
        return self.make("foxglove_msgs/msg/Color", r=red, g=green, b=blue, a=opaque)

    def _ring(self, stamp: Any, at: Any) -> Any:
        return self.make(
            "foxglove_msgs/msg/CircleAnnotation",
            timestamp=stamp,
            position=at,
            diameter=12.0,
            thickness=2.0,
            fill_color=self._colour(SEEN, 0.0),
            outline_color=self._colour(SEEN),
        )

    def _text(self, stamp: Any, at: Any, text: str) -> Any:
        return self.make(
            "foxglove_msgs/msg/TextAnnotation",
            timestamp=stamp,
            position=at,
            text=text,
            font_size=14.0,
            text_color=self._colour((1.0, 1.0, 1.0)),
            background_color=self._colour((0.0, 0.0, 0.0), 0.5),
        )

    def _outline(self, stamp: Any, polygon: Any, colour: Any) -> Any:
        return self.make(
            "foxglove_msgs/msg/PointsAnnotation",
            timestamp=stamp,
            type=LINE_LOOP,
            points=[self._point(corner) for corner in polygon if np.isfinite(corner).all()],
            outline_color=colour,
            outline_colors=[],
            fill_color=self._colour(TRUE, 0.0),
            thickness=1.0,
        )
