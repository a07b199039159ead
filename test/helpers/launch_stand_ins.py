"""Launch files without ``launch``, which PyPI lacks: stand-ins that remember their arguments."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

HELPERS = "dalearn_ros.nodes.launching"  # imports launch too


class Made:
    """Stands for any class of launch."""

    def __init__(self, *args: Any, **options: Any) -> None:
        self.args, self.options = args, options

    def perform(self, context: dict[str, str]) -> str:
        """Of LaunchConfiguration: the argument's value."""
        return context[self.args[0]]


def load(
    path: Path, monkeypatch: pytest.MonkeyPatch, arguments: Mapping[str, str] | None = None
) -> list[Made]:
    """The actions of a launch file; ``arguments`` are given to what is made when it runs."""
    names = {
        "launch": ["LaunchDescription", "LaunchContext"],
        "launch.actions": ["DeclareLaunchArgument", "ExecuteProcess", "OpaqueFunction", "Shutdown"],
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
    monkeypatch.delitem(sys.modules, HELPERS, raising=False)
    monkeypatch.setitem(sys.modules, HELPERS, importlib.import_module(HELPERS))
    spec = importlib.util.spec_from_file_location(path.stem.replace(".", "_"), path)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    actions = list(loaded.generate_launch_description().args[0])
    declared = of_kind(actions, "DeclareLaunchArgument")
    context = {made.args[0]: made.options.get("default_value", "x") for made in declared}
    context.update(arguments or {})
    for action in of_kind(actions, "OpaqueFunction"):
        actions += action.options["function"](context)
    return actions


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


def resolved(value: Any, arguments: Mapping[str, str], share: Path) -> str:
    """What a substitution comes to, with the project's folder as the package's share."""
    if not isinstance(value, Made):
        return (
            str(value)
            if isinstance(value, str)
            else "".join(resolved(part, arguments, share) for part in value)
        )
    kind = type(value).__name__
    if kind == "LaunchConfiguration":
        return arguments[value.args[0]]
    if kind == "PathJoinSubstitution":
        return "/".join(resolved(part, arguments, share) for part in value.args[0])
    assert kind in ("FindPackageShare", "FindPackagePrefix")
    return str(share)


def words_of(process: Made, arguments: Mapping[str, str], share: Path) -> list[str]:
    """The words of an ExecuteProcess behind the program, whose last part comes first."""
    program, *words = (resolved(word, arguments, share) for word in process.options["cmd"])
    return [Path(program).name, *words]


def node_words(node: Made, arguments: Mapping[str, str], share: Path) -> list[str]:
    """Executable and ROS words of a node, as launch would give them."""
    words = [node.options["executable"], "--ros-args"]
    for given in node.options["parameters"]:
        if not isinstance(given, dict):
            words += ["--params-file", resolved(given, arguments, share)]
            continue
        for key, value in given.items():
            words += ["-p", f"{key}:={resolved(value, arguments, share)}"]
    for topic, name in node.options["remappings"]:
        words += ["-r", f"{topic}:={resolved(name, arguments, share)}"]
    return words
