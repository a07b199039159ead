"""Run the recipe: ros2 launch dalearn_ros train.launch.py config:=learn.yaml out:=learnt.

End it with Ctrl-C, or call the service /trainer/stop: the running stage saves its state, and the
same command goes on.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare


def generate_launch_description() -> LaunchDescription:
    parameters = PathJoinSubstitution([FindPackageShare("dalearn_ros"), "config", "trainer.yaml"])
    return LaunchDescription(
        [
            DeclareLaunchArgument("config", description="settings file of the recipe"),
            DeclareLaunchArgument("out", default_value="learnt"),
            DeclareLaunchArgument("from_stage", default_value="label"),
            DeclareLaunchArgument("until_stage", default_value="evaluate"),
            Node(
                package="dalearn_ros",
                executable="trainer",
                name="trainer",
                output="screen",
                # A step on a slow machine takes its time, and so does writing the state after it.
                sigterm_timeout="60",
                sigkill_timeout="60",
                parameters=[
                    parameters,
                    {
                        "config": LaunchConfiguration("config"),
                        "out": LaunchConfiguration("out"),
                        "from_stage": LaunchConfiguration("from_stage"),
                        "until_stage": LaunchConfiguration("until_stage"),
                    },
                ],
                remappings=[],
            ),
        ]
    )
