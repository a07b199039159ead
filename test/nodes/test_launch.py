"""What the launch files are made of exists: executables, parameter files, parameters, topics.

``launch`` is not on PyPI, so the files run here with stand-ins that only remember their arguments.
"""

from __future__ import annotations

import configparser
import json
import re
import shutil
import types
from pathlib import Path

import pytest
import yaml
from helpers.launch_stand_ins import load, of_kind, resolved, words_of

from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.nodes import (
    bag_player_options,
    evaluator,
    landmark_detector,
    landmark_localizer,
    parameters,
    trainer,
)

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "launch").glob("*.launch.py"))
HELPERS = ROOT / "dalearn_ros/nodes/launching.py"
SETTINGS = {
    "landmark_detector": [landmark_detector.DetectorNodeSettings],
    "landmark_localizer": [landmark_localizer.LocalizerNodeSettings, LocalizerSettings],
    "evaluator": [evaluator.EvaluatorNodeSettings],
    "trainer": [trainer.TrainerNodeSettings],
}


PARTS = {  # where the topics of a node are named
    "landmark_detector": ("landmark_detector", "camera_stream"),
    "landmark_localizer": ("landmark_localizer", "pose_output", "vehicle", "health_watch"),
    "evaluator": ("evaluator", "vehicle"),
    "trainer": ("trainer",),
}
CAMERA = re.compile(r"/camera\d/")


def topics_of(node: str) -> set[str]:
    """Private topics of a node with one camera, as its source names them."""
    text = "".join((ROOT / f"dalearn_ros/nodes/{part}.py").read_text() for part in PARTS[node])
    found = set(re.findall(r'"(~/[\w/]+)"', text))
    return found | {f"~/input/{name}" for name in re.findall(r'\{base\}([\w/]+)"', text)}


def executables() -> set[str]:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options.entry_points"]["console_scripts"].split("\n")
    return {line.partition("=")[0].strip() for line in lines if line.strip()}


def test_the_launch_files_of_the_contract_are_there() -> None:
    names = {path.name.removesuffix(".launch.py") for path in FILES}
    wanted = {"detector", "localization", "train", "evaluate", "demo", "replay", "replay_live"}
    assert wanted <= names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_argument_that_is_used_is_declared(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions = load(path, monkeypatch)
    declared = {made.args[0] for made in of_kind(actions, "DeclareLaunchArgument")}
    used = {made.args[0] for made in of_kind(actions, "LaunchConfiguration")}
    used |= set(re.findall(r'value\("(\w+)", context\)', path.read_text()))
    assert used == declared


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_executable_parameter_and_topic_exists(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions = load(path, monkeypatch)
    nodes = of_kind(actions, "Node") + of_kind(actions, "LifecycleNode")
    assert nodes or of_kind(actions, "ExecuteProcess")
    for node in nodes:
        name = node.options["executable"]
        assert node.options["package"] == "dalearn_ros"
        assert name in executables()
        known = {key for cls in SETTINGS[name] for key in parameters.described(cls)}
        for given in node.options["parameters"]:
            if isinstance(given, dict):
                assert set(given) <= known
        topics = topics_of(name)
        for topic, _ in node.options["remappings"]:
            assert CAMERA.sub("/", topic) in topics, f"{name} has no topic {topic}"


def test_a_launch_file_runs_where_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "share/dalearn_ros/launch/detector.launch.py"
    installed.parent.mkdir(parents=True)
    shutil.copyfile(ROOT / "launch/detector.launch.py", installed)
    monkeypatch.chdir(tmp_path)
    (detector,) = of_kind(load(installed, monkeypatch), "LifecycleNode")
    settings = resolved(detector.options["parameters"][0], {"params": "own.yaml"}, tmp_path)
    assert settings == "own.yaml"


@pytest.mark.parametrize("path", [*FILES, HELPERS], ids=lambda path: path.name)
def test_every_file_that_is_named_exists(path: Path) -> None:
    for name in re.findall(r'"([\w-]+\.yaml)"', path.read_text()):
        assert (ROOT / "config" / name).is_file()


def test_the_demo_calls_a_verb_with_options_that_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    import argparse

    from dalearn_ros.cli import demo

    (process,) = of_kind(load(ROOT / "launch/demo.launch.py", monkeypatch), "ExecuteProcess")
    command = process.options["cmd"]
    assert command[0].args[0][-1] == "dalearn" in executables()
    assert command[1] == demo.NAME
    parser = argparse.ArgumentParser()
    demo.add_arguments(parser)
    known = {option for action in parser._actions for option in action.option_strings}
    assert {word for word in command[2:] if isinstance(word, str)} <= known


def test_several_cameras_each_have_their_topics(monkeypatch: pytest.MonkeyPatch) -> None:
    actions = load(ROOT / "launch/cameras.launch.py", monkeypatch)
    (detector,) = of_kind(actions, "LifecycleNode")
    assert detector.options["parameters"][1]["cameras"] == ["camera0", "camera1"]
    topics = dict(detector.options["remappings"])
    assert topics["~/input/camera1/image"] == "/sensing/camera/camera1/image_raw"
    (localizer,) = of_kind(actions, "Node")
    topics = dict(localizer.options["remappings"])
    assert topics["~/input/camera1/landmarks"] == "/landmark_detector/output/camera1/landmarks"


@pytest.mark.parametrize("name", ["evaluate", "replay_live"])
def test_the_evaluator_has_time_to_score_after_ctrl_c(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"out": str(tmp_path / "out")}
    nodes = of_kind(load(ROOT / f"launch/{name}.launch.py", monkeypatch, given), "Node")
    (judge,) = (node for node in nodes if node.options["executable"] == "evaluator")
    assert judge.options["sigterm_timeout"] == judge.options["sigkill_timeout"] == "600"


def test_a_live_replay_ends_when_its_player_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, given = ROOT / "launch/replay_live.launch.py", {"out": str(tmp_path / "out")}
    (player,) = of_kind(load(path, monkeypatch, given), "ExecuteProcess")
    end = player.options["on_exit"]
    (action,) = end(types.SimpleNamespace(returncode=1, process_name="bag_player-4"), None)
    assert type(action).__name__ == "Shutdown"
    assert action.options["reason"] == "bag_player-4 ended with code 1"
    assert end(types.SimpleNamespace(returncode=0, process_name="bag_player-4"), None) == []


def test_a_live_replay_begins_without_an_earlier_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out.sent.json").write_text("{}")
    given = {"out": str(tmp_path / "out")}
    load(ROOT / "launch/replay_live.launch.py", monkeypatch, given)
    assert not (tmp_path / "out.sent.json").exists()


@pytest.mark.parametrize("lockstep", [True, False])
def test_a_live_replay_names_the_camera_of_its_lockstep(
    lockstep: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"out": str(tmp_path / "out"), "image": "/rear/image", "lockstep": str(lockstep)}
    actions = load(ROOT / "launch/replay_live.launch.py", monkeypatch, given)
    (player,) = of_kind(actions, "ExecuteProcess")
    words = words_of(player, given, ROOT)
    known = bag_player_options.parser().parse_args(words[1:])
    assert known.lockstep is lockstep
    assert known.lockstep_topic == ("/rear/image/compressed" if lockstep else "")


def test_the_views_show_topics_that_the_nodes_have() -> None:
    texts = [
        (ROOT / "config/views" / name).read_text() for name in ("dalearn.rviz", "foxglove.json")
    ]
    json.loads(texts[1])
    yaml.safe_load(texts[0])
    for text in texts:
        topics = set(re.findall(r"/(landmark_\w+)(/[\w/]+)", text))
        assert len(topics) >= 4
        for node, topic in topics:
            assert f"~{topic}" in topics_of(node), f"{node} has no topic {topic}"
