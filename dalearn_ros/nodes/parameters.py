"""Settings dataclasses as ROS parameters: one declaration for all, read once or followed."""

from __future__ import annotations

import dataclasses
import difflib
import typing
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, TypeVar

from rcl_interfaces.msg import (
    FloatingPointRange,
    IntegerRange,
    ParameterDescriptor,
    SetParametersResult,
)
from rclpy.exceptions import ParameterException
from rclpy.node import Node

from dalearn_ros.core.errors import DalearnError, SettingsError
from dalearn_ros.core.settings import dump_settings, load_settings

T = TypeVar("T")


def declare(node: Node, cls: type[T], changeable: Collection[str] = (), **defaults: Any) -> T:
    """Declare every field of a settings class as a parameter and read them.

    A nested class becomes names with dots. Parameters are read-only, as a node reads its settings
    once, when it starts; but for those that it follows (:func:`follow`).

    Args:
        node: Where to declare.
        cls: A frozen dataclass made with :func:`dalearn_ros.core.settings.field`.
        changeable: Names of the parameters that may change while the node runs.
        defaults: Defaults that differ from the class's own.

    Returns:
        The settings, checked as a file's are.

    Raises:
        SettingsError: A value has the wrong type or is out of range.
    """
    start = dump_settings(load_settings(cls, None, defaults))
    return load_settings(cls, None, _declare(node, cls, start, "", changeable))


def follow(node: Node, cls: type[T], current: Callable[[], T], change: Callable[[T], None]) -> None:
    """Take changes of parameters while the node runs; a wrong value is refused with a sentence.

    Args:
        node: With the parameters of ``cls`` declared.
        cls: The settings.
        current: Gives the settings that hold.
        change: Called with the new settings. What it raises as a DalearnError is the reason of a
            refusal; the old settings hold then.
    """

    def on_set(given: Sequence[Any]) -> SetParametersResult:
        names = described(cls)
        changed = {p.name: p.value for p in given if p.name in names and "." not in p.name}
        if not changed:
            return SetParametersResult(successful=True)
        try:
            change(load_settings(cls, None, {**dump_settings(current()), **changed}))
        except DalearnError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    node.add_on_set_parameters_callback(on_set)


def refuse_misspelt(node: Any) -> None:
    """Refuse a given parameter that the node does not have, if its name is nearly one that it has.

    ROS passes over what a node has not declared. A parameter file may serve several nodes: a name
    that is like none of this node's is left alone.

    Args:
        node: With all its parameters declared.

    Raises:
        SettingsError: The name is nearly one of the node's; that is named.
    """
    known = node.get_parameters_by_prefix("")
    for name in getattr(node, "_parameter_overrides", {}):  # rclpy tells them in no other way
        near = difflib.get_close_matches(name, known, n=1, cutoff=0.8)
        if name not in known and near:
            text = f"parameter '{name}': the node has none of that name. Did you mean '{near[0]}'?"
            raise SettingsError(text)


def described(cls: type) -> dict[str, tuple[Any, ParameterDescriptor]]:
    """Parameter name → default and descriptor, for every leaf of a settings class."""
    found: dict[str, tuple[Any, ParameterDescriptor]] = {}

    def walk(cls: Any, values: dict[str, Any], prefix: str) -> None:
        for name, hint, spec in _fields(cls):
            if dataclasses.is_dataclass(hint):
                walk(hint, values[name], f"{prefix}{name}.")
            else:
                found[prefix + name] = values[name], descriptor(hint, spec)

    walk(cls, dump_settings(cls()), "")
    return found


def descriptor(
    hint: Any, spec: dataclasses.Field[Any], read_only: bool = True
) -> ParameterDescriptor:
    """Help, unit, choices and range of a field as ROS shows them."""
    meta = spec.metadata
    text = meta.get("help", "")
    if meta.get("unit"):
        text += f" [{meta['unit']}]"
    made = ParameterDescriptor(description=text, read_only=read_only)
    if meta.get("choices"):
        made.additional_constraints = "one of " + ", ".join(map(str, meta["choices"]))
    low, high = meta.get("minimum"), meta.get("maximum")
    if hint is int and low is not None and high is not None:
        made.integer_range = [IntegerRange(from_value=int(low), to_value=int(high), step=0)]
    if hint is float and low is not None and high is not None:
        span = FloatingPointRange(from_value=float(low), to_value=float(high), step=0.0)
        made.floating_point_range = [span]
    return made


def _declare(
    node: Node, cls: type, start: dict[str, Any], prefix: str, changeable: Collection[str]
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, hint, spec in _fields(cls):
        if dataclasses.is_dataclass(hint) and isinstance(hint, type):
            values[name] = _declare(node, hint, start[name], f"{prefix}{name}.", changeable)
            continue
        parameter = prefix + name
        shown = descriptor(hint, spec, parameter not in changeable)
        try:
            given = node.declare_parameter(parameter, start[name], shown).value
        except ParameterException as error:
            expected = shown.description
            raise SettingsError(f"parameter '{parameter}' ({expected}): {error}.") from None
        values[name] = list(given) if isinstance(start[name], list) else given
    return values


def _fields(cls: type) -> list[tuple[str, Any, dataclasses.Field[Any]]]:
    hints = typing.get_type_hints(cls)
    kinds = {Path: str}
    return [
        (spec.name, kinds.get(hints[spec.name], hints[spec.name]), spec)
        for spec in dataclasses.fields(cls)
    ]
