"""The engine inspector's text, in its forms of TensorRT 8 and 10."""

import json

import pytest

from dalearn_ros.core.errors import ModelError
from dalearn_ros.inference.inspector import LayerPrecision, count_precisions, layer_precisions

TEXT = """
{"Layers": [
  {"Name": "cast", "LayerType": "kgen",
   "Inputs": [{"Name": "image", "Dimensions": [1, 736, 1280, 3], "Format/Datatype": "UInt8"}],
   "Outputs": [{"Name": "x", "Dimensions": [1, 3, 736, 1280], "Format/Datatype": "Float"}],
   "TacticName": "__myl_Cast"},
  {"Name": "Reformatting CopyNode", "LayerType": "Reformat",
   "Inputs": [{"Format/Datatype": "Row major linear FP32"}],
   "Outputs": [{"Format/Datatype": "Channel major FP16 format where channel % 8 == 0"}]},
  {"Name": "conv1 + relu1", "LayerType": "CaskConvolution",
   "Inputs": [{"Format/Datatype": "Channel major FP16 format where channel % 8 == 0"}],
   "Outputs": [{"Format/Datatype": "Row major linear FP16 format"}]},
  {"Name": "conv2", "LayerType": "conv", "Inputs": [{"Format/Datatype": "Int8"}],
   "Outputs": [{"Format/Datatype": "Half"}]},
  {"Name": "conv3", "LayerType": "CaskConvolution",
   "Inputs": [{"Format/Datatype": "Thirty-two wide channel vectorized row major Int8 format"}],
   "Outputs": [{"Format/Datatype": "Row major linear FP32"}]},
  {"Name": "shape", "LayerType": "ShapeHostToDevice", "Inputs": [],
   "Outputs": [{"Format/Datatype": "Int32"}]},
  {"Name": "head", "LayerType": "gemm", "Inputs": [{"Format/Datatype": "BFloat16"}],
   "Outputs": [{"Format/Datatype": "BFloat16"}]}
 ], "Bindings": ["image", "class_logits"]}
"""


def test_each_layer_by_its_narrowest_numbers():
    assert layer_precisions(TEXT) == [
        LayerPrecision("cast", "kgen", "fp32"),
        LayerPrecision("conv1 + relu1", "CaskConvolution", "fp16"),
        LayerPrecision("conv2", "conv", "int8"),
        LayerPrecision("conv3", "CaskConvolution", "int8"),
        LayerPrecision("shape", "ShapeHostToDevice", "other"),
        LayerPrecision("head", "gemm", "bf16"),
    ]
    counts = count_precisions(layer_precisions(TEXT))
    assert counts == {"int8": 2, "fp32": 1, "fp16": 1, "bf16": 1}
    assert next(iter(counts)) == "int8"


def test_an_engine_that_does_not_say_is_a_sentence():
    with pytest.raises(ModelError, match="detailed profiling verbosity"):
        layer_precisions(json.dumps({"Layers": ["conv1", "conv2"]}))
    for text in ("", "{}", "[]", '{"Layers": 3}'):
        with pytest.raises(ModelError):
            layer_precisions(text)
