"""Score a running system: ros2 launch dalearn_ros evaluate.launch.py map:=MAP out:=results.

End it with Ctrl-C, or call the service /evaluator/finish; it then writes the results.
"""

from launch import LaunchDescription
from launch.substitutions import LaunchConfiguration

from dalearn_ros.nodes.launching import SCORING_S, declared, needed, node, patience

ARGUMENTS = {
    "out": "evaluation",
    "manifest": "",
    "image": "/camera/image_raw",
    "camera_info": "/camera/camera_info",
    "truth": "/ground_truth/pose",
    "truth_type": "pose",
    "prior": "/localization/prior",
    "map_frame": "map",
}


def generate_launch_description() -> LaunchDescription:
    values = {name: LaunchConfiguration(name) for name in ("map", *ARGUMENTS)}
    parameters = {name: values[name] for name in ("map", "out", "manifest", "map_frame")}
    topics = [
        ("~/input/landmarks", "/landmark_detector/output/landmarks"),
        ("~/input/estimate", "/landmark_localizer/output/pose_with_covariance"),
        ("~/input/pose", values["truth"]),
        ("~/input/prior", values["prior"]),
        ("~/input/camera_info", values["camera_info"]),
        ("~/input/image/compressed", [values["image"], "/compressed"]),
    ]
    parameters["pose_type"] = values["truth_type"]
    evaluator = node("evaluator", "evaluator.yaml", parameters, topics, **patience(SCORING_S))
    return LaunchDescription([*needed("map"), *declared(ARGUMENTS), evaluator])
