"""What a network with 16 bits inside answers, whatever its output is made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from dalearn_ros.training.precision import Mixed


class Pair(NamedTuple):
    left: Tensor
    right: Tensor


@dataclass(frozen=True)
class Both:
    single: Tensor
    pair: Pair


class Answers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(4, 2)

    def forward(self, values: Tensor) -> Both:
        found = self.layer(values)
        return Both(found, Pair(found * 2, found * 3))


def test_nested_outputs_are_exact_again() -> None:
    found = Mixed(Answers(), "cpu", torch.bfloat16)(torch.ones(1, 4))
    assert isinstance(found, Both)
    assert isinstance(found.pair, Pair)
    assert {found.single.dtype, found.pair.left.dtype, found.pair.right.dtype} == {torch.float32}
    assert torch.allclose(found.pair.left, found.single * 2, rtol=0.02)
