"""What the launch files are made of exists: executables, parameter files, parameters, topics.

``launch`` is not on PyPI, so the files run here with stand-ins that only remember their arguments.
"""

from __future__ import annotations

import configparser
import importlib.util
import re
import sys
import types
from pathlib import Path
from typing import Any

import pytest

from dalearn_ros.localization.settings import LocalizerSettings
from dalearn_ros.nodes import evaluator, landmark_detector, landmark_localizer, parameters

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted((ROOT / "launch").glob("*.launch.py"))
SETTINGS = {
    "landmark_detector": [landmark_detector.DetectorNodeSettings],
    "landmark_localizer": [landmark_localizer.LocalizerNodeSettings, LocalizerSettings],
    "evaluator": [evaluator.EvaluatorNodeSettings],
}


class Made:
    """Stands for any class of launch."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.args, self.options = args, options


def load(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Made]:
    names = {
        "launch": ["LaunchDescription"],
        "launch.actions": ["DeclareLaunchArgument", "ExecuteProcess"],
        "launch.substitutions": ["LaunchConfiguration", "PathJoinSubstitution"],
        "launch_ros": [],
        "launch_ros.actions": ["Node", "LifecycleNode"],
        "launch_ros.substitutions": ["FindPackageShare", "FindPackagePrefix"],
    }
    for module_name, classes in names.items():
        module = types.ModuleType(module_name)
        for name in classes:
            setattr(module, name, type(name, (Made,), {}))
        monkeypatch.setitem(sys.modules, module_name, module)
    spec = importlib.util.spec_from_file_location(path.stem.replace(".", "_"), path)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return list(loaded.generate_launch_description().args[0])


def of_kind(found: Any, kind: str) -> list[Made]:
    """All stand-ins of a class, however deep."""
    if isinstance(found, Made):
        inside = of_kind([*found.args, *found.options.values()], kind)
        return [found, *inside] if type(found).__name__ == kind else inside
    if isinstance(found, dict):
        return of_kind(list(found.values()), kind)
    if isinstance(found, (list, tuple)):
        return [made for item in found for made in of_kind(item, kind)]
    return []


def executables() -> set[str]:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options.entry_points"]["console_scripts"].split("\n")
    return {line.partition("=")[0].strip() for line in lines if line.strip()}


def test_the_launch_files_of_the_contract_are_there() -> None:
    names = {path.name.removesuffix(".launch.py") for path in FILES}
    assert {"detector", "localization", "evaluate", "demo"} <= names


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_every_argument_that_is_used_is_declared(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions = load(path, monkeypatch)
    declared = {made.args[0] for made in of_kind(actions, "DeclareLaunchArgument")}
    used = {made.args[0] for made in of_kind(actions, "LaunchConfiguration")}
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
        source = "".join(
            (ROOT / f"dalearn_ros/nodes/{part}.py").read_text() for part in (name, "vehicle")
        )
        for topic, _ in node.options["remappings"]:
            assert f'"{topic}"' in source, f"{name} has no topic {topic}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
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
