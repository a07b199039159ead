"""ONNX Runtime behind the protocol, and the choice between runtimes."""

import logging

import numpy as np
import onnx
import onnxruntime
import pytest
from helpers.fake_tensorrt import FakeTools
from helpers.tiny_attention_model import GAIN, write_tiny_attention_model
from helpers.tiny_depth_model import OFFSET, SIGMA_LOG, SLOPE, write_tiny_depth_model
from helpers.tiny_model import write_tiny_model
from onnx import numpy_helper

import dalearn_ros.inference.backend as backends
from dalearn_ros.coding.metadata import OUTPUTS
from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.resources import resource
from dalearn_ros.inference.backend import BackendInfo, OnnxBackend, open_backend, prepare_engine
from dalearn_ros.inference.engine_settings import EngineSettings
from dalearn_ros.inference.onnx_precision import precision_of


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


@pytest.fixture
def free_batch(model, tmp_path):
    """The tiny model with a free batch axis, as exported files have it."""
    content = onnx.load(str(model))
    for tensor in [*content.graph.input, *content.graph.output]:
        tensor.type.tensor_type.shape.dim[0].dim_param = "batch"
    path = tmp_path / "free.onnx"
    onnx.save(content, str(path))
    return path


@pytest.fixture
def settings(tmp_path):
    return EngineSettings(folder=str(tmp_path / "engines"), sizes=("96x64",), batch=2)


def _no_device():
    raise ModelError("there is no NVIDIA driver.")


def _images(count):
    return np.random.default_rng(3).integers(0, 256, (count, 64, 96, 3), dtype=np.uint8)


@pytest.mark.parametrize("free", [False, True])
def test_a_batch_answers_as_its_images(model, free_batch, free):
    backend = OnnxBackend(free_batch if free else model, threads=1)
    images = _images(3)
    found = backend.run_batch(images)
    assert len(found) == 3
    for row, one in enumerate(found):
        right = backend.run(images[row : row + 1])
        for name in OUTPUTS:
            assert np.array_equal(getattr(one, name), getattr(right, name))
    with pytest.raises(ModelError, match="needs at least one image"):
        backend.run_batch(images[:0])


def test_depth_is_answered_where_a_location_is_given(model, tmp_path):
    deep = OnnxBackend(write_tiny_depth_model(tmp_path / "deep.onnx"), threads=1)
    images = _images(2)
    location = np.random.default_rng(5).normal(0, 0.3, (2, 3, 8, 12)).astype(np.float32)
    found = deep.run_batch(images, location)
    for one, place in zip(found, location, strict=True):
        right = OFFSET + np.tensordot(SLOPE, place, 1)
        np.testing.assert_allclose(one.log_depth, right, atol=1e-5)
        np.testing.assert_allclose(np.exp(0.5 * one.log_depth_variance), SIGMA_LOG, rtol=1e-5)
    flat = OnnxBackend(model, threads=1)
    for without in (deep.run_batch(images), flat.run_batch(images)):
        for one, right in zip(without, found, strict=True):
            assert one.log_depth is None and one.log_depth_variance is None
            np.testing.assert_array_equal(one.class_logits, right.class_logits)
    with pytest.raises(ModelError, match="inference failed"):
        deep.run_batch(images, location[:, :2])


def test_attention_is_copied_only_where_it_is_wanted(model, tmp_path):
    backend = OnnxBackend(write_tiny_attention_model(tmp_path / "attentive.onnx"), threads=1)
    asked, run = [], backend._session.run

    class Session:
        def run(self, names, feeds):
            asked.append(names)
            return run(names, feeds)

    backend._session = Session()
    images = _images(2)
    colours = images.reshape(2, 8, 8, 12, 8, 3).mean(axis=(2, 4)) / 255.0
    right = 1.0 / (1.0 + np.exp(-GAIN * (colours[..., 2] - colours[..., 1])))
    found = backend.run_batch(images, attention=True)
    np.testing.assert_allclose([one.attention for one in found], right, atol=1e-5)
    for one, without in zip(found, backend.run_batch(images), strict=True):
        assert without.attention is None
        np.testing.assert_array_equal(without.class_logits, one.class_logits)
    assert asked == [[*OUTPUTS, "attention"], list(OUTPUTS)]
    assert OnnxBackend(model, threads=1).run_batch(images, attention=True)[1].attention is None


def test_tensors_that_the_metadata_do_not_speak_of_are_refused(tmp_path):
    path = write_tiny_depth_model(tmp_path / "deep.onnx")
    content = onnx.load(str(path))
    del content.graph.output[-1]
    onnx.save(content, str(tmp_path / "less.onnx"))
    with pytest.raises(ModelError, match=r"outputs .*log_depth_variance, found"):
        OnnxBackend(tmp_path / "less.onnx")
    content = onnx.load(str(path))
    plain = onnx.load(str(write_tiny_model(tmp_path / "tiny.onnx"))).metadata_props[0].value
    content.metadata_props[0].value = plain
    onnx.save(content, str(tmp_path / "more.onnx"))
    with pytest.raises(ModelError, match="expected the inputs image, found image, location"):
        OnnxBackend(tmp_path / "more.onnx")


def test_it_says_what_it_is(model):
    found = OnnxBackend(model, threads=1).info
    assert found == BackendInfo("onnxruntime", onnxruntime.__version__, "cpu", "fp32")
    assert str(found) == f"onnxruntime {onnxruntime.__version__} on cpu, fp32"


def test_precision_stands_in_the_graph(model):
    assert precision_of(resource("models/landmarks-s.onnx").read_bytes()) == "fp32"
    content = onnx.load(str(model))
    assert precision_of(content.SerializeToString()) == "fp32"
    for tensor in content.graph.initializer:
        halved = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16))
        halved.name = tensor.name
        tensor.CopyFrom(halved)
    assert precision_of(content.SerializeToString()) == "fp16"
    quantised = onnx.helper.make_node("QuantizeLinear", ["x", "s", "z"], ["q"])
    content.graph.node.append(quantised)
    assert precision_of(content.SerializeToString()) == "int8"
    # The name alone, in a text of the file, is not the operation.
    content.graph.node.pop()
    content.doc_string = "made without QuantizeLinear"
    assert precision_of(content.SerializeToString()) == "fp16"
    assert precision_of(b"no protobuf") == "fp32"


def test_auto_says_why_it_takes_onnx_runtime(model, monkeypatch, caplog):
    monkeypatch.setattr(backends, "toolkit", _no_device)
    with caplog.at_level(logging.INFO):
        found = open_backend(model, "auto", threads=1)
    assert isinstance(found, OnnxBackend)
    (line,) = caplog.messages
    assert "runs in onnxruntime" in line and "there is no NVIDIA driver" in line
    with pytest.raises(ModelError, match="there is no NVIDIA driver"):
        open_backend(model, "tensorrt", threads=1)
    assert open_backend(model, "onnx", threads=1).info.runtime == "onnxruntime"


def test_auto_takes_tensorrt_where_it_works(model, monkeypatch, caplog, settings):
    monkeypatch.setattr(backends, "toolkit", lambda: FakeTools().kit)
    with caplog.at_level(logging.INFO):
        found = open_backend(model, "auto", 1, settings)
    assert (found.info.runtime, found.info.precision) == ("tensorrt", "fp16")
    assert "runs in tensorrt 10.3.0 on Toy GPU, fp16" in caplog.messages[-1]
    engine = prepare_engine(model, settings)
    assert engine == found.info.engine and engine.is_file()


def test_auto_goes_on_when_an_engine_is_refused(model, monkeypatch, caplog, settings):
    monkeypatch.setattr(backends, "toolkit", lambda: FakeTools(add=0.5).kit)
    assert isinstance(open_backend(model, "auto", 1, settings), OnnxBackend)
    assert caplog.records[-1].levelno == logging.WARNING
    assert "not in TensorRT" in caplog.messages[-1] and "refused" in caplog.messages[-1]
    with pytest.raises(ModelError, match="refused, because its .* differs"):
        open_backend(model, "tensorrt", 1, settings)


def test_mistakes_are_sentences(tmp_path, model):
    with pytest.raises(ModelError, match="one of auto, onnx, tensorrt, found 'cuda'"):
        open_backend(model, "cuda")
    with pytest.raises(ModelError, match="there is no such model file"):
        open_backend(tmp_path / "none.onnx")
    (tmp_path / "m.engine").write_bytes(b"ftrt")
    with pytest.raises(ModelError, match="is not a readable ONNX model"):
        open_backend(tmp_path / "m.engine", "tensorrt")
