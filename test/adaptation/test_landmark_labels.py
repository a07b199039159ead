"""From a network's answers to pseudo landmarks and targets, on answers made by hand."""

import numpy as np
import pytest
import torch

from dalearn_ros.adaptation.landmark_labels import (
    claims,
    masked_logits,
    owners,
    probabilities,
    pseudo_landmarks,
    pseudo_targets,
)
from dalearn_ros.adaptation.pseudo_labels import Role
from dalearn_ros.adaptation.settings import PseudoLabelSettings
from dalearn_ros.coding.calibration import Calibration
from dalearn_ros.coding.decode import DecodeSettings
from dalearn_ros.coding.grid import Grid
from dalearn_ros.coding.votes import RawOutputs
from dalearn_ros.detector.network import Outputs

GRID = Grid(cell_px=8, nodes=1)
DECODING = DecodeSettings()
CLASSES, ROWS, COLUMNS = 4, 5, 6


def _answers(votes, background=6.0):
    """Cells (row, column) -> (class, logit above background, point u, v); the rest background."""
    logits = np.zeros((CLASSES, ROWS, COLUMNS), np.float32)
    logits[0] = background
    offset = np.zeros((2, ROWS, COLUMNS), np.float32)
    for (row, column), (label, margin, u, v) in votes.items():
        logits[label, row, column] = background + margin
        center = GRID.centers_px(row, column)
        offset[:, row, column] = (np.array([u, v]) - center) / GRID.cell_px
    nothing = np.zeros_like(offset)
    return RawOutputs(logits, offset, nothing, np.zeros((1, ROWS, COLUMNS), np.float32))


TWO = _answers(
    {
        (1, 1): (2, 4.0, 14.0, 15.0),
        (1, 2): (2, 3.0, 15.0, 15.0),
        (3, 4): (3, 0.5, 36.0, 28.0),
    }
)


def test_claims_are_decoded_landmarks_with_their_best_vote():
    found = claims([TWO], GRID, DECODING, 0.3)[0]
    assert found.class_id.tolist() == [2, 3]
    assert found.best[0] == pytest.approx(np.exp(4) / (np.exp(4) + 1 + 2 * np.exp(-6)), rel=1e-6)
    assert 14.0 < found.point_px[0, 0] < 15.0


def test_subregions_belong_to_the_landmark_that_they_vote_for():
    found = claims([TWO], GRID, DECODING, 0.3)[0]
    owner = owners(TWO, probabilities(TWO, GRID), found, GRID, DECODING)
    assert owner[1, 1] == 0
    assert owner[1, 2] == 0
    assert owner[3, 4] == 1
    assert owner[0, 5] == -1
    assert (
        owners(TWO, probabilities(TWO, GRID), found.select(np.zeros(0, int)), GRID, DECODING).max()
        == -1
    )


def test_roles_and_targets():
    found = claims([TWO, TWO], GRID, DECODING, 0.3)
    settings = PseudoLabelSettings(threshold=0.9, below="mask_max")
    chosen = pseudo_landmarks(found, settings)
    assert chosen.crop.tolist() == [0, 0, 1, 1]
    assert chosen.role.tolist() == [Role.LABEL, Role.MASK_MAX] * 2
    targets = pseudo_targets([TWO, TWO], found, chosen, GRID, DECODING, 0.9)
    assert targets.class_id[0, 1, 1] == 2
    assert targets.point_px[0, 1, 1].tolist() == pytest.approx(found[0].point_px[0], rel=1e-6)
    assert targets.class_id[0, 3, 4] == -1, "masked: no label"
    assert targets.masked_label[0, 3, 4] == 3
    assert targets.masked_role[0, 3, 4] == Role.MASK_MAX
    assert targets.class_id[0, 0, 5] == 0
    assert torch.equal(targets.class_id[0], targets.class_id[1])
    logits = torch.from_numpy(TWO.class_logits)[None, None].repeat(2, 1, 1, 1, 1)
    outputs = Outputs(logits, *(torch.zeros(2, 1, 2, ROWS, COLUMNS) for _ in range(3)))
    rows, label, role = masked_logits(outputs, targets)
    assert len(rows) == int((targets.masked_role > 0).sum())
    assert set(label.tolist()) == {3}
    assert set(role.tolist()) == {int(Role.MASK_MAX)}


def test_an_unsure_background_is_not_learnt_from():
    unsure = _answers({(2, 2): (1, 1.0, 20.0, 20.0)}, background=1.0)  # e / (e + 3) = 0.48
    found = claims([unsure], GRID, DECODING, 0.3)
    chosen = pseudo_landmarks(found, PseudoLabelSettings(threshold=0.99))
    targets = pseudo_targets([unsure], found, chosen, GRID, DECODING, 0.9)
    assert (targets.class_id == -1).all()


def test_the_class_cap_counts_landmarks_of_the_whole_batch():
    found = claims([TWO, TWO, TWO], GRID, DECODING, 0.3)
    settings = PseudoLabelSettings(threshold=0.5, class_cap=1)
    chosen = pseudo_landmarks(found, settings)
    for label in (2, 3):
        assert (chosen.role[chosen.label == label] == Role.LABEL).sum() == 1


def test_a_doubtful_claim_is_neutral_and_leaves_its_place_in_the_cap():
    found = claims([TWO, TWO], GRID, DECODING, 0.3)
    settings = PseudoLabelSettings(threshold=0.5, class_cap=1)
    by_map = [np.array([np.inf, np.nan]), np.array([np.nan, np.nan])]
    chosen = pseudo_landmarks(found, settings, by_map=by_map)
    assert chosen.role.tolist() == [Role.NEUTRAL, Role.LABEL, Role.LABEL, Role.NEUTRAL]


def test_a_mapped_landmark_that_nothing_claims_is_kept_out_of_the_background():
    found = claims([TWO], GRID, DECODING, 0.3)
    chosen = pseudo_landmarks(found, PseudoLabelSettings(threshold=0.5))
    point = [GRID.centers_px(4, 0)]
    targets = pseudo_targets([TWO], found, chosen, GRID, DECODING, 0.9, [np.array(point)])
    assert targets.class_id[0, 4, 0] == -1
    assert targets.class_id[0, 4, 2] == -1, "two subregions away"
    assert targets.class_id[0, 4, 3] == 0


def test_nothing_seen_at_all():
    empty = _answers({})
    found = claims([empty], GRID, DECODING, 0.3)
    chosen = pseudo_landmarks(found, PseudoLabelSettings())
    assert len(chosen) == 0
    targets = pseudo_targets([empty], found, chosen, GRID, DECODING, 0.9)
    assert (targets.class_id == 0).all()


def test_a_calibration_gives_the_scores():
    found = claims([TWO], GRID, DECODING, 0.3)
    surer = Calibration((0.0, 0.0, 0.0, 0.0), (0.0, np.log(0.25), np.log(4.0)))
    chosen = pseudo_landmarks(found, PseudoLabelSettings(threshold=0.5), calibration=surer)
    assert chosen.score == pytest.approx([0.2, 0.8])
    assert chosen.role.tolist() == [Role.NEUTRAL, Role.LABEL]


def test_what_a_map_explains_needs_less_of_a_score():
    found = claims([TWO], GRID, DECODING, 0.3)
    settings = PseudoLabelSettings(threshold=0.999)
    chosen = pseudo_landmarks(found, settings, by_map=[np.array([np.inf, 0.4])])
    assert chosen.role.tolist() == [Role.NEUTRAL, Role.LABEL]
    assert chosen.doubt.tolist() == [True, False]
    chosen = pseudo_landmarks(found, settings, by_map=[np.array([np.inf, 0.99])])
    assert chosen.role.tolist() == [Role.NEUTRAL, Role.NEUTRAL]


def test_the_rim_of_a_landmark_is_neither_landmark_nor_background():
    """A subregion that votes for it with 0.27 is left out, one with 0.95 or at the point is in."""
    rim = _answers(
        {
            (1, 1): (2, 4.0, 14.0, 14.0),
            (1, 2): (2, 3.0, 14.0, 14.0),
            (2, 2): (2, -1.0, 14.0, 14.0),
            (1, 3): (2, -1.0, 14.0, 14.0),
        }
    )
    found = claims([rim], GRID, DECODING, 0.3)
    chosen = pseudo_landmarks(found, PseudoLabelSettings(threshold=0.5))
    targets = pseudo_targets([rim], found, chosen, GRID, DECODING, 0.9)
    owner = owners(rim, probabilities(rim, GRID), found[0], GRID, DECODING)
    assert (owner[1, 1], owner[1, 2], owner[1, 3]) == (0, 0, 0)
    assert targets.class_id[0, 1, 1] == 2
    assert targets.class_id[0, 1, 2] == 2
    assert targets.class_id[0, 1, 3] == -1
    assert targets.log_range[0, 1, 1] == pytest.approx(found[0].log_range[0])
    assert bool(targets.log_range[0, 1, 3].isnan())
