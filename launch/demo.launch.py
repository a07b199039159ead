"""The main job on the embedded world: ros2 launch dalearn_ros demo.launch.py out:=/tmp/demo."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackagePrefix


def generate_launch_description() -> LaunchDescription:
    folder = [FindPackagePrefix("dalearn_ros"), "lib", "dalearn_ros", "dalearn"]
    return LaunchDescription(
        [
            DeclareLaunchArgument("out", default_value="out/demo"),
            DeclareLaunchArgument("frames", default_value="200"),
            DeclareLaunchArgument("seed", default_value="90210"),
            ExecuteProcess(
                cmd=[
                    PathJoinSubstitution(folder),
                    "demo",
                    "--out",
                    LaunchConfiguration("out"),
                    "--frames",
                    LaunchConfiguration("frames"),
                    "--seed",
                    LaunchConfiguration("seed"),
                ],
                output="screen",
            ),
        ]
    )
