"""Where 16 bits are computed with, and that losses see 32."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from dalearn_ros.training import precision
from dalearn_ros.training.precision import Mixed, cpu_has_bfloat16, mixed_precision

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("wanted", "able", "mixed"),
    [(False, True, False), (True, False, False), (True, True, True)],
)
def test_a_cpu_computes_with_16_bits_where_it_can_and_shall(
    monkeypatch: pytest.MonkeyPatch, wanted: bool, able: bool, mixed: bool
) -> None:
    monkeypatch.setattr(precision, "cpu_has_bfloat16", lambda: able)
    network = nn.Linear(4, 2)
    model, scaler = mixed_precision(network, CPU, True, wanted)
    assert isinstance(model, Mixed) is mixed
    assert (model is network) is not mixed
    assert not scaler.is_enabled()


def test_it_knows_what_the_kernel_says_of_the_processor() -> None:
    with open("/proc/cpuinfo", encoding="utf-8") as lines:
        flags = next(line for line in lines if line.startswith("flags")).split()
    if not hasattr(torch.cpu, "get_capabilities"):
        pytest.skip("this torch does not say what the processor can do")
    assert cpu_has_bfloat16() is bool({"avx512_bf16", "amx_bf16"} & set(flags))


def test_answers_are_of_32_bits_and_close_and_gradients_reach_the_weights() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 2, 3))
    image = torch.rand(2, 3, 16, 16)
    exact, found = network(image), Mixed(network, "cpu", torch.bfloat16)(image)
    assert found.dtype == torch.float32
    assert not torch.equal(found, exact)  # 8 bits of mantissa
    torch.testing.assert_close(found, exact, atol=0.02, rtol=0.05)
    found.square().mean().backward()
    gradient = next(network.parameters()).grad
    assert gradient is not None and gradient.dtype == torch.float32
    assert gradient.abs().sum() > 0
