"""Mixed precision: 16 bits in the network where the device is fast at it, 32 bits in the losses."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch
from torch import Tensor, nn


class Mixed(nn.Module):
    """A network that computes with 16 bits inside and answers with 32, so that losses stay exact.

    Args:
        network: Its output is a tensor, or a named tuple or dataclass of such outputs.
        device: Kind of the device, ``cuda`` or ``cpu``.
        kind: ``torch.bfloat16`` or ``torch.float16``.
    """

    def __init__(self, network: nn.Module, device: str, kind: torch.dtype) -> None:
        super().__init__()
        self.network, self.device, self.kind = network, device, kind

    def forward(self, *inputs: Any) -> Any:
        """The network's answer, float32."""
        with torch.autocast(self.device, self.kind):
            found = self.network(*inputs)
        return _exact(found)


def _exact(found: Any) -> Any:
    if isinstance(found, Tensor):
        return found.float()
    if dataclasses.is_dataclass(found):
        values = [getattr(found, f.name) for f in dataclasses.fields(found)]
    else:
        values = list(found)
    return type(found)(*map(_exact, values))


def mixed_precision(
    network: nn.Module, device: torch.device, wanted: bool, wanted_cpu: bool = False
) -> tuple[nn.Module, torch.amp.GradScaler]:
    """What computes the losses, and the scaler of their gradients.

    Where it is not wanted, the network itself and a scaler that does nothing. On a GPU bfloat16
    where it has it (compute capability 8.0 and above), which needs no scaling; else float16 with
    scaled gradients. On a CPU bfloat16 where it has instructions for it, else the network itself:
    imitated, it is slower than 32 bits.

    Args:
        network: On the device.
        device: ``cuda`` or ``cpu``.
        wanted: 16 bits on a GPU.
        wanted_cpu: 16 bits on a CPU.
    """
    if device.type != "cuda":
        exact = not (wanted_cpu and cpu_has_bfloat16())
        model = network if exact else Mixed(network, device.type, torch.bfloat16)
        return model, torch.amp.GradScaler("cpu", enabled=False)
    if not wanted:
        return network, torch.amp.GradScaler("cpu", enabled=False)
    if torch.cuda.get_device_capability(device) >= (8, 0):
        model = Mixed(network, device.type, torch.bfloat16)
        return model, torch.amp.GradScaler("cuda", enabled=False)
    return Mixed(network, device.type, torch.float16), torch.amp.GradScaler("cuda")


def cpu_has_bfloat16() -> bool:
    """Has this processor instructions for bfloat16 products (AVX512-BF16 or AMX)?"""
    if not hasattr(torch.cpu, "get_capabilities"):  # before torch 2.10
        return False
    found = torch.cpu.get_capabilities()
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))
