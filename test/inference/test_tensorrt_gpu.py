"""The whole path on a machine with a CUDA device and TensorRT: ``make test-gpu``."""

import dataclasses

import numpy as np
import pytest

from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.resources import resource
from dalearn_ros.inference.backend import OnnxBackend, open_backend, prepare_engine
from dalearn_ros.inference.engine_cache import EngineRefused
from dalearn_ros.inference.engine_settings import EngineSettings
from dalearn_ros.inference.parity import compare
from dalearn_ros.inference.tensorrt import toolkit

pytestmark = [pytest.mark.gpu, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def tools():
    try:
        return toolkit()
    except ModelError as error:
        pytest.skip(f"TensorRT on a GPU: {error}")


@pytest.fixture(scope="module")
def settings(tmp_path_factory, tools):
    folder = tmp_path_factory.mktemp("engines")
    return EngineSettings(folder=str(folder), sizes=("1280x720", "640x384"), batch=6)


def test_an_engine_of_the_shipped_model(settings, tools):
    path = resource("models/landmarks-s.onnx")
    engine = prepare_engine(path, settings)
    before = engine.stat().st_mtime_ns
    found = open_backend(path, "tensorrt", engine=settings)
    assert engine.stat().st_mtime_ns == before  # out of the cache
    assert found.info.engine == engine
    assert (found.info.device, found.info.precision) == (tools.device.name, "fp32")
    plain = OnnxBackend(path)
    random = np.random.default_rng(5)
    batches = [
        random.integers(0, 256, (count, rows, columns, 3), dtype=np.uint8)
        for count, rows, columns in [(1, 736, 1280), (6, 384, 640), (2, 736, 1280), (8, 384, 640)]
    ]
    assert compare(found, plain, batches).common < 2e-3
    with pytest.raises(ModelError, match="Name this camera's size"):
        found.run(np.zeros((1, 1216, 1920, 3), np.uint8))


def test_a_truncated_engine_is_refused(settings):
    path = resource("models/landmarks-s.onnx")
    engine = prepare_engine(path, settings)
    engine.write_bytes(engine.read_bytes()[:-100])
    with pytest.raises(EngineRefused, match="it is truncated"):
        open_backend(path, "tensorrt", engine=dataclasses.replace(settings, build=False))
