"""The main job on the embedded world: ros2 launch dalearn_ros demo.launch.py out:=/tmp/demo."""

from launch import LaunchDescription
from launch.actions import ExecuteProcess
from launch.substitutions import LaunchConfiguration

from dalearn_ros.nodes.launching import declared, program

ARGUMENTS = {"out": "out/demo", "frames": "200", "seed": "90210"}


def generate_launch_description() -> LaunchDescription:
    options = [word for name in ARGUMENTS for word in (f"--{name}", LaunchConfiguration(name))]
    demo = ExecuteProcess(cmd=[program("dalearn"), "demo", *options], output="screen")
    return LaunchDescription([*declared(ARGUMENTS), demo])
