"""Message definitions that the type store lacks: vision_msgs 4, and Foxglove's annotations.

The field names and types are those of the packages, so that any reader of a bag knows them.
"""

from __future__ import annotations

from typing import Any

from rosbags.typesys import get_types_from_msg

COLOUR = "float64 r\nfloat64 g\nfloat64 b\nfloat64 a\n"
TEXTS = {
    "vision_msgs/msg/Point2D": "float64 x\nfloat64 y\n",
    "vision_msgs/msg/Pose2D": "Point2D position\nfloat64 theta\n",
    "vision_msgs/msg/BoundingBox2D": "Pose2D center\nfloat64 size_x\nfloat64 size_y\n",
    "vision_msgs/msg/ObjectHypothesis": "string class_id\nfloat64 score\n",
    "vision_msgs/msg/ObjectHypothesisWithPose": (
        "ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose\n"
    ),
    "vision_msgs/msg/Detection2D": (
        "std_msgs/Header header\nObjectHypothesisWithPose[] results\nBoundingBox2D bbox\n"
        "string id\n"
    ),
    "vision_msgs/msg/Detection2DArray": "std_msgs/Header header\nDetection2D[] detections\n",
    "vision_msgs/msg/VisionClass": "uint16 class_id\nstring class_name\n",
    "vision_msgs/msg/LabelInfo": (
        "std_msgs/Header header\nVisionClass[] class_map\nfloat32 threshold\n"
    ),
    "foxglove_msgs/msg/Color": COLOUR,
    "foxglove_msgs/msg/Point2": "float64 x\nfloat64 y\n",
    "foxglove_msgs/msg/CircleAnnotation": (
        "builtin_interfaces/Time timestamp\nPoint2 position\nfloat64 diameter\n"
        "float64 thickness\nColor fill_color\nColor outline_color\n"
    ),
    "foxglove_msgs/msg/PointsAnnotation": (
        "builtin_interfaces/Time timestamp\nuint8 UNKNOWN=0\nuint8 POINTS=1\nuint8 LINE_LOOP=2\n"
        "uint8 LINE_STRIP=3\nuint8 LINE_LIST=4\nuint8 type\nPoint2[] points\n"
        "Color outline_color\nColor[] outline_colors\nColor fill_color\nfloat64 thickness\n"
    ),
    "foxglove_msgs/msg/TextAnnotation": (
        "builtin_interfaces/Time timestamp\nPoint2 position\nstring text\nfloat64 font_size\n"
        "Color text_color\nColor background_color\n"
    ),
    "foxglove_msgs/msg/ImageAnnotations": (
        "CircleAnnotation[] circles\nPointsAnnotation[] points\nTextAnnotation[] texts\n"
    ),
}


def register(typestore: Any) -> None:
    """Teach a type store of ``rosbags`` the definitions that it lacks."""
    known: dict[str, Any] = {}
    for name, text in TEXTS.items():
        if name not in typestore.types:
            known.update(get_types_from_msg(text, name))
    typestore.register(known)
