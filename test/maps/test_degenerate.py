"""Lines without a length in the plan and texts in other alphabets are told, never NaN."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from dalearn_ros.core.errors import MapError
from dalearn_ros.maps import load_map
from dalearn_ros.maps.elements import painted_mark, square_to

SIGN = '<tag k="type" v="traffic_sign"/><tag k="subtype" v="de205"/>'
STOP = '<tag k="type" v="stop_line"/>'
PLACES = [(0, 0, 0), (4, 0, 0), (4, 0.3, 0), (0, 0.3, 0), (0, 0, 3), (9, 9, 2), (9, 10, 2)]


def _write(folder: Path, nodes: list[int], encoding: str = "utf-8") -> Path:
    """A sign (way 11, nodes 6 and 7), and a stop line (way 10) through the given nodes."""
    points = "".join(
        f'<node id="{i}"><tag k="local_x" v="{x}"/><tag k="local_y" v="{y}"/>'
        f'<tag k="ele" v="{z}"/></node>'
        for i, (x, y, z) in enumerate(PLACES, start=1)
    )
    ways = "".join(
        f'<way id="{name}">' + "".join(f'<nd ref="{i}"/>' for i in refs) + tags + "</way>"
        for name, refs, tags in ((10, nodes, STOP), (11, [6, 7], SIGN))
    )
    path = folder / "map.osm"
    text = f'<?xml version="1.0" encoding="{encoding}"?><osm>{points}{ways}</osm>'
    path.write_text(text, encoding="ascii")
    return path


@pytest.mark.parametrize("nodes", [[1, 2, 3, 4, 1], [1, 5]], ids=["closed", "upright"])
def test_a_stop_line_without_length_is_listed_and_left_out(
    tmp_path: Path, nodes: list[int]
) -> None:
    landmarks = load_map(_write(tmp_path, nodes))
    assert landmarks.ids.tolist() == ["11"]
    assert np.isfinite(landmarks.point_m).all()
    assert [problem for problem in landmarks.report.problems if "way 10 (stop_line)" in problem]


@pytest.mark.parametrize("encoding", ["euc-kr", "shift_jis", "no-such"])
def test_an_encoding_that_the_parser_lacks_is_a_sentence(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(MapError, match="encoding"):
        load_map(_write(tmp_path, [1, 2], encoding))
    path = tmp_path / "map.xodr"
    path.write_text(f'<?xml version="1.0" encoding="{encoding}"?><OpenDRIVE/>', encoding="ascii")
    with pytest.raises(MapError, match="encoding"):
        load_map(path)


def test_helpers_refuse_what_has_no_direction() -> None:
    upright = np.array([[0.0, 0.0, 0.0], [0.0, 0.0, 3.0]])
    with pytest.raises(ValueError, match="same place"):
        square_to(upright, np.array([1.0, 0.0, 0.0]))
    with pytest.raises(ValueError, match="same place"):
        painted_mark(upright, 1.0)
