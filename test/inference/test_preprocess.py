"""Images of every kind become the network's input, or a sentence."""

import numpy as np
import pytest

from dalearn_ros.core.errors import InputError
from dalearn_ros.inference.preprocess import InputPool, as_channels, to_input


def test_padding_keeps_pixels_in_place():
    image = np.random.default_rng(0).integers(1, 256, (50, 70, 3), np.uint8)
    ready = to_input(image, 3, 32)
    assert ready.shape == (1, 64, 96, 3) and ready.dtype == np.uint8
    np.testing.assert_array_equal(ready[0, :50, :70], image)
    assert not ready[0, 50:].any() and not ready[0, :, 70:].any()


def test_an_image_that_fits_is_not_copied():
    image = np.zeros((64, 96, 3), np.uint8)
    assert np.shares_memory(to_input(image, 3, 32), image)


@pytest.mark.parametrize("shape", [(8, 9), (8, 9, 1), (8, 9, 3), (8, 9, 4)])
@pytest.mark.parametrize("channels", [1, 3])
def test_grey_colour_and_alpha(shape, channels):
    image = np.full(shape, 77, np.uint8)
    ready = as_channels(image, channels)
    assert ready.shape == (8, 9, channels)
    assert (ready == 77).all()


def test_sixteen_bits_keep_the_upper_eight():
    assert as_channels(np.full((2, 2), 0x4DFF, np.uint16), 1).tolist() == [[[77], [77]]] * 2


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((0, 5, 3), np.uint8),
        np.zeros((4, 5, 2), np.uint8),
        np.zeros((4,), np.uint8),
        np.zeros((4, 5, 3), np.float32),
    ],
)
def test_anything_else_is_a_sentence(image):
    with pytest.raises(InputError, match="image: expected"):
        as_channels(image, 3)


def test_a_pool_gives_the_same_padded_place_again():
    pool = InputPool(3, 32, slots=2)
    first, second = pool.place(0, 70, 50), pool.place(1, 70, 50)
    assert first.shape == (50, 70, 3)
    assert not np.shares_memory(first, second)
    first[:], second[:] = 7, 9
    ready = pool.batch(2, 70, 50)
    assert ready.shape == (2, 64, 96, 3) and ready.flags.c_contiguous
    assert np.shares_memory(ready, first)
    np.testing.assert_array_equal(ready[1:], to_input(np.full((50, 70, 3), 9, np.uint8), 3, 32))
    assert np.shares_memory(pool.place(0, 70, 50), first)


def test_a_pool_forgets_the_size_that_has_not_come_for_longest():
    pool = InputPool(1, 32)
    kept = pool.place(0, 40, 40)
    for width in range(50, 50 + InputPool.KEPT_SIZES):
        pool.place(0, 40, 40)
        pool.place(0, width, 40)
    assert np.shares_memory(pool.place(0, 40, 40), kept)
    with pytest.raises(KeyError):
        pool.batch(1, 50, 40)
