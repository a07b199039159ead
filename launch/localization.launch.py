"""Detector and localizer: ros2 launch dalearn_ros localization.launch.py map:=/path/to/map."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.substitutions import FindPackageShare


def generate_launch_description() -> LaunchDescription:
    configs = PathJoinSubstitution([FindPackageShare("dalearn_ros"), "config"])
    image, info = LaunchConfiguration("image"), LaunchConfiguration("camera_info")
    return LaunchDescription(
        [
            DeclareLaunchArgument("map", description="map folder or .osm file"),
            DeclareLaunchArgument("image", default_value="/camera/image_raw"),
            DeclareLaunchArgument("camera_info", default_value="/camera/camera_info"),
            DeclareLaunchArgument("image_transport", default_value="raw"),
            DeclareLaunchArgument("model", default_value=""),
            DeclareLaunchArgument("pose", default_value="/localization/prior"),
            DeclareLaunchArgument("pose_type", default_value="pose_with_covariance"),
            DeclareLaunchArgument("odometry", default_value="/odom"),
            DeclareLaunchArgument("initialpose", default_value="/initialpose"),
            LifecycleNode(
                package="dalearn_ros",
                executable="landmark_detector",
                name="landmark_detector",
                namespace="",
                output="screen",
                parameters=[
                    PathJoinSubstitution([configs, "detector.yaml"]),
                    {
                        "model": LaunchConfiguration("model"),
                        "image_transport": LaunchConfiguration("image_transport"),
                    },
                ],
                remappings=[
                    ("~/input/image", image),
                    ("~/input/image/compressed", [image, "/compressed"]),
                    ("~/input/camera_info", info),
                ],
            ),
            Node(
                package="dalearn_ros",
                executable="landmark_localizer",
                name="landmark_localizer",
                output="screen",
                parameters=[
                    PathJoinSubstitution([configs, "localizer.yaml"]),
                    {
                        "map": LaunchConfiguration("map"),
                        "pose_type": LaunchConfiguration("pose_type"),
                    },
                ],
                remappings=[
                    ("~/input/landmarks", "/landmark_detector/output/landmarks"),
                    ("~/input/pose", LaunchConfiguration("pose")),
                    ("~/input/odometry", LaunchConfiguration("odometry")),
                    ("~/input/initialpose", LaunchConfiguration("initialpose")),
                    ("~/input/camera_info", info),
                ],
            ),
        ]
    )
