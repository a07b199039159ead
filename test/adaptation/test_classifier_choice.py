"""The adapted network is refused where it helps less, or calls all the same."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from helpers.tiny_images import SHAPES, TINY
from torch import Tensor

from dalearn_ros.adaptation import classifier_choice
from dalearn_ros.adaptation.classifier_choice import judge
from dalearn_ros.adaptation.classifier_settings import AdaptClassifierSettings
from dalearn_ros.classification.network import ImageClassifier
from dalearn_ros.core.settings import load_settings

SETTINGS = load_settings(AdaptClassifierSettings, None, TINY)
IMAGES = torch.randint(0, 256, (30, 1, 16, 16), generator=torch.Generator().manual_seed(0)).to(
    torch.uint8
)


def _network() -> ImageClassifier:
    torch.manual_seed(0)
    return ImageClassifier(SETTINGS.network, 1, 3).eval()


def test_as_good_as_the_source_is_taken_and_draws_are_repeatable() -> None:
    before = torch.random.get_rng_state()
    one = judge(_network(), _network(), IMAGES, SHAPES, SETTINGS, 1)
    assert one.refused == ""
    assert one.agreement == one.source_only_agreement
    torch.random.set_rng_state(before)
    assert judge(_network(), _network(), IMAGES, SHAPES, SETTINGS, 1) == one


@pytest.mark.parametrize(
    "answers,text",
    [
        # adapted plain, source plain, adapted changed, source changed
        (([0, 1, 2, 0, 1, 2], [0, 1, 2, 0, 1, 2], [0, 1, 2, 0, 2, 1], [0, 1, 2, 0, 1, 1]),
         "did not help by target/agreement: 0.667, source only 0.833"),
        (([2, 2, 2, 2, 2, 2], [0, 1, 2, 0, 1, 2], [2, 2, 2, 2, 2, 2], [0, 1, 2, 0, 1, 1]),
         "the share of dot among the pseudo labels rose from 33% to 100%"),
        (([0, 1, 2, 0, 1, 1], [0, 1, 2, 0, 1, 2], [0, 1, 2, 0, 1, 1], [0, 1, 2, 0, 1, 1]), ""),
    ],
)  # fmt: skip
def test_by_hand(
    answers: tuple[list[int], ...], text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = iter(answers)

    def told(network: Any, images: Tensor) -> Tensor:
        return torch.nn.functional.one_hot(torch.tensor(next(given)), 3).float()

    monkeypatch.setattr(classifier_choice, "classify", told)
    found = judge(_network(), _network(), IMAGES[:6], SHAPES, SETTINGS, 1)
    assert text in found.refused and bool(text) == bool(found.refused)
