"""Conversion by hand, by its own statistics, at its edges, and where there is nothing to scale."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some

from dalearn_ros.core.errors import InputError
from dalearn_ros.hard_examples.convert import Source, convert
from dalearn_ros.hard_examples.spaces import LAB, SPACES
from dalearn_ros.hard_examples.statistics import WHOLE, Distribution, measure

NAMES = ("other", "road", "sky")


def street(size: tuple[int, int] = (80, 120)) -> Source:
    """A blue noisy sky over a grey noisy road; a strip of the rest between them."""
    height, width = size
    random = np.random.default_rng(0)
    index = np.full(size, 1, np.uint8)
    index[: height // 2] = 2
    index[height // 2 : height // 2 + 4] = 0
    base = np.array([(60, 60, 60), (90, 90, 90), (190, 150, 120)], np.float64)[index]
    image = np.clip(base + random.normal(0, 9, (height, width, 3)), 0, 255).astype(np.uint8)
    return Source.of(image, index, NAMES)


NIGHT = Distribution((20.0, 2.0, -6.0), (5.0, 1.5, 2.0))


def test_the_formula_by_hand() -> None:
    """Two pixels of L* about 30 and 70 become 45 and 55: mean 50, deviation 5."""
    grey = np.array([[[71, 71, 71], [171, 171, 171]]], np.uint8)
    source = Source.of(grey, np.ones((1, 2), np.uint8), NAMES)
    target = Distribution((50.0, 0.0, 0.0), (5.0, 0.0, 0.0))
    made = convert(source, {"road": target})
    lightness = LAB.from_bgr(made.image)[0, :, 0]
    assert lightness == pytest.approx([45.0, 55.0], abs=0.2)
    assert made.areas == ("road",)
    assert made.clipped == 0.0


def test_the_new_statistics_are_the_targets() -> None:
    source = street()
    made = convert(source, {"sky": NIGHT})
    after = measure(LAB.from_bgr(made.image), source.index, NAMES)
    sky = after.of("sky")
    assert sky is not None
    assert np.allclose(sky.vector, NIGHT.vector, atol=0.2)  # 8-bit rounding
    kept = source.index != 2
    assert np.array_equal(made.image[kept], source.image[kept])
    assert made.changed > 10.0


def test_only_the_chosen_channels_change() -> None:
    source = street()
    made = convert(source, {WHOLE: NIGHT}, channels=(0,))
    after, before = LAB.from_bgr(made.image), source.colours
    assert after[..., 0].mean() == pytest.approx(20.0, abs=0.3)
    assert np.abs(after[..., 1:] - before[..., 1:]).mean() < 1.0


def test_whole_image_and_areas_at_once() -> None:
    """The road follows its own target, every other pixel that of the whole image."""
    source = street()
    lit = Distribution((40.0, 0.0, 0.0), (4.0, 1.0, 1.0))
    made = convert(source, {"road": lit, WHOLE: NIGHT})
    alone = convert(source, {WHOLE: NIGHT})
    rest = source.index != 1
    assert np.array_equal(made.image[rest], alone.image[rest])
    road = measure(LAB.from_bgr(made.image), source.index, NAMES).of("road")
    assert road is not None and road.mean[0] == pytest.approx(40.0, abs=0.2)
    assert set(made.areas) == {WHOLE, "road"}


def test_its_own_distribution_changes_nothing() -> None:
    source = street()
    own = {name: source.statistics.of(name) for name in NAMES}
    made = convert(source, {name: found for name, found in own.items() if found is not None})
    assert np.array_equal(made.image, source.image)


def test_a_conversion_starts_from_the_original() -> None:
    source = street()
    before = source.image.copy()
    first = convert(source, {"sky": NIGHT}).image
    convert(source, {WHOLE: Distribution((90.0, 0.0, 0.0), (2.0, 1.0, 1.0))})
    assert np.array_equal(source.image, before)
    assert np.array_equal(convert(source, {"sky": NIGHT}).image, first)


def test_an_even_area_is_shifted_and_told() -> None:
    even = Source.of(np.full((6, 8, 3), 128, np.uint8), np.ones((6, 8), np.uint8), NAMES)
    made = convert(even, {"road": NIGHT})
    lab = LAB.from_bgr(made.image).reshape(-1, 3)
    assert np.allclose(lab, NIGHT.mean, atol=0.5)
    assert made.flat == (("road", "L*"), ("road", "a*"), ("road", "b*"))


def test_an_empty_area_is_left_out_and_told() -> None:
    source = Source.of(np.full((6, 8, 3), 99, np.uint8), np.ones((6, 8), np.uint8), NAMES)
    made = convert(source, {"sky": NIGHT})
    assert made.empty == ("sky",) and made.areas == ()
    assert np.array_equal(made.image, source.image)


def test_what_leaves_the_gamut_is_counted() -> None:
    wild = Distribution((98.0, 60.0, 60.0), (10.0, 20.0, 20.0))
    made = convert(street(), {WHOLE: wild})
    assert made.clipped > 0.9
    assert convert(street(), {WHOLE: NIGHT}).clipped < 0.05


def test_soft_edges_blend_and_leave_the_middle() -> None:
    """The border of two areas that lies in the middle of an even surface leaves no step."""
    random = np.random.default_rng(0)
    image = random.integers(120, 150, (80, 90, 3), np.uint8)
    index = np.full((80, 90), 1, np.uint8)
    index[:40] = 2
    source = Source.of(image, index, NAMES)
    hard, soft = (convert(source, {"sky": NIGHT}, soft_px=s).image for s in (0.0, 3.0))
    assert np.array_equal(hard[:20], soft[:20])  # 20 rows are over 6 deviations
    assert np.array_equal(soft[-20:], image[-20:])
    steps = [np.abs(np.diff(made.astype(float).mean(axis=(1, 2)))).max() for made in (hard, soft)]
    assert steps[1] < 0.3 * steps[0]


def test_dark_images_become_bright() -> None:
    """An image that is dark already has little spread; its noise grows with the formula."""
    random = np.random.default_rng(2)
    dark = random.integers(0, 6, (40, 50, 3), np.uint8)
    source = Source.of(dark, np.ones((40, 50), np.uint8), NAMES)
    made = convert(source, {"road": Distribution((60.0, 0.0, 0.0), (10.0, 2.0, 2.0))})
    road = measure(LAB.from_bgr(made.image), source.index, NAMES).of("road")
    assert road is not None and road.mean[0] == pytest.approx(60.0, abs=0.5)
    assert road.std[0] == pytest.approx(10.0, abs=0.5)


@pytest.mark.parametrize("name", SPACES)
@given(level=some.floats(20.0, 80.0), spread=some.floats(0.5, 6.0), seed=some.integers(0, 99))
def test_the_mean_is_met_in_every_space(name: str, level: float, spread: float, seed: int) -> None:
    image = np.random.default_rng(seed).integers(0, 256, (16, 18, 3), np.uint8)
    source = Source.of(image, np.ones((16, 18), np.uint8), NAMES, SPACES[name])
    grey = (level,) * 3 if name == "rgb" else (level, 0.0, 0.0)
    made = convert(source, {"road": Distribution(grey, (spread, 1.0, 1.0))})
    after = measure(SPACES[name].from_bgr(made.image), source.index, NAMES).of("road")
    assert after is not None
    assert np.allclose(after.mean, grey, atol=0.4)


@pytest.mark.parametrize(
    "targets, channels, text",
    [
        ({}, (0,), "one area or more"),
        ({"river": NIGHT}, (0,), "some of other, road, sky, image, found 'river'"),
        ({"sky": NIGHT}, (3,), "some of 0, 1, 2"),
        ({"sky": Distribution((1.0, 0.0, 0.0), (-1.0, 0.0, 0.0))}, (0,), "0 or more"),
        ({"sky": Distribution((float("nan"), 0.0, 0.0), (1.0, 0.0, 0.0))}, (0,), "finite"),
    ],
)
def test_what_cannot_be_converted_is_refused(targets: dict, channels: tuple, text: str) -> None:
    with pytest.raises(InputError, match=text):
        convert(street((8, 9)), targets, channels)
