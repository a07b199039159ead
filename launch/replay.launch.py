"""A drive through the library, without DDS: figures, report and a bag with the results.

ros2 launch dalearn_ros replay.launch.py bag:=DRIVE map:=MAP out:=results

Results go to ``results/``, the bag to ``results_bag/``. The same drive over DDS:
replay_live.launch.py.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.substitutions import FindPackagePrefix, FindPackageShare


def generate_launch_description() -> LaunchDescription:
    program = [FindPackagePrefix("dalearn_ros"), "lib", "dalearn_ros", "dalearn"]
    shipped = [FindPackageShare("dalearn_ros"), "models", "landmarks-s.onnx"]
    out = LaunchConfiguration("out")
    return LaunchDescription(
        [
            DeclareLaunchArgument("bag", description="bag folder or .mcap file"),
            DeclareLaunchArgument("map", description="map folder or .osm file"),
            DeclareLaunchArgument("model", default_value=PathJoinSubstitution(shipped)),
            DeclareLaunchArgument("out", default_value="evaluation"),
            ExecuteProcess(
                cmd=[
                    PathJoinSubstitution(program),
                    "evaluate",
                    "--bag",
                    LaunchConfiguration("bag"),
                    "--map",
                    LaunchConfiguration("map"),
                    "--model",
                    LaunchConfiguration("model"),
                    "--out",
                    out,
                    "--write-bag",
                    [out, "_bag"],
                ],
                output="screen",
            ),
        ]
    )
