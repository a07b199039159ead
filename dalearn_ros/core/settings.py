"""Settings: frozen dataclasses read from YAML.

A settings class is an ordinary frozen dataclass whose fields are made with :func:`field`; the same
class describes a YAML file and a set of ROS parameters. An unknown key is an error that names the
nearest known one, a value out of range is an error that names the range.
"""

from __future__ import annotations

import dataclasses
import difflib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from dalearn_ros.core.errors import SettingsError, did_you_mean
from dalearn_ros.core.yaml_file import read_yaml

T = TypeVar("T")


def field(
    default: Any,
    help: str = "",
    *,
    unit: str = "",
    minimum: float | None = None,
    maximum: float | None = None,
    choices: tuple[Any, ...] | None = None,
) -> Any:
    """A dataclass field with the metadata that files, ROS parameters and docs share.

    Args:
        default: The default; a list, dict or dataclass type is made afresh for every instance.
        help: One sentence for people.
        unit: Unit of the value, as text.
        minimum: Smallest allowed value (inclusive).
        maximum: Largest allowed value (inclusive).
        choices: The allowed values, if it is a closed list.
    """
    metadata = {
        "help": help,
        "unit": unit,
        "minimum": minimum,
        "maximum": maximum,
        "choices": choices,
    }
    if isinstance(default, type):
        return dataclasses.field(default_factory=default, metadata=metadata)
    return dataclasses.field(default=default, metadata=metadata)


def load_settings(
    cls: type[T], path: Path | str | None = None, overrides: Mapping[str, Any] | None = None
) -> T:
    """Read a settings dataclass from a YAML file.

    Args:
        cls: The frozen dataclass.
        path: The YAML file; None takes the defaults.
        overrides: Values that win over the file, nested as the dataclass is.

    Returns:
        An instance of ``cls``, every value checked for type, range and choice.

    Raises:
        SettingsError: Unreadable file, unknown key (with the nearest known one), wrong type or
            value out of range.
    """
    values: dict[str, Any] = {}
    source = "settings"
    if path is not None:
        source = str(path)
        values = _without_ros_layers(read_yaml(Path(path), SettingsError, "settings file"))
    return _build(cls, merged(values, overrides or {}), source, "")


def dump_settings(settings: Any) -> dict[str, Any]:
    """The settings as plain YAML/JSON values (tuples become lists)."""
    return typing.cast(dict[str, Any], _plain(settings))


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Nested values, those of ``over`` winning; neither is changed."""
    found = dict(base)
    for key, value in over.items():
        below = found.get(key)
        if isinstance(value, Mapping) and isinstance(below, Mapping):
            found[key] = merged(below, value)
        else:
            found[key] = value
    return found


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: _plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return str(value) if isinstance(value, Path) else value


def _without_ros_layers(content: dict[str, Any]) -> dict[str, Any]:
    """The parameters of a ROS parameter file (``/**: ros__parameters: ...``) as plain settings."""
    layers = list(content.values())
    if not layers or any(
        not isinstance(layer, dict) or set(layer) != {"ros__parameters"} for layer in layers
    ):
        return content
    found: dict[str, Any] = {}
    for layer in layers:
        found = merged(found, layer["ros__parameters"] or {})
    return found


def _build(cls: type[T], values: Mapping[str, Any], source: str, prefix: str) -> T:
    hints = typing.get_type_hints(cls)
    known = {f.name: f for f in dataclasses.fields(cls)}  # type: ignore[arg-type]
    arguments: dict[str, Any] = {}
    for key, value in values.items():
        place = f"{prefix}{key}"
        if key not in known:
            near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
            hint = f"Did you mean '{prefix}{near[0]}'?" if near else ""
            expected = "one of " + ", ".join(known)
            raise SettingsError.at(source, f"key '{place}'", expected, f"'{key}'", hint)
        default = known[key].default
        if dataclasses.is_dataclass(default) and isinstance(value, Mapping):
            value = merged(dump_settings(default), value)  # what is not named keeps its value
        arguments[key] = _convert(hints[key], value, source, place)
        _check_range(known[key], arguments[key], source, place)
    return cls(**arguments)


def _convert(hint: Any, value: Any, source: str, place: str) -> Any:
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, Mapping):
            raise _type_error(source, place, "keys and values", value)
        return _build(hint, value, source, f"{place}.")
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _convert_union(typing.get_args(hint), value, source, place)
    if origin is tuple:
        if not isinstance(value, (list, tuple)):
            raise _type_error(source, place, "a list", value)
        args = typing.get_args(hint)
        if len(args) == 2 and args[1] is Ellipsis:
            items = enumerate(value)
            return tuple(_convert(args[0], item, source, f"{place}[{i}]") for i, item in items)
        if len(args) != len(value):
            raise _type_error(source, place, f"a list of {len(args)} values", value)
        return tuple(
            _convert(arg, item, source, place) for arg, item in zip(args, value, strict=True)
        )
    if origin is dict:
        if not isinstance(value, Mapping):
            raise _type_error(source, place, "keys and values", value)
        inside = (*typing.get_args(hint), Any, Any)[1]
        return {
            key: _convert(inside, item, source, f"{place}.{key}") for key, item in value.items()
        }
    return _convert_scalar(hint, value, source, place)


def _convert_union(options: tuple[Any, ...], value: Any, source: str, place: str) -> Any:
    if value is None and type(None) in options:
        return None
    for option in options:
        if option is type(None):
            continue
        try:
            return _convert(option, value, source, place)
        except SettingsError as error:
            last = error
    raise last


def _convert_scalar(hint: Any, value: Any, source: str, place: str) -> Any:
    if hint is Any:
        return value
    if hint is bool:
        if isinstance(value, bool):
            return value
        raise _type_error(source, place, "true or false", value)
    if hint is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if hint is float and isinstance(value, str):  # YAML 1.1 reads 1e-3 as text
        try:
            return float(value)
        except ValueError:
            raise _type_error(source, place, "a number", value) from None
    if hint is int and isinstance(value, int) and not isinstance(value, bool):
        return value
    if hint is str and isinstance(value, str):
        return value
    if hint is Path and isinstance(value, (str, Path)):
        return Path(value)
    names = {int: "a whole number", float: "a number", str: "text", Path: "a path"}
    raise _type_error(source, place, names.get(hint, str(hint)), value)


def _type_error(source: str, place: str, expected: str, value: Any) -> SettingsError:
    return SettingsError.at(source, f"key '{place}'", expected, repr(value))


def _check_range(spec: dataclasses.Field[Any], value: Any, source: str, place: str) -> None:
    minimum, maximum = spec.metadata.get("minimum"), spec.metadata.get("maximum")
    choices = spec.metadata.get("choices")
    if choices is not None and value not in choices:
        expected = "one of " + ", ".join(str(choice) for choice in choices)
        hint = did_you_mean(str(value), [str(choice) for choice in choices])
        raise SettingsError.at(source, f"key '{place}'", expected, repr(value), hint)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        inside = (minimum is None or value >= minimum) and (maximum is None or value <= maximum)
        if not inside:  # also true for NaN
            low = "-inf" if minimum is None else minimum
            high = "inf" if maximum is None else maximum
            expected = f"a value in [{low}, {high}] {spec.metadata.get('unit', '')}".rstrip()
            raise SettingsError.at(source, f"key '{place}'", expected, repr(value))
