"""The network: shapes, backbones by name, weights, input channels (D6 to D8, D24)."""

import dataclasses

import pytest
import torch
import torchvision
from safetensors.torch import save_file

from dalearn_ros.coding.grid import Grid
from dalearn_ros.coding.metadata import InputSettings
from dalearn_ros.core.errors import ModelError, SettingsError
from dalearn_ros.core.settings import dump_settings, load_settings
from dalearn_ros.detector.backbone import build_backbone
from dalearn_ros.detector.network import (
    MEAN_LOG_RANGE,
    NEW_PARTS,
    LandmarkNetwork,
    NetworkSettings,
)

CLASSES = 10
TINY = {"widths": (4, 4, 8, 8, 8), "depths": (1, 1, 1, 1, 1), "head_channels": 8}


def _network(grid=None, inputs=None, **changes):
    settings = NetworkSettings(**{**TINY, **changes})
    return LandmarkNetwork(settings, grid or Grid(), inputs or InputSettings(), CLASSES).eval()


@pytest.mark.parametrize("cell_px", [4, 8, 16])
@pytest.mark.parametrize("nodes", [1, 5, 9])
def test_shapes(cell_px, nodes):
    image = torch.zeros(2, 64, 96, 3, dtype=torch.uint8)
    with torch.no_grad():
        found = _network(Grid(cell_px, nodes))(image)
    rows, columns = 64 // cell_px, 96 // cell_px
    assert found.class_logits.shape == (2, nodes, CLASSES, rows, columns)
    assert found.offset.shape == (2, nodes, 2, rows, columns)
    assert found.log_variance.shape == (2, nodes, 2, rows, columns)
    assert found.log_range.shape == (2, nodes, rows, columns)


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "resnet18"])
@pytest.mark.parametrize("channels", [1, 3])
def test_backbones_of_torchvision(name, channels):
    network = _network(inputs=InputSettings(channels=channels), backbone=name)
    image = torch.zeros(1, 64, 96, channels, dtype=torch.uint8)
    with torch.no_grad():
        features = network.backbone(network.normalise(image))
        found = network(image)
    assert [tuple(f.shape[-2:]) for f in features] == [(8, 12), (4, 6), (2, 3)]
    assert [f.shape[1] for f in features] == network.backbone.channels
    assert found.class_logits.shape == (1, 5, CLASSES, 8, 12)


def test_refining_convolutions_change_nothing_before_they_learn():
    plain, refined = _network(), _network(refine=(1, 2, 1))
    more = refined.state_dict()
    assert len(more) - len(plain.state_dict()) == 4 * 6  # a kernel and what normalisation keeps
    more.update(plain.state_dict())
    refined.load_state_dict(more)
    image = torch.randint(0, 256, (1, 64, 96, 3), dtype=torch.uint8)
    with torch.no_grad():
        assert torch.equal(plain(image).offset, refined(image).offset)
    refined.train()(image).offset.sum().backward()
    assert all(r.norm.weight.grad.abs().sum() > 0 for level in refined.refine for r in level)


def test_cells_of_4_px_see_features_of_stride_4():
    coarse, fine = _network(), _network(Grid(4))
    assert fine.backbone.channels == [4, 8, 8, 8]
    assert {n for n in fine.state_dict() if n.startswith(NEW_PARTS)} == {"fine.weight", "fine.bias"}
    fine.load_state_dict({**fine.state_dict(), **coarse.state_dict()})
    image = torch.randint(0, 256, (1, 64, 96, 3), dtype=torch.uint8)
    with torch.no_grad():
        fused = [n.fuse(n.backbone(n.normalise(image))) for n in (coarse, fine)]
    enlarged = fused[0].repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert torch.equal(fused[1], enlarged)  # until it learns
    fine.train()(image).offset.sum().backward()
    assert fine.fine.weight.grad.abs().sum() > 0


@pytest.mark.parametrize("name", ["mobilenet_v3_small", "resnet18"])
def test_backbones_of_torchvision_at_stride_4(name):
    network = _network(Grid(4), backbone=name)
    image = torch.zeros(1, 64, 96, 3, dtype=torch.uint8)
    with torch.no_grad():
        features = network.backbone(network.normalise(image))
        found = network(image)
    assert [tuple(f.shape[-2:]) for f in features] == [(16, 24), (8, 12), (4, 6), (2, 3)]
    assert found.class_logits.shape == (1, 5, CLASSES, 16, 24)


def test_named_sizes():
    shipped = NetworkSettings(refine=(1, 2, 2))
    assert dataclasses.replace(NetworkSettings(size="s"), size="") == shipped
    large = load_settings(NetworkSettings, None, {"size": "l"})
    assert (large.widths, large.head_channels) == ((32, 64, 128, 256, 384), 128)
    assert load_settings(NetworkSettings, None, dump_settings(large)) == large
    with pytest.raises(SettingsError, match=r"head_channels.*96, as size 'm' says.*found 32"):
        load_settings(NetworkSettings, None, {"size": "m", "head_channels": 32})
    with pytest.raises(SettingsError, match=r"network\.size|size"):
        load_settings(NetworkSettings, None, {"size": "xl"})


def test_an_unknown_backbone_is_a_sentence():
    with pytest.raises(SettingsError, match=r"network\.backbone.*resnet18.*found 'resnet19'"):
        _network(backbone="resnet19")


def test_a_backbone_without_strides_is_a_sentence():
    with pytest.raises(SettingsError, match="no features at stride"):
        _network(backbone="squeezenet1_1")


def test_pretrained_weights_come_from_a_path(tmp_path):
    torch.manual_seed(3)
    whole = torchvision.models.get_model("resnet18", weights=None)
    path = tmp_path / "w.safetensors"
    save_file(whole.state_dict(), str(path))
    found = build_backbone("resnet18", 3, (), (), path)
    assert torch.equal(found.blocks[0].weight, whole.conv1.weight)
    grey = build_backbone("resnet18", 1, (), (), path)
    assert torch.allclose(grey.blocks[0].weight[:, 0], whole.conv1.weight.sum(1), atol=1e-6)
    with pytest.raises(ModelError, match=r"w\.safetensors.*no weights for this backbone"):
        build_backbone("mobilenet_v3_small", 3, (), (), path)
    with pytest.raises(ModelError, match=r"none\.safetensors"):
        build_backbone("resnet18", 3, (), (), tmp_path / "none.safetensors")
    with pytest.raises(SettingsError, match="--init"):
        build_backbone("plain", 3, TINY["widths"], TINY["depths"], path)


def test_normalisation_and_where_the_heads_start():
    network = _network(inputs=InputSettings(mean=100.0, scale=0.5), background_logit=4.0)
    image = torch.full((1, 32, 32, 3), 104, dtype=torch.uint8)
    assert network.normalise(image).unique().tolist() == [2.0]
    assert network.class_head.bias.view(5, CLASSES)[:, 0].tolist() == [4.0] * 5
    assert network.range_head.bias.tolist() == [MEAN_LOG_RANGE] * 5


def test_anchors_stay_together_in_the_maps_as_exported():
    network = _network()
    image = torch.randint(0, 256, (1, 32, 64, 3), dtype=torch.uint8)
    with torch.no_grad():
        flat, named = network.heads(image), network(image)
    assert torch.equal(flat[0][:, CLASSES : 2 * CLASSES], named.class_logits[:, 1])
    assert torch.equal(flat[1][:, 2:4], named.offset[:, 1])
