"""Score a running system: ros2 launch dalearn_ros evaluate.launch.py map:=MAP out:=results.

End it with Ctrl-C, or call the service /evaluator/finish; it then writes the results.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare


def generate_launch_description() -> LaunchDescription:
    config = PathJoinSubstitution([FindPackageShare("dalearn_ros"), "config", "evaluator.yaml"])
    return LaunchDescription(
        [
            DeclareLaunchArgument("map", description="map folder or .osm file"),
            DeclareLaunchArgument("out", default_value="evaluation"),
            DeclareLaunchArgument("manifest", default_value=""),
            DeclareLaunchArgument("image", default_value="/camera/image_raw"),
            DeclareLaunchArgument("camera_info", default_value="/camera/camera_info"),
            DeclareLaunchArgument("truth", default_value="/ground_truth/pose"),
            DeclareLaunchArgument("truth_type", default_value="pose"),
            DeclareLaunchArgument("prior", default_value="/localization/prior"),
            Node(
                package="dalearn_ros",
                executable="evaluator",
                name="evaluator",
                output="screen",
                parameters=[
                    config,
                    {
                        "map": LaunchConfiguration("map"),
                        "out": LaunchConfiguration("out"),
                        "manifest": LaunchConfiguration("manifest"),
                        "pose_type": LaunchConfiguration("truth_type"),
                    },
                ],
                remappings=[
                    ("~/input/landmarks", "/landmark_detector/output/landmarks"),
                    ("~/input/estimate", "/landmark_localizer/output/pose_with_covariance"),
                    ("~/input/pose", LaunchConfiguration("truth")),
                    ("~/input/prior", LaunchConfiguration("prior")),
                    ("~/input/camera_info", LaunchConfiguration("camera_info")),
                    ("~/input/image/compressed", [LaunchConfiguration("image"), "/compressed"]),
                ],
            ),
        ]
    )
