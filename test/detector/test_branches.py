"""Branches beside the convolutions: they start at nothing, learn, and merge into one kernel."""

import pytest
import torch
from torch import nn

from dalearn_ros.coding.grid import Grid
from dalearn_ros.coding.metadata import InputSettings
from dalearn_ros.core.errors import SettingsError
from dalearn_ros.core.resources import resource
from dalearn_ros.detector.backbone import conv_bn_relu
from dalearn_ros.detector.branches import Branches, merge
from dalearn_ros.detector.network import NEW_PARTS, LandmarkNetwork, NetworkSettings, merged
from dalearn_ros.landmarks.catalogue import LabelSpace
from dalearn_ros.training.checkpoint import load_checkpoint, load_weights

SHIPPED = "models/landmarks-s.safetensors"


def _network(**settings):
    made = NetworkSettings(**settings)
    return LandmarkNetwork(made, Grid(), InputSettings(), len(LabelSpace.load())).eval()


def _learnt(network):
    """Statistics and gains as after some learning, so that nothing is hidden by zeros."""
    torch.manual_seed(1)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.3, 1.2)
            module.bias.data.normal_(0, 0.2)
            module.running_mean.normal_(0, 0.3)
            module.running_var.uniform_(0.5, 2.0)
    return network


@pytest.mark.parametrize(("inputs", "outputs", "stride"), [(3, 8, 2), (8, 8, 1), (8, 8, 2)])
def test_a_merged_block_says_what_its_branches_say(inputs, outputs, stride):
    block = conv_bn_relu(inputs, outputs, stride).eval()
    branches = _learnt(nn.ModuleList([block, Branches(block)]).eval())[1]
    assert (branches.same_norm is not None) == (inputs == outputs and stride == 1)
    image = torch.randn(2, inputs, 12, 16)
    with torch.no_grad():
        by_hand = block[1](block[0](image)) + branches.point_norm(
            branches.point(image[:, :, ::stride, ::stride])
        )
        if branches.same_norm is not None:
            by_hand += branches.same_norm(image)
        one = merge(block, branches)
        assert torch.allclose(one(image), by_hand.clamp(min=0), atol=1e-5)
        assert torch.allclose(branches(image, block), by_hand.clamp(min=0), atol=1e-6)
        assert not torch.allclose(block(image), one(image), atol=1e-2)


def test_the_shipped_weights_go_on_with_branches_and_merge_again():
    path = resource(SHIPPED)
    weights = dict(load_checkpoint(path).groups["network"])
    plain, branched = _network(size="s"), _network(size="s", branches=True)
    load_weights(plain, weights, path)
    load_weights(branched, weights, path, new=NEW_PARTS)
    torch.manual_seed(0)
    image = torch.randint(0, 256, (1, 64, 96, 3), dtype=torch.uint8)
    with torch.no_grad():
        expected = plain.heads(image)
        for network in (branched, merged(branched)):
            for one, other in zip(network.heads(image), expected, strict=True):
                assert ((one - other).abs() / (1 + other.abs())).max() < 1e-5


def test_merging_after_learning_keeps_the_answers_and_the_network():
    network = _network(widths=(4, 8, 8, 8, 8), head_channels=8, branches=True)
    image = torch.randint(0, 256, (1, 64, 96, 3), dtype=torch.uint8)
    network.train()(image).offset.square().sum().backward()
    gains = [b.point_norm.weight.grad for b in network.backbone.branches]
    assert all(gain.abs().sum() > 0 for gain in gains)
    _learnt(network.backbone).eval()
    network.eval()
    one = merged(network)
    assert len(network.backbone.branches) == 9 and not one.backbone.branches
    with torch.no_grad():
        for found, expected in zip(one.heads(image), network.heads(image), strict=True):
            assert ((found - expected).abs() / (1 + expected.abs())).max() < 1e-5


def test_branches_belong_to_the_plain_backbone():
    with pytest.raises(SettingsError, match=r"network\.branches.*false with a torchvision"):
        _network(backbone="resnet18", branches=True)
