"""Overlays: the colours stand where hit, missed and false alarm are."""

from __future__ import annotations

import dataclasses

import numpy as np

from dalearn_ros.evaluation import drawing
from dalearn_ros.evaluation.matching import match
from dalearn_ros.inference.attention import AttentionMap
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels, Observations


def has(picture: np.ndarray, colour: tuple[int, int, int], u: float, v: float) -> bool:
    region = picture[int(v) - 10 : int(v) + 10, int(u) - 10 : int(u) + 10].astype(int)
    return bool((np.abs(region - np.array(colour)).max(axis=2) < 30).any())


def scene() -> tuple[Labels, Observations]:
    points = np.array([[60.0, 80.0], [200.0, 80.0], [np.nan, 5.0]])
    truth = Labels(
        class_id=np.array([1, 2, 3]),
        point_px=points,
        outlines_px=Ragged.of([np.zeros((0, 2))] * 3, 2),
        range_m=np.full(3, 20.0),
        visible=np.ones(3),
        map_id=np.array(["a", "b", "c"]),
        covariance_px2=np.zeros((3, 2, 2)),
        ignore=np.array([False, False, True]),
    )
    points = np.array([[61.0, 80.0], [300.0, 150.0]])
    seen = Observations.of_points(np.array([1, 4]), points, np.array([0.9, 0.4]))
    return truth, dataclasses.replace(seen, range_m=np.array([21.0, np.nan]))


def test_hit_missed_and_false_alarm_have_their_colour_and_the_image_is_not_changed() -> None:
    truth, seen = scene()
    image = np.full((200, 360, 3), 100, np.uint8)
    image.setflags(write=False)
    picture = drawing.draw_matching(image, truth, seen, match(truth, seen, 8.0), LabelSpace.load())
    assert has(picture, drawing.HIT, 60, 80)
    assert has(picture, drawing.MISSED, 200, 80) and not has(picture, drawing.HIT, 200, 80)
    assert has(picture, drawing.FALSE_ALARM, 300, 150)
    assert (image == 100).all()


def test_observations_are_drawn() -> None:
    _, seen = scene()
    picture = drawing.draw_observations(np.zeros((200, 360, 3), np.uint8), seen, LabelSpace.load())
    assert has(picture, drawing.HIT, 61, 80) and has(picture, drawing.HIT, 300, 150)


def test_attention_is_heat_on_the_grey_image_with_a_legend_below() -> None:
    cells = np.zeros((5, 9), np.float32)
    cells[:, 5:] = 1.0
    truth, _ = scene()
    corners = [[100.0, 30.0], [140.0, 30.0], [140.0, 60.0], [100.0, 60.0]]
    outlines = Ragged.of([corners, np.zeros((0, 2)), [[20, 30], [60, 30], [60, 60]]], 2)
    truth = dataclasses.replace(truth, outlines_px=outlines)
    image = np.full((200, 360, 3), (40, 90, 200), np.uint8)
    attention = AttentionMap(cells, 40, (360, 200))
    picture = drawing.draw_attention(image, attention, truth)
    assert picture.shape[1:] == (360, 3) and 210 <= len(picture) <= 230
    cold, hot = picture[150, 40], picture[150, 300]
    assert np.ptp(cold) <= 1 and cold.max() < 80  # grey and dim
    assert hot[2] > 180 and hot.sum() > 2 * cold.sum()  # bright in grey print too
    assert has(picture, drawing.WHITE, 100, 45)
    assert not has(picture, drawing.WHITE, 60, 45)  # ignored truth is not scored
    legend = picture[200:].astype(int)
    assert (legend[0] == 255).all() and (legend[:, -1] == 255).all()
    bar = legend[len(legend) // 2, 115:320].sum(axis=1)
    assert bar[-1] > bar[0] + 150
    assert (image == (40, 90, 200)).all()
