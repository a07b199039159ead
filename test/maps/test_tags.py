"""Codes of three countries become classes."""

from __future__ import annotations

import pytest

from dalearn_ros.maps.tags import TagClasses

CODES = [
    ("traffic_sign", "de101", "warning_sign"),
    ("traffic_sign", "de205", "regulating_sign"),
    ("traffic_sign", "de274-30", "regulating_sign"),
    ("traffic_sign", "de274_1", "regulating_sign"),
    ("traffic_sign", "de306", "indicating_sign"),
    ("traffic_sign", "de1040-30", "auxiliary_sign"),
    ("traffic_sign", "kr140", "warning_sign"),
    ("traffic_sign", "kr218b", "regulating_sign"),
    ("traffic_sign", "kr322", "indicating_sign"),
    ("traffic_sign", "kr401", "auxiliary_sign"),
    ("traffic_sign", "usW11-2", "warning_sign"),
    ("traffic_sign", "usW1-2L", "warning_sign"),
    ("traffic_sign", "usR1-1", "regulating_sign"),
    ("traffic_sign", "usW16-7P", "auxiliary_sign"),
    ("traffic_sign", "stop_sign", "regulating_sign"),
    ("traffic_light", "", "signal"),
    ("traffic_light", "red_green", "signal"),
    ("stop_line", "", "stop_line"),
    ("road_marking", "arrow_straight_left", "arrow"),
    ("road_marking", "symbol_bicycle", "symbol"),
    ("road_marking", "crosswalk", "crosswalk"),
]


@pytest.mark.parametrize("kind, code, name", CODES)
def test_class_of_a_code(kind: str, code: str, name: str) -> None:
    classes = TagClasses()
    found = classes.class_of(kind, code)
    assert found is not None
    assert classes.label_space.names[found] == name


@pytest.mark.parametrize(
    "kind, code", [("traffic_sign", "xx1"), ("fence", ""), ("road_marking", "x")]
)
def test_an_unknown_code_has_no_class(kind: str, code: str) -> None:
    assert TagClasses().class_of(kind, code) is None


def test_one_country_does_not_know_another() -> None:
    assert TagClasses("korea").class_of("traffic_sign", "de205") is None
    assert TagClasses("vienna").class_of("traffic_sign", "de205") == 2
