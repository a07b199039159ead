"""Checkpoints as safetensors: numbers and a JSON header, never pickled code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor, nn

from dalearn_ros.core.errors import ModelError
from dalearn_ros.core.files import atomic_file

FORMAT_VERSION = 1
State = dict[str, Tensor]


@dataclass(frozen=True)
class Checkpoint:
    """Named groups of tensors and what is known about them.

    Attributes:
        groups: Group name (``network``, ``average``, ``optimizer``) to its tensors.
        header: JSON values: step, elapsed time, best score.
    """

    groups: Mapping[str, State]
    header: Mapping[str, Any]


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        InputError: The disk is full or the place is not writable.
    """
    tensors = {
        f"{group}/{name}": tensor.detach().contiguous().clone()
        for group, state in checkpoint.groups.items()
        for name, tensor in state.items()
    }
    header = {"format_version": FORMAT_VERSION, **checkpoint.header}
    with atomic_file(path) as temporary:
        try:
            save_file(tensors, str(temporary), {"dalearn_ros": json.dumps(header)})
        except SafetensorError as error:
            raise OSError(28, f"cannot be written ({error})", str(path)) from error


def load_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        ModelError: Missing, truncated, or not a checkpoint of this format.
    """
    if not path.is_file():
        raise ModelError(f"{path}: there is no such checkpoint.")
    groups: dict[str, State] = {}
    try:
        with safetensors.safe_open(str(path), framework="pt") as file:
            header = json.loads((file.metadata() or {}).get("dalearn_ros", "null"))
            for key in file.keys():  # noqa: SIM118 (not a mapping)
                group, _, name = key.partition("/")
                groups.setdefault(group, {})[name] = file.get_tensor(key)
    except (SafetensorError, OSError, ValueError) as error:
        raise ModelError(f"{path}: is no readable checkpoint ({error}).") from None
    if not isinstance(header, dict) or header.get("format_version") != FORMAT_VERSION:
        expected = f"a checkpoint of format {FORMAT_VERSION}"
        found = (
            "another file" if not isinstance(header, dict) else str(header.get("format_version"))
        )
        raise ModelError.at(path, "", expected, found, "It is not from 'dalearn train'.")
    return Checkpoint(groups, header)


def load_weights(
    network: nn.Module, state: State, source: Path, new: str | tuple[str, ...] | None = None
) -> None:
    """Put weights into a network.

    Args:
        network: Takes them.
        state: Weights by name.
        source: Their file, for the sentence of an error.
        new: Tensors whose names start so, or with one of these, may be missing; they stay as they
            are.

    Raises:
        ModelError: They belong to a network of another shape; the first difference is named.
    """
    own = network.state_dict()
    for name, tensor in own.items():
        if name not in state and new is not None and name.startswith(new):
            continue
        if name not in state:
            raise ModelError.at(source, f"tensor '{name}'", str(tuple(tensor.shape)), "nothing")
        if state[name].shape != tensor.shape:
            expected, found = str(tuple(tensor.shape)), str(tuple(state[name].shape))
            hint = "Its settings differ from this network's."
            raise ModelError.at(source, f"tensor '{name}'", expected, found, hint)
    network.load_state_dict({name: state.get(name, tensor) for name, tensor in own.items()})


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> State:
    """The optimizer's state as named tensors: ``index.name``."""
    states = optimizer.state_dict()["state"]
    return {
        f"{index}.{name}": torch.as_tensor(value)
        for index, values in states.items()
        for name, value in values.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: State) -> None:
    """The inverse of :func:`optimizer_tensors`; parameter groups stay as they are.

    Its tensors get the memory layout of their parameters, as if they had never been away.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        index, _, name = key.partition(".")
        like = parameters[int(index)]
        same = tensor.shape == like.shape and tensor.ndim > 0
        tensor = torch.empty_like(like).copy_(tensor) if same else tensor
        state.setdefault(int(index), {})[name] = tensor.detach()
    optimizer.load_state_dict(
        {"state": state, "param_groups": optimizer.state_dict()["param_groups"]}
    )
