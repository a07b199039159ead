"""Checkpoints are numbers and a header; what is no checkpoint is a sentence."""

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from dalearn_ros.core.errors import ModelError
from dalearn_ros.training.checkpoint import (
    Checkpoint,
    load_checkpoint,
    load_weights,
    optimizer_tensors,
    restore_optimizer,
    save_checkpoint,
)


def test_groups_and_header_survive(tmp_path):
    groups = {"network": {"a.b/c": torch.arange(6.0).view(2, 3)}, "other": {"n": torch.tensor(4)}}
    save_checkpoint(tmp_path / "c.safetensors", Checkpoint(groups, {"step": 7}))
    back = load_checkpoint(tmp_path / "c.safetensors")
    assert back.header["step"] == 7
    assert torch.equal(back.groups["network"]["a.b/c"], groups["network"]["a.b/c"])
    assert back.groups["other"]["n"].item() == 4


def test_the_optimizer_goes_on_as_if_nothing_had_happened(tmp_path):
    def steps(network, optimizer, count):
        for number in range(count):
            optimizer.zero_grad()
            (network(torch.full((1, 3), 1.0 + number)) ** 2).sum().backward()
            optimizer.step()

    torch.manual_seed(0)
    one = nn.Linear(3, 2)
    first = torch.optim.AdamW(one.parameters(), lr=0.1)
    steps(one, first, 4)
    path = tmp_path / "c.safetensors"
    groups = {"network": dict(one.state_dict()), "optimizer": optimizer_tensors(first)}
    save_checkpoint(path, Checkpoint(groups, {}))
    back = load_checkpoint(path)
    other = nn.Linear(3, 2)
    load_weights(other, dict(back.groups["network"]), path)
    second = torch.optim.AdamW(other.parameters(), lr=0.1)
    restore_optimizer(second, dict(back.groups["optimizer"]))
    steps(one, first, 3)
    steps(other, second, 3)
    assert torch.equal(one.weight, other.weight)


@pytest.mark.parametrize("kind", ["missing", "empty", "cut", "foreign"])
def test_what_is_no_checkpoint_is_a_sentence(tmp_path, kind):
    path = tmp_path / "c.safetensors"
    save_checkpoint(path, Checkpoint({"g": {"a": torch.zeros(100)}}, {}))
    whole = path.read_bytes()
    if kind == "missing":
        path.unlink()
    elif kind == "foreign":
        save_file({"a": torch.zeros(3)}, str(path))
    else:
        path.write_bytes(whole[: len(whole) // 2] if kind == "cut" else b"")
    with pytest.raises(ModelError, match=r"c\.safetensors"):
        load_checkpoint(path)


def test_weights_of_another_network_are_a_sentence(tmp_path):
    state = dict(nn.Linear(3, 2).state_dict())
    with pytest.raises(ModelError, match=r"'weight'.*expected \(5, 4\), found \(2, 3\)"):
        load_weights(nn.Linear(4, 5), state, tmp_path)
    with pytest.raises(ModelError, match="'bias'"):
        load_weights(nn.Linear(3, 2), {"weight": state["weight"]}, tmp_path)


def test_new_layers_keep_their_own_weights(tmp_path):
    first, second = nn.Linear(3, 2), nn.Linear(3, 2)
    own = second.bias.detach().clone()
    load_weights(second, {"weight": first.weight.detach()}, tmp_path, new="bias")
    assert torch.equal(second.weight, first.weight)
    assert torch.equal(second.bias, own)
    with pytest.raises(ModelError, match="'weight'"):
        load_weights(second, {"bias": own}, tmp_path, new="bias")
