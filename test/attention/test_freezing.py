"""Which parts learn: gradients, normalisation, and combinations that make no sense."""

from __future__ import annotations

import pytest
import torch
from helpers.tiny_attention import image_settings

from dalearn_ros.attention.classifier import ImageAttention
from dalearn_ros.attention.classifier_run import CLASSIFICATION, Make, build_image_network
from dalearn_ros.attention.freezing import Frozen, losses_of, parts_that_learn
from dalearn_ros.attention.learning_settings import LOSSES, LearningSettings
from dalearn_ros.attention.losses import class_attention_loss, map_loss
from dalearn_ros.attention.network import PARTS
from dalearn_ros.core.errors import SettingsError


def network() -> ImageAttention:
    made = build_image_network(image_settings(), Make(CLASSIFICATION, ("a", "b"), 3, True), 1)
    assert isinstance(made, ImageAttention)
    return made


def gradients(losses: tuple[str, ...]) -> set[str]:
    """Parts of a network that has just these losses, in which some weight has a gradient."""
    model = network().train()
    label = torch.tensor([0, 1, 1, 0])
    seen = model(torch.rand(4, 3, 16, 16))
    wanted = torch.rand(4, *seen.attention.shape[2:])
    terms = {
        "attention": class_attention_loss(seen.scores, label),
        "perception": class_attention_loss(seen.answer, label),
        "map": map_loss(seen.attention, wanted, torch.ones_like(wanted), "l2"),
    }
    torch.stack([terms[name] for name in losses]).sum().backward()
    return {
        part
        for part, modules in model.parts().items()
        if any(p.grad is not None and bool(p.grad.any()) for m in modules for p in m.parameters())
    }


@pytest.mark.parametrize(
    "losses", [("attention",), ("perception",), ("map",), ("attention", "map"), LOSSES]
)
def test_the_parts_that_learn_are_those_that_have_a_gradient(losses: tuple[str, ...]) -> None:
    said = parts_that_learn(LearningSettings(learns=PARTS, losses=losses), losses, False)
    assert set(said) == gradients(losses)


def test_what_is_frozen_does_not_change_its_statistics_too() -> None:
    model = network()
    frozen = Frozen(model.parts(), ("attention",))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    optimiser = torch.optim.AdamW(model.parameters(), 0.1)
    for _ in range(3):
        model.train()
        frozen.hold()
        seen = model(torch.rand(4, 3, 16, 16))
        (seen.scores.square().sum() + seen.answer.square().sum()).backward()
        optimiser.step()
    for name, value in model.state_dict().items():
        changed = not torch.equal(value, before[name])
        assert changed == name.startswith("branch."), name
    assert not torch.equal(
        before["branch.blocks.0.norm.running_mean"], model.branch.blocks[0].norm.running_mean
    )


def test_defaults() -> None:
    usual = LearningSettings()
    assert losses_of(usual, True) == LOSSES
    assert losses_of(usual, False) == ("attention", "perception")
    assert parts_that_learn(usual, LOSSES, False) == ("attention", "perception")
    assert parts_that_learn(usual, LOSSES, True) == PARTS
    cam = LearningSettings(source="cam")
    assert losses_of(cam, True) == ("perception", "map")
    assert parts_that_learn(cam, ("map",), False) == ("features", "perception")


def test_a_part_that_no_loss_reaches_stays() -> None:
    alone = LearningSettings(losses=("map",))
    assert parts_that_learn(alone, ("map",), False) == ("attention",)


@pytest.mark.parametrize("losses", [("map",), ("attention",), ("attention", "map")])
def test_perception_alone_has_no_gradient_of_the_map(losses: tuple[str, ...]) -> None:
    settings = LearningSettings(learns=("perception",), losses=losses)
    with pytest.raises(SettingsError, match="has a gradient, found perception"):
        parts_that_learn(settings, losses, False)


def test_losses_without_anything_to_learn_from() -> None:
    with pytest.raises(SettingsError, match="needs corrected maps"):
        losses_of(LearningSettings(losses=("map",)), False)
    with pytest.raises(SettingsError, match="'attention' a network with a branch"):
        losses_of(LearningSettings(losses=("attention",), source="cam"), True)
    with pytest.raises(SettingsError, match="found 'maps'"):
        losses_of(LearningSettings(losses=("maps",)), True)
    with pytest.raises(SettingsError, match="found 'head'"):
        parts_that_learn(LearningSettings(learns=("head",)), LOSSES, False)
