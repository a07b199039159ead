"""The attention map of an image: its cells, its picture, and who gets it."""

import numpy as np
import pytest
from helpers.tiny_attention_model import GAIN, write_tiny_attention_model
from helpers.tiny_model import write_tiny_model

from dalearn_ros.inference.attention import AttentionMap
from dalearn_ros.inference.detector import LandmarkDetector
from dalearn_ros.inference.preprocess import to_input

SIZE = (100, 60)  # 13 by 8 cells, padded to 128x64


@pytest.fixture(scope="module")
def detector(tmp_path_factory):
    path = write_tiny_attention_model(tmp_path_factory.mktemp("model") / "attentive.onnx")
    return LandmarkDetector.load(path, threads=1)


def _street(size=SIZE):
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    image[16:24, 40:48] = (0, 0, 255)
    return image


def test_the_map_comes_only_when_it_is_asked_for(detector, tmp_path):
    image = _street()
    assert detector.answer(image).attention is None
    found = detector.answer(image, attention=True)
    assert len(found.observations) == 1
    seen = found.attention
    assert (seen.attention.shape, seen.stride, seen.size) == ((8, 13), 8, SIZE)
    expected = np.full((8, 13), 0.5)
    expected[2, 5] = 1.0 / (1.0 + np.exp(-GAIN))
    np.testing.assert_allclose(seen.attention, expected, atol=1e-5)
    plain = LandmarkDetector.load(write_tiny_model(tmp_path / "tiny.onnx"), threads=1)
    assert plain.answer(image, attention=True).attention is None


def test_images_that_go_through_together_have_their_own_maps(detector):
    pictures = [_street(), np.full((60, 100, 3), 90, np.uint8)]
    inputs = np.concatenate([to_input(one, 3, 32) for one in pictures])
    both = detector.detect_ready(inputs, SIZE, [1, 2], attention=True)
    assert [one.attention.attention.max() > 0.9 for one in both] == [True, False]


def test_the_picture_lies_on_the_image(detector):
    picture = detector.answer(_street(), attention=True).attention.image()
    assert (picture.shape, picture.dtype) == ((60, 100), np.uint8)
    assert picture[20, 44] > 235  # beside the middle of the red cell
    assert picture[20, 52] == 128 and picture[50, 90] == 128


@pytest.mark.parametrize("size", [(32, 16), (29, 13)])
def test_between_cells_it_is_linear(size):
    cells = np.array([[0.0, 0.2, 1.0, 1.0], [0.0, 0.2, 1.0, 1.0]], np.float32)
    found = AttentionMap(cells, 8, size).image()
    centres = (np.arange(4) + 0.5) * 8 - 0.5
    right = np.interp(np.arange(size[0]), centres, cells[0]) * 255.0
    assert found.shape == size[::-1]
    assert np.abs(found.astype(float) - right).max() <= 1.5


def test_a_picture_is_written_where_it_is_wanted():
    place = np.zeros((16, 16), np.uint8)
    for size, cells in (((16, 16), 2), ((13, 15), 2)):
        given = place[: size[1], : size[0]].copy()
        seen = AttentionMap(np.ones((cells, cells), np.float32), 8, size)
        assert seen.image(given) is given
        assert (given == 255).all()
