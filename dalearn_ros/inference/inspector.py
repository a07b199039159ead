"""What an engine really computes in, out of the text of TensorRT's engine inspector.

TensorRT developer guide, "Engine Inspector": JSON with ``Layers``, each with ``Inputs`` and
``Outputs`` whose ``Format/Datatype`` is a sentence in 8.x (``Row major linear FP16 format``) and a
word since 10 (``Half``).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from dalearn_ros.core.errors import ModelError

# From the narrowest: a layer that reads int8 and writes fp16 multiplies in int8.
_KINDS = (
    ("int8", re.compile(r"\bint8\b", re.IGNORECASE)),
    ("fp8", re.compile(r"\bfp8\b|\bfloat8\b|\be4m3\b", re.IGNORECASE)),
    ("fp16", re.compile(r"\bhalf\b|\bfp16\b|\bfloat16\b", re.IGNORECASE)),
    ("bf16", re.compile(r"\bbf16\b|\bbfloat16\b", re.IGNORECASE)),
    ("fp32", re.compile(r"\bfloat\b|\bfp32\b|\bfloat32\b", re.IGNORECASE)),
)
# Layers that only move values.
_MOVES = ("reformat", "noop", "no-op", "shuffle", "constant", "signal", "wait")


@dataclass(frozen=True)
class LayerPrecision:
    """One layer of an engine.

    Attributes:
        name: The engine's name for it.
        kind: Its type, such as ``Convolution`` or ``kgen``; empty if the engine does not say.
        precision: Narrowest type among its inputs and outputs: ``int8``, ``fp8``, ``fp16``,
            ``bf16``, ``fp32``; ``other`` if it handles no such numbers.
    """

    name: str
    kind: str
    precision: str


def layer_precisions(text: str) -> list[LayerPrecision]:
    """The layers that compute, in the engine's order; those that only move values are left out.

    Args:
        text: ``get_engine_information(LayerInformationFormat.JSON)``.

    Raises:
        ModelError: It is no such JSON, or names layers without saying their types, as an engine
            does that was built without detailed profiling verbosity.
    """
    try:
        layers = json.loads(text)["Layers"]
    except (ValueError, KeyError, TypeError):
        raise ModelError("the engine inspector's text is no JSON with 'Layers'.") from None
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        raise ModelError(
            "the engine names its layers only; build it with detailed profiling verbosity."
        )
    found = []
    for layer in layers:
        kind = str(layer.get("LayerType", ""))
        if kind.lower() not in _MOVES:
            tensors = [*layer.get("Inputs", ()), *layer.get("Outputs", ())]
            found.append(LayerPrecision(str(layer.get("Name", "")), kind, _narrowest(tensors)))
    return found


def count_precisions(layers: Iterable[LayerPrecision]) -> dict[str, int]:
    """Number of layers by precision, the most frequent first; without ``other``."""
    counts = Counter(layer.precision for layer in layers if layer.precision != "other")
    return dict(counts.most_common())


def _narrowest(tensors: Sequence[Any]) -> str:
    types = [str(t.get("Format/Datatype", "")) for t in tensors if isinstance(t, dict)]
    for name, pattern in _KINDS:
        if any(pattern.search(text) for text in types):
            return name
    return "other"
