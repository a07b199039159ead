"""Which signals are meant for which lanes, against hand numbers and CARLA's towns."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pyproj
import pytest
from helpers.opendrive import line, road, sign, signals, write

from dalearn_ros.maps import load_map

LIGHT = {"country": "OpenDRIVE", "type": "1000001", "subtype": "-1"}
FOR_ONE = '<validity fromLane="-1" toLane="-1"/>'


def test_a_signal_is_for_the_lanes_that_it_names(tmp_path: Path) -> None:
    """Lane offset 0.5 m; lane -1 is 3.5 + 0.01 · 50 = 4 m wide, lane -2 (sidewalk) 2 m."""
    content = '<validity fromLane="-2" toLane="1"/>'
    links = load_map(write(tmp_path, road(signals(sign(content=content, **LIGHT))))).links
    assert links.landmark_id.tolist() == ["signal:7", "signal:7"]
    assert links.lanelet_id.tolist() == ["1/-2", "1/-1"]  # lane 1 runs against its orientation
    assert links.for_vehicles.tolist() == [False, True]
    np.testing.assert_allclose(links.stop_m, [[50.0, -4.5, 0.0], [50.0, -1.5, 0.0]])
    np.testing.assert_allclose(links.direction, [[1.0, 0.0, 0.0]] * 2)
    np.testing.assert_allclose(links.half_width_m, [1.0, 2.0])
    assert links.stop_line_id.tolist() == ["", ""]


def test_without_validity_it_is_for_all_lanes_for_vehicles_of_its_direction(tmp_path: Path) -> None:
    both = sign(id="8", orientation="none", s=20, **LIGHT)
    links = load_map(write(tmp_path, road(signals(sign(orientation="-"), both)))).links
    assert links.landmark_id.tolist() == ["signal:7", "signal:8", "signal:8"]
    assert links.lanelet_id.tolist() == ["1/1", "1/-1", "1/1"]
    np.testing.assert_allclose(links.direction[:, 0], [-1.0, 1.0, -1.0], atol=1e-12)
    np.testing.assert_allclose(links.stop_m[0], [50.0, 0.5 + 1.75, 0.0])


def test_where_traffic_keeps_left_the_lanes_along_s_are_left(tmp_path: Path) -> None:
    links = load_map(write(tmp_path, road(signals(sign()), attributes='rule="LHT"'))).links
    assert links.lanelet_id.tolist() == ["1/1"]
    np.testing.assert_allclose(links.direction[0], [1.0, 0.0, 0.0])


def test_a_reference_gives_a_signal_to_the_lanes_of_another_road(tmp_path: Path) -> None:
    none = '<validity fromLane="0" toLane="0"/>'
    refers = f'<signalReference id="7" s="1" t="0" orientation="+">{FOR_ONE}</signalReference>'
    after = road(signals(refers), name="2", plan=line(100.0, 100.0, 0.0, math.pi / 2))
    found = load_map(write(tmp_path, road(signals(sign(content=none, **LIGHT))), after))
    assert found.links.lanelet_id.tolist() == ["2/-1"]
    assert found.links.lanelets_of("signal:7") == ["2/-1"]
    # North along x = 100; half of 3.51 m right of the offset 0.5 m, 1 m from its start.
    np.testing.assert_allclose(found.links.stop_m[0], [100.0 - 0.5 + 1.755, 1.0, 0.0])
    assert found.links.relevant([101.0, -30.0], math.pi / 2, 50.0) == ["signal:7"]
    assert found.links.relevant([101.0, -30.0], 0.0, 50.0) == []
    assert found.links.relevant([101.0, 5.0], math.pi / 2, 50.0) == []


def test_roadrunner_means_against_s_by_plus(tmp_path: Path) -> None:
    header = '<header revMajor="1" revMinor="4" vendor="VectorZero"/>'
    found = load_map(write(tmp_path, road(signals(sign(**LIGHT))), header=header))
    assert found.links.lanelet_id.tolist() == ["1/1"]


def test_lights_of_pedestrians_are_not_for_vehicles(tmp_path: Path) -> None:
    walk = sign(id="8", country="OpenDRIVE", type="1.000.002", subtype="-1")
    links = load_map(write(tmp_path, road(signals(sign(**LIGHT), walk)))).links
    assert dict(zip(links.landmark_id, links.for_vehicles, strict=True)) == {
        "signal:7": True,
        "signal:8": False,
    }


def test_a_reference_off_its_road_is_told(tmp_path: Path) -> None:
    refers = '<signalReference id="7" s="900" t="0" orientation="+"/>'
    found = load_map(write(tmp_path, road(signals(sign(), refers))))
    assert found.links.lanelet_id.tolist() == ["1/-1"]
    assert found.report.problems == (
        "signalReference 7: its s is 900 m, outside of road 1 with 100 m.",
    )


def test_links_lie_in_the_frame_of_the_map(tmp_path: Path) -> None:
    """The stop point of lane -1, by pyproj from the file's metres into the square 32UMV."""
    tmerc = "+proj=tmerc +lat_0=49 +lon_0=8.4 +k=1 +x_0=0 +y_0=0 +datum=WGS84 +units=m"
    (tmp_path / "map_projector_info.yaml").write_text("projector_type: MGRS\nmgrs_grid: 32UMV\n")
    header = f"<header><geoReference>{tmerc}</geoReference></header>"
    links = load_map(write(tmp_path, road(signals(sign())), header=header)).links
    utm = pyproj.Proj(proj="utm", zone=32, datum="WGS84")
    lon, lat = pyproj.Proj(tmerc)(50.0, -1.5, inverse=True)
    easting, northing = utm(lon, lat)
    np.testing.assert_allclose(links.stop_m[0, :2], [easting % 1e5, northing % 1e5], atol=1e-3)
    lean = abs(math.radians(utm.get_factors(lon, lat).meridian_convergence))
    np.testing.assert_allclose(
        links.direction[0], [math.cos(lean), -math.sin(lean), 0.0], atol=2e-5
    )


@pytest.mark.real_data
@pytest.mark.parametrize(("name", "lights", "pairs"), [("Town01", 36, 72), ("Town02", 24, 48)])
def test_every_light_of_the_towns_has_lanes_that_it_faces(
    real_data: Path, name: str, lights: int, pairs: int
) -> None:
    landmarks = load_map(real_data / "maps" / f"{name}.xodr.gz")
    links = landmarks.links
    assert len(links) == pairs and len(set(links.landmark_id.tolist())) == lights
    assert links.for_vehicles.all()
    rows = {str(landmark): row for row, landmark in enumerate(landmarks.ids)}
    for name_, direction, stop in zip(
        links.landmark_id, links.direction, links.stop_m, strict=True
    ):
        row = rows[str(name_)]
        assert landmarks.normal[row] @ direction < -0.99
        assert np.linalg.norm(landmarks.point_m[row, :2] - stop[:2]) < 10.0
        yaw = math.atan2(direction[1], direction[0])
        assert str(name_) in links.relevant(stop - 20.0 * direction, yaw, 30.0)
