"""Overlays: the colours stand where hit, missed and false alarm are."""

from __future__ import annotations

import numpy as np

from dalearn_ros.evaluation import drawing
from dalearn_ros.evaluation.matching import match
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
    seen = Observations(
        stamp_ns=0,
        class_id=np.array([1, 4]),
        point_px=np.array([[61.0, 80.0], [300.0, 150.0]]),
        score=np.array([0.9, 0.4]),
        covariance_px2=np.tile(np.eye(2), (2, 1, 1)),
        range_m=np.array([21.0, np.nan]),
        sigma_range_m=np.full(2, np.nan),
        track_id=np.full(2, -1),
    )
    return truth, seen


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
