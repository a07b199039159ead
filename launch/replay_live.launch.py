"""A drive over DDS: player, detector, localizer and evaluator; it ends with the drive.

ros2 launch dalearn_ros replay_live.launch.py bag:=DRIVE map:=MAP out:=results

With lockstep:=true the player waits for the result of each image, so that none is lost and the
detections are those of replay.launch.py. The images must be compressed.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import ExecuteProcess, OpaqueFunction, Shutdown
from launch_ros.actions import Node

from dalearn_ros.nodes.launching import declared, detector, needed, node, program, value

ARGUMENTS = {
    "model": "",
    "out": "evaluation",
    "image": "/camera/image_raw",
    "camera_info": "/camera/camera_info",
    "truth": "/ground_truth/pose",
    "truth_type": "pose",
    "prior": "/localization/prior",
    "odometry": "/odometry",
    "lockstep": "false",
    "rate": "1.0",
}
LANDMARKS = "/landmark_detector/output/landmarks"
ESTIMATE = "/landmark_localizer/output/pose_with_covariance"


def processes(context: LaunchContext) -> list[Node]:
    """The four processes."""
    out, chart = value("out", context), value("map", context)
    image, manifest = value("image", context) + "/compressed", f"{out}.sent.json"
    camera = ("~/input/camera_info", value("camera_info", context))
    localized = [
        ("~/input/landmarks", LANDMARKS),
        ("~/input/pose", value("prior", context)),
        ("~/input/odometry", value("odometry", context)),
        camera,
    ]
    judged = [
        ("~/input/landmarks", LANDMARKS),
        ("~/input/estimate", ESTIMATE),
        ("~/input/pose", value("truth", context)),
        ("~/input/prior", value("prior", context)),
        ("~/input/image/compressed", image),
        camera,
    ]
    wanted = {"map": chart, "out": out, "manifest": manifest}
    wanted["pose_type"] = value("truth_type", context)
    steps = ["--lockstep"] if value("lockstep", context).lower() in ("true", "1") else []
    player = ExecuteProcess(
        cmd=[
            program("bag_player"),
            *("--bag", value("bag", context), "--manifest", manifest, "--wait", "60"),
            *("--wait-for", image, value("camera_info", context), value("truth", context)),
            *("--wait-for-links", LANDMARKS, "--rate", value("rate", context)),
            *steps,
        ],
        output="screen",
    )
    seen = {"model": value("model", context), "image_transport": "compressed"}
    return [
        detector(seen, [("~/input/image/compressed", image), camera]),
        node("landmark_localizer", "localizer.yaml", {"map": chart}, localized),
        node("evaluator", "evaluator.yaml", wanted, judged, on_exit=Shutdown()),
        player,
    ]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [*needed("bag", "map"), *declared(ARGUMENTS), OpaqueFunction(function=processes)]
    )
