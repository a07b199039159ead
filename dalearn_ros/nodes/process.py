"""The frame of every node's process: environment, signals, spinning, a clean end."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import sys
import types
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from dalearn_ros.core.errors import DalearnError, InputError
from dalearn_ros.core.resources import resource

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h
PROFILE_VARIABLES = ("FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE")
FAST_DDS_2 = ("humble", "iron", "jazzy")  # these know the second name only
PROFILES = {
    "shared_memory": "config/fastdds_sender.xml",
    "udp": "config/fastdds_udp.xml",
    "local": "config/fastdds_local.xml",
    "default": "",
}
POLL_S = 0.05


class Finishing(Protocol):
    """A node that may end by itself and has something to do at the end."""

    finished: bool

    def finish(self) -> None:
        """Called once, while the node can still publish."""


@runtime_checkable
class Stoppable(Protocol):
    """A node that answers while it stops; it is finished when it has."""

    def stop(self) -> None:
        """Begin to stop; called again and again."""

    def kill(self) -> None:
        """End what it has started at once; the process ends after that."""


def run(
    make_node: Callable[[], Finishing],
    arguments: Sequence[str] | None = None,
    transport: str = "default",
) -> int:
    """Run one node until it is finished, or SIGINT or SIGTERM comes.

    Args:
        make_node: Makes the node; called after ROS is up.
        arguments: Words for ROS (``--ros-args ...``); None takes those of the process.
        transport: Key of :data:`PROFILES`; the profile is taken unless the user names one.

    Returns:
        Exit code: 0 done or asked to stop, 1 failed (a sentence went to standard error).
    """
    prepare(transport)
    import rclpy
    from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

    from dalearn_ros.nodes.parameters import refuse_misspelt

    stopped = StopOnSignal()
    node = None
    try:
        start_ros(arguments)
        node = make_node()
        refuse_misspelt(node)
        executor = SingleThreadedExecutor()
        executor.add_node(node)
        stoppable = node if isinstance(node, Stoppable) else None
        if stoppable is not None:
            stopped.at_once = stoppable.kill
        with contextlib.suppress(ExternalShutdownException):
            while not node.finished and (stoppable is not None or not stopped.asked):
                if stoppable is not None and stopped.asked:
                    stoppable.stop()
                executor.spin_once(timeout_sec=POLL_S)
        executor.shutdown()
        node.finish()
    except DalearnError as error:
        print(f"{Path(sys.argv[0]).stem}: {error}", file=sys.stderr)
        return 1
    finally:
        if node is not None:
            node.destroy_node()  # type: ignore[attr-defined]
        rclpy.try_shutdown()
    return 0


def prepare(transport: str = "default") -> None:
    """Set what must be set before ROS starts; what the user has set stays."""
    keep_memory()
    index = Path(sys.prefix) / "share/ament_index"
    if "AMENT_PREFIX_PATH" not in os.environ and index.is_dir():
        os.environ["AMENT_PREFIX_PATH"] = sys.prefix  # the wheels do not set it
    profile = PROFILES[transport]
    if profile and not any(name in os.environ for name in PROFILE_VARIABLES):
        old = os.environ.get("ROS_DISTRO") in FAST_DDS_2
        os.environ[PROFILE_VARIABLES[old]] = str(resource(profile))


def start_ros(arguments: Sequence[str] | None = None) -> None:
    """``rclpy.init`` that leaves the signals alone.

    Args:
        arguments: Words for ROS; None takes those of the process.

    Raises:
        InputError: ROS cannot read them, or the parameter file that they name.
    """
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    try:
        rclpy.init(args=arguments, signal_handler_options=SignalHandlerOptions.NO)
    except RuntimeError as error:
        text = str(error).partition(", at /")[0].removeprefix("failed to initialize rcl: ")
        raise InputError(f"ROS cannot read its arguments: {text}.") from None


def keep_memory() -> None:
    """Make malloc keep freed image buffers, instead of having each page faulted in afresh."""
    with contextlib.suppress(OSError, AttributeError):  # another C library
        libc = ctypes.CDLL("libc.so.6")
        libc.mallopt(M_MMAP_THRESHOLD, 32 << 20)
        libc.mallopt(M_TRIM_THRESHOLD, 256 << 20)


def forget_error() -> None:
    """Clear the error text that some wheels leave behind after a call that succeeded.

    Without it the next such call prints a page about an error that is overwritten.
    """
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL("librcutils.so").rcutils_reset_error()


class CleanCalls:
    """Put before ``Node`` among the bases: clears stale error text before endpoints are made."""

    def create_publisher(self, *args: Any, **options: Any) -> Any:
        """As ``Node.create_publisher``."""
        forget_error()
        return super().create_publisher(*args, **options)  # type: ignore[misc]

    def create_subscription(self, *args: Any, **options: Any) -> Any:
        """As ``Node.create_subscription``."""
        forget_error()
        return super().create_subscription(*args, **options)  # type: ignore[misc]

    def create_service(self, *args: Any, **options: Any) -> Any:
        """As ``Node.create_service``."""
        forget_error()
        return super().create_service(*args, **options)  # type: ignore[misc]


def network_fault() -> str:
    """Why nodes on this machine cannot find each other; empty if nothing is known to be wrong."""
    try:
        flags = int(Path("/sys/class/net/lo/flags").read_text(), 16)
    except (OSError, ValueError):
        return "there is no loopback interface 'lo', and without it no node finds another."
    if not flags & 1:  # IFF_UP
        return "the loopback interface is down; bring it up with: sudo ip link set lo up"
    return ""


class StopOnSignal:
    """Remembers that SIGINT or SIGTERM came; a second one ends the process at once.

    Attributes:
        asked: Whether one came.
        at_once: Called before the process ends by a second one.
    """

    def __init__(self) -> None:
        self.asked = False
        self.at_once: Callable[[], None] = lambda: None
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: types.FrameType | None) -> None:
        if self.asked:
            self.at_once()
            os._exit(1)
        self.asked = True
