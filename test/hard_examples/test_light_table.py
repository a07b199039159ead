"""Neighbouring and associated cells by hand; conditions as people write them; wrong tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from dalearn_ros.core.errors import SettingsError
from dalearn_ros.hard_examples.light_table import (
    ASSOCIATED,
    NEIGHBOUR,
    SAME,
    Cell,
    Condition,
    LightTable,
)

TABLE = LightTable()


def test_neighbours_of_a_sunny_night_over_the_road() -> None:
    found = TABLE.related(Cell("night", "sunny", "road"))
    assert found == {
        Cell("night", "sunny", "road"): SAME,
        Cell("dusk", "sunny", "road"): NEIGHBOUR,
        Cell("morning", "sunny", "road"): NEIGHBOUR,
        Cell("night", "cloudy", "road"): NEIGHBOUR,
        Cell("night", "rain", "road"): ASSOCIATED,
    }


def test_relations_are_mutual() -> None:
    cells = [Cell(t, w, "sky") for t in TABLE.times for w in TABLE.weathers]
    for cell in cells:
        for other, why in TABLE.related(cell).items():
            assert TABLE.related(other)[cell] == why
            assert other.area == "sky"


def test_an_association_may_lead_to_another_area() -> None:
    table = LightTable.from_dict({"associated": [["night/*/road", "night/*/marking"]]}, "t")
    found = table.related(Cell("night", "fog", "marking"))
    assert found[Cell("night", "fog", "road")] == ASSOCIATED
    assert Cell("day", "fog", "road") not in found


@pytest.mark.parametrize(
    "text, time, weather",
    [
        ("night/rain", "night", "rain"),
        ("night", "night", "sunny"),
        ("rain", "day", "rain"),
        ("low_sun", "low_sun", "sunny"),
    ],
)
def test_conditions_as_people_write_them(text: str, time: str, weather: str) -> None:
    assert TABLE.condition(text) == Condition(time, weather)
    assert str(Condition(time, weather)) == f"{time}/{weather}"


@pytest.mark.parametrize("text, near", [("nigth", "night"), ("day/rian", "rain"), ("noon/x", "")])
def test_an_unknown_condition_is_told(text: str, near: str) -> None:
    with pytest.raises(SettingsError, match=f"Did you mean '{near}'" if near else "time: one of"):
        TABLE.condition(text)


def test_a_table_as_a_file_and_back(tmp_path: Path) -> None:
    file = tmp_path / "t.yaml"
    file.write_text("times: [day, night]\ntime_steps: [[day, night]]\nassociated: []\n")
    table = LightTable.load(file)
    assert table.times == ("day", "night") and table.weathers == TABLE.weathers
    assert LightTable.from_dict(table.to_dict(), "t") == table
    assert table.related(Cell("day", "snow", "sky"))[Cell("night", "snow", "sky")] == NEIGHBOUR


@pytest.mark.parametrize(
    "content, text",
    [
        ([], "keys and values"),
        ({"time": ["day"]}, "key 'time'"),
        ({"times": "day"}, "a list of names"),
        ({"time_steps": [["day"]]}, "a list of pairs"),
        ({"time_steps": [["day", "noon"]]}, "'noon'"),
        ({"associated": [["day/*/*", "day/rain/*"]]}, r"two cells"),
        ({"associated": [["day/*", "night/*"]]}, r"two cells"),
        ({"associated": [["noon/*/*", "night/*/*"]]}, r"two cells"),
    ],
)
def test_a_wrong_table_is_told(content: object, text: str) -> None:
    with pytest.raises(SettingsError, match=text):
        LightTable.from_dict(content, "t.yaml")
