"""What a model file says about itself."""

import json

import pytest

from dalearn_ros.coding.decode import DecodeSettings
from dalearn_ros.coding.grid import Grid
from dalearn_ros.coding.metadata import InputSettings, ModelMetadata
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
        {"format_version": 2},
        {"label_space_digest": "0" * 16},
        {"grid": {"cell_px": 7}},
        {"grid": {"cells": 8}},
        {"label_space": {}},
    ],
)
def test_a_changed_file_is_a_sentence(metadata, change):
    content = {**json.loads(metadata.to_json()), **change}
    with pytest.raises(ModelError, match=r"m\.onnx"):
        ModelMetadata.from_json(json.dumps(content), "m.onnx")
