"""The detector on a camera: ros2 launch dalearn_ros detector.launch.py image:=/camera/image_raw."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode
from launch_ros.substitutions import FindPackageShare


def generate_launch_description() -> LaunchDescription:
    config = PathJoinSubstitution([FindPackageShare("dalearn_ros"), "config", "detector.yaml"])
    image = LaunchConfiguration("image")
    return LaunchDescription(
        [
            DeclareLaunchArgument("image", default_value="/camera/image_raw"),
            DeclareLaunchArgument("camera_info", default_value="/camera/camera_info"),
            DeclareLaunchArgument("image_transport", default_value="raw"),
            DeclareLaunchArgument("model", default_value=""),
            DeclareLaunchArgument("params", default_value=config),
            LifecycleNode(
                package="dalearn_ros",
                executable="landmark_detector",
                name="landmark_detector",
                namespace="",
                output="screen",
                parameters=[
                    LaunchConfiguration("params"),
                    {
                        "model": LaunchConfiguration("model"),
                        "image_transport": LaunchConfiguration("image_transport"),
                    },
                ],
                remappings=[
                    ("~/input/image", image),
                    ("~/input/image/compressed", [image, "/compressed"]),
                    ("~/input/camera_info", LaunchConfiguration("camera_info")),
                ],
            ),
        ]
    )
