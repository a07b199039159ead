"""A drive over DDS: player, detector, localizer and evaluator; it ends with the drive.

ros2 launch dalearn_ros replay_live.launch.py bag:=DRIVE map:=MAP out:=results

With lockstep:=true the player waits for the result of each image, so that none is lost and the
detections are those of replay.launch.py. The images must be compressed.
"""

from launch import LaunchContext, LaunchDescription
from launch.actions import DeclareLaunchArgument, ExecuteProcess, OpaqueFunction, Shutdown
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.substitutions import FindPackagePrefix, FindPackageShare

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


def value(name: str, context: LaunchContext) -> str:
    """An argument's value."""
    return str(LaunchConfiguration(name).perform(context))


def processes(context: LaunchContext) -> list[Node]:
    """The four processes."""
    configs = PathJoinSubstitution([FindPackageShare("dalearn_ros"), "config"])
    out, chart = value("out", context), value("map", context)
    image, manifest = value("image", context) + "/compressed", f"{out}.sent.json"
    camera = ("~/input/camera_info", value("camera_info", context))
    detector = LifecycleNode(
        package="dalearn_ros",
        executable="landmark_detector",
        name="landmark_detector",
        namespace="",
        output="screen",
        parameters=[
            PathJoinSubstitution([configs, "detector.yaml"]),
            {"model": value("model", context), "image_transport": "compressed"},
        ],
        remappings=[("~/input/image/compressed", image), camera],
    )
    localizer = Node(
        package="dalearn_ros",
        executable="landmark_localizer",
        name="landmark_localizer",
        output="screen",
        parameters=[PathJoinSubstitution([configs, "localizer.yaml"]), {"map": chart}],
        remappings=[
            ("~/input/landmarks", LANDMARKS),
            ("~/input/pose", value("prior", context)),
            ("~/input/odometry", value("odometry", context)),
            camera,
        ],
    )
    evaluator = Node(
        package="dalearn_ros",
        executable="evaluator",
        name="evaluator",
        output="screen",
        on_exit=Shutdown(),
        parameters=[
            PathJoinSubstitution([configs, "evaluator.yaml"]),
            {
                "map": chart,
                "out": out,
                "manifest": manifest,
                "pose_type": value("truth_type", context),
            },
        ],
        remappings=[
            ("~/input/landmarks", LANDMARKS),
            ("~/input/estimate", ESTIMATE),
            ("~/input/pose", value("truth", context)),
            ("~/input/prior", value("prior", context)),
            ("~/input/image/compressed", image),
            camera,
        ],
    )
    program = [FindPackagePrefix("dalearn_ros"), "lib", "dalearn_ros", "bag_player"]
    steps = ["--lockstep"] if value("lockstep", context).lower() in ("true", "1") else []
    player = ExecuteProcess(
        cmd=[
            PathJoinSubstitution(program),
            *("--bag", value("bag", context), "--manifest", manifest, "--wait", "60"),
            *("--wait-for", image, value("camera_info", context), value("truth", context)),
            *("--wait-for-links", LANDMARKS, "--rate", value("rate", context)),
            *steps,
        ],
        output="screen",
    )
    return [detector, localizer, evaluator, player]


def generate_launch_description() -> LaunchDescription:
    arguments = [
        DeclareLaunchArgument(name, default_value=default) for name, default in ARGUMENTS.items()
    ]
    return LaunchDescription(
        [
            DeclareLaunchArgument("bag", description="bag folder or .mcap file"),
            DeclareLaunchArgument("map", description="map folder or .osm file"),
            *arguments,
            OpaqueFunction(function=processes),
        ]
    )
