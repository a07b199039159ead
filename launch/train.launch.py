"""Run the recipe: ros2 launch dalearn_ros train.launch.py config:=learn.yaml out:=learnt.

End it with Ctrl-C, or call the service /trainer/stop: the running stage saves its state, and the
same command goes on.
"""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration

from dalearn_ros.nodes.launching import declared, node, patience

ARGUMENTS = {"out": "learnt", "from_stage": "label", "until_stage": "evaluate"}


def generate_launch_description() -> LaunchDescription:
    parameters = {name: LaunchConfiguration(name) for name in ("config", *ARGUMENTS)}
    return LaunchDescription(
        [
            DeclareLaunchArgument("config", description="settings file of the recipe"),
            *declared(ARGUMENTS),
            # A step on a slow machine takes its time, and so does writing the state after it.
            node("trainer", "trainer.yaml", parameters, [], **patience(60)),
        ]
    )
