"""Detector and localizer: ros2 launch dalearn_ros localization.launch.py map:=/path/to/map."""

from launch import LaunchDescription
from launch.substitutions import LaunchConfiguration

from dalearn_ros.nodes.launching import camera_topics, declared, detector, needed, node

ARGUMENTS = {
    "image": "/camera/image_raw",
    "camera_info": "/camera/camera_info",
    "image_transport": "raw",
    "model": "",
    "pose": "/localization/prior",
    "pose_type": "pose_with_covariance",
    "odometry": "/odom",
    "initialpose": "/initialpose",
}


def generate_launch_description() -> LaunchDescription:
    values = {name: LaunchConfiguration(name) for name in ("map", *ARGUMENTS)}
    return LaunchDescription(
        [
            *needed("map"),
            *declared(ARGUMENTS),
            detector(
                {name: values[name] for name in ("model", "image_transport")},
                camera_topics(values["image"], values["camera_info"]),
            ),
            node(
                "landmark_localizer",
                "localizer.yaml",
                {name: values[name] for name in ("map", "pose_type")},
                [
                    ("~/input/landmarks", "/landmark_detector/output/landmarks"),
                    ("~/input/pose", values["pose"]),
                    ("~/input/odometry", values["odometry"]),
                    ("~/input/initialpose", values["initialpose"]),
                    ("~/input/camera_info", values["camera_info"]),
                ],
            ),
        ]
    )
