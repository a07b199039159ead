"""Road coordinates to map metres: heights, roll, lanes."""

from __future__ import annotations

import math
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
from helpers.opendrive import LANES, line, road
from scipy.spatial.transform import Rotation

from dalearn_ros.maps.opendrive.profiles import Profile
from dalearn_ros.maps.opendrive.road import Road, read_road


def read(text: str) -> tuple[Road, list[str]]:
    problems: list[str] = []
    return read_road(fromstring(text), problems), problems


def test_t_is_left_of_s_and_dz_is_up() -> None:
    found, problems = read(road(plan=line(100.0, 5.0, 6.0, math.pi / 2)))
    assert np.allclose(found.point(10.0, 2.0, 1.5), [3.0, 16.0, 1.5])
    assert problems == []


def test_superelevation_lifts_the_left_side() -> None:
    roll = '<lateralProfile><superelevation s="0" a="0.1" b="0" c="0" d="0"/></lateralProfile>'
    found, _ = read(road(profiles=roll))
    assert np.allclose(found.point(10.0, 2.0), [10.0, 2.0 * math.cos(0.1), 2.0 * math.sin(0.1)])


def test_heading_pitch_and_roll_are_the_rotation_of_the_standard() -> None:
    profiles = (
        '<elevationProfile><elevation s="0" a="3" b="0.1" c="0.001" d="0"/></elevationProfile>'
        '<lateralProfile><superelevation s="0" a="0.05" b="0.002" c="0" d="0"/></lateralProfile>'
    )
    found, _ = read(road(plan=line(100.0, 1.0, 2.0, 0.4), profiles=profiles))
    s, t = 30.0, -4.0
    pitch, roll = math.atan(0.1 + 0.002 * s), 0.05 + 0.002 * s
    axes = Rotation.from_euler("ZYX", [0.4, -pitch, roll]).as_matrix()
    origin = [1.0 + s * math.cos(0.4), 2.0 + s * math.sin(0.4), 3.0 + 0.1 * s + 0.001 * s * s]
    assert np.allclose(found.point(s, t), origin + axes @ [0.0, t, 0.0], atol=1e-12)


def test_a_profile_is_zero_before_its_first_record_and_takes_the_last_that_began() -> None:
    elements = [
        fromstring('<elevation s="20" a="1" b="0.5" c="0" d="0"/>'),
        fromstring('<elevation s="10" a="7" b="0" c="0.1" d="0.01"/>'),
    ]
    profile = Profile.of(elements)
    assert profile.at(5.0) == (0.0, 0.0)
    assert profile.at(12.0) == pytest.approx((7.0 + 0.4 + 0.08, 0.4 + 0.12))
    assert profile.at(24.0) == pytest.approx((3.0, 0.5))


CROWN = ((-4.0, 0.0, 0.0), (-3.0, 0.0, 0.15), (0.0, 0.45, -0.1))  # t, a, b of the standard's own


def _shapes(*records: tuple[float, ...]) -> str:
    keys = ("s", "t", "a", "b", "c", "d")
    rows = (
        " ".join(f'{k}="{v!r}"' for k, v in zip(keys, [*r, *[0.0] * 4][:6], strict=True))
        for r in records
    )
    return f"<lateralProfile>{''.join(f'<shape {row}/>' for row in rows)}</lateralProfile>"


@pytest.mark.parametrize(
    ("t", "height"),
    [(-5.0, 0.0), (-4.0, 0.0), (-3.5, 0.0), (-1.0, 0.3), (0.0, 0.45), (2.0, 0.25), (4.0, 0.05)],
)
def test_the_crown_of_the_standard(t: float, height: float) -> None:
    """ASAM OpenDRIVE 1.6, 8.6.1: level to t = -3, up to 0.45 m in the middle, 0.05 m at t = 4."""
    found, problems = read(road(profiles=_shapes(*((0.0, *record) for record in CROWN))))
    assert np.allclose(found.point(10.0, t), [10.0, t, height])
    assert problems == []


def test_a_cross_section_runs_linearly_from_station_to_station() -> None:
    """Against numpy's own polynomials and interpolation, cubics at three stations."""
    rng = np.random.default_rng(3)
    stations, edges = (10.0, 40.0, 70.0), (-6.0, -2.0, 3.0)
    factors = rng.normal(0.0, [0.2, 0.05, 0.01, 0.002], (3, 3, 4))
    records = [
        (s, t, *map(float, factors[i, j]))
        for i, s in enumerate(stations)
        for j, t in enumerate(edges)
    ]
    found, _ = read(road(profiles=_shapes(*records)))
    for s, t in rng.uniform((0.0, -6.0), (100.0, 8.0), (50, 2)):
        piece = int(np.searchsorted(edges, t, side="right")) - 1
        heights = [np.polyval(factors[i, piece][::-1], t - edges[piece]) for i in range(3)]
        expected = np.interp(s, stations, heights)
        assert found.point(s, t)[2] == pytest.approx(expected, abs=1e-12)


def test_a_shape_rises_square_to_the_rolled_and_climbing_plane() -> None:
    profiles = (
        '<elevationProfile><elevation s="0" a="3" b="0.1" c="0" d="0"/></elevationProfile>'
        '<lateralProfile><superelevation s="0" a="0.05" b="0" c="0" d="0"/>'
        '<shape s="0" t="-9" a="0.2" b="0" c="0" d="0"/></lateralProfile>'
    )
    found, _ = read(road(plan=line(100.0, 0.0, 0.0, 0.4), profiles=profiles))
    axes = Rotation.from_euler("ZYX", [0.4, -math.atan(0.1), 0.05]).as_matrix()
    origin = [30.0 * math.cos(0.4), 30.0 * math.sin(0.4), 6.0]
    assert np.allclose(found.point(30.0, -4.0), origin + axes @ [0.0, -4.0, 0.2], atol=1e-12)


def _section(left: str, right: str) -> str:
    return (
        f'<lanes><laneOffset s="0" a="0.5" b="0" c="0" d="0"/><laneSection s="20"><left>{left}'
        f"</left><right>{right}</right></laneSection></lanes>"
    )


def _lane(name: int, tag: str, a: float, b: float = 0.0, c: float = 0.0) -> str:
    content = f'<{tag} sOffset="0" a="{a}" b="{b}" c="{c}" d="0"/>'
    return f'<lane id="{name}" type="driving">{content}</lane>'


def test_borders_count_from_the_reference_line_and_widths_from_the_lane_offset() -> None:
    right = _lane(-1, "border", -3.0, -0.01) + _lane(-2, "border", -5.0, 0.0, -0.001)
    found, _ = read(road(lanes=_section(_lane(1, "width", 3.5), right)))
    # 30 m into the section: -3 - 0.3, and -5 - 0.9; the inner border of lane -1 is the middle lane.
    assert found.lane_span(50.0, -1, -1) == pytest.approx((-3.3, 0.5))
    assert found.lane_span(50.0, -2, -2) == pytest.approx((-5.9, -3.3))
    assert found.lane_span(50.0, 1, 1) == pytest.approx((0.5, 4.0))


def test_where_a_side_has_both_the_widths_count() -> None:
    both = (
        '<width sOffset="0" a="3" b="0" c="0" d="0"/><border sOffset="0" a="-9" b="0" c="0" d="0"/>'
    )
    found, _ = read(road(lanes=_section("", f'<lane id="-1" type="driving">{both}</lane>')))
    assert found.lane_span(50.0, -1, -1) == pytest.approx((-2.5, 0.5))


def test_lanes_begin_at_the_lane_offset() -> None:
    found, _ = read(road(lanes=LANES))
    assert found.lane_span(50.0, -1, -1) == pytest.approx((0.5 - 4.0, 0.5))  # 3.5 + 0.01 · 50
    assert found.lane_span(50.0, -1, 1) == pytest.approx((-3.5, 4.0))
    assert found.lane_span(50.0, -2, -2) == pytest.approx((-5.5, -3.5))
    assert found.lane_span(50.0, 5, 6) is None
    assert found.vehicle_lanes(50.0, along=True) == [-1]
    assert found.vehicle_lanes(50.0, along=False) == [1]


def test_where_traffic_keeps_left_the_lanes_along_s_are_left() -> None:
    found, _ = read(road(attributes='rule="LHT"'))
    assert found.vehicle_lanes(50.0, along=True) == [1]


@pytest.mark.parametrize("s", [-1.0, 101.0])
def test_s_outside_of_the_road_is_refused(s: float) -> None:
    found, _ = read(road())
    with pytest.raises(ValueError, match="outside of road 1 with 100 m"):
        found.point(s, 0.0)


def test_what_is_wrong_beside_the_line_is_listed_and_taken_as_zero() -> None:
    plan = line() + '<geometry s="100" x="0" y="0" hdg="0" length="-3"><line/></geometry>'
    profiles = (
        '<elevationProfile><elevation s="0" a="nan"/></elevationProfile>'
        '<lateralProfile><shape s="0" t="0" a="0" b="wide" c="0" d="0"/></lateralProfile>'
    )
    found, problems = read(road(plan=plan, profiles=profiles))
    assert found.point(10.0, 0.0)[2] == 0.0
    for part, text in zip(
        ("geometry 2: its length", "shape: its b is 'wide'", "elevation"), problems, strict=True
    ):
        assert part in text


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('<road id="1" length="10"/>', "no planView"),
        ('<road id="1" length="0"/>', "length is 0.0 m"),
        ('<road id="1"/>', "no length"),
    ],
)
def test_a_road_without_a_line_is_refused(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        read(text)
