"""Signals as faces and markings at their places, against hand numbers."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from helpers.opendrive import HEADER, line, road, sign, signals, write

from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.maps import IndexedMap, load_map

CLASSES = LabelSpace.load()
ROADRUNNER = '<header revMajor="1" revMinor="4" vendor="VectorZero"/>'


def load(folder: Path, *elements: str, plan: str = "", header: str = HEADER) -> IndexedMap:
    return load_map(write(folder, road(signals(*elements), plan=plan), header=header))


def classes(landmarks: IndexedMap) -> list[str]:
    return [CLASSES.names[i] for i in landmarks.class_id]


def test_a_face_stands_on_its_lower_edge_and_looks_at_its_traffic(tmp_path: Path) -> None:
    found = load(tmp_path, sign(width=0.8))
    assert found.ids.tolist() == ["signal:7"]
    assert found.tags.tolist() == ["signal:DE:274-30"]
    assert classes(found) == ["regulating_sign"]
    assert np.allclose(found.point_m, [[50.0, -4.0, 2.3]])  # zOffset + height / 2
    left = [[50, -3.6, 2], [50, -4.4, 2], [50, -4.4, 2.6], [50, -3.6, 2.6]]
    assert np.allclose(found.outlines_m[0], left)  # from the lower left, as its traffic sees it
    assert np.allclose(found.normal, [[-1.0, 0.0, 0.0]])
    assert np.isnan(found.direction).all()


@pytest.mark.parametrize(
    ("changes", "normal"),
    [
        ({"orientation": "-"}, (1.0, 0.0, 0.0)),
        ({"orientation": "none"}, (-1.0, 0.0, 0.0)),
        ({"hOffset": 0.5}, (-math.cos(0.5), -math.sin(0.5), 0.0)),
        ({"orientation": "-", "hOffset": 0.5}, (math.cos(0.5), math.sin(0.5), 0.0)),
        ({"pitch": 0.2}, (-math.cos(0.2), 0.0, math.sin(0.2))),
        ({"roll": 0.3}, (-1.0, 0.0, 0.0)),
    ],
)
def test_which_way_a_face_looks(
    tmp_path: Path, changes: dict[str, float], normal: tuple[float, float, float]
) -> None:
    found = load(tmp_path, sign(**changes))
    assert np.allclose(found.normal, [normal])
    along = found.outlines_m[0][1] - found.outlines_m[0][0]
    up = found.outlines_m[0][3] - found.outlines_m[0][0]
    assert np.allclose(np.cross(along, up) / 0.36, normal)  # front by the corners' order


def test_the_heading_of_the_road_turns_the_face(tmp_path: Path) -> None:
    found = load(tmp_path, sign(), plan=line(100.0, 0.0, 0.0, math.pi / 2))
    assert np.allclose(found.point_m, [[4.0, 50.0, 2.3]])
    assert np.allclose(found.normal, [[0.0, -1.0, 0.0]])


def test_roadrunner_means_against_s_by_plus_and_counts_headings_from_s(tmp_path: Path) -> None:
    """As in CARLA's towns: the light for the lanes along s has '-' and hOffset 0."""
    found = load(
        tmp_path,
        sign(id="a", orientation="-", hOffset=0.0, t=-4),
        sign(id="b", orientation="+", hOffset=math.pi, t=4),
        header=ROADRUNNER,
    )
    assert np.allclose(found.normal, [[-1.0, 0.0, 0.0], [1.0, 0.0, 0.0]])
    assert "RoadRunner" in found.report.notes[0]


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"country": "OpenDRIVE", "type": "1000001", "subtype": "-1"}, "signal"),
        ({"country": "DE", "type": "1.000.002", "subtype": "10"}, "signal"),
        ({"country": "OpenDRIVE", "type": "1000020", "subtype": "-1"}, "signal"),
        ({"country": "DE", "type": "101"}, "warning_sign"),
        ({"country": "DEU", "type": "205", "subtype": "-1"}, "regulating_sign"),
        ({"country": "OpenDRIVE", "type": "206"}, "regulating_sign"),
        ({"country": "", "type": "274", "subtype": ""}, "regulating_sign"),
        ({"country": "de", "type": "1040", "subtype": "30"}, "auxiliary_sign"),
        ({"country": "US", "type": "R1-1", "subtype": "-1"}, "regulating_sign"),
        ({"country": "USA", "type": "W3", "subtype": "1"}, "warning_sign"),
        ({"country": "KR", "type": "305"}, "indicating_sign"),
        ({"country": "se", "type": "c", "subtype": "31"}, "regulating_sign"),
        ({"country": "cn", "type": "jin", "subtype": ""}, "regulating_sign"),
        ({"country": "", "type": "", "subtype": "", "name": "de_274-50"}, "regulating_sign"),
    ],
)
def test_country_and_codes(tmp_path: Path, changes: dict[str, str], name: str) -> None:
    assert classes(load(tmp_path, sign(**changes))) == [name]


def test_numbers_of_the_standard_that_are_no_lights_are_listed(tmp_path: Path) -> None:
    odd = sign(id="8", country="OpenDRIVE", type="1000004", subtype="-1")
    found = load(tmp_path, sign(), odd)
    assert dict(found.report.unknown) == {"signal:OPENDRIVE:1000004": 1}


def test_missing_sizes_are_assumed_and_said(tmp_path: Path) -> None:
    found = load(
        tmp_path,
        sign(id="a", width=0, height=0),
        sign(id="b", width=0, height=0.9),
        sign(id="c", type="1000001", width=0, height=0),
    )
    sizes = [np.ptp(outline, axis=0)[1:] for outline in (found.outlines_m[i] for i in range(3))]
    assert np.allclose(sizes, [[0.75, 0.75], [0.9, 0.9], [1.0 / 3.0, 1.0]])
    assert "3 faces have no width or height" in found.report.notes[0]


def test_a_stop_line_signal_spans_the_lanes_of_its_direction(tmp_path: Path) -> None:
    along = sign(type="294", subtype="-1", width=0, zOffset=0)
    against = sign(id="8", type="294", subtype="", width=0, zOffset=0, orientation="-")
    valid = sign(
        id="9", type="294", width=0, zOffset=0, content='<validity fromLane="-2" toLane="-1"/>'
    )
    wide = sign(id="10", type="294", width=3.0, length=0.5, zOffset=0, t=-1.5)
    found = load(tmp_path, along, against, valid, wide)
    assert classes(found) == ["stop_line"] * 4
    assert np.allclose(found.direction[:, 0], [1.0, -1.0, 1.0, 1.0])
    spans = [(o[:, 1].min(), o[:, 1].max()) for o in (found.outlines_m[i] for i in range(4))]
    assert np.allclose(spans, [(-3.5, 0.5), (0.5, 4.0), (-5.5, 0.5), (-3.0, 0.0)])
    assert np.allclose(found.point_m[0], [49.85, -3.5, 0.0])  # lower right: before it, on -t
    assert np.allclose(found.point_m[1], [50.15, 4.0, 0.0])
    assert np.ptp(found.outlines_m[3][:, 0]) == pytest.approx(0.5)


def test_an_arrow_and_a_crosswalk_may_be_signals(tmp_path: Path) -> None:
    arrow = sign(type="297", subtype="", zOffset=0, t=-1.5, width=1.0, length=4.0)
    zebra = sign(id="8", type="293", subtype="", zOffset=0, t=0, width=7.0, length=4.0)
    found = load(tmp_path, arrow, zebra)
    assert classes(found) == ["arrow", "crosswalk", "crosswalk"]
    assert found.ids.tolist() == ["signal:7", "signal:8:+", "signal:8:-"]
    assert np.allclose(found.point_m, [[48.0, -2.0, 0.0], [48.0, -3.5, 0.0], [52.0, 3.5, 0.0]])


def test_a_signal_may_stand_elsewhere(tmp_path: Path) -> None:
    inertial = '<positionInertial x="1" y="2" z="3" hdg="1.5707963267948966"/>'
    other = '<positionRoad roadId="2" s="10" t="1" zOffset="4" hOffset="0"/>'
    lost = '<positionRoad roadId="5" s="10" t="1" zOffset="4" hOffset="0"/>'
    here = signals(
        sign(id="a", content=inertial), sign(id="b", content=other), sign(id="c", content=lost)
    )
    second = road(name="2", plan=line(100.0, 0.0, 500.0))
    found = load_map(write(tmp_path, road(here), second))
    assert found.ids.tolist() == ["signal:a", "signal:b"]
    assert np.allclose(found.point_m, [[1.0, 2.0, 3.3], [10.0, 501.0, 4.3]])
    assert np.allclose(found.normal, [[0.0, -1.0, 0.0], [-1.0, 0.0, 0.0]])
    assert found.report.problems == (
        "signal c: its positionRoad names road '5', which is not there.",
    )


def test_the_signs_of_a_board_hang_in_its_axes(tmp_path: Path) -> None:
    content = (
        '<staticBoard><sign id="21" country="DE" type="274" subtype="60" v="0.5" z="1.5" '
        'width="0.6" height="0.6"/><sign id="22" type="1010" subtype="51" v="-0.75" z="0.5" '
        'width="0.4" height="0.2"/><sign id="23" type="77777" v="0" z="0"/></staticBoard>'
    )
    board = sign(type="staticBoard", subtype="-1", zOffset=5, width=1.5, height=2, content=content)
    found = load(tmp_path, board)
    assert found.ids.tolist() == ["signal:21", "signal:22"]
    assert classes(found) == ["regulating_sign", "auxiliary_sign"]
    assert np.allclose(found.point_m, [[50.0, -3.5, 6.8], [50.0, -4.75, 5.6]])
    assert dict(found.report.unknown) == {"signal:DE:77777": 1}
    assert dict(found.report.by_tag) == {"staticBoard": 1, "274": 1, "1010": 1, "77777": 1}


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"s": 101}, "signal 7: its s is 101 m, outside of road 1 with 100 m."),
        ({"s": "nan"}, "signal 7: its s is 'nan', which is not a sensible number."),
        ({"t": "1e12"}, "signal 7: its t is '1e12'"),
        ({"zOffset": "high"}, "signal 7: its zOffset is 'high'"),
        ({"width": -1}, "signal 7: its width is -1.0 m."),
        ({"type": "297", "width": 0}, "signal 7: it has neither an outline nor length and width."),
        ({"type": "294", "width": 0, "s": 50, "content": '<validity fromLane="7" toLane="8"/>'},
         "signal 7: it has no width, and the road has no such lanes there."),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_listed_and_the_rest_read(
    tmp_path: Path, changes: dict[str, str | float], part: str
) -> None:
    found = load(tmp_path, sign(**changes), sign(id="good"))
    assert found.ids.tolist() == ["signal:good"]
    assert len(found.report.problems) == 1
    assert part in found.report.problems[0]
