"""A drive through the library, without DDS: figures, report and a bag with the results.

ros2 launch dalearn_ros replay.launch.py bag:=DRIVE map:=MAP out:=results

Results go to ``results/``, the bag to ``results_bag/``. The same drive over DDS:
replay_live.launch.py.
"""

from launch import LaunchDescription
from launch.actions import ExecuteProcess
from launch.substitutions import LaunchConfiguration

from dalearn_ros.nodes.launching import declared, needed, program, shared


def generate_launch_description() -> LaunchDescription:
    names = ("bag", "map", "model", "out")
    options = [word for name in names for word in (f"--{name}", LaunchConfiguration(name))]
    options += ["--write-bag", [LaunchConfiguration("out"), "_bag"]]
    defaults = {"model": shared("models", "landmarks-s.onnx"), "out": "evaluation"}
    evaluate = ExecuteProcess(cmd=[program("dalearn"), "evaluate", *options], output="screen")
    return LaunchDescription([*needed("bag", "map"), *declared(defaults), evaluate])
