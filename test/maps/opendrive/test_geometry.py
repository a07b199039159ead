"""Reference lines against hand numbers, closed forms and independent numerical integration."""

from __future__ import annotations

import math
from collections.abc import Callable
from xml.etree.ElementTree import fromstring

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp
from scipy.special import fresnel

from dalearn_ros.maps.opendrive.geometry import Point, Record, ReferenceLine, clothoid, read_record


def record(shape: str, length: float = 40.0, start: Point = (10.0, -3.0, 0.7)) -> Record:
    x, y, hdg = start
    return read_record(
        fromstring(
            f'<geometry s="0" x="{x}" y="{y}" hdg="{hdg}" length="{length}">{shape}</geometry>'
        )
    )


def integrated(heading: Callable[[float], float], start: Point, s: float) -> tuple[float, float]:
    """x and y after s metres by Runge-Kutta on x' = cos θ(s), y' = sin θ(s)."""
    x, y, hdg = start
    found = solve_ivp(
        lambda at, _: [math.cos(hdg + heading(at)), math.sin(hdg + heading(at))],
        (0.0, s),
        [x, y],
        method="DOP853",
        rtol=1e-11,
        atol=1e-11,
    )
    return float(found.y[0, -1]), float(found.y[1, -1])


def test_a_line_and_a_quarter_circle_by_hand() -> None:
    assert record("<line/>", 40.0, (1.0, 2.0, math.pi / 2)).at(10.0) == pytest.approx(
        (1.0, 12.0, math.pi / 2)
    )
    left = record('<arc curvature="0.1"/>', 40.0, (0.0, 0.0, 0.0))
    assert left.at(5.0 * math.pi) == pytest.approx((10.0, 10.0, math.pi / 2))
    right = record('<arc curvature="-0.1"/>', 40.0, (0.0, 0.0, 0.0))
    assert right.at(5.0 * math.pi) == pytest.approx((10.0, -10.0, -math.pi / 2))


@pytest.mark.parametrize(
    ("start", "end"), [(0.0, 0.02), (0.05, -0.03), (-0.1, -0.1), (0.3, 0.0), (1e-9, 2e-9)]
)
@pytest.mark.parametrize("s", [0.0, 13.0, 40.0])
def test_a_spiral_by_runge_kutta(start: float, end: float, s: float) -> None:
    piece = record(f'<spiral curvStart="{start}" curvEnd="{end}"/>')
    x, y, heading = piece.at(s)
    expected = integrated(
        lambda at: start * at + (end - start) * at * at / 80.0, piece.start, s or 1e-12
    )
    assert (x, y) == pytest.approx(expected, abs=1e-8)
    assert heading == pytest.approx(0.7 + start * s + (end - start) * s * s / 80.0)


@given(
    start=st.floats(-0.2, 0.2),
    end=st.floats(-0.2, 0.2),
    length=st.floats(1.0, 300.0),
    share=st.floats(0.0, 1.0),
)
def test_a_spiral_by_fresnel_integrals(
    start: float, end: float, length: float, share: float
) -> None:
    rate = (end - start) / length
    if abs(rate) < 1e-5:
        return  # the closed form loses its digits there
    s, scale = share * length, math.sqrt(abs(rate) / math.pi)
    (s1, s0), (c1, c0) = fresnel(scale * np.array([s + start / rate, start / rate]))
    turn = np.exp(-0.5j * start * start / rate)
    expected = turn * ((c1 - c0) + 1j * math.copysign(1.0, rate) * (s1 - s0)) / scale
    u, v, _ = clothoid(start, end, length)(s)
    assert complex(u, v) == pytest.approx(expected, abs=1e-8)


def test_a_poly3_by_runge_kutta() -> None:
    piece = record('<poly3 a="0.3" b="0.1" c="0.01" d="-0.0002"/>', 40.0, (0.0, 0.0, 0.0))
    slope = lambda u: 0.1 + 0.02 * u - 0.0006 * u * u  # noqa: E731
    for s in (0.0, 7.0, 40.0):
        found = solve_ivp(
            lambda _, u: 1.0 / np.hypot(1.0, slope(u)),
            (0.0, s + 1e-12),
            [0.0],
            rtol=1e-11,
            atol=1e-11,
        )
        u = float(found.y[0, -1])
        expected = (u, 0.3 + 0.1 * u + 0.01 * u**2 - 0.0002 * u**3, math.atan(slope(u)))
        assert piece.at(s) == pytest.approx(expected, abs=1e-7)


U, V = (0.0, 30.0, 8.0, 2.0), (0.0, 1.0, 25.0, -12.0)
TEXT = " ".join(
    f'{name}{axis}="{value}"'
    for axis, values in (("U", U), ("V", V))
    for name, value in zip("abcd", values, strict=True)
)


def test_a_normalized_param_poly3_is_asked_by_arc_length() -> None:
    """The same share of the record's length is the same share of the curve's own length."""
    du = np.polynomial.Polynomial(U).deriv()
    dv = np.polynomial.Polynomial(V).deriv()
    speed = lambda p: np.hypot(du(p), dv(p))  # noqa: E731
    p = np.linspace(0.0, 1.0, 20001)
    arc = np.concatenate([[0.0], np.cumsum((speed(p[1:]) + speed(p[:-1])) / 2.0 * np.diff(p))])
    piece = record(f"<paramPoly3 {TEXT}/>", float(arc[-1]), (0.0, 0.0, 0.0))
    for s in (0.0, 5.0, 20.0, float(arc[-1])):
        at = float(np.interp(s, arc, p))
        expected = (np.polynomial.Polynomial(U)(at), np.polynomial.Polynomial(V)(at))
        x, y, heading = piece.at(s)
        assert (x, y) == pytest.approx(expected, abs=1e-5)
        assert heading == pytest.approx(math.atan2(dv(at), du(at)), abs=1e-5)


def test_a_param_poly3_by_arc_length_takes_s_as_its_parameter() -> None:
    piece = record(
        '<paramPoly3 pRange="arcLength" aU="0" bU="1" cU="0" dU="-1e-5" aV="0" bV="0" cV="5e-3" '
        'dV="0"/>',
        40.0,
        (0.0, 0.0, 0.0),
    )
    assert piece.at(20.0) == pytest.approx((20.0 - 0.08, 2.0, math.atan2(0.2, 1.0 - 0.012)))


SHAPES = (
    "<line/>",
    '<arc curvature="0.03"/>',
    '<spiral curvStart="-0.02" curvEnd="0.05"/>',
    '<poly3 a="0" b="0" c="0.004" d="-0.0001"/>',
    f"<paramPoly3 {TEXT}/>",
)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_chain_of_chords_is_the_arc_and_the_heading_is_its_direction(shape: str) -> None:
    length = 41.2 if "param" in shape else 40.0
    piece = record(shape, length)
    at = np.linspace(0.0, length, 201)
    points = np.array([piece.at(float(s)) for s in at])
    steps = np.hypot(*np.diff(points[:, :2], axis=0).T)
    share = steps / np.diff(at)
    assert np.ptp(share) < 1e-3  # equal steps of s are equal steps on the curve
    if "param" not in shape:
        assert share.mean() == pytest.approx(1.0, abs=1e-4)
    chords = np.unwrap(np.arctan2(*np.diff(points[:, :2], axis=0).T[::-1]))
    middle = np.unwrap(points[:, 2])[:-1] + np.diff(np.unwrap(points[:, 2])) / 2.0
    assert np.abs((chords - middle + math.pi) % (2.0 * math.pi) - math.pi).max() < 1e-3


def test_records_follow_each_other() -> None:
    first = record('<arc curvature="0.02"/>')
    second = Record(40.0, first.at(40.0), 20.0, clothoid(0.02, 0.0, 20.0))
    line = ReferenceLine((first, second))
    assert line.at(40.0) == pytest.approx(first.at(40.0))
    assert line.at(45.0) == pytest.approx(second.at(5.0))
    assert line.at(-1.0) == pytest.approx(first.at(-1.0))


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ('s="0" x="0" y="0" hdg="0" length="0"><line/>', "its length is 0.0 m"),
        ('s="0" x="0" y="0" hdg="0" length="nan"><line/>', "length is 'nan'"),
        ('s="0" x="inf" y="0" hdg="0" length="5"><line/>', "x is 'inf'"),
        ('s="0" x="0" y="0" length="5"><line/>', "it has no hdg"),
        ('s="0" x="0" y="0" hdg="0" length="5"><curve/>', "none of line, arc.* but curve"),
        ('s="0" x="0" y="0" hdg="0" length="5">', "but nothing"),
        ('s="0" x="0" y="0" hdg="0" length="5"><arc curvature="1e7"/>', "round and round"),
        ('s="0" x="0" y="0" hdg="0" length="5"><arc curvature="tight"/>', "'tight'"),
        ('s="0" x="0" y="0" hdg="0" length="5"><paramPoly3/>', "stands still"),
    ],
)
def test_a_wrong_geometry_says_what_is_wrong(text: str, part: str) -> None:
    with pytest.raises(ValueError, match=part):
        read_record(fromstring(f"<geometry {text}</geometry>"))
