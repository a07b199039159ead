"""Detector and localizer on several cameras, one process and one inference for all of them.

ros2 launch dalearn_ros cameras.launch.py map:=/path/to/map cameras:=camera0,camera1

``{camera}`` in a topic stands for the camera's name; the defaults are those of Autoware's sensing.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import OpaqueFunction
from launch_ros.actions import Node

from dalearn_ros.nodes.launching import camera_topics, declared, detector, needed, node, value

ARGUMENTS = {
    "cameras": "camera0,camera1",
    "image": "/sensing/camera/{camera}/image_raw",
    "camera_info": "/sensing/camera/{camera}/camera_info",
    "image_transport": "raw",
    "model": "",
    "backend": "auto",
    "pose": "/localization/kinematic_state",
    "pose_type": "odometry",
    "odometry": "/odom",
    "initialpose": "/initialpose3d",
    "estimate": "/localization/pose_estimator/pose_with_covariance",
}


def nodes(context: LaunchContext) -> list[Node]:
    """The two nodes; how many topics they have depends on the cameras."""
    names = [name.strip() for name in value("cameras", context).split(",")]
    image, info = value("image", context), value("camera_info", context)
    seen, used = [], []
    for name in names:
        topic, calibration = image.format(camera=name), info.format(camera=name)
        seen += camera_topics(topic, calibration, f"~/input/{name}")
        used += [
            (f"~/input/{name}/landmarks", f"/landmark_detector/output/{name}/landmarks"),
            (f"~/input/{name}/camera_info", calibration),
        ]
    own = {
        "cameras": names,
        "model": value("model", context),
        "backend": value("backend", context),
        "image_transport": value("image_transport", context),
    }
    placed = {
        "cameras": names,
        "map": value("map", context),
        "pose_type": value("pose_type", context),
    }
    used += [
        ("~/input/pose", value("pose", context)),
        ("~/input/odometry", value("odometry", context)),
        ("~/input/initialpose", value("initialpose", context)),
        ("~/output/pose_with_covariance", value("estimate", context)),
    ]
    return [
        detector(own, seen),
        node("landmark_localizer", "localizer.yaml", placed, used),
    ]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription([*needed("map"), *declared(ARGUMENTS), OpaqueFunction(function=nodes)])
