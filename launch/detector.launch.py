"""The detector on a camera: ros2 launch dalearn_ros detector.launch.py image:=/camera/image_raw."""

from launch import LaunchDescription
from launch.substitutions import LaunchConfiguration

from dalearn_ros.nodes.launching import camera_topics, declared, detector, shared


def generate_launch_description() -> LaunchDescription:
    defaults = {
        "image": "/camera/image_raw",
        "camera_info": "/camera/camera_info",
        "image_transport": "raw",
        "model": "",
        "params": shared("config", "detector.yaml"),
    }
    values = {name: LaunchConfiguration(name) for name in defaults}
    parameters = {name: values[name] for name in ("model", "image_transport")}
    topics = camera_topics(values["image"], values["camera_info"])
    return LaunchDescription([*declared(defaults), detector(parameters, topics, values["params"])])
