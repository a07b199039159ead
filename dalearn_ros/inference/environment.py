"""What this machine has for running the package, found without starting nodes or learning."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import platform
import subprocess
import sys
from pathlib import Path

from dalearn_ros.core.checks import FAIL, NOTE, OK, Check, attempt
from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.resources import resource
from dalearn_ros.inference.cuda_device import cuda_device

PYTHONS = ((3, 10), (3, 13))
MODEL = "models/landmarks-s.onnx"
MESSAGES = ("vision_msgs", "tf2_msgs")
PACKAGES = ("tensorrt", "tensorrt_rtx")
CUDA_PACKAGES = ("cuda-bindings", "cuda-python")
EXTRA = "pip install -e '.[{}]' -c constraints.txt"
RMW = "import rclpy; print(rclpy.get_rmw_implementation_identifier())"
WAIT_S = 60.0


def environment_checks() -> list[Check]:
    """Python, ROS 2, its messages, inference, learning, and the shipped model."""
    looks = {
        "Python": _python,
        "ROS 2": _ros,
        "messages": _messages,
        "OpenCV": _opencv,
        "ONNX Runtime": _onnxruntime,
        "TensorRT": _tensorrt,
        "torch": _torch,
        "world": _world,
        "model": _model,
    }
    return [check for name, look in looks.items() for check in attempt(name, look)]


def _python() -> list[Check]:
    found = f"{platform.python_version()} ({sys.executable})"
    if PYTHONS[0] <= sys.version_info[:2] <= PYTHONS[1]:
        return [Check("Python", OK, found)]
    mend = "make setup-demo PYTHON=python3.12"
    return [Check("Python", FAIL, f"{found}; 3.10 to 3.13 are supported", mend)]


def _ros() -> list[Check]:
    place = _place("rclpy")
    distro = os.environ.get("ROS_DISTRO", "")
    if not place:
        mend = "source /opt/ros/DISTRO/setup.bash, or without ROS 2 on the machine: make setup-demo"
        found = "no rclpy; nodes do not run, all other verbs do"
        return [Check("ROS 2", NOTE, found, mend)]
    try:
        done = subprocess.run(
            [sys.executable, "-c", RMW],
            capture_output=True,
            text=True,
            timeout=WAIT_S,
            check=False,
        )
        told, failed = done.stdout.strip(), done.stderr.strip() if done.returncode else ""
    except subprocess.TimeoutExpired:
        told, failed = "", f"importing rclpy took over {WAIT_S:g} s"
    if failed:
        reason = failed.splitlines()[-1]
        mend = f"source /opt/ros/{distro or 'DISTRO'}/setup.bash in a new shell"
        return [Check("ROS 2", NOTE, f"rclpy from {place} does not load: {reason}", mend)]
    chosen = os.environ.get("RMW_IMPLEMENTATION", "")
    asked = "as RMW_IMPLEMENTATION says" if chosen else "the default"
    named = (
        f"distribution {distro}" if distro else "no ROS_DISTRO (wheels in a virtual environment)"
    )
    return [Check("ROS 2", OK, f"{named}, {told} ({asked}), rclpy from {place}")]


def _messages() -> list[Check]:
    places = {name: _place(name) for name in MESSAGES}
    missing = [name for name, place in places.items() if not place]
    if not missing:
        found = ", ".join(f"{name} from {place}" for name, place in places.items())
        return [Check("messages", OK, found)]
    distro = os.environ.get("ROS_DISTRO")
    mend = "python underlay/build.py"
    if distro:
        packages = " ".join(f"ros-{distro}-{name.replace('_', '-')}" for name in missing)
        mend = f"sudo apt install {packages}"
    return [Check("messages", NOTE, f"{', '.join(missing)} missing; nodes need them", mend)]


def _opencv() -> list[Check]:
    if not _place("cv2"):
        return [Check("OpenCV", FAIL, "cv2 is not installed", EXTRA.format("ros"))]
    import cv2

    return [Check("OpenCV", OK, str(cv2.__version__))]


def _onnxruntime() -> list[Check]:
    if not _place("onnxruntime"):
        return [Check("ONNX Runtime", FAIL, "not installed", EXTRA.format("ros"))]
    import onnxruntime

    providers = ", ".join(onnxruntime.get_available_providers())
    return [Check("ONNX Runtime", OK, f"{onnxruntime.__version__}: {providers}")]


def _tensorrt() -> list[Check]:
    """TensorRT's package and the device; the package itself is not imported."""
    installed = [(name, _version(name)) for name in PACKAGES if _place(name)]
    package = ", ".join(f"{name} {version}" for name, version in installed) or "not installed"
    if installed and not any(_distribution(name) for name in CUDA_PACKAGES):
        package += f" without {CUDA_PACKAGES[0]}"
    try:
        device = cuda_device()
    except ModelError as error:
        found = f"{package}; models run in ONNX Runtime: {error}"
        return [Check("TensorRT", NOTE, found)]
    found = f"{package}; {device.name}, compute capability {device.compute_capability}"
    found += f", driver for CUDA {device.driver}"
    if not installed or "without" in package:
        mend = EXTRA.format("tensorrt")
        return [Check("TensorRT", NOTE, f"{found}; models run in ONNX Runtime", mend)]
    return [Check("TensorRT", OK, found)]


def _torch() -> list[Check]:
    version = _version("torch")
    if version:
        return [Check("torch", OK, f"{version}; learning verbs run")]
    found = "not installed; only learning needs it"
    return [Check("torch", NOTE, found, EXTRA.format("train"))]


def _world() -> list[Check]:
    version = _version("panda3d")
    if version:
        return [Check("world", OK, f"panda3d {version}; demo and world run")]
    found = "panda3d is not installed; demo and world need it"
    return [Check("world", NOTE, found, EXTRA.format("world"))]


def _model() -> list[Check]:
    from dalearn_ros.inference.backend import OnnxBackend

    path = resource(MODEL)
    backend = OnnxBackend(path, threads=1)
    classes, taught = len(backend.metadata.label_space) - 1, backend.metadata.depth
    depth = f"depth from {taught.least_m:g} to {taught.greatest_m:g} m" if taught else "no depth"
    return [Check("model", OK, f"{path} loads, {classes} classes, {depth}")]


def _place(module: str) -> str:
    """Folder that a module comes from; empty if there is none. Nothing is imported."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return ""
    if spec is None:
        return ""
    where = spec.origin or next(iter(spec.submodule_search_locations or []), "")
    return str(Path(where).parent) if where else module


def _version(module: str) -> str:
    """Version of an installed module, ``installed`` if it does not say, empty if there is none."""
    if not _place(module):
        return ""
    return _distribution(module) or _distribution(module.replace("_", "-")) or "installed"


def _distribution(name: str) -> str:
    """Version of an installed distribution, empty if there is none."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return ""
