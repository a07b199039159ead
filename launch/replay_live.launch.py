"""A drive over DDS: player, detector, localizer and evaluator; it ends with the drive.

ros2 launch dalearn_ros replay_live.launch.py bag:=DRIVE map:=MAP out:=results

With lockstep:=true the player waits for the result of each image, so that none is lost and the
detections are those of replay.launch.py. The images must be compressed.
"""

from pathlib import Path

from launch import LaunchContext, LaunchDescription
from launch.actions import ExecuteProcess, OpaqueFunction, Shutdown
from launch_ros.actions import Node

from dalearn_ros.nodes.launching import (
    SCORING_S,
    declared,
    detector,
    end_if_failed,
    needed,
    node,
    patience,
    program,
    value,
)
from dalearn_ros.nodes.outcomes import remove_manifest

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
    remove_manifest(Path(manifest))  # that of an earlier run would end the evaluator
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
    lockstep = value("lockstep", context).lower() in ("true", "1")
    steps = ["--lockstep", "--lockstep-topic", image] if lockstep else []
    player = ExecuteProcess(
        cmd=[
            program("bag_player"),
            *("--bag", value("bag", context), "--manifest", manifest, "--wait", "60"),
            *("--wait-for", image, value("camera_info", context), value("truth", context)),
            *("--wait-for-links", LANDMARKS, "--rate", value("rate", context)),
            *steps,
        ],
        output="screen",
        on_exit=end_if_failed,
    )
    end = {"on_exit": Shutdown(), **patience(SCORING_S)}
    seen = {"model": value("model", context), "image_transport": "compressed"}
    return [
        detector(seen, [("~/input/image/compressed", image), camera]),
        node("landmark_localizer", "localizer.yaml", {"map": chart}, localized),
        node("evaluator", "evaluator.yaml", wanted, judged, **end),
        player,
    ]


def generate_launch_description() -> LaunchDescription:
    return LaunchDescription(
        [*needed("bag", "map"), *declared(ARGUMENTS), OpaqueFunction(function=processes)]
    )
