"""An ONNX graph in half precision, with a uint8 input and fp32 outputs."""

from __future__ import annotations

import copy

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.transformers.float16 import convert_float_to_float16


def to_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """All weights and all arithmetic in fp16; the borders keep their types.

    The scales of a Resize stay fp32, as ONNX wants them. A strongly typed TensorRT network
    computes what stands here; ONNX Runtime on the CPU computes convolutions in fp32.

    Args:
        model: An fp32 model; it is not changed.
    """
    plain = with_initializers(model)
    found = convert_float_to_float16(plain, keep_io_types=True, op_block_list=[])
    _sort(found.graph)  # the Cast of an fp32 input is put at the end
    return found


def as_if_half(model: onnx.ModelProto) -> onnx.ModelProto:
    """An fp32 graph whose weights and layers are rounded to fp16, for measuring on the CPU.

    There ONNX Runtime leaves roundings of an fp16 graph out, and with them the overflow above
    65504 that a GPU would meet. Here every layer's result goes through fp16 and back.

    Args:
        model: An fp32 model; it is not changed.
    """
    found = with_initializers(model)
    graph = found.graph
    for tensor in graph.initializer:
        if tensor.data_type == TensorProto.FLOAT:
            with np.errstate(over="ignore"):  # infinite, as it would be there
                half = numpy_helper.to_array(tensor).astype(np.float16)
            tensor.CopyFrom(numpy_helper.from_array(half.astype(np.float32), tensor.name))
    nodes = []
    for node in graph.node:
        rounded = copy.deepcopy(node)
        nodes.append(rounded)
        for place, name in enumerate(node.output):
            exact, half = f"{name}.exact", f"{name}.half"
            rounded.output[place] = exact
            nodes.append(helper.make_node("Cast", [exact], [half], to=TensorProto.FLOAT16))
            nodes.append(helper.make_node("Cast", [half], [name], to=TensorProto.FLOAT))
    del graph.node[:]
    graph.node.extend(nodes)
    return found


def _sort(graph: onnx.GraphProto) -> None:
    """Put nodes that come before what they take behind it; the others keep their order."""
    known = {"", *(one.name for one in [*graph.input, *graph.initializer])}
    waiting, ordered = [copy.deepcopy(node) for node in graph.node], []
    while waiting:
        row = next(i for i, node in enumerate(waiting) if known.issuperset(node.input))
        ordered.append(waiting.pop(row))
        known.update(ordered[-1].output)
    del graph.node[:]
    graph.node.extend(ordered)


def with_initializers(model: onnx.ModelProto) -> onnx.ModelProto:
    """A copy whose Constant nodes are initializers: converters and parsers expect weights there."""
    copied = copy.deepcopy(model)
    graph, nodes = copied.graph, []
    for node in graph.node:
        values = [a.t for a in node.attribute if a.name == "value"]
        if node.op_type == "Constant" and values:
            tensor = graph.initializer.add()
            tensor.CopyFrom(values[0])
            tensor.name = node.output[0]
        else:
            nodes.append(copy.deepcopy(node))
    del graph.node[:]
    graph.node.extend(nodes)
    return copied
