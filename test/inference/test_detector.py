"""Image in, observations out, on a tiny hand-made model."""

import subprocess
import sys

import numpy as np
import onnx
import pytest
from helpers.tiny_model import RANGE_M, write_tiny_model

from dalearn_ros.core.errors import InputError, ModelError, SettingsError
from dalearn_ros.inference.detector import RUN_MODEL, LandmarkDetector
from dalearn_ros.inference.preprocess import InputPool


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("model") / "tiny.onnx")


def _street(size=(150, 100)):
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    image[16:24, 40:48] = (0, 0, 255)
    image[64:72, 80:88] = (0, 255, 0)
    return image


def test_it_sees_what_is_there(model):
    detector = LandmarkDetector.load(model, threads=1)
    found = detector.detect(_street(), stamp_ns=5)
    names = [detector.label_space.names[i] for i in found.class_id]
    assert sorted(names) == ["arrow", "warning_sign"]
    points = dict(zip(names, found.point_px.tolist(), strict=True))
    assert points["warning_sign"] == pytest.approx([43.5, 19.5])
    assert points["arrow"] == pytest.approx([83.5, 67.5])
    assert found.range_m == pytest.approx([RANGE_M] * 2, rel=1e-4)
    assert found.stamp_ns == 5
    assert set(detector.last_timing_ms) == {"preprocess", "inference", "decode"}


@pytest.mark.parametrize("size", [(150, 100), (33, 97), (641, 481), (1280, 720)])
def test_any_size_in_one_session(model, size):
    detector = LandmarkDetector.load(model, threads=1)
    image = np.full((size[1], size[0], 3), 90, np.uint8)
    assert len(detector.detect(image)) == 0
    image[16:24, 8:16] = (0, 0, 255)
    assert detector.detect(image).point_px.tolist() == [[11.5, 19.5]]


def test_images_of_one_size_go_through_together(model):
    """The same as one by one, for images that lie in a pool; the pool's padding stays zero."""
    detector = LandmarkDetector.load(model, threads=1)
    pictures = [_street(), np.full((100, 150, 3), 90, np.uint8), np.roll(_street(), 16, axis=1)]
    pool = InputPool(3, detector.metadata.input.multiple, slots=4)
    for slot, picture in enumerate(pictures):
        pool.place(slot, 150, 100)[:] = picture
    together = detector.detect_ready(pool.batch(3, 150, 100), (150, 100), [1, 2, 3])
    found = [answer.observations for answer in together]
    assert [seen.stamp_ns for seen in found] == [1, 2, 3]
    assert [len(seen) for seen in found] == [2, 0, 2]
    for seen, picture in zip(found, pictures, strict=True):
        alone = detector.detect(picture)
        assert seen.class_id.tolist() == alone.class_id.tolist()
        np.testing.assert_allclose(seen.point_px, alone.point_px, atol=1e-4)


def test_thresholds_change_while_it_runs(model):
    detector = LandmarkDetector.load(model, threads=1)
    own = detector.metadata.decoding.score_threshold
    detector.override({"score_threshold": 1.0})
    assert len(detector.detect(_street())) == 0
    with pytest.raises(SettingsError):
        detector.override({"score_threshold": 7.0})
    assert detector.metadata.decoding.score_threshold == 1.0
    detector.override({})
    assert detector.metadata.decoding.score_threshold == own
    assert detector.info.runtime == "onnxruntime"


def test_points_outside_the_image_are_left_out(model):
    image = _street((150, 100))[:20]  # the square's centre stays at 19.5, on the edge
    detector = LandmarkDetector.load(model, threads=1, overrides={"score_threshold": 0.01})
    assert (detector.detect(image).point_px[:, 1] < 19.5).all()


def test_grey_images_go_in(model):
    assert len(LandmarkDetector.load(model, threads=1).detect(_street()[:, :, 0])) == 0


def test_a_strange_image_is_a_sentence(model):
    with pytest.raises(InputError, match="8 or 16 bit"):
        LandmarkDetector.load(model, threads=1).detect(_street().astype(np.float64))


def test_settings_win_and_are_checked(model):
    detector = LandmarkDetector.load(model, 1, {"max_landmarks": 1})
    assert len(detector.detect(_street())) == 1
    with pytest.raises(SettingsError, match="score_threshold"):
        LandmarkDetector.load(model, 1, {"score_treshold": 0.5})


def test_a_run_folder_stands_for_the_model_in_it(model, tmp_path):
    with pytest.raises(ModelError, match="dalearn export"):
        LandmarkDetector.load(tmp_path)
    (tmp_path / RUN_MODEL).write_bytes(model.read_bytes())
    assert len(LandmarkDetector.load(tmp_path, 1).detect(_street())) == 2


def test_a_missing_model_is_a_sentence(tmp_path):
    with pytest.raises(ModelError, match="there is no such model"):
        LandmarkDetector.load(tmp_path / "none.onnx")


@pytest.mark.parametrize("share", [0.0, 0.3, 0.95])
def test_a_truncated_model_is_a_sentence(model, tmp_path, share):
    data = model.read_bytes()
    path = tmp_path / "cut.onnx"
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelError, match=r"cut\.onnx"):
        LandmarkDetector.load(path)


def test_another_projects_model_is_a_sentence(model, tmp_path):
    foreign = onnx.load(str(model))
    del foreign.metadata_props[:]
    path = tmp_path / "foreign.onnx"
    onnx.save(foreign, str(path))
    with pytest.raises(ModelError, match="without it.*dalearn export"):
        LandmarkDetector.load(path)


def test_other_outputs_are_a_sentence(model, tmp_path):
    changed = onnx.load(str(model))
    del changed.graph.output[1]
    path = tmp_path / "changed.onnx"
    onnx.save(changed, str(path))
    with pytest.raises(ModelError, match="expected the outputs"):
        LandmarkDetector.load(path)


def test_inference_needs_no_torch(model):
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from dalearn_ros.inference.detector import LandmarkDetector\n"
        "import dalearn_ros.inference.files\n"
        f"LandmarkDetector.load({str(model)!r}, 1)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
