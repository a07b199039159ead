"""All conversions by one interface: parts, axes, what moves along, what is refused."""

from __future__ import annotations

import dataclasses

import cv2
import numpy as np
import pytest

from dalearn_ros.core.errors import InputError
from dalearn_ros.hard_examples.colour_conversion import ColourConversion
from dalearn_ros.hard_examples.conversion import (
    Axis,
    Conversion,
    Sample,
    bounds_of,
    distance,
    in_range,
)
from dalearn_ros.hard_examples.filters import EDGES, SHARPEN, SMOOTH
from dalearn_ros.hard_examples.neighbours import generate
from dalearn_ros.hard_examples.shapes import ShapeConversion
from dalearn_ros.hard_examples.statistics import WHOLE, Distribution
from dalearn_ros.labels.area_settings import ROAD, SIGN, SKY
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.landmarks.ragged import Ragged
from dalearn_ros.landmarks.types import Labels

SPACE = LabelSpace.load()
SHAPES = ShapeConversion(SPACE)
ALL: list[Conversion] = [ColourConversion(), SHARPEN, SMOOTH, EDGES, SHAPES]
SQUARE = np.array([[40.0, 30.0], [60.0, 30.0], [60.0, 50.0], [40.0, 50.0]])


def sample() -> Sample:
    """A red square sign over a grey sky and a road; an arrow; a sign cut off by the border."""
    image = np.full((96, 128, 3), 180, np.uint8)
    image[70:] = 80
    image[30:51, 40:61] = (20, 20, 200)
    image = np.clip(image + np.random.default_rng(0).normal(0, 3, image.shape), 0, 255)
    index = np.full((96, 128), SKY, np.uint8)
    index[70:] = ROAD
    index[30:51, 40:61] = SIGN
    cut = SQUARE + np.array([75.0, 0.0])
    labels = Labels(
        class_id=np.array([SPACE.id_of("warning_sign"), SPACE.id_of("arrow"), 2, 2]),
        point_px=np.array([[50.0, 40.0], [60.0, 80.0], [125.0, 40.0], [90.0, 20.0]]),
        outlines_px=Ragged.of([SQUARE, SQUARE * 0.3 + 50, cut, SQUARE * 0.2 + 14], 2),
        range_m=np.array([20.0, 10.0, 15.0, 30.0]),
        visible=np.ones(4),
        map_id=np.array(["a", "b", "c", "d"]),
        covariance_px2=np.repeat(np.diag([4.0, 1.0])[None], 4, axis=0),
        ignore=np.array([False, False, False, True]),
    )
    return Sample(image.astype(np.uint8), labels, index)


@pytest.mark.parametrize("conversion", ALL, ids=lambda one: one.name)
def test_each_declares_axes_and_neighbours(conversion: Conversion) -> None:
    middle = np.array([0.6 * axis.low + 0.4 * axis.high for axis in conversion.axes])
    if isinstance(conversion, ColourConversion):
        middle = np.array([50.0, 10.0, 0.0, 5.0, 0.0, 5.0])
    assert conversion.possible(middle).tolist() == [True]
    bounds = bounds_of(conversion.axes, 2.0)
    random = np.random.default_rng(0)
    found = generate(middle, bounds, random, 5, conversion.possible)
    assert len(found) == 5
    away = [distance(conversion.axes, vector, middle) for vector in found]
    assert 0.0 < max(away) < 2.0


@pytest.mark.parametrize("conversion", ALL, ids=lambda one: one.name)
def test_each_starts_from_the_original(conversion: Conversion) -> None:
    given = sample()
    before = given.image.copy()
    prepared = conversion.prepare(given)
    part = prepared.parts[0]
    vector = np.array([axis.low + 0.3 * (axis.high - axis.low) for axis in conversion.axes])
    one, other = (prepared.convert({part: vector}) for _ in range(2))
    assert np.array_equal(one.sample.image, other.sample.image)
    assert not np.array_equal(one.sample.image, before)
    assert np.array_equal(given.image, before)
    assert one.parts == (part,)
    assert one.sample.image.dtype == np.uint8 and one.sample.image.shape == before.shape


def test_distances_by_hand() -> None:
    axes = (Axis("a", 0.0, 9.0, 0.5), Axis("b", 0.0, 9.0, 2.0))
    assert distance(axes, [1.0, 2.0], [2.5, 10.0]) == pytest.approx(5.0)  # 3 and 4 steps
    assert in_range(axes, [[1.0, 9.0], [1.0, 9.1], [-0.1, 3.0]]).tolist() == [True, False, False]


def test_colours_keep_labels_and_index() -> None:
    given = sample()
    prepared = ColourConversion().prepare(given)
    assert prepared.parts == ("road", "sign", "sky", WHOLE)
    target = Distribution((20.0, 0.0, 0.0), (3.0, 1.0, 1.0))
    made = prepared.convert({"sky": target.vector})
    assert made.sample.labels is given.labels and made.sample.index is given.index
    assert made.notes["clipped"] < 0.1 and made.notes["empty"] == []
    assert np.array_equal(made.sample.image[70:], given.image[70:])


def test_smoothing_and_sharpening_go_opposite_ways() -> None:
    given = sample()

    def roughness(image: np.ndarray) -> float:
        return float(np.abs(np.diff(image.astype(float), axis=1)).mean())

    smooth = SMOOTH.prepare(given).convert({WHOLE: np.array([2.0])}).sample.image
    sharp = SHARPEN.prepare(given).convert({WHOLE: np.array([1.0, 1.0])}).sample.image
    assert roughness(smooth) < 0.6 * roughness(given.image) < 0.6 * roughness(sharp)
    assert np.array_equal(smooth, cv2.GaussianBlur(given.image, (0, 0), 2.0))
    none = SHARPEN.prepare(given).convert({WHOLE: np.array([0.0, 1.0])}).sample.image
    assert np.array_equal(none, given.image)


def test_edges_by_hand() -> None:
    """A step from 0 to 200 is an edge of 200 on both sides, even areas are black."""
    image = np.zeros((20, 40, 3), np.uint8)
    image[:, 20:] = 200
    given = Sample(image, Labels.empty(), np.zeros((20, 40), np.uint8))
    edges = EDGES.prepare(given).convert({WHOLE: np.array([1.0])}).sample.image
    assert set(np.unique(edges[:, [19, 20]])) == {200}
    assert edges[:, :18].max() == 0 and edges[:, 23:].max() == 0
    half = EDGES.prepare(given).convert({WHOLE: np.array([0.5])}).sample.image
    assert half[10, 30, 0] == 100


def test_a_sign_grows_with_its_outline_and_label() -> None:
    given = sample()
    prepared = SHAPES.prepare(given)
    assert prepared.parts == ("landmark 0",)  # no marking, none cut off, none ignored
    made = prepared.convert({"landmark 0": np.array([np.log(1.5), 0.0])}).sample
    outline = made.labels.outlines_px[0]
    assert np.allclose(outline.min(axis=0), [35.0, 25.0])
    assert np.allclose(outline.max(axis=0), [65.0, 55.0])
    assert made.labels.point_px[0] == pytest.approx([50.0, 40.0])
    assert np.allclose(made.labels.covariance_px2[0], np.diag([9.0, 2.25]))
    assert np.isnan(made.labels.range_m[0]) and made.labels.range_m[1] == 10.0
    for u, v in ((38, 28), (62, 52), (50, 40)):
        assert made.image[v, u, 2] - int(made.image[v, u, 0]) > 100  # red
        assert made.index[v, u] == SIGN
    assert np.array_equal(made.image[70:], given.image[70:])
    assert np.array_equal(made.labels.outlines_px[1], given.labels.outlines_px[1])


def test_a_smaller_and_tilted_sign_leaves_no_trace() -> None:
    given = sample()
    made = SHAPES.prepare(given).convert({"landmark 0": np.array([np.log(0.6), 45.0])}).sample
    corner = 10.0 * 0.6 * np.sqrt(2.0)
    outline = made.labels.outlines_px[0]
    assert np.allclose(outline[0], [50.0, 40.0 - corner])  # the upper left corner is on top now
    assert made.index[40, 50] == SIGN and made.index[31, 41] == SKY
    assert abs(int(made.image[32, 42, 2]) - 180) < 25  # filled in from the sky around it
    assert made.image[40, 50, 2] - int(made.image[40, 50, 0]) > 100


def test_only_those_landmarks_bear_a_change_that_count_and_stay_in_the_image_after_it() -> None:
    labels, size = sample().labels, (128, 96)
    assert SHAPES.suited(labels, size) == ("landmark 0",)
    assert SHAPES.suited(labels, size, np.array([0.7, 0.0])) == ("landmark 0",)
    assert SHAPES.suited(labels, size, np.array([np.log(0.61), 0.0])) == ("landmark 0",)
    assert SHAPES.suited(labels, size, np.array([np.log(0.59), 0.0])) == ()  # under 12 px
    assert SHAPES.suited(labels, (66, 96), np.array([np.log(1.5), 0.0])) == ("landmark 0",)
    assert SHAPES.suited(labels, (65, 96), np.array([np.log(1.5), 0.0])) == ()  # it ends at 65


def test_what_a_grown_sign_hides_is_no_truth_any_more() -> None:
    given = sample()
    beside = SQUARE * 0.5 + np.array([42.0, 25.0])  # from 62 to 72, 40 to 50
    outlines = [*[*given.labels.outlines_px][:3], beside]
    labels = dataclasses.replace(
        given.labels, outlines_px=Ragged.of(outlines, 2), ignore=np.zeros(4, bool)
    )
    prepared = SHAPES.prepare(dataclasses.replace(given, labels=labels))
    grown = prepared.convert({"landmark 0": np.array([np.log(1.5), 0.0])}).sample.labels  # to 65
    assert grown.visible[3] == pytest.approx(0.65, abs=0.06) and not grown.ignore[3]
    grown = prepared.convert({"landmark 0": np.array([np.log(2.0), 0.0])}).sample.labels  # to 70
    assert grown.visible[3] == pytest.approx(0.2, abs=0.06)
    assert grown.ignore.tolist() == [False, False, False, True]
    assert grown.visible[[0, 2]].tolist() == [1.0, 1.0]


@pytest.mark.parametrize(
    "conversion, parameters, text",
    [
        (SMOOTH, {}, "one part or more"),
        (SMOOTH, {"sky": np.array([1.0])}, "parts: expected some of image, found 'sky'"),
        (SMOOTH, {WHOLE: np.array([50.0])}, r"sigma, px 0.3 to 12, found \[50.0\]"),
        (SHARPEN, {WHOLE: np.array([1.0])}, "amount 0 to 5, sigma"),
        (SHAPES, {"landmark 1": np.array([0.1, 0.0])}, "some of landmark 0, found 'landmark 1'"),
        (SHAPES, {"landmark 0": np.array([np.nan, 0.0])}, "log scale -0.7 to 0.7"),
    ],
)
def test_what_cannot_be_done_is_refused(
    conversion: Conversion, parameters: dict, text: str
) -> None:
    with pytest.raises(InputError, match=text):
        conversion.prepare(sample()).convert(parameters)
