"""The picture of a map: colours where the landmarks are, a scale bar of the right length."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from helpers.small_drive import write_street

from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.maps import load_map
from dalearn_ros.maps.drawing import BORDER_PX, COLOURS, INK, draw_map


def test_landmarks_lie_where_they_should(tmp_path: Path) -> None:
    write_street(tmp_path)
    landmarks = load_map(tmp_path)
    picture = draw_map(landmarks, side_px=1000)
    scale = 1000.0 / 25.0  # x from 20 to 45 m
    low, space = np.array([20.0, -4.8]), LabelSpace.load()
    for row, (x, y) in enumerate(landmarks.point_m[:, :2]):
        u = round((x - low[0]) * scale) + BORDER_PX
        v = picture.shape[0] - BORDER_PX - round((y - low[1]) * scale)
        off = np.abs(picture[v, u].astype(int) - COLOURS[landmarks.class_id[row]])
        assert off.max() < 40, space.names[landmarks.class_id[row]]  # antialiased


def test_the_scale_bar_is_to_scale(tmp_path: Path) -> None:
    write_street(tmp_path)
    picture = draw_map(load_map(tmp_path), side_px=1000)
    row = picture[picture.shape[0] - 16]
    dark = np.flatnonzero((row == INK).all(axis=1))
    bar = dark[: int(np.argmax(np.diff(dark) > 1)) + 1] if (np.diff(dark) > 1).any() else dark
    assert abs(np.ptp(bar) - 2.0 * 40.0) <= 3  # 2 m at 40 px a metre; 5 m would be over 150 px


def test_nothing_to_draw_is_a_picture_too(tmp_path: Path) -> None:
    write_street(tmp_path)
    nothing = load_map(tmp_path).select(np.zeros(0, int))
    assert draw_map(nothing, side_px=200).shape[2] == 3
