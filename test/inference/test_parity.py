"""A backend that answers otherwise than ONNX Runtime is refused."""

import dataclasses

import numpy as np
import pytest
from helpers.tiny_depth_model import write_tiny_depth_model
from helpers.tiny_model import write_tiny_model

from dalearn_ros.coding.metadata import OUTPUTS
from dalearn_ros.core.errors import ModelError
from dalearn_ros.inference.backend import OnnxBackend
from dalearn_ros.inference.engine_settings import Profile
from dalearn_ros.inference.parity import BOUNDS, Parity, compare, made_up_batches, require_parity

PROFILES = (Profile((1, 64, 96), (2, 64, 96), (4, 64, 96)), Profile(*[(1, 96, 96)] * 3))


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    path = write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx")
    return OnnxBackend(path, threads=1)


class _Changed:
    def __init__(self, plain, change):
        self.metadata, self.info, self._plain, self._change = (
            plain.metadata, plain.info, plain, change,
        )  # fmt: skip

    def run(self, image, location=None, attention=False):
        return self.run_batch(image, location, attention)[0]

    def run_batch(self, images, location=None, attention=False):
        answers = self._plain.run_batch(images, location, attention)
        return [self._change(answer) for answer in answers]


def _shifted(answer, by):
    return dataclasses.replace(answer, offset=answer.offset + np.float32(by))


def test_frames_repeat_and_have_the_usual_sizes():
    batches = made_up_batches(PROFILES, 3)
    assert [b.shape for b in batches] == [(2, 64, 96, 3), (1, 96, 96, 3)]
    assert all(b.dtype == np.uint8 for b in batches)
    assert batches[0].std() > 30
    assert all(np.array_equal(a, b) for a, b in zip(batches, made_up_batches(PROFILES, 3)))


def test_the_difference_is_relative_to_one_and_the_value(plain):
    batches = made_up_batches(PROFILES, 3)
    assert compare(plain, plain, batches).common == 0.0
    found = compare(_Changed(plain, lambda a: _shifted(a, 0.25)), plain, batches)
    assert (found.common, found.worst) == pytest.approx((0.25, 0.25))  # the tiny offset is 0
    assert (found.output, found.frames) == ("offset", 3)

    def further(answer):  # log_range is log(20) everywhere
        return dataclasses.replace(answer, log_range=answer.log_range + np.float32(0.5))

    found = compare(_Changed(plain, further), plain, batches)
    assert found.common == pytest.approx(0.5 / (1.0 + np.log(20.0)), rel=1e-4)


def test_one_value_in_a_thousand_may_differ_more(plain):
    def speck(answer):
        offset = answer.offset.copy()
        offset.flat[0] = 9.0
        return dataclasses.replace(answer, offset=offset)

    batch = [np.zeros((1, 256, 256, 3), np.uint8)]
    found = compare(_Changed(plain, speck), plain, batch)
    assert (found.common, found.worst) == (0.0, 9.0)


@pytest.mark.parametrize("precision", sorted(BOUNDS))
def test_the_bound_is_that_of_the_precision(plain, precision):
    batches, bound = made_up_batches(PROFILES, 3), BOUNDS[precision]
    near = _Changed(plain, lambda a: _shifted(a, 0.9 * bound))
    assert require_parity(near, plain, batches, precision).common < bound
    far = _Changed(plain, lambda a: _shifted(a, 1.1 * bound))
    with pytest.raises(ModelError, match=f"refused, because its offset .* a {precision} model"):
        require_parity(far, plain, batches, precision)


def test_nan_and_other_shapes_are_infinitely_far(plain):
    batches = made_up_batches(PROFILES, 3)
    for change in (
        lambda a: _shifted(a, np.nan),
        lambda a: dataclasses.replace(a, offset=a.offset[:, :2]),
    ):
        with pytest.raises(ModelError, match="by inf on 3 images"):
            require_parity(_Changed(plain, change), plain, batches, "int8")


def test_depth_is_compared_too(tmp_path):
    deep = OnnxBackend(write_tiny_depth_model(tmp_path / "deep.onnx"), threads=1)
    batches = made_up_batches(PROFILES, 3)
    assert compare(deep, deep, batches) == Parity(0.0, 0.0, OUTPUTS[0], 3)

    def further(answer):
        return dataclasses.replace(answer, log_depth=answer.log_depth + np.float32(0.5))

    found = compare(_Changed(deep, further), deep, batches)
    assert found.output == "log_depth" and 0.05 < found.common < 0.5
    flat = _Changed(deep, lambda a: dataclasses.replace(a, log_depth=None))
    assert compare(flat, deep, batches).common == np.inf
