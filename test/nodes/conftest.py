"""A drive for the nodes, and processes that always end."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
FRAMES = 40


@pytest.fixture(scope="session")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Bag, map and hand-made model of the evaluation's tests, 4 s long."""
    file = ROOT / "test/evaluation/conftest.py"
    spec = importlib.util.spec_from_file_location("evaluation_drive", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["evaluation_drive"] = module
    spec.loader.exec_module(module)
    return module.write_drive(tmp_path_factory.mktemp("nodes"), FRAMES)


Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(ros_domain: int, tmp_path: Path) -> Iterator[Start]:
    """Start an executable by name with its words; all are ended with the test."""
    children: list[subprocess.Popen[str]] = []

    def begin(name: str, *words: str) -> subprocess.Popen[str]:
        environment = {
            **os.environ,
            "ROS_DOMAIN_ID": str(ros_domain),
            "FASTDDS_DEFAULT_PROFILES_FILE": str(ROOT / "config/fastdds_local.xml"),
        }
        command = [sys.executable, "-m", f"dalearn_ros.nodes.{name}", *words]
        with (tmp_path / f"{name}.log").open("w") as log:
            child = subprocess.Popen(
                command, stdout=log, stderr=log, text=True, env=environment, cwd=ROOT
            )
        children.append(child)
        return child

    yield begin
    for child in children:
        if child.poll() is None:
            child.send_signal(signal.SIGINT)
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.wait(20)
        if child.poll() is None:
            child.kill()
            child.wait()


@pytest.fixture
def listener(ros_domain: int) -> Iterator[Any]:
    """A node of this process that waits for things, and its executor."""
    import rclpy
    from rclpy.executors import SingleThreadedExecutor

    rclpy.init()
    node = rclpy.create_node("listener")
    executor = SingleThreadedExecutor()
    executor.add_node(node)

    def wait_until(ready: Callable[[], object], timeout_s: float = 60.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not ready():
            assert time.monotonic() < deadline, "waited in vain"
            executor.spin_once(timeout_sec=0.05)

    node.wait_until = wait_until
    yield node
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown()


@pytest.fixture
def make(
    drive: Any, listener: Any, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., Any]]:
    """Make the node with settings of its own; it runs in the listener's executor."""
    from dalearn_ros.nodes import landmark_detector, parameters

    nodes: list[Any] = []
    declare = parameters.declare

    def begin(**settings: Any) -> Any:
        given = {"model": str(drive.model), "backend": "onnx", "threads": 1, **settings}
        monkeypatch.setattr(parameters, "declare", lambda *words: declare(*words, **given))
        node = landmark_detector.LandmarkDetectorNode()
        nodes.append(node)
        listener.executor.add_node(node)
        return node

    yield begin
    for node in nodes:
        node._stop_working()
        listener.executor.remove_node(node)
        node.destroy_node()
