"""What a model file says about itself."""

import dataclasses
import json

import pytest

from dalearn_ros.coding.calibration import Calibration
from dalearn_ros.coding.decode import DecodeSettings
from dalearn_ros.coding.grid import Grid
from dalearn_ros.coding.location import LOCATION
from dalearn_ros.coding.metadata import (
    DEPTH_OUTPUTS,
    OUTPUTS,
    AttentionMetadata,
    DepthMetadata,
    InputSettings,
    ModelMetadata,
)
from dalearn_ros.core.errors import ModelError
from dalearn_ros.landmarks.catalogue import LabelSpace


@pytest.fixture
def metadata():
    return ModelMetadata(
        LabelSpace.load(), Grid(8, 5), InputSettings(), DecodeSettings(0.4), {"seed": 3}
    )


def test_it_survives_the_way_through_the_file(metadata):
    assert ModelMetadata.from_json(metadata.to_json(), "m.onnx") == metadata
    assert metadata.to_json() == metadata.to_json()


@pytest.mark.parametrize("text", [None, "", "[]", "{}", "not json", '{"format": 1}'])
def test_another_projects_model_is_a_sentence(text):
    with pytest.raises(ModelError, match=r"m\.onnx.*dalearn export"):
        ModelMetadata.from_json(text, "m.onnx")


@pytest.mark.parametrize(
    "change",
    [
        {"format_version": 5},
        {"label_space_digest": "0" * 16},
        {"grid": {"cell_px": 7}},
        {"grid": {"cells": 8}},
        {"label_space": {}},
        {"calibration": {"weights": [1.0, 2.0, 3.0, 4.0], "class_bias": [0.0]}},
        {"calibration": {"weights": [1.0], "class_bias": [0.0] * 9}},
        {"calibration": {"weights": [1.0, 2.0, 3.0, float("nan")], "class_bias": [0.0] * 9}},
        {"calibration": {"weight": []}},
        {"calibration": 3},
        {"depth": 8},
        {"depth": {"stride": 7}},
        {"depth": {"least_m": 50.0, "greatest_m": 50.0}},
        {"attention": 8},
        {"attention": {"stride": 7}},
        {"attention": {"synthesis": "divide"}},
    ],
)
def test_a_changed_file_is_a_sentence(metadata, change):
    content = {**json.loads(metadata.to_json()), **change}
    with pytest.raises(ModelError, match=r"m\.onnx"):
        ModelMetadata.from_json(json.dumps(content), "m.onnx")


def test_a_calibration_survives_too(metadata):
    calibration = Calibration((0.25, -1.5, 1e-7, 3.0), tuple(0.1 * i for i in range(9)))
    full = dataclasses.replace(metadata, calibration=calibration)
    assert ModelMetadata.from_json(full.to_json(), "m.onnx") == full


def test_a_model_of_version_1_is_read_as_it_was(metadata):
    content = json.loads(metadata.to_json())
    del content["calibration"]
    for name in ("candidate_threshold", "variance_floor_px2"):
        del content["decoding"][name]
    found = ModelMetadata.from_json(json.dumps({**content, "format_version": 1}), "m.onnx")
    assert found == metadata and found.calibration is None


def test_depth_is_an_entry_of_its_own_version(metadata):
    plain = json.loads(metadata.to_json())
    assert plain["format_version"] == 2 and "depth" not in plain  # as before there was depth
    assert metadata.outputs == ("class_logits", "offset", "log_variance", "log_range")
    deep = dataclasses.replace(metadata, depth=DepthMetadata(LOCATION, 16, 2.0, 80.0))
    stored = json.loads(deep.to_json())
    assert stored["format_version"] == 3 and stored["depth"]["greatest_m"] == 80.0
    assert ModelMetadata.from_json(deep.to_json(), "m.onnx") == deep
    assert deep.outputs == (*metadata.outputs, *DEPTH_OUTPUTS)


def test_attention_is_an_entry_of_its_own_version(metadata):
    plain = json.loads(metadata.to_json())
    assert plain["format_version"] == 2 and "attention" not in plain
    seen = dataclasses.replace(metadata, attention=AttentionMetadata(16, "residual"))
    stored = json.loads(seen.to_json())
    assert stored["format_version"] == 4
    assert stored["attention"] == {"stride": 16, "synthesis": "residual"}
    assert ModelMetadata.from_json(seen.to_json(), "m.onnx") == seen
    assert seen.outputs == (*metadata.outputs, "attention")
    assert seen.asked(depth=True, attention=False) == metadata.outputs == OUTPUTS
    both = dataclasses.replace(seen, depth=DepthMetadata())
    assert both.asked(depth=False, attention=True) == seen.outputs
    assert both.outputs == (*OUTPUTS, *DEPTH_OUTPUTS, "attention")


def test_another_location_function_is_refused(metadata):
    deep = dataclasses.replace(metadata, depth=DepthMetadata("sensor-coordinates-3"))
    with pytest.raises(ModelError, match=rf"m\.onnx, depth.location: expected '{LOCATION}', found"):
        ModelMetadata.from_json(deep.to_json(), "m.onnx")
