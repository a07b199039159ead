"""Detector and localizer on several cameras, one process and one inference for all of them.

ros2 launch dalearn_ros cameras.launch.py map:=/path/to/map cameras:=camera0,camera1

``{camera}`` in a topic stands for the camera's name; the defaults are those of Autoware's sensing.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.substitutions import FindPackageShare

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


def value(name: str, context: LaunchContext) -> str:
    """An argument's value."""
    return str(LaunchConfiguration(name).perform(context))


def nodes(context: LaunchContext) -> list[Node]:
    """The two nodes; how many topics they have depends on the cameras."""
    names = [name.strip() for name in value("cameras", context).split(",")]
    configs = PathJoinSubstitution([FindPackageShare("dalearn_ros"), "config"])
    image, info = value("image", context), value("camera_info", context)
    seen, used = [], []
    for name in names:
        topic, calibration = image.format(camera=name), info.format(camera=name)
        seen += [
            (f"~/input/{name}/image", topic),
            (f"~/input/{name}/image/compressed", f"{topic}/compressed"),
            (f"~/input/{name}/camera_info", calibration),
        ]
        used += [
            (f"~/input/{name}/landmarks", f"/landmark_detector/output/{name}/landmarks"),
            (f"~/input/{name}/camera_info", calibration),
        ]
    detector = LifecycleNode(
        package="dalearn_ros",
        executable="landmark_detector",
        name="landmark_detector",
        namespace="",
        output="screen",
        parameters=[
            PathJoinSubstitution([configs, "detector.yaml"]),
            {
                "cameras": names,
                "model": value("model", context),
                "backend": value("backend", context),
                "image_transport": value("image_transport", context),
            },
        ],
        remappings=seen,
    )
    localizer = Node(
        package="dalearn_ros",
        executable="landmark_localizer",
        name="landmark_localizer",
        output="screen",
        parameters=[
            PathJoinSubstitution([configs, "localizer.yaml"]),
            {
                "cameras": names,
                "map": value("map", context),
                "pose_type": value("pose_type", context),
            },
        ],
        remappings=[
            *used,
            ("~/input/pose", value("pose", context)),
            ("~/input/odometry", value("odometry", context)),
            ("~/input/initialpose", value("initialpose", context)),
            ("~/output/pose_with_covariance", value("estimate", context)),
        ],
    )
    return [detector, localizer]


def generate_launch_description() -> LaunchDescription:
    arguments = [
        DeclareLaunchArgument(name, default_value=default) for name, default in ARGUMENTS.items()
    ]
    return LaunchDescription(
        [
            DeclareLaunchArgument("map", description="map folder or .osm file"),
            *arguments,
            OpaqueFunction(function=nodes),
        ]
    )
