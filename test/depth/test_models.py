"""Both models: shapes, what is frozen, what location does, and the shared stem."""

from __future__ import annotations

import copy

import pytest
import torch
from helpers.tiny_depth import depth_settings
from torch import nn

from dalearn_ros.depth.local import LocalNetwork, Stem, stem_parts
from dalearn_ros.depth.network import DepthNetwork, merged_depth
from dalearn_ros.detector.run import Run


def local_model(detector: Run, shared: str = "frozen", location: bool = True) -> LocalNetwork:
    settings = depth_settings({"local": {"shared": shared}})
    torch.manual_seed(3)
    return LocalNetwork(detector.network, settings.local, 32, location)


def some_image(rows: int = 64, columns: int = 96) -> torch.Tensor:
    return torch.randint(0, 255, (2, rows, columns, 3), dtype=torch.uint8)


def statistics(module: nn.Module) -> list[torch.Tensor]:
    return [value.clone() for name, value in module.state_dict().items() if "running" in name]


def test_the_local_model_says_one_distance_a_patch(detector: Run) -> None:
    said = local_model(detector)(some_image(32, 32), torch.zeros(2, 3))
    assert said.log_depth.shape == said.log_variance.shape == (2,)


def test_location_matters_only_where_it_is_told(detector: Run) -> None:
    patches, here, there = some_image(32, 32), torch.zeros(2, 3), torch.full((2, 3), 0.3)
    told, blind = (local_model(detector, location=flag).eval() for flag in (True, False))
    assert not torch.equal(told(patches, here).log_depth, told(patches, there).log_depth)
    assert torch.equal(blind(patches, here).log_depth, blind(patches, there).log_depth)


def test_the_stem_is_the_beginning_of_the_detectors_backbone(detector: Run) -> None:
    network, image = detector.network, some_image()
    stem = Stem(network, 8).eval()
    with torch.no_grad():
        levels = network.backbone(network.normalise(image))
        assert torch.equal(stem(image), levels[0])
    assert Stem(network, 4).eval()(image).shape[-2:] == (16, 24)
    assert stem.channels == levels[0].shape[1]


@pytest.mark.parametrize("shared", ["none", "frozen", "tuned"])
def test_what_of_the_local_model_learns(detector: Run, shared: str) -> None:
    model = local_model(detector, shared).train()
    before, weights = statistics(model.stem), copy.deepcopy(model.stem.state_dict())
    said = model(some_image(32, 32), torch.zeros(2, 3))
    (said.log_depth.sum() + said.log_variance.sum()).backward()
    learns = [p.grad is not None for p in model.stem.parameters()]
    assert all(learns) if shared != "frozen" else not any(learns)
    same = all(torch.equal(a, b) for a, b in zip(before, statistics(model.stem), strict=True))
    assert same == (shared != "none")  # statistics of a shared stem are frozen
    source = Stem(detector.network, 8).state_dict()
    kept = all(torch.equal(weights[name], value) for name, value in source.items())
    assert kept == (shared != "none")


def test_the_global_model_says_a_distance_a_cell_and_the_detector_stays(detector: Run) -> None:
    network = DepthNetwork(detector.network, 8, True).train()
    before = copy.deepcopy(network.detector.state_dict())
    said = network(some_image(), torch.zeros(2, 3, 8, 12))
    assert said.log_depth.shape == said.log_variance.shape == (2, 8, 12)
    said.log_depth.sum().backward()
    assert all(p.grad is None for p in network.detector.parameters())
    assert all(torch.equal(before[k], v) for k, v in network.detector.state_dict().items())
    assert not network.detector.training and network.head.training


def test_one_pass_gives_landmarks_and_depth(detector: Run) -> None:
    network = DepthNetwork(detector.network, 8, True).eval()
    image, location = some_image(), torch.randn(2, 3, 8, 12) * 0.1
    with torch.no_grad():
        *maps, depth, variance = network.maps_and_depth(image, location)
        said = network(image, location)
        for found, alone in zip(maps, detector.network.heads(image), strict=True):
            assert torch.equal(found, alone)
        assert torch.equal(depth, said.log_depth) and torch.equal(variance, said.log_variance)
        merged = merged_depth(network)(image, location)
    torch.testing.assert_close(merged.log_depth, depth, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("cell_px", [4, 8, 16])
def test_every_stride_of_the_detector(detector: Run, cell_px: int) -> None:
    from helpers.tiny_training import tiny_settings

    from dalearn_ros.detector.regime import build_network

    settings = tiny_settings({"grid": {"cell_px": cell_px}})
    own = build_network(settings, detector.label_space, 0)
    network = DepthNetwork(own, 8, True).eval()
    rows, columns = 64 // cell_px, 96 // cell_px
    said = network(some_image(), torch.zeros(2, 3, rows, columns))
    assert said.log_depth.shape == (2, rows, columns)


def test_a_tuned_stem_comes_from_the_local_model_and_learns(detector: Run) -> None:
    teacher = local_model(detector, "tuned")
    with torch.no_grad():
        next(teacher.stem.parameters()).add_(0.1)
    network = DepthNetwork(detector.network, 8, True, "stem").train()
    network.take_stem(teacher, 8)
    blocks, _ = stem_parts(network.detector, 8)
    for name, value in teacher.stem.blocks.state_dict().items():
        assert torch.equal(blocks.state_dict()[name], value)
    network(some_image(), torch.zeros(2, 3, 8, 12)).log_depth.sum().backward()
    moved = {n for n, p in network.detector.named_parameters() if p.grad is not None}
    assert moved and all(name.startswith("backbone.blocks.") for name in moved)
    assert len(moved) == len(list(blocks.parameters()))
