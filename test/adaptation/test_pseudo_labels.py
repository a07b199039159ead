"""Thresholds and caps."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from dalearn_ros.adaptation.pseudo_labels import Role, apply_caps, choose_roles
from dalearn_ros.adaptation.settings import PseudoLabelSettings

SCORE = torch.tensor([0.9, 0.8, 0.7999, 0.5, 0.4999])
N, L, X, A, G = (int(r) for r in Role)


@pytest.mark.parametrize(
    ("below", "roles"),
    [
        ("ignore", [L, L, N, N, N]),
        ("argmax", [L, L, L, L, L]),
        ("mask_max", [L, L, X, X, X]),
        ("mask_all", [L, L, A, A, A]),
        ("two_thresholds", [L, L, A, A, X]),
        ("negative", [L, L, G, G, G]),
    ],
)
def test_what_happens_below_the_threshold(below, roles):
    low = 0.5 if below == "two_thresholds" else None
    settings = PseudoLabelSettings(threshold=0.8, below=below, low_threshold=low)
    assert choose_roles(SCORE, settings).tolist() == roles


def test_class_cap_keeps_the_best():
    score = torch.tensor([0.9, 0.95, 0.99, 0.9, 0.2])
    label = torch.tensor([1, 1, 1, 2, 1])
    role = torch.tensor([L, L, L, L, X])
    found = apply_caps(score, label, role, 5, PseudoLabelSettings(class_cap=2))
    assert found.tolist() == [N, L, L, L, X], (
        "a masked sample stays masked, a capped one is neutral"
    )


def test_equal_takes_as_many_as_the_rarest_class_present_has():
    score = torch.tensor([0.9, 0.95, 0.99, 0.9, 0.8])
    label = torch.tensor([1, 1, 1, 4, 4])
    role = torch.full((5,), L)
    found = apply_caps(score, label, role, 5, PseudoLabelSettings(balance="equal"))
    assert found.tolist() == [N, L, L, L, L]


@given(st.lists(st.floats(0, 1, width=32), max_size=12), st.floats(0.01, 1.0))
def test_the_labelled_share_stays_below_the_limit(scores, share):
    score = torch.tensor(scores)
    role = torch.full((len(scores),), L)
    label = torch.zeros(len(scores), dtype=torch.int64)
    settings = PseudoLabelSettings(total_share=share)
    found = apply_caps(score, label, role, len(scores), settings)
    kept = found == L
    assert not scores or int(kept.sum()) < share * len(scores)
    if kept.any() and not kept.all():
        assert float(score[kept].min()) >= float(score[~kept].max())


def test_equal_scores_are_kept_in_their_order():
    role = torch.full((4,), L)
    same = torch.full((4,), 0.9)
    found = apply_caps(same, torch.ones(4).long(), role, 4, PseudoLabelSettings(class_cap=3))
    assert found.tolist() == [L, L, L, N]
