"""In which precision an ONNX file computes, read from its bytes without the onnx package.

The wire format is protobuf's (developers.google.com/protocol-buffers/docs/encoding); the field
numbers are those of onnx.proto3: ModelProto.graph = 7, GraphProto.node = 1,
GraphProto.initializer = 5, NodeProto.op_type = 4, TensorProto.data_type = 2.
"""

from __future__ import annotations

from collections.abc import Iterator

_GRAPH, _NODE, _INITIALIZER, _OP_TYPE, _DATA_TYPE = 7, 1, 5, 4, 2
_FLOAT16 = 10
_QUANTISED = (b"QuantizeLinear", b"DequantizeLinear")
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def precision_of(model: bytes) -> str:
    """``int8`` if the graph quantises, ``fp16`` if it has half-precision weights, else ``fp32``.

    Args:
        model: The bytes of an ONNX file that a runtime has read already.
    """
    half = False
    for graph in _fields(memoryview(model), _GRAPH):
        for node in _fields(graph, _NODE):
            if any(bytes(kind) in _QUANTISED for kind in _fields(node, _OP_TYPE)):
                return "int8"
        for tensor in _fields(graph, _INITIALIZER):
            half = half or _FLOAT16 in _numbers(tensor, _DATA_TYPE)
    return "fp16" if half else "fp32"


def _fields(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """The byte fields of a number in a message."""
    for number, value in _walk(message):
        if number == wanted and isinstance(value, memoryview):
            yield value


def _numbers(message: memoryview, wanted: int) -> list[int]:
    """The varint fields of a number in a message."""
    return [v for number, v in _walk(message) if number == wanted and isinstance(v, int)]


def _walk(message: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    place = 0
    while place < len(message):
        tag, place = _varint(message, place)
        number, kind = tag >> 3, tag & 7
        if kind == _VARINT:
            value, place = _varint(message, place)
            yield number, value
            continue
        if kind == _BYTES:
            length, place = _varint(message, place)
            yield number, message[place : place + length]
        elif kind in (_FIXED64, _FIXED32):
            length = 8 if kind == _FIXED64 else 4
        else:
            return  # no protobuf
        place += length


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    value = shift = 0
    while place < len(message):
        byte = message[place]
        place += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    return value, place
