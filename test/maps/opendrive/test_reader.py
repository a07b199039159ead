"""Whole OpenDRIVE files: real ones against independent integration, and broken ones."""

from __future__ import annotations

import gzip
import math
import re
from collections import Counter
from pathlib import Path
from xml.etree.ElementTree import Element as Xml

import numpy as np
import numpy.typing as npt
import pytest
from defusedxml.ElementTree import parse as parse_xml
from helpers.opendrive import objects, road, sign, signals, thing, write
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import simpson

from dalearn_ros.core.errors import MapError
from dalearn_ros.maps import IndexedMap, load_map
from dalearn_ros.maps.load import read_map
from dalearn_ros.maps.opendrive.file import parse

Array = npt.NDArray[np.float64]
TOWNS = {
    "Town01": ({"1000001": 36, "Speed_30": 11, "Speed_60": 5, "Speed_90": 6}, {5: 36, 2: 22}),
    "Town02": ({"1000001": 24, "Speed_30": 12, "Speed_60": 7, "Speed_90": 2}, {5: 24, 2: 21}),
}


def test_a_namespace_and_gzip_change_nothing(tmp_path: Path) -> None:
    plain = write(tmp_path, road(signals(sign())))
    spaced = plain.read_text().replace("<OpenDRIVE>", '<OpenDRIVE xmlns="http://code.asam.net/x">')
    (tmp_path / "a.xodr.gz").write_bytes(gzip.compress(spaced.encode()))
    one, other = load_map(plain), load_map(tmp_path / "a.xodr.gz")
    assert one.ids.tolist() == other.ids.tolist() == ["signal:7"]
    assert np.array_equal(one.point_m, other.point_m)


def test_unknown_codes_and_countries_are_listed_and_counted(tmp_path: Path) -> None:
    strange = [sign(id=str(i), country="FR", type="A1a", subtype="") for i in range(3)]
    content = signals(sign(), *strange) + objects(thing(type="tree"), thing(id="2", type="tree"))
    found = load_map(write(tmp_path, road(content)))
    assert len(found) == 1
    assert dict(found.report.unknown) == {"signal:FR:A1a": 3, "object:tree": 2}
    assert dict(found.report.by_tag) == {"274": 1, "A1a": 3, "tree": 2}


@pytest.mark.parametrize(
    ("header", "notes"),
    [
        ('<header revMajor="1" revMinor="8"/>', ()),
        ('<header revMajor="1" revMinor="1"/>', ("Its version is '1.1'; 1.4 to 1.8 are known.",)),
        ("", ("Its version is ''; 1.4 to 1.8 are known.",)),
    ],
)
def test_another_version_is_told(tmp_path: Path, header: str, notes: tuple[str, ...]) -> None:
    found = load_map(write(tmp_path, road(signals(sign())), header=header))
    assert len(found) == 1
    assert found.report.notes == notes


def test_ids_that_stand_twice_stay_apart(tmp_path: Path) -> None:
    found = load_map(write(tmp_path, road(signals(sign(), sign(s=60)) + objects(thing(id="7")))))
    assert found.ids.tolist() == ["signal:7", "signal:7#2"]
    assert "signal 7: its id stands more than once" in found.report.problems[0]


def test_a_reference_to_nothing_is_listed(tmp_path: Path) -> None:
    references = '<signalReference id="7" s="1" t="0"/><signalReference id="x" s="1" t="0"/>'
    found = load_map(write(tmp_path, road(signals(sign(), references))))
    assert found.report.by_tag["signalReference"] == 2
    assert found.report.problems == (
        "signalReference x: road 1 refers to it, and it is not in the file.",
    )


def test_an_element_without_an_id_is_named_so(tmp_path: Path) -> None:
    found = load_map(write(tmp_path, road(signals(sign(), "<signal/>"))))
    assert found.report.problems == ("signal (without an id): it has no s.",)


def test_a_road_without_a_line_loses_what_stands_on_it(tmp_path: Path) -> None:
    lost = f'<road id="2" length="10">{signals(sign(id="a"), sign(id="b"))}</road>'
    again = road(signals(sign(id="c")))
    found = load_map(write(tmp_path, road(signals(sign())), lost, again))
    assert found.ids.tolist() == ["signal:7"]
    assert found.report.problems == (
        "road 2: it has no planView with a usable geometry; its 2 signals and objects are left "
        "out.",
        "road 1: its id stands more than once; its 1 signals and objects are left out.",
    )
    assert found.report.by_tag["274"] == 3


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("<OpenDRIVE><road id='1'></OpenDRIVE>", "line 1: expected XML"),
        ("<osm/>", "an <OpenDRIVE> file, found <osm>"),
        (
            '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><OpenDRIVE>&c;</OpenDRIVE>',
            "without entities",
        ),
        ("<OpenDRIVE/>", "landmarks with a class, found none"),
        ("", "expected XML"),
    ],
)
def test_a_broken_file_is_a_sentence(tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "map.xodr").write_text(text)
    with pytest.raises(MapError, match=part):
        load_map(tmp_path)


NUMBER = re.compile(r'(?<=")-?[0-9.]+(?:e-?[0-9]+)?(?=")')
WRONG = ("", "nan", "inf", "-inf", "-7", "0", "1e300", "1e-300", "99", "wide", "1e7", "-1e9")


@settings(max_examples=25)
@given(data=st.data())
def test_wrong_numbers_anywhere_never_end_in_a_traceback(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    spiral = '<geometry s="0" x="1" y="2" hdg="0.1" length="60"><spiral curvStart="0.01" '
    spiral += 'curvEnd="-0.02"/></geometry><geometry s="60" x="3" y="4" hdg="0.2" length="40">'
    spiral += '<paramPoly3 aU="0" bU="40" cU="1" dU="2" aV="0" bV="0" cV="3" dV="-1"/></geometry>'
    heights = '<elevationProfile><elevation s="0" a="1" b="0.1" c="0" d="0"/></elevationProfile>'
    ring = "".join(f'<cornerLocal u="{u}" v="{v}" z="0"/>' for u, v in ((0, 0), (4, 0), (4, 3)))
    repeat = '<repeat s="10" length="40" distance="20" tStart="1" tEnd="2"/>'
    lane = '<validity fromLane="-1" toLane="-1"/>'
    text = road(
        signals(sign(content=lane), sign(id="8", type="294", subtype="", width=0, zOffset=0))
        + objects(
            thing(type="crosswalk", content=f"<outline>{ring}</outline>"),
            thing(id="2", type="roadMark", subtype="arrowLeft", length=4, width=1, content=repeat),
        ),
        plan=spiral,
        profiles=heights,
    )
    places = list(NUMBER.finditer(text))
    for _ in range(data.draw(st.integers(1, 3))):
        place = places[data.draw(st.integers(0, len(places) - 1))]
        wrong = data.draw(st.sampled_from(WRONG))
        text = text[: place.start()] + wrong + text[place.end() :]
        places = list(NUMBER.finditer(text))
    folder = tmp_path_factory.mktemp("fuzz", numbered=True)
    found = read_map(write(folder, text))
    assert np.isfinite(found.point_m).all()
    assert np.isfinite(found.outlines_m.values).all()
    assert all(text.endswith(".") for text in found.report.problems)


def test_a_broken_gzip_is_a_sentence(tmp_path: Path) -> None:
    whole = gzip.compress(b"<OpenDRIVE/>" * 100)
    for content in (b"no gzip", whole[:-20]):
        (tmp_path / "map.xodr.gz").write_bytes(content)
        with pytest.raises(MapError, match="a whole gzip file|expected XML"):
            load_map(tmp_path)


def _tree(path: Path) -> Xml:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        root = parse_xml(stream).getroot()
    assert root is not None
    return root


def _value(element: Xml, key: str) -> float:
    return float(element.get(key, "0"))


def _independent(road_xml: Xml, s: float, t: float) -> tuple[float, float, float]:
    """x, y, heading at s, t by Simpson's rule on the heading, straight from the XML."""
    geometry = [g for g in road_xml.iter("geometry") if _value(g, "s") <= max(s, 0.0)][-1]
    ds = s - _value(geometry, "s")
    x, y, heading = (_value(geometry, key) for key in ("x", "y", "hdg"))
    shape = geometry[0]
    at = np.linspace(0.0, ds, 2001)
    if shape.tag == "paramPoly3":
        du, dv = (
            _value(shape, "b" + axis)
            + 2.0 * _value(shape, "c" + axis) * at
            + 3.0 * _value(shape, "d" + axis) * at**2
            for axis in "UV"
        )
    else:
        angle = _value(shape, "curvature") * at
        du, dv = np.cos(angle), np.sin(angle)
    u, v = float(simpson(du, x=at)), float(simpson(dv, x=at))
    x += u * math.cos(heading) - v * math.sin(heading)
    y += u * math.sin(heading) + v * math.cos(heading)
    heading += math.atan2(dv[-1], du[-1])
    return x - t * math.sin(heading), y + t * math.cos(heading), heading


def _expected(path: Path) -> dict[str, tuple[float, float, float]]:
    found: dict[str, tuple[float, float, float]] = {}
    for road_xml in _tree(path).iter("road"):
        for kind in ("signal", "object"):
            for element in road_xml.iter(kind):
                place = _independent(road_xml, _value(element, "s"), _value(element, "t"))
                found.setdefault(f"{kind}:{element.get('id')}", place)
    return found


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("Town01.xodr.gz", 58),
        ("Town02.xodr.gz", 45),
        ("esmini_fabriksgatan_traffic_lights.xodr", 3),
        ("esmini_straight_500m_signs.xodr", 17),  # two more have an id that stands twice
    ],
)
def test_positions_of_real_maps_equal_independent_integration(
    real_data: Path, name: str, count: int
) -> None:
    path = real_data / "maps" / name
    landmarks, expected = load_map(path), _expected(path)
    compared = 0
    for row, landmark in enumerate(landmarks.ids.tolist()):
        if "#" in landmark:
            continue
        x, y, _ = expected[landmark]
        assert math.hypot(landmarks.point_m[row, 0] - x, landmarks.point_m[row, 1] - y) < 1e-3
        compared += 1
    assert compared == count


@pytest.mark.real_data
@pytest.mark.parametrize("name", TOWNS)
def test_the_counts_of_the_towns(real_data: Path, name: str) -> None:
    landmarks = load_map(real_data / "maps" / f"{name}.xodr.gz")
    tags, classes = TOWNS[name]
    assert {key: landmarks.report.by_tag[key] for key in tags} == tags
    assert Counter(landmarks.class_id.tolist()) == classes
    assert landmarks.report.problems == ()
    assert not landmarks.report.unknown


@pytest.mark.real_data
@pytest.mark.parametrize("name", TOWNS)
def test_lights_of_the_towns_face_the_lanes_that_they_stop(real_data: Path, name: str) -> None:
    """Junction roads refer to a light with their lanes: where these begin, the light looks."""
    path = real_data / "maps" / f"{name}.xodr.gz"
    landmarks = load_map(path)
    rows = {str(landmark): row for row, landmark in enumerate(landmarks.ids)}
    checked = 0
    for road_xml in _tree(path).iter("road"):
        for reference in road_xml.iter("signalReference"):
            validity = reference.find("validity")
            assert validity is not None
            lane = int(validity.get("fromLane", "0"))
            start = 0.0 if lane < 0 else _value(road_xml, "length")
            heading = _independent(road_xml, start, 0.0)[2] + (0.0 if lane < 0 else math.pi)
            normal = landmarks.normal[rows[f"signal:{reference.get('id')}"]]
            assert normal @ [math.cos(heading), math.sin(heading), 0.0] < -0.9
            checked += 1
    assert checked == landmarks.report.by_tag["signalReference"]


@pytest.mark.real_data
def test_the_counts_of_esminis_maps(real_data: Path) -> None:
    signs = load_map(real_data / "maps" / "esmini_straight_500m_signs.xodr")
    assert len(signs) == 19
    assert signs.report.by_tag["274"] == 6
    assert len(signs.report.problems) == 2  # ids 1 and 14 stand twice
    lights = load_map(real_data / "maps" / "esmini_fabriksgatan_traffic_lights.xodr")
    assert {key: lights.report.by_tag[key] for key in ("1000001", "1000002", "pole")} == {
        "1000001": 1,
        "1000002": 2,
        "pole": 2,
    }
    rails: IndexedMap = read_map(real_data / "maps" / "esmini_e6mini.xodr")
    assert len(rails) == 0
    assert dict(rails.report.unknown) == {
        "object:rail-pole": 2,
        "object:railing": 2,
        "object:guide-post": 2,
    }


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "borders"),
    [
        ("Town01.xodr.gz", 360),
        ("Town02.xodr.gz", 377),
        ("esmini_e6mini.xodr", 16),
        ("esmini_fabriksgatan_traffic_lights.xodr", 8),
    ],
)
def test_real_reference_lines_are_continuous(real_data: Path, name: str, borders: int) -> None:
    file = parse(real_data / "maps" / name)
    pairs = [
        (one.at(other.s - one.s), other.start)
        for found in file.roads.values()
        for one, other in zip(found.line.records, found.line.records[1:], strict=False)
    ]
    assert len(pairs) == borders
    gaps = np.array([math.hypot(a[0] - b[0], a[1] - b[1]) for a, b in pairs])
    turns = np.array([math.remainder(a[2] - b[2], math.tau) for a, b in pairs])
    assert gaps.max() < 1e-3
    assert np.abs(turns).max() < 1e-3
