"""What the launch files share: their arguments, and how each node is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from launch import LaunchContext
from launch.actions import DeclareLaunchArgument, Shutdown
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import LifecycleNode, Node
from launch_ros.substitutions import FindPackagePrefix, FindPackageShare

PACKAGE = "dalearn_ros"
INPUTS = {"bag": "bag folder or .mcap file", "map": "map folder or .osm file"}
SCORING_S = 600  # the evaluator scores a long drive after SIGINT
Remappings = Sequence[tuple[str, Any]]  # topic of the node, its name outside


def needed(*names: str) -> list[DeclareLaunchArgument]:
    """Arguments of :data:`INPUTS`, without defaults."""
    return [DeclareLaunchArgument(name, description=INPUTS[name]) for name in names]


def declared(defaults: Mapping[str, Any]) -> list[DeclareLaunchArgument]:
    """Arguments with their defaults, text or a substitution."""
    return [DeclareLaunchArgument(name, default_value=value) for name, value in defaults.items()]


def value(name: str, context: LaunchContext) -> str:
    """An argument's value, once the launch file runs."""
    return str(LaunchConfiguration(name).perform(context))


def shared(*parts: str) -> PathJoinSubstitution:
    """A file that is installed with the package, by its path in the repository."""
    return PathJoinSubstitution([FindPackageShare(PACKAGE), *parts])


def program(name: str) -> PathJoinSubstitution:
    """An executable of the package, for a process that is no node."""
    return PathJoinSubstitution([FindPackagePrefix(PACKAGE), "lib", PACKAGE, name])


def camera_topics(image: Any, camera_info: Any, base: str = "~/input") -> list[tuple[str, Any]]:
    """Remappings of a camera: its images, raw and compressed, and its calibration.

    Args:
        image: Topic of the raw images, text or a substitution.
        camera_info: Of the calibration.
        base: Of the node's topics.
    """
    return [
        (f"{base}/image", image),
        (f"{base}/image/compressed", [image, "/compressed"]),
        (f"{base}/camera_info", camera_info),
    ]


def detector(
    parameters: Mapping[str, Any], remappings: Remappings, settings: Any = None
) -> LifecycleNode:
    """The detector, a managed node.

    Args:
        parameters: Win over the settings.
        remappings: Of its topics.
        settings: Parameter file; the shipped one if it is not given.
    """
    file = shared("config", "detector.yaml") if settings is None else settings
    return LifecycleNode(
        namespace="", **_options("landmark_detector", file, parameters, remappings)
    )


def node(
    name: str, settings: str, parameters: Mapping[str, Any], remappings: Remappings, **more: Any
) -> Node:
    """Another node of the package.

    Args:
        name: Of the executable and the node.
        settings: Parameter file in ``config/``.
        parameters: Win over the settings.
        remappings: Of its topics.
        more: Further options of the action.
    """
    return Node(**_options(name, shared("config", settings), parameters, remappings), **more)


def patience(seconds: int) -> dict[str, str]:
    """Options of a node that works after SIGINT; launch would send SIGTERM after five seconds.

    Args:
        seconds: That it has before SIGTERM, and again before SIGKILL.
    """
    return {"sigterm_timeout": str(seconds), "sigkill_timeout": str(seconds)}


def end_if_failed(event: Any, context: LaunchContext) -> list[Shutdown]:
    """``on_exit`` of a process without which the others would wait in vain.

    Args:
        event: How it ended.
        context: Of the launch.
    """
    if not event.returncode:
        return []
    return [Shutdown(reason=f"{event.process_name} ended with code {event.returncode}")]


def _options(
    name: str, file: Any, parameters: Mapping[str, Any], remappings: Remappings
) -> dict[str, Any]:
    return {
        "package": PACKAGE,
        "executable": name,
        "name": name,
        "output": "screen",
        "parameters": [file, dict(parameters)],
        "remappings": list(remappings),
    }
