"""Engines out of the cache or built, and that TensorRT accepts what is exported."""

import dataclasses
import json
import logging
import os
import signal
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import onnx
import pytest
from helpers.fake_tensorrt import FakeTools
from helpers.tiny_attention_model import write_tiny_attention_model
from helpers.tiny_depth_model import write_tiny_depth_model
from helpers.tiny_model import write_tiny_model

import dalearn_ros.inference.tensorrt as trt_backend
from dalearn_ros.coding.metadata import AttentionMetadata, DepthMetadata
from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.resources import resource
from dalearn_ros.export.half import to_half
from dalearn_ros.export.quantise import quantised
from dalearn_ros.inference.backend import OnnxBackend
from dalearn_ros.inference.cuda_device import CudaDevice
from dalearn_ros.inference.engine_build import build_engine
from dalearn_ros.inference.engine_cache import EngineRefused
from dalearn_ros.inference.engine_settings import EngineSettings, Profile, profiles_of
from dalearn_ros.inference.onnx_precision import precision_of
from dalearn_ros.inference.parity import made_up_location
from dalearn_ros.inference.tensorrt import load_tensorrt, open_engine, toolkit

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def model(tmp_path):
    return write_tiny_model(tmp_path / "tiny.onnx")


@pytest.fixture
def settings(tmp_path):
    return EngineSettings(folder=str(tmp_path / "engines"), sizes=("96x64",), batch=2)


def _open(model, settings, tools):
    return open_engine(model, OnnxBackend(model, threads=1), settings, tools.kit)


def test_built_once_compared_and_kept(model, settings, caplog):
    tools = FakeTools()
    with caplog.at_level(logging.INFO):
        first = _open(model, settings, tools)
    assert "holds no engine of a model 'tiny'. Building one for Toy GPU" in caplog.messages[0]
    assert "differs from ONNX Runtime by 0 at most" in caplog.messages[1]
    sidecar = json.loads(first.info.engine.with_suffix(".json").read_text())
    assert sidecar["report"]["parity"]["worst"] == 0.0
    assert sidecar["report"]["layers"] == "fp16"
    caplog.clear()
    second = _open(model, settings, tools)
    assert tools.builds == 1 and not caplog.messages
    assert second.info == first.info
    images = np.full((2, 64, 96, 3), 90, np.uint8)
    right = OnnxBackend(model, threads=1).run_batch(images)
    assert np.array_equal(second.run_batch(images)[1].class_logits, right[1].class_logits)
    with pytest.raises(ModelError, match="needs at least one image"):
        second.run_batch(images[:0])


def test_a_model_with_depth_has_an_engine_with_one_more_input(tmp_path, settings):
    model = write_tiny_depth_model(tmp_path / "deep.onnx")
    tools, plain = FakeTools(), OnnxBackend(model, threads=1)
    found = _open(model, settings, tools)  # compared with ONNX Runtime, depth and all
    assert tools.strides == [8]
    images = np.full((3, 64, 96, 3), 90, np.uint8)  # in two parts
    location = made_up_location(images, plain.metadata.depth)
    for one, right in zip(found.run_batch(images, location), plain.run_batch(images, location)):
        np.testing.assert_array_equal(one.log_depth, right.log_depth)
        np.testing.assert_array_equal(one.log_depth_variance, right.log_depth_variance)
    assert not np.array_equal(location[0], location[2])
    (without,) = found.run_batch(images[:1])
    assert without.log_depth is None and without.log_depth_variance is None
    np.testing.assert_array_equal(without.class_logits, right.class_logits)


def test_a_model_with_attention_gives_its_map_when_asked(tmp_path, settings):
    model = write_tiny_attention_model(tmp_path / "attentive.onnx")
    found, plain = _open(model, settings, FakeTools()), OnnxBackend(model, threads=1)
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3), dtype=np.uint8)
    answers = found.run_batch(images, attention=True), plain.run_batch(images, attention=True)
    for one, right in zip(*answers, strict=True):
        np.testing.assert_array_equal(one.attention, right.attention)
    assert found.run(images[:1]).attention is None


def test_a_mismatch_is_named_and_built_anew(model, settings, caplog):
    _open(model, settings, FakeTools())
    other = FakeTools(device=CudaDevice("Thor", "11.0", "13.0"))
    _open(model, settings, other)
    assert "gpu 'Toy GPU' instead of 'Thor'" in caplog.messages[-1] and other.builds == 1
    newer = FakeTools(version="11.4.1")
    _open(model, settings, newer)
    assert "runtime 'tensorrt 10.3.0' instead of 'tensorrt 11.4.1'" in caplog.messages[-1]
    write_tiny_model(model)
    content = model.read_bytes()
    model.write_bytes(content + b"\x32\x01x")  # ModelProto.doc_string = "x"
    changed = FakeTools()
    _open(model, settings, changed)
    assert "model_sha256" in caplog.messages[-1] and changed.builds == 1
    sizes = dataclasses.replace(settings, sizes=("128x64",))
    _open(model, sizes, changed)
    assert "profiles [1x64x96" in caplog.messages[-1] and changed.builds == 2
    model.write_bytes(content)
    _open(model, settings, changed)
    assert changed.builds == 2  # the first engine was not thrown away


@pytest.mark.parametrize(
    "damage, said",
    [
        (lambda e: e.write_bytes(e.read_bytes()[:-9]), "it is truncated"),
        (lambda e: e.with_suffix(".json").unlink(), "its sidecar"),
    ],
)
def test_a_damaged_engine_is_built_anew_or_refused(model, settings, caplog, damage, said):
    tools = FakeTools()
    engine = _open(model, settings, tools).info.engine
    damage(engine)
    with pytest.raises(EngineRefused, match=f"{said}.*Building is switched off"):
        _open(model, dataclasses.replace(settings, build=False), tools)
    assert tools.builds == 1
    _open(model, settings, tools)
    assert tools.builds == 2 and said in caplog.messages[-1]
    _open(model, dataclasses.replace(settings, build=False), tools)


def test_an_engine_that_does_not_load_is_built_anew(model, settings, caplog):
    tools = FakeTools()
    load = tools.kit.load
    _open(model, settings, tools)
    refusals = iter([ModelError("TensorRT cannot load the engine (other driver).")])

    def refuse_once(plan, outputs):
        for error in refusals:
            raise error
        return load(plan, outputs)

    tools.kit = dataclasses.replace(tools.kit, load=refuse_once)
    _open(model, settings, tools)
    assert tools.builds == 2 and "(other driver)" in caplog.messages[-1]


@pytest.mark.parametrize("add", [0.01, float("nan")])
def test_other_answers_than_onnx_runtimes_are_refused(model, settings, add):
    with pytest.raises(ModelError, match="at most 0.002 is allowed for a fp32 model"):
        _open(model, settings, FakeTools(add=add))
    assert not settings.place.exists() or not list(settings.place.iterdir())


KILLED = """
import dataclasses, sys, time
from pathlib import Path
from helpers.fake_tensorrt import FakeTools
from dalearn_ros.inference.backend import OnnxBackend
from dalearn_ros.inference.engine_settings import EngineSettings
from dalearn_ros.inference.tensorrt import open_engine
def build(*given):
    print("building", flush=True); time.sleep(60)
kit = dataclasses.replace(FakeTools().kit, build=build)
model = Path(sys.argv[1])
open_engine(model, OnnxBackend(model, 1), EngineSettings(folder=sys.argv[2]), kit)
"""


def test_sigterm_in_the_middle_of_a_build_leaves_nothing(model, settings):
    paths = os.pathsep.join([str(ROOT), str(ROOT / "test")])
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(model), settings.folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert process.stdout is not None and process.stdout.readline() == "building\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == -signal.SIGTERM
    process.stdout.close()
    assert not settings.place.exists() or not list(settings.place.iterdir())


def test_timings_are_handed_on(model, settings):
    tools = FakeTools()
    _open(model, settings, tools)
    _open(model, dataclasses.replace(settings, batch=1), tools)
    _open(model, dataclasses.replace(settings, timing_cache=False), tools)
    assert tools.timings == [b"", b"measured", None]


def test_the_device_is_looked_for_first(monkeypatch):
    def no_device():
        raise ModelError("there is no NVIDIA driver.")

    monkeypatch.setattr(trt_backend, "cuda_device", no_device)
    monkeypatch.setattr(trt_backend, "load_tensorrt", lambda: pytest.fail("too early"))
    with pytest.raises(ModelError, match="no NVIDIA driver"):
        toolkit()


def test_which_tensorrt(monkeypatch):
    for name in trt_backend.PACKAGES:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ModelError, match="tensorrt is not installed; tensorrt_rtx is not"):
        load_tensorrt()
    for version in ("10.3.0", "11.4.1", "10.16.0.72"):
        fake = types.SimpleNamespace(__version__=version)
        monkeypatch.setitem(sys.modules, "tensorrt", fake)
        assert load_tensorrt() == ("tensorrt", fake)
    monkeypatch.setitem(sys.modules, "tensorrt", types.SimpleNamespace(__version__="8.6.1"))
    with pytest.raises(ModelError, match=r"TensorRT 8\.6\.1 is too old; 10\.3 or newer"):
        load_tensorrt()


# What follows needs TensorRT's parser and builder, but no GPU.

PROFILES = (
    *profiles_of(EngineSettings(sizes=("1280x720",), batch=6), 32),
    *profiles_of(EngineSettings(sizes=("640x384",)), 32),
)


@pytest.fixture(scope="module")
def rtx():
    return pytest.importorskip(
        "tensorrt_rtx", reason="TensorRT's parser: pip install -e '.[tensorrt-check]'"
    )


def _exported(folder, depth=False, attention=False):
    torch = pytest.importorskip("torch", reason="exporting needs the extra 'train'")
    from helpers.tiny_training import tiny_settings

    from dalearn_ros.detector.regime import build_network, metadata_of
    from dalearn_ros.export.onnx import export_onnx
    from dalearn_ros.landmarks.catalogue import LabelSpace

    torch.set_num_threads(1)
    space, settings = LabelSpace.load(), tiny_settings({})
    network, metadata = build_network(settings, space, 0), metadata_of(settings, space, {}, {})
    if depth:
        from dalearn_ros.depth.network import DepthNetwork

        network = DepthNetwork(network, 16, location=True)
        metadata = dataclasses.replace(metadata, depth=DepthMetadata(stride=8))
    if attention:
        from dalearn_ros.attention.network import LandmarkAttention
        from dalearn_ros.attention.settings import BranchSettings

        network = LandmarkAttention(network, BranchSettings())
        metadata = dataclasses.replace(metadata, attention=AttentionMetadata(stride=8))
    export_onnx(network.eval(), metadata, folder / "random.onnx")
    return folder / "random.onnx"


SHIPPED = resource("models/landmarks-s.onnx")


@pytest.mark.parametrize("which", ["shipped", "random", "tiny"])
def test_every_exported_model_parses_and_builds(rtx, tmp_path, which):
    path = {
        "shipped": lambda: SHIPPED,
        "random": lambda: _exported(tmp_path),
        "tiny": lambda: write_tiny_model(tmp_path / "tiny.onnx"),
    }[which]()
    built = build_engine(rtx, path.read_bytes(), PROFILES, workspace_mib=256)
    assert len(built.plan) > 10_000 and built.timing == b""


def _converted(path, precision):
    model = onnx.load(str(path))
    if precision == "fp16":
        return to_half(model).SerializeToString()
    frames = np.random.default_rng(1).integers(0, 256, (2, 1, 96, 160, 3), dtype=np.uint8)
    return quantised(model, lambda row: frames[row], 2, "minmax").SerializeToString()


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_every_precision_parses_and_builds(rtx, precision):
    content = _converted(SHIPPED, precision)
    assert precision_of(content) == precision
    assert len(build_engine(rtx, content, PROFILES, workspace_mib=256).plan) > 10_000


def test_a_model_with_attention_parses_and_builds_in_every_precision(rtx, tmp_path):
    path = _exported(tmp_path, attention=True)
    small = profiles_of(EngineSettings(sizes=("128x96",), batch=2), 32)
    contents = path.read_bytes(), *(_converted(path, one) for one in ("fp16", "int8"))
    for content in contents:
        assert len(build_engine(rtx, content, small, 256).plan) > 10_000


def test_a_model_with_depth_parses_and_builds(rtx, tmp_path):
    model = _exported(tmp_path, depth=True).read_bytes()
    small = profiles_of(EngineSettings(sizes=("128x96",), batch=2), 32)
    assert len(build_engine(rtx, model, small, 256, location_stride=8).plan) > 10_000
    with pytest.raises(ModelError, match="cannot build|refuses"):  # its location has no profile
        build_engine(rtx, model, small, 256)


def test_tensorrts_own_words_when_it_refuses(rtx, tmp_path):
    path = write_tiny_model(tmp_path / "tiny.onnx")
    with pytest.raises(ModelError, match=r"does not accept the ONNX file \(.*[Pp]arse"):
        build_engine(rtx, path.read_bytes()[:500], PROFILES, workspace_mib=256)
    backwards = Profile((1, 64, 64), (1, 64, 64), (1, 32, 32))
    with pytest.raises(ModelError, match="refuses the input sizes 1x64x64 to 1x32x32"):
        build_engine(rtx, path.read_bytes(), [backwards], workspace_mib=256)
    content = onnx.load(str(path))
    cast, multiply, transpose = content.graph.node[:3]  # TensorRT moves no uint8
    cast.input[0], transpose.input[0], transpose.output[0] = "moved", "image", "moved"
    multiply.output[0] = "x"
    content.graph.node.remove(transpose)
    content.graph.node.insert(0, transpose)
    with pytest.raises(ModelError, match="Invalid Node.* first input has type UInt8"):
        build_engine(rtx, content.SerializeToString(), PROFILES, workspace_mib=256)
