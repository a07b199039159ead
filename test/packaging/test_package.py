"""What the package says about itself is true, and the message packages are the real ones."""

from __future__ import annotations

import ast
import configparser
import importlib
import json
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

import dalearn_ros

ROOT = Path(__file__).resolve().parents[2]
HASHES = {  # of upstream's packages
    "tf2_msgs/msg/TFMessage": "RIHS01_"
    "e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087",
    "vision_msgs/msg/Detection2DArray": "RIHS01_"
    "214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968",
}


def setup_cfg() -> configparser.ConfigParser:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    return setup


def lines_of(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() and line.strip()[0] != "#"]


@pytest.mark.parametrize("name", HASHES)
def test_the_type_hash_is_upstreams(name: str) -> None:
    package, _, message = name.split("/")
    folder = Path(importlib.import_module(package).__file__ or "").parent
    if not (folder / ".digest").is_file():
        pytest.skip(f"{package} is not the one of underlay/ but of a ROS 2 installation")
    described = json.loads((Path(sys.prefix) / f"share/{package}/msg/{message}.json").read_text())
    hashes = {entry["type_name"]: entry["hash_string"] for entry in described["type_hashes"]}
    assert hashes[name] == HASHES[name]


def test_a_message_reads_the_same_in_an_independent_implementation() -> None:
    from rclpy.serialization import serialize_message

    from dalearn_ros.landmarks.types import Observations
    from dalearn_ros.nodes.landmark_messages import detections_of

    store = get_typestore(Stores.ROS2_JAZZY)
    for path in (ROOT / "underlay/definitions/vision_msgs/msg").glob("*.msg"):
        store.register(get_types_from_msg(path.read_text(), f"vision_msgs/msg/{path.stem}"))
    seen = Observations(
        stamp_ns=1_234_567_890,
        class_id=np.array([3]),
        point_px=np.array([[10.25, 20.5]]),
        score=np.array([0.75]),
        covariance_px2=np.diag([4.0, 9.0])[None],
        range_m=np.array([np.nan]),
        sigma_range_m=np.array([np.nan]),
        track_id=np.array([7]),
    )
    sent = detections_of(seen, "camera_optical")
    got = store.deserialize_cdr(serialize_message(sent), "vision_msgs/msg/Detection2DArray")
    assert got.header.stamp.sec * 10**9 + got.header.stamp.nanosec == 1_234_567_890
    (detection,) = got.detections
    assert detection.id == "7"
    assert (detection.bbox.center.position.x, detection.bbox.size_y) == (10.25, 18.0)
    assert detection.results[0].hypothesis.class_id == "3"
    assert detection.results[0].hypothesis.score == 0.75


def test_one_version_everywhere() -> None:
    package = ElementTree.parse(ROOT / "package.xml").getroot()
    assert package.findtext("version") == dalearn_ros.__version__
    assert setup_cfg()["metadata"]["version"] == dalearn_ros.__version__


def test_package_xml_names_every_ros_package_that_the_nodes_import() -> None:
    imported: set[str] = set()
    for path in (ROOT / "dalearn_ros/nodes").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            imported |= {name.partition(".")[0] for name in names}
    ours = {n for n in imported if n.endswith(("_msgs", "_srvs", "_interfaces")) or n == "rclpy"}
    package = ElementTree.parse(ROOT / "package.xml").getroot()
    named = {element.text for element in package.findall("exec_depend")}
    assert len(ours) > 5
    assert ours <= named


def test_every_executable_is_a_function_that_exists() -> None:
    scripts = lines_of(setup_cfg()["options.entry_points"]["console_scripts"])
    names = [line.partition("=")[0].strip() for line in scripts]
    assert names == [
        *("dalearn", "landmark_detector", "landmark_localizer", "map_projector"),
        *("evaluator", "bag_player", "trainer"),
    ]
    for line in scripts:
        module, _, function = line.partition("=")[2].strip().partition(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_what_ros2_run_and_launch_look_for_is_installed() -> None:
    source = (ROOT / "setup.py").read_text().replace("\nsetup(", "\nFOUND = dict(")
    space: dict[str, Any] = {"__file__": str(ROOT / "setup.py"), "__name__": "probe"}
    exec(compile(source, "setup.py", "exec"), space)
    files = dict(space["FOUND"]["data_files"])
    assert files["share/ament_index/resource_index/packages"] == ["resource/dalearn_ros"]
    assert files["share/dalearn_ros"] == ["package.xml"]
    assert "launch/detector.launch.py" in files["share/dalearn_ros/launch"]
    assert "config/detector.yaml" in files["share/dalearn_ros/config"]
    assert files["share/dalearn_ros/config/catalogues"]
    assert all((ROOT / name).is_file() for names in files.values() for name in names)
    setup = setup_cfg()
    assert setup["install"]["install_scripts"] == setup["develop"]["script_dir"]
    assert setup["install"]["install_scripts"] == "$base/lib/dalearn_ros"


def test_the_constraints_name_every_requirement() -> None:
    setup = setup_cfg()
    extras = [text for name, text in setup["options.extras_require"].items() if name != "tensorrt"]
    wanted = lines_of("\n".join([setup["options"]["install_requires"], *extras]))
    names = {normal(re.split(r"[\[<>=; ]", line)[0]) for line in wanted}
    pinned = {
        normal(line.partition("==")[0]) for line in lines_of((ROOT / "constraints.txt").read_text())
    }
    assert len(names) > 25
    assert names <= pinned


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def run_check(path: str, python: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PATH": path}
    command = ["/bin/sh", str(ROOT / "tools/check_system.sh"), python]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)


def test_what_the_system_lacks_is_named_with_the_apt_line(tmp_path: Path) -> None:
    (tmp_path / "uname").symlink_to(shutil.which("uname") or "/bin/uname")
    done = run_check(str(tmp_path), sys.executable)
    assert done.returncode == 1
    assert "sudo apt-get install -y gcc g++" in done.stderr
    done = run_check(str(tmp_path), "no-such-python")
    assert "python3 python3-dev python3-venv" in done.stderr


def test_a_python_that_is_too_old_is_named(tmp_path: Path) -> None:
    old = tmp_path / "python3.8"
    old.write_text("#!/bin/sh\necho 3.8\n")
    old.chmod(0o755)
    done = run_check(os.environ["PATH"], str(old))
    assert done.returncode == 1
    assert "Python 3.8; CPython 3.10 to 3.13 is needed" in done.stderr


def test_scripts_are_executable_and_correct_shell() -> None:
    for name in (".ci/run", "tools/setup.sh", "tools/check_system.sh"):
        assert os.access(ROOT / name, os.X_OK)
        subprocess.run(["/bin/sh", "-n", str(ROOT / name)], check=True)


def test_a_browser_that_could_not_be_installed_is_tried_again(tmp_path: Path) -> None:
    """Though all else is installed, and the reason of a failure is told."""
    tools = tmp_path / "bin"
    tools.mkdir()
    for name in ("sh", "cat", "sha256sum", "cut", "dirname", "tail", "pwd"):
        found = shutil.which(name)
        assert found is not None
        (tools / name).symlink_to(found)
    programs = {
        "id": "echo 0",
        "apt-get": 'echo "frontend $DEBIAN_FRONTEND" >&2; echo "E: no network" >&2; exit 100',
    }
    for name, text in programs.items():
        (tools / name).write_text(f"#!/bin/sh\n{text}\n")
        (tools / name).chmod(0o755)
    project = tmp_path / "project"
    names = ["setup.cfg", "setup.py", "constraints.txt", "tools/setup.sh", "underlay/build.py"]
    for name in [*names, "underlay/definitions/a/msg/A.msg"]:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("")
    shutil.copy(ROOT / "tools/setup.sh", project / "tools/setup.sh")
    (project / ".venv").mkdir()
    script = (project / "tools/setup.sh").read_text()
    state = script[script.index("state=$(cat") : script.index("for done in")]
    stamp = f'{state}printf "%s" "$state" >.venv/.setup-test'
    run = {"cwd": project, "env": {"PATH": str(tools)}, "capture_output": True, "text": True}
    subprocess.run(["sh", "-c", stamp], check=True, **run)  # type: ignore[call-overload]
    for _ in range(2):
        found = subprocess.run(["sh", "tools/setup.sh", "test"], **run)  # type: ignore[call-overload]
        assert found.returncode == 0, found.stderr
        assert "system package chromium" in found.stdout
        assert "(E: no network)" in found.stdout
    (tools / "chromium-browser").symlink_to(tools / "cat")
    found = subprocess.run(["sh", "tools/setup.sh", "test"], **run)  # type: ignore[call-overload]
    assert (found.returncode, found.stdout) == (0, "")
