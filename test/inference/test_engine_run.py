"""Buffers, profiles and shapes of an engine, on an imitation of TensorRT."""

import gc

import numpy as np
import pytest
from helpers.fake_tensorrt import FakeCuda, fake_module, fake_plan
from helpers.tiny_attention_model import write_tiny_attention_model
from helpers.tiny_depth_model import write_tiny_depth_model
from helpers.tiny_model import write_tiny_model

from dalearn_ros.coding.metadata import DEPTH_OUTPUTS, OUTPUTS
from dalearn_ros.core.errors import ModelError
from dalearn_ros.inference.backend import OnnxBackend
from dalearn_ros.inference.engine_run import EngineRunner
from dalearn_ros.inference.engine_settings import EngineSettings, Profile, profiles_of


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


def _runner(model, *profiles, cuda=None):
    plan = fake_plan(model.read_bytes(), profiles)
    return EngineRunner(fake_module(), cuda or FakeCuda(), plan, OUTPUTS)


def _images(count, rows=64, columns=96):
    return np.random.default_rng(count).integers(0, 256, (count, rows, columns, 3), dtype=np.uint8)


def test_the_answers_are_those_of_onnx_runtime(model):
    runner = _runner(model, Profile((1, 32, 32), (4, 64, 96), (4, 128, 128)))
    plain = OnnxBackend(model, threads=1)
    kept = []
    for images in (_images(1), _images(4), _images(3, 128, 128), _images(2, 32, 32)):
        found = runner.infer(images)
        kept.append((found, [value.copy() for value in found]))
        for row, right in enumerate(plain.run_batch(images)):
            for name, value in zip(OUTPUTS, found, strict=True):
                assert np.array_equal(value[row], getattr(right, name)), name
    for found, before in kept:  # later inferences do not write into earlier answers
        assert all(np.array_equal(a, b) for a, b in zip(found, before, strict=True))


def test_more_images_than_the_engine_takes_go_in_parts(model):
    runner = _runner(model, Profile((1, 64, 96), (2, 64, 96), (2, 64, 96)))
    images = _images(5)
    found = runner.infer(images)
    assert found[0].shape[0] == 5
    assert np.array_equal(found[0][4:], runner.infer(images[4:])[0])


def test_each_camera_has_its_profile_and_context(model):
    cameras = profiles_of(EngineSettings(sizes=("96x64", "128x100", "90x60"), batch=2), 32)
    assert [str(p) for p in cameras] == [
        "1x64x96 to 2x64x96, tuned for 2x64x96",
        "1x128x128 to 2x128x128, tuned for 2x128x128",
    ]
    runner = _runner(model, *cameras)
    for size in ((64, 96), (128, 128), (64, 96)):
        assert runner.infer(_images(1, *size))[0].shape[2:] == (size[0] // 8, size[1] // 8)
    assert runner._engine.contexts == 2
    with pytest.raises(ModelError, match=r"\(1, 64, 96, 3\) to .* found \(1, 96, 96, 3\)"):
        runner.infer(_images(1, 96, 96))


def test_a_profile_that_is_tuned_for_the_size_is_preferred(model):
    wide = Profile((1, 32, 32), (1, 128, 128), (1, 256, 256))
    own = Profile((1, 64, 96), (1, 64, 96), (1, 64, 96))
    runner = _runner(model, wide, own)
    runner.infer(_images(1))
    assert list(runner._contexts) == [1]


def test_memory_goes_back(model):
    cuda = FakeCuda()
    runner = _runner(model, Profile((1, 32, 32), (1, 64, 96), (4, 256, 256)), cuda=cuda)
    for rows in (32, 256, 64):
        runner.infer(_images(2, rows, 64))
    assert len(cuda.memory) == 10 and cuda.streams == 1  # five tensors, here and there
    del runner
    gc.collect()
    assert not cuda.memory and cuda.streams == 0


def test_an_engine_with_depth_wants_a_location_and_others_none(model, tmp_path):
    deep = write_tiny_depth_model(tmp_path / "deep.onnx").read_bytes()
    plan = fake_plan(deep, [Profile((1, 64, 96), (2, 64, 96), (2, 64, 96))])
    runner = EngineRunner(fake_module(), FakeCuda(), plan, OUTPUTS + DEPTH_OUTPUTS)
    location = np.zeros((2, 3, 8, 12), np.float32)
    found = runner.infer(_images(2), location)
    assert [value.shape for value in found[4:]] == [(2, 8, 12)] * 2
    with pytest.raises(ModelError, match="expected the inputs image, location, found image"):
        runner.infer(_images(2))
    with pytest.raises(ModelError, match=r"does not take inputs of these shapes: .*1, 3, 8, 12"):
        runner.infer(_images(2), location[:1])
    with pytest.raises(ModelError, match="does not take location of shape"):
        runner.infer(_images(2), location[:, :1])
    flat = _runner(model, Profile((1, 64, 96), (2, 64, 96), (2, 64, 96)))
    with pytest.raises(ModelError, match="expected the inputs image, found image, location"):
        flat.infer(_images(2), location)
    with pytest.raises(ModelError, match="an image, the input location and the outputs"):
        flat = fake_plan(model.read_bytes(), [Profile((1, 64, 96), (2, 64, 96), (2, 64, 96))])
        EngineRunner(fake_module(), FakeCuda(), flat, OUTPUTS + DEPTH_OUTPUTS)


def test_only_what_is_wanted_comes_back_from_the_device(tmp_path):
    model = write_tiny_attention_model(tmp_path / "attentive.onnx").read_bytes()
    cuda, copies = FakeCuda(), []
    plan = fake_plan(model, [Profile((1, 64, 96), (2, 64, 96), (2, 64, 96))])
    runner = EngineRunner(fake_module(), cuda, plan, (*OUTPUTS, "attention"))
    copy = cuda.cudaMemcpyAsync
    cuda.cudaMemcpyAsync = lambda *words: copies.append(words[3]) or copy(*words)
    images = _images(3)  # in two parts
    found = runner.infer(images, wanted=OUTPUTS)
    assert len(found) == 4 and copies == 2 * [1, 2, 2, 2, 2]
    everything = runner.infer(images)
    assert everything[4].shape == (3, 8, 12) and len(copies) == 2 * 5 + 2 * 6
    assert all(np.array_equal(a, b) for a, b in zip(found, everything))
    (alone,) = runner.infer(images, wanted=["attention"])
    assert np.array_equal(alone, everything[4])


def test_failures_are_sentences(model):
    cuda = FakeCuda()
    profile = Profile((1, 64, 96), (1, 64, 96), (1, 64, 96))
    runner = _runner(model, profile, cuda=cuda)
    cuda.out_of_memory = True
    with pytest.raises(ModelError, match="CUDA failed: cudaErrorMemoryAllocation"):
        runner.infer(_images(1))
    with pytest.raises(ModelError, match=r"cannot load the engine \(magic tag does not match\)"):
        EngineRunner(fake_module(), cuda, b"half of it", OUTPUTS)
    with pytest.raises(ModelError, match="expected one input and the outputs class_logits"):
        EngineRunner(fake_module(), cuda, fake_plan(model.read_bytes(), [profile]), OUTPUTS[:3])
