"""``dalearn map`` from the shell."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import pytest
from helpers.small_drive import write_street

from dalearn_ros.cli.main import main
from dalearn_ros.maps import load_map


@pytest.fixture
def street(tmp_path: Path) -> str:
    write_street(tmp_path / "map")
    return str(tmp_path / "map")


def test_info_as_json_is_exactly_three_keys(
    street: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["map", "info", street, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "landmarks": 6,
        "by_class": {"regulating_sign": 1, "signal": 1, "arrow": 1, "stop_line": 1, "crosswalk": 2},
        "by_tag": {
            "line_thin": 4, "road_marking": 2, "stop_line": 1, "traffic_light": 1,
            "traffic_sign": 1,
        },
    }  # fmt: skip


def test_info_for_people_names_what_is_unknown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "list.csv"
    path.write_text("code,x,y\nde205,1,2\nxx9,3,4\nde206,north,5\n")
    assert main(["map", "info", str(path)]) == 0
    told = capsys.readouterr().out
    assert "xx9  1" in told
    assert "problem: line 4" in told
    assert f"Mend them in {path}" in told
    assert "1 landmarks, 1 problems." in told


BOMB = '<!DOCTYPE a [<!ENTITY b "bb"><!ENTITY c "&b;&b;">]><{0}>&c;</{0}>'
BROKEN: dict[str, bytes] = {
    "cut.osm": b'<osm><node id="1"',
    "nothing.osm": b"",
    "noise.osm": bytes(range(256)),
    "other.osm": b"<gpx/>",
    "encoding.osm": b"<?xml version='1.0' encoding='klingon'?><osm/>",
    "bomb.osm": BOMB.format("osm").encode(),
    "cut.xodr": b"<OpenDRIVE><road></OpenDRIVE>",
    "bomb.xodr": BOMB.format("OpenDRIVE").encode(),
    "cut.xodr.gz": b"no gzip",
    "deep.geojson": b"[" * 100_000,
    "null.geojson": b"null",
    "cut.geojson": b'{"type": ',
    "latin.csv": "x,y,class\n1,2,sígnal".encode("latin-1"),
    "blank.csv": b"\n\n",
    "wide.csv": b"x" * 200_000 + b",y,class\n",
    "map.shp": b"x",
}


@pytest.mark.parametrize("name", [*BROKEN, "nowhere.osm"])
def test_a_broken_map_is_one_sentence_that_names_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    path = tmp_path / name
    if name in BROKEN:
        path.write_bytes(BROKEN[name])
    assert main(["map", "info", str(path)]) == 1
    told = capsys.readouterr().err
    assert told.startswith(f"dalearn: {path}") and told.count("\n") == 1
    assert "--debug" not in told  # a mistake of the file, not of the program


def test_no_map_is_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", "info"]) == 2
    assert "PATH" in capsys.readouterr().err


def test_convert_says_what_it_wrote_and_refuses_to_overwrite(
    street: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out" / "street.geojson"
    assert main(["map", "convert", street, "--out", str(out)]) == 0
    assert f"{out}: 6 landmarks" in capsys.readouterr().out
    assert len(load_map(out)) == 6
    assert main(["map", "convert", street, "--out", str(out)]) == 1
    assert "exists already" in capsys.readouterr().err


def test_draw_writes_a_picture(
    street: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "street.png"
    assert main(["map", "draw", street, "--out", str(out)]) == 0
    picture = cv2.imread(str(out))
    assert f"{picture.shape[1]}x{picture.shape[0]} px" in capsys.readouterr().out
    assert main(["map", "draw", street, "--out", str(tmp_path / "street.pdf")]) == 1


@pytest.mark.real_data
@pytest.mark.parametrize(
    "name, tag, count",
    [
        ("autoware_test_map.osm", "traffic_light", 31),
        ("autoware_test_map.osm", "light_bulbs", 23),
        ("fzi_mapping_example.osm", "traffic_light", 10),
        ("fzi_mapping_example.osm", "traffic_sign", 11),
        ("fzi_mapping_example.osm", "stop_line", 28),
    ],
)
def test_counts_of_real_maps(
    real_data: Path, capsys: pytest.CaptureFixture[str], name: str, tag: str, count: int
) -> None:
    assert main(["map", "info", str(real_data / "maps" / name), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["by_tag"][tag] == count
