"""Objects as painted outlines and faces, against hand numbers."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from helpers.opendrive import HEADER, line, objects, road, thing, write

from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.maps import IndexedMap, load_map

CLASSES = LabelSpace.load()


def load(folder: Path, *elements: str, plan: str = "", header: str = HEADER) -> IndexedMap:
    return load_map(write(folder, road(objects(*elements), plan=plan), header=header))


def classes(landmarks: IndexedMap) -> list[str]:
    return [CLASSES.names[i] for i in landmarks.class_id]


def local(*corners: tuple[float, float]) -> str:
    text = "".join(f'<cornerLocal u="{u}" v="{v}" z="0"/>' for u, v in corners)
    return f"<outline>{text}</outline>"


def test_a_crosswalk_is_two_landmarks_by_direction(tmp_path: Path) -> None:
    found = load(tmp_path, thing(type="crosswalk", length=8.0, width=3.0, hdg=math.pi / 2))
    assert found.ids.tolist() == ["object:9:+", "object:9:-"]
    assert classes(found) == ["crosswalk", "crosswalk"]
    assert np.allclose(found.direction, [[1.0, 0.0, 0.0], [-1.0, 0.0, 0.0]])
    # Length along u, which hdg turns across the road; lower right by direction.
    assert np.allclose(found.point_m, [[48.5, -4.0, 0.0], [51.5, 4.0, 0.0]])
    assert found.tags.tolist() == ["object:crosswalk"] * 2


def test_local_corners_turn_with_the_object_and_close_once(tmp_path: Path) -> None:
    ring = local((-4, -1.5), (4, -1.5), (4, 1.5), (-4, 1.5), (-4, -1.5))
    turned = thing(type="crosswalk", hdg=0.3, t=2.0, content=ring)
    found = load(tmp_path, turned, plan=line(100.0, 7.0, 0.0, 0.1))
    angle = 0.4
    c, s = math.cos(angle), math.sin(angle)
    origin = np.array([7.0 + 50 * math.cos(0.1) - 2 * math.sin(0.1),
                       50 * math.sin(0.1) + 2 * math.cos(0.1)])  # fmt: skip
    expected = origin + np.array([[-4, -1.5], [4, -1.5], [4, 1.5], [-4, 1.5]]) @ [[c, s], [-s, c]]
    assert np.allclose(found.outlines_m[0][:, :2], expected)


def test_road_corners_follow_the_road(tmp_path: Path) -> None:
    corners = "".join(
        f'<cornerRoad s="{s}" t="{t}" dz="0.1" height="0"/>'
        for s, t in ((10, -3), (14, -3), (14, 3), (10, 3))
    )
    wrapped = f'<outlines><outline id="1" outer="true" closed="true">{corners}</outline></outlines>'
    arc = '<geometry s="0" x="0" y="0" hdg="0" length="100"><arc curvature="0.01"/></geometry>'
    found = load(tmp_path, thing(type="crosswalk", s=12, content=wrapped), plan=arc)
    on_arc = [
        [(100 - t) * math.sin(s / 100), 100 - (100 - t) * math.cos(s / 100), 0.1]
        for s, t in ((10, -3), (14, -3), (14, 3), (10, 3))
    ]
    assert np.allclose(found.outlines_m[0], on_arc)


def test_several_outlines_become_their_hull(tmp_path: Path) -> None:
    stripes = "".join(local((-2, v), (2, v), (2, v + 0.5), (-2, v + 0.5)) for v in (-3, -1, 1))
    found = load(tmp_path, thing(type="crosswalk", content=f"<outlines>{stripes}</outlines>"))
    assert np.allclose(np.ptp(found.outlines_m[0], axis=0), [4.0, 4.5, 0.0])


def test_a_stop_line_as_area_as_line_and_by_roadrunner(tmp_path: Path) -> None:
    area = thing(id="a", type="roadMark", subtype="signalLines", t=-1.75, length=0.4, width=3.5)
    thin = thing(id="b", type="-1", name="StopLine", t=-1.75, hdg=-math.pi / 2,
                 content=local((-1.75, 0), (0, 1e-5), (1.75, 0)))  # fmt: skip
    found = load(tmp_path, area, thin)
    assert classes(found) == ["stop_line"] * 2
    assert np.allclose(found.direction, [[1.0, 0.0, 0.0]] * 2, atol=1e-4)
    assert np.allclose(found.point_m, [[49.8, -3.5, 0.0], [49.85, -3.5, 0.0]], atol=1e-4)
    theirs = thin.replace('orientation="+"', 'orientation="-"')
    again = load(tmp_path, theirs, header='<header revMajor="1" revMinor="4" vendor="VectorZero"/>')
    assert np.allclose(again.point_m, [[49.85, -3.5, 0.0]], atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"orientation": "-"}, -1.0),
        ({"orientation": "none", "t": -2}, 1.0),
        ({"orientation": "none", "t": 2}, -1.0),
        (
            {"orientation": "none", "t": 2, "content": '<validity fromLane="-1" toLane="-1"/>'},
            1.0,
        ),
    ],
)
def test_whom_a_marking_is_for(
    tmp_path: Path, changes: dict[str, str | float], expected: float
) -> None:
    arrow = thing(type="roadMark", subtype="arrowLeft", length=4, width=1, **changes)
    found = load(tmp_path, arrow)
    assert classes(found) == ["arrow"]
    assert np.allclose(found.direction, [[expected, 0.0, 0.0]])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Stencil_ArrowType4L", "arrow"),
        ("Stencil_STOP", "symbol"),
        ("SimpleCrosswalk", "crosswalk"),
    ],
)
def test_names_count_where_the_type_says_nothing(tmp_path: Path, name: str, expected: str) -> None:
    found = load(tmp_path, thing(type="-1", name=name, length=4, width=1))
    assert set(classes(found)) == {expected}
    assert dict(found.report.by_tag) == {name: 1}


def test_speed_objects_are_signs(tmp_path: Path) -> None:
    post = thing(name="Speed_30", type="-1", t=-4.5, zOffset=0.15, hdg=0.0, width=0, height=0)
    found = load(tmp_path, post)
    assert classes(found) == ["regulating_sign"]
    assert np.allclose(found.point_m, [[50.0, -4.5, 0.15 + 2.0 + 0.375]])
    assert np.allclose(found.normal, [[-1.0, 0.0, 0.0]])
    assert len(found.report.notes) == 2


def test_a_repeat_stands_for_all_its_places(tmp_path: Path) -> None:
    repeat = (
        '<repeat s="10" length="40" distance="20" tStart="-1" tEnd="-3" zOffsetStart="0" '
        'zOffsetEnd="0.4"/>'
    )
    arrow = thing(type="roadMark", subtype="arrowStraight", length=4, width=1, content=repeat)
    found = load(tmp_path, arrow)
    assert found.ids.tolist() == ["object:9/1", "object:9/2", "object:9/3"]
    centres = np.array([found.outlines_m[i].mean(axis=0) for i in range(3)])
    assert np.allclose(centres, [[10, -1, 0], [30, -2, 0.2], [50, -3, 0.4]])


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"s": -3}, "its s is -3 m, outside of road 1"),
        ({"length": 0}, "neither an outline nor length and width"),
        ({"content": local((0, 0), (0.01, 0), (0.01, 0.01))}, "its outline is a point"),
        ({"content": local((0, 0), (5, 0), (9, 0))}, "its outline is no area"),
        ({"content": local((0, 0), (5, math.nan), (9, 0))}, "its v is 'nan'"),
        (
            {"content": '<repeat s="0" length="90" distance="1e-6"/>'},
            "it is repeated 90000001 times",
        ),
        ({"content": '<repeat s="0" length="90" distance="0"/>'}, "without a gap"),
    ],
)
def test_what_cannot_be_read_is_listed_and_the_rest_read(
    tmp_path: Path, changes: dict[str, str | float], part: str
) -> None:
    bad = thing(**{"id": "bad", "type": "crosswalk", "length": 5, "width": 4, **changes})
    found = load(tmp_path, bad, thing(type="crosswalk", length=5, width=4))
    assert found.ids.tolist() == ["object:9:+", "object:9:-"]
    assert len(found.report.problems) == 1
    assert "object bad: " in found.report.problems[0]
    assert part in found.report.problems[0]
