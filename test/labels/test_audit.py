"""Counts, reasons and pictures of a labelled drive."""

from __future__ import annotations

from collections import Counter

import numpy as np

from dalearn_ros.labels import FrameLabels
from dalearn_ros.labels.audit import Audit, audit_page
from dalearn_ros.labels.overlay import draw_labels
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels

SPACE = LabelSpace.load()


def _labels(ignore: list[bool], variance: float) -> Labels:
    count = len(ignore)
    square = np.array([[10.0, 10], [40, 10], [40, 40], [10, 40]])
    return Labels(
        class_id=np.full(count, 2),
        point_px=np.full((count, 2), 25.0),
        outlines_px=Ragged.of([square] * count, 2),
        range_m=np.full(count, 12.0),
        visible=np.ones(count),
        map_id=np.array([f"m{i}" for i in range(count)]),
        covariance_px2=np.tile(np.diag([variance, 1.0]), (count, 1, 1)),
        ignore=np.array(ignore),
    )


def test_an_audit_adds_up() -> None:
    audit = Audit(SPACE)
    audit.add(FrameLabels(_labels([False, True], 9.0), Counter(hidden=2), Counter(small=1)))
    audit.add(FrameLabels(_labels([False, False, False], np.nan), Counter(hidden=1), Counter()))
    audit.frames_skipped.update({"pose:gap": 3})
    summary = audit.summary(landmarks_in_map=10)
    assert summary["frames"] == 2
    assert summary["labels"] == 4
    assert summary["labels_by_class"] == {"regulating_sign": 4}
    assert summary["labels_ignored"] == 1
    assert summary["landmarks_dropped_by_reason"] == {"hidden": 3}
    assert summary["landmarks_labelled"] == 3
    assert summary["frames_skipped"] == {"pose:gap": 3}
    assert summary["point_sigma_px"]["median"] == 3.0  # the unknown ones do not count as 0


def test_the_page_is_whole_and_escapes() -> None:
    page = audit_page({"frames": 3, "reasons": {"<b>": 1}}, ["audit/0.jpg"], "A & B")
    assert "A &amp; B" in page
    assert "&lt;b&gt;" in page
    assert '<img src="audit/0.jpg">' in page
    assert "http" not in page


def test_a_label_is_drawn_where_it_is() -> None:
    image = np.zeros((60, 160, 3), np.uint8)
    picture = draw_labels(image, _labels([False], 1.0), SPACE)
    assert picture[25, 25].any()  # the cross
    assert picture[10, 20].any()  # the outline
    assert not picture[50, 100].any()
    assert not image.any()
    ignored = draw_labels(image, _labels([True], 1.0), SPACE)
    assert not ignored[25, 25].any()
