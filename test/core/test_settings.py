"""Settings files: what is read, and the sentence for what is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from dalearn_ros.core.errors import SettingsError
from dalearn_ros.core.settings import dump_settings, field, load_settings, merged


@dataclass(frozen=True)
class Inner:
    radius_px: float = field(8.0, "Radius.", unit="px", minimum=0.0, maximum=100.0)
    kind: str = field("mean", choices=("mean", "sum"))


@dataclass(frozen=True)
class Outer:
    name: str = field("x")
    steps: int = field(10, minimum=1)
    size: tuple[int, int] = field((640, 384))
    limit: float | None = field(None)
    inner: Inner = field(Inner)


def write(folder: Path, text: str) -> Path:
    path = folder / "settings.yaml"
    path.write_text(text)
    return path


def test_defaults_and_file_and_overrides_win_in_this_order(tmp_path: Path) -> None:
    path = write(tmp_path, "steps: 5\nlimit: 2\ninner: {radius_px: 4}\n")
    settings = load_settings(Outer, path, {"steps": 7, "inner": {"kind": "sum"}})
    assert settings == Outer("x", 7, (640, 384), 2.0, Inner(4.0, "sum"))


def test_merged_values_go_as_deep_as_both_do_and_change_neither() -> None:
    base, over = {"a": {"b": 1, "c": {"d": 2}}, "e": 3}, {"a": {"c": {"d": 4}}, "e": {"f": 5}}
    assert merged(base, over) == {"a": {"b": 1, "c": {"d": 4}}, "e": {"f": 5}}
    assert base == {"a": {"b": 1, "c": {"d": 2}}, "e": 3}
    assert over == {"a": {"c": {"d": 4}}, "e": {"f": 5}}


@dataclass(frozen=True)
class Named:
    inner: dict[str, Inner] = field(dict)
    free: dict[str, Any] = field(dict)


def test_names_may_map_to_settings() -> None:
    given = {"inner": {"a": {"radius_px": 2}, "b": {}}, "free": {"x": {"y": 1}}}
    settings = load_settings(Named, None, given)
    assert settings == Named({"a": Inner(2.0), "b": Inner()}, {"x": {"y": 1}})
    with pytest.raises(SettingsError, match=r"Did you mean 'inner\.a\.radius_px'"):
        load_settings(Named, None, {"inner": {"a": {"radius": 2}}})


@dataclass(frozen=True)
class Special:
    outer: Outer = field(Outer(steps=20, inner=Inner(3.0)))


def test_values_of_a_default_stay_where_a_file_names_others(tmp_path: Path) -> None:
    settings = load_settings(Special, write(tmp_path, "outer: {inner: {kind: sum}}\n"))
    assert settings.outer == Outer(steps=20, inner=Inner(3.0, "sum"))


def test_dump_is_the_inverse_of_load() -> None:
    settings = Outer(size=(320, 192), inner=Inner(3.5, "sum"))
    assert load_settings(Outer, None, dump_settings(settings)) == settings


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("stepz: 5", ["stepz", "Did you mean 'steps'"]),
        ("inner: {radius: 5}", ["inner.radius", "Did you mean 'inner.radius_px'"]),
        ("steps: many", ["key 'steps'", "a whole number", "'many'"]),
        ("steps: true", ["a whole number", "True"]),
        ("steps: 0", ["[1, inf]", "found 0"]),
        ("inner: {radius_px: .nan}", ["[0.0, 100.0] px", "nan"]),
        ("inner: {kind: maen}", ["one of mean, sum", "Did you mean 'mean'"]),
        ("inner: 3", ["keys and values", "3"]),
        ("size: [1, 2, 3]", ["a list of 2 values"]),
        ("- 1\n- 2", ["keys and values", "list"]),
        ("a: [1", ["line 1", "expected"]),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, parts: list[str]) -> None:
    path = write(tmp_path, text)
    with pytest.raises(SettingsError) as caught:
        load_settings(Outer, path)
    for part in [str(path), *parts]:
        assert part in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"nothing\.yaml: there is no such settings file"):
        load_settings(Outer, tmp_path / "nothing.yaml")


def test_scientific_notation_without_a_dot_is_a_number(tmp_path: Path) -> None:
    assert load_settings(Outer, write(tmp_path, "limit: 1e-3")).limit == pytest.approx(0.001)
