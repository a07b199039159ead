"""The small classifier: shapes, and that light does not matter."""

from __future__ import annotations

import torch

from dalearn_ros.classification.network import ImageClassifier, NetworkSettings


def _network(channels: int = 1) -> ImageClassifier:
    torch.manual_seed(0)
    settings = NetworkSettings(widths=(4, 6, 8), features=12)
    return ImageClassifier(settings, channels, 5).eval()


def test_shapes_of_several_sizes() -> None:
    for size, side in ((32, 4), (28, 4), (40, 5)):
        images = torch.rand(2, 3, size, size)
        network = _network(3)
        assert network.maps(images).shape == (2, 8, side, side)
        assert network.features(images).shape == (2, network.channels) == (2, 12)
        assert network(images).shape == (2, 5)


def test_logits_are_the_head_of_the_features() -> None:
    network, images = _network(), torch.rand(3, 1, 32, 32)
    assert torch.equal(network(images), network.head(network.features(images)))


def test_light_does_not_matter() -> None:
    network, images = _network(), torch.rand(3, 1, 32, 32)
    assert torch.allclose(network(images), network(images * 0.3 + 0.4), atol=1e-4)


def test_an_image_of_one_colour_is_finite() -> None:
    assert torch.isfinite(_network()(torch.full((2, 1, 32, 32), 0.5))).all()
