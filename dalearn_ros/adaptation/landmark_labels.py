"""What a network claims in target crops becomes pseudo landmarks and targets (U6, U7, U14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from dalearn_ros.adaptation.pseudo_labels import Role, apply_caps, choose_roles
from dalearn_ros.adaptation.settings import PseudoLabelSettings
from dalearn_ros.coding.calibration import Calibration
from dalearn_ros.coding.decode import Candidates, DecodeSettings, merge_votes
from dalearn_ros.coding.grid import Grid
from dalearn_ros.coding.votes import RawOutputs, gather_votes
from dalearn_ros.detector.network import Outputs
from dalearn_ros.detector.targets import IGNORE

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Singles = npt.NDArray[np.float32]
NOBODY = -1
MOST = 100  # landmarks of a crop


@dataclass(frozen=True)
class PseudoLandmarks:
    """Landmarks that a network claims in the crops of a batch; the samples of self-training.

    Attributes:
        crop: (n,) number of the crop.
        label: (n,) class, 1 or more.
        score: (n,) largest softmax value among its votes, or the calibrated probability of a hit.
        point_px: (n, 2) decoded reference point, pixels of the crop.
        role: (n,) of :class:`Role`.
        doubt: (n,) bool, a map that is at hand does not explain it.
    """

    crop: Ints
    label: Ints
    score: Floats
    point_px: Floats
    role: Ints
    doubt: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.crop)


@dataclass(frozen=True)
class PseudoTargets:
    """Targets of N crops of h by w subregions.

    Attributes:
        class_id: (N, h, w) 0 background, 1.. landmark, -1 not learnt from.
        point_px: (N, h, w, 2) float32 reference point of the subregion's landmark.
        log_range: (N, h, w) float32 its decoded distance, log of metres; NaN elsewhere.
        masked_label: (N, h, w) pseudo class of subregions whose landmark is masked or negative;
            0 elsewhere.
        masked_role: (N, h, w) their :class:`Role`; ``NEUTRAL`` elsewhere.
    """

    class_id: Tensor
    point_px: Tensor
    log_range: Tensor
    masked_label: Tensor
    masked_role: Tensor


def claims(
    outputs: Sequence[RawOutputs], grid: Grid, decoding: DecodeSettings, least: float
) -> list[Candidates]:
    """Decoded landmarks of each crop whose best vote reaches ``least``."""
    return [
        merge_votes(
            gather_votes(crop, grid, min(decoding.vote_threshold, least)), decoding, least, MOST
        )
        for crop in outputs
    ]


def pseudo_landmarks(
    found: Sequence[Candidates],
    settings: PseudoLabelSettings,
    calibration: Calibration | None = None,
    by_map: Sequence[Floats] | None = None,
) -> PseudoLandmarks:
    """Roles of all landmarks that were claimed in a batch.

    Args:
        found: Claims of each crop.
        settings: Thresholds and caps.
        calibration: Turns votes into the probability of a hit; None: the score is the best vote.
        by_map: (n,) of each crop: the score that a claim needs by what a map says, infinite where
            it explains no such landmark (neutral, before the caps count), NaN where it says
            nothing; None: there is no map.
    """
    crop = np.concatenate([np.full(len(one), i, np.int64) for i, one in enumerate(found)])
    label = np.concatenate([one.class_id for one in found])
    score = np.concatenate([one.best for one in found])
    if calibration is not None:
        features = np.concatenate([one.features for one in found])
        score = calibration.probability(features, label)
    needed = np.full(len(crop), np.nan) if by_map is None else np.concatenate(list(by_map))
    doubt = np.isposinf(needed)
    scores, labels = torch.from_numpy(score), torch.from_numpy(label)
    role = choose_roles(scores, settings)
    role[torch.from_numpy(doubt)] = int(Role.NEUTRAL)
    role[torch.from_numpy(score >= needed)] = int(Role.LABEL)  # NaN: never
    role = apply_caps(scores, labels, role, len(crop), settings)
    points = np.concatenate([one.point_px for one in found])
    return PseudoLandmarks(crop, label, score, points, role.numpy(), doubt)


def probabilities(outputs: RawOutputs, grid: Grid) -> Floats:
    """(K, 1+M, h, w) of every anchor of one crop, background first."""
    shape = outputs.class_logits.shape[1:]
    logits = outputs.class_logits.reshape(grid.nodes, -1, *shape).astype(np.float64)
    exponent = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(exponent / exponent.sum(axis=1, keepdims=True))


def owners(
    outputs: RawOutputs,
    probability: Floats,
    found: Candidates,
    grid: Grid,
    decoding: DecodeSettings,
) -> Ints:
    """Which claimed landmark each subregion votes for.

    Args:
        outputs: Of one crop of h by w subregions.
        probability: Of :func:`probabilities`.
        found: Its claims.
        grid: Subregions and nodes.
        decoding: Least probability of a vote, and the radius within which votes are one landmark.

    Returns:
        (h, w) row of ``found``, or ``NOBODY``. A subregion votes by the anchor that is surest of
        a landmark; one within 0.8 of its side of a claimed point belongs to it in any case.
    """
    nodes = grid.nodes
    rows, columns = outputs.class_logits.shape[1:]
    owner = np.full((rows, columns), NOBODY, np.int64)
    if not len(found):
        return owner
    node = probability[:, 1:].max(axis=1).argmax(axis=0)
    row, column = np.indices((rows, columns))
    label = probability[node, 1:, row, column].argmax(axis=-1) + 1
    sure = probability[node, label, row, column] >= decoding.vote_threshold
    offset = outputs.offset.reshape(nodes, 2, rows, columns)[node, :, row, column]
    centers = grid.centers_px(row, column)
    point = centers + grid.node_offsets_px[node] + offset * grid.cell_px
    away = np.linalg.norm(point[..., None, :] - found.point_px, axis=-1)  # (h, w, n)
    near = np.where(found.class_id == label[..., None], away, np.inf)
    votes = sure & (near.min(axis=-1) <= decoding.merge_radius_px)
    owner[votes] = near.argmin(axis=-1)[votes]
    core = np.linalg.norm(centers[..., None, :] - found.point_px, axis=-1)
    inside = core.min(axis=-1) <= 0.8 * grid.cell_px
    owner[inside] = core.argmin(axis=-1)[inside]
    return owner


def pseudo_targets(
    outputs: Sequence[RawOutputs],
    found: Sequence[Candidates],
    chosen: PseudoLandmarks,
    grid: Grid,
    decoding: DecodeSettings,
    background_threshold: float,
    keep_out: Sequence[Floats] | None = None,
) -> PseudoTargets:
    """Targets per subregion from pseudo landmarks.

    Args:
        outputs: Answers to each crop.
        found: Claims of each crop.
        chosen: Their roles.
        grid: Subregions and nodes.
        decoding: As in :func:`owners`.
        background_threshold: A subregion that votes for nobody, and whose mean probability of the
            background over its anchors reaches this, is background.
        keep_out: (k, 2) points of each crop, of mapped landmarks that nothing claims: subregions
            within two of them are not background; None: there is no map.
    """
    parts = []
    for i, (crop, claimed) in enumerate(zip(outputs, found, strict=True)):
        mine = chosen.crop == i
        probability = probabilities(crop, grid)
        mean = probability.mean(axis=0)  # (1+M, h, w)
        owner = owners(crop, probability, claimed, grid, decoding)
        sure = _sure(mean, claimed, owner, grid)
        parts.append(_crop_targets(owner, sure, claimed, chosen, np.flatnonzero(mine)))
        free = (owner == NOBODY) & (mean[0] >= background_threshold)
        if keep_out is not None and len(keep_out[i]):
            centers = grid.centers_px(*np.indices(owner.shape))
            away = np.linalg.norm(centers[..., None, :] - keep_out[i], axis=-1).min(axis=-1)
            free &= away > 2.0 * grid.cell_px
        parts[-1][0][free] = 0
    return PseudoTargets(*(torch.from_numpy(np.stack(part)) for part in zip(*parts, strict=True)))


def masked_logits(outputs: Outputs, targets: PseudoTargets) -> tuple[Tensor, Tensor, Tensor]:
    """Logits (m, 1+M), pseudo labels (m,) and roles (m,) of all anchors of masked subregions."""
    cells = targets.masked_role != Role.NEUTRAL
    logits = outputs.class_logits.permute(0, 3, 4, 1, 2)[cells]  # (cells, K, 1+M)
    nodes = logits.shape[1]
    label = targets.masked_label[cells].repeat_interleave(nodes)
    role = targets.masked_role[cells].repeat_interleave(nodes)
    return logits.flatten(0, 1), label, role


def _sure(probability: Floats, found: Candidates, owner: Ints, grid: Grid) -> Bools:
    """(h, w) subregions that are surely of their landmark: half sure of its class, or at its point.

    The rim of a landmark votes for it, too; learnt as the landmark it would grow with every step.
    """
    owned = owner != NOBODY
    label = found.class_id[owner[owned]]
    row, column = np.nonzero(owned)
    away = grid.centers_px(row, column) - found.point_px[owner[owned]]
    core = np.linalg.norm(away, axis=-1) <= 0.8 * grid.cell_px
    sure = np.zeros(owner.shape, bool)
    sure[owned] = core | (probability[label, row, column] >= 0.5)
    return sure


def _crop_targets(
    owner: Ints, sure: Bools, found: Candidates, chosen: PseudoLandmarks, rows: Ints
) -> tuple[Ints, Singles, Singles, Ints, Ints]:
    class_id = np.full(owner.shape, IGNORE, np.int64)
    point = np.zeros((*owner.shape, 2), np.float32)
    log_range = np.full(owner.shape, np.nan, np.float32)
    masked, role = np.zeros(owner.shape, np.int64), np.zeros(owner.shape, np.int64)
    for number, row in enumerate(rows.tolist()):
        cells = (owner == number) & sure
        if chosen.role[row] == Role.LABEL:
            class_id[cells] = chosen.label[row]
            point[cells] = chosen.point_px[row]
            log_range[cells] = found.log_range[number]
        elif chosen.role[row] in (Role.MASK_MAX, Role.NEGATIVE):
            masked[cells], role[cells] = chosen.label[row], chosen.role[row]
    return class_id, point, log_range, masked, role
