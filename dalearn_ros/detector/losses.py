"""The class-dependent loss (D9 to D12, D21); equation numbers are those of US 11,544,507 B2."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from dalearn_ros.core.settings import field
from dalearn_ros.detector.network import Outputs
from dalearn_ros.detector.selection import SelectionSettings, select_anchors, select_cells


@dataclass(frozen=True)
class LossSettings:
    """The loss by names and numbers."""

    class_loss: str = field(
        "cross_entropy", "Class loss (D21).", choices=("cross_entropy", "focal")
    )
    focal_gamma: float = field(2.0, "Exponent of 'focal'.", minimum=0.0, maximum=5.0)
    coupling: str = field(
        "class_weighted",
        "How the localization loss depends on the class (D11).",
        choices=("none", "class_weighted", "squared_localization"),
    )
    weight_gradient: bool = field(
        False, "Let the gradient of the localization loss flow through P^C (D11)."
    )
    distance: str = field("smooth_l1", "Point distance (D21).", choices=("smooth_l1", "l2"))
    beta: float = field(
        0.25, "Where smooth L1 turns from square to straight.", minimum=1e-4, maximum=100.0
    )
    unit: str = field("cell", "Unit of the point distance.", choices=("cell", "px"))
    balance: float = field(1.0, "λ of Eq. 1.", minimum=0.0, maximum=1000.0)
    reduction: str = field(
        "mean",
        "'sum' as in the source, each term by its own count, or all by the landmark's (D12).",
        choices=("sum", "mean", "landmark_mean"),
    )
    variance_weight: float = field(
        0.1, "Weight of the point's variance.", minimum=0.0, maximum=100.0
    )
    range_weight: float = field(0.2, "Weight of the distance.", minimum=0.0, maximum=100.0)
    selection: SelectionSettings = field(SelectionSettings, "Subregions and anchors.")


def class_loss(logits: Tensor, target: Tensor, settings: LossSettings) -> Tensor:
    """L_cls of Eq. 2-3: -log softmax(p)_C; 'focal' weighs it by (1 - P^C)^gamma.

    Args:
        logits: (n, 1+M).
        target: (n,) class ids.

    Returns:
        (n,), not reduced.
    """
    cross_entropy = functional.cross_entropy(logits, target, reduction="none")
    if settings.class_loss == "focal":
        return (1.0 - torch.exp(-cross_entropy)) ** settings.focal_gamma * cross_entropy
    return cross_entropy


def point_distance(error: Tensor, settings: LossSettings, cell_px: int) -> Tensor:
    """Sum over x and y of the distance of Eq. 4.

    Args:
        error: (..., 2) predicted minus true offset, cells.
        cell_px: Pixels of a cell, for ``unit: px``.

    Returns:
        (...,) in the unit of the settings (squared beyond for ``l2``).
    """
    if settings.unit == "px":
        error = error * cell_px
    if settings.distance == "l2":
        return (error * error).sum(-1)
    zero = torch.zeros_like(error)
    return functional.smooth_l1_loss(error, zero, beta=settings.beta, reduction="none").sum(-1)


def localization_loss(probability: Tensor, distance: Tensor, settings: LossSettings) -> Tensor:
    """L_loc per anchor, before any summation (D11).

    Args:
        probability: (...,) P^C of the true class.
        distance: (...,) sum over x and y of the point distance.

    Returns:
        ``none``: distance (Eq. 5); ``class_weighted``: P^C * distance (Eq. 4 and 6);
        ``squared_localization``: P^C * distance² (Eq. 7).
    """
    if settings.coupling == "none":
        return distance
    weight = probability if settings.weight_gradient else probability.detach()
    power = 2 if settings.coupling == "squared_localization" else 1
    return weight * distance**power


def landmark_loss(
    outputs: Outputs,
    class_id: Tensor,
    point_cells: Tensor,
    log_range: Tensor,
    nodes_cells: Tensor,
    cell_px: int,
    settings: LossSettings,
) -> dict[str, Tensor]:
    """The total loss, Eq. 1: L = L_cls + λ[C >= 1] L_loc, plus variance and distance.

    The sum runs over the anchors of a subregion, then over the selected subregions (D12). The
    variance is learnt by the Gaussian negative log likelihood of the error, through which no
    gradient flows into the point; the distance by the absolute error of its logarithm.

    Args:
        outputs: What the anchors say.
        class_id: (N, h, w) targets.
        point_cells: (N, h, w, 2) reference point relative to the cell's centre, cells.
        log_range: (N, h, w) log of metres, NaN unknown.
        nodes_cells: (K, 2) nodes relative to the cell's centre, cells.
        cell_px: Pixels of a cell.
        settings: Names and numbers.

    Returns:
        ``total``; ``class``, ``localization``, ``variance``, ``range`` as they enter it, without
        their weights; ``cells``, how many subregions were selected; ``localization_unweighted`` (no
        gradient), the axis of Fig. 11 (D16); and ``convergence`` = class + λ * unweighted
        localization, which falls while learning goes well even when the coupled total rises (D11).
    """
    logits = outputs.class_logits.permute(0, 3, 4, 1, 2)  # (N, h, w, K, 1+M)
    with torch.no_grad():
        foreign = functional.log_softmax(logits, dim=-1)[..., 0]
        selected = select_cells(class_id, -foreign.sum(-1), settings.selection)
    chosen, target = logits[selected], class_id[selected]  # (n, K, 1+M), (n,)
    nodes = chosen.shape[1]
    with torch.no_grad():
        confidence = chosen.softmax(-1)[..., 1:].amax(-1)
        used = select_anchors(confidence, settings.selection).float()  # (n, K)
    anchor_target = target[:, None].expand(-1, nodes)
    flat, flat_target = chosen.flatten(0, 1), anchor_target.flatten()
    per_anchor = class_loss(flat, flat_target, settings).view(-1, nodes)
    true_logit = chosen.gather(-1, anchor_target[..., None])[..., 0]
    probability = torch.exp(true_logit - chosen.logsumexp(-1))

    landmark = target > 0
    cells = selected & (class_id > 0)
    used_landmark = used[landmark]
    error = outputs.offset.permute(0, 3, 4, 1, 2)[cells] - (
        point_cells[cells][:, None] - nodes_cells
    )
    distance = point_distance(error, settings, cell_px)
    coupled = localization_loss(probability[landmark], distance, settings)
    log_variance = outputs.log_variance.permute(0, 3, 4, 1, 2)[cells].clamp(-10.0, 6.0)
    likelihood = 0.5 * (error.detach() ** 2 * torch.exp(-log_variance) + log_variance).sum(-1)
    known = torch.isfinite(log_range[cells])
    range_error = (
        outputs.log_range.permute(0, 2, 3, 1)[cells] - log_range[cells].nan_to_num()[:, None]
    )
    range_error = range_error.abs() * known[:, None]

    whole = settings.reduction == "sum"
    count_landmark = 1.0 if whole else float(max(1, int(landmark.sum())))
    own = settings.reduction == "mean"
    count = float(max(1, len(target))) if own else count_landmark
    terms = {
        "class": (per_anchor * used).sum() / count,
        "localization": (coupled * used_landmark).sum() / count_landmark,
        "variance": (likelihood * used_landmark).sum() / count_landmark,
        "range": (range_error * used_landmark).sum() / count_landmark,
    }
    unweighted = (distance * used_landmark).sum().detach() / count_landmark
    terms["total"] = (
        terms["class"]
        + settings.balance * terms["localization"]
        + settings.variance_weight * terms["variance"]
        + settings.range_weight * terms["range"]
    )
    terms["localization_unweighted"] = unweighted
    terms["cells"] = torch.tensor(float(len(target)), device=unweighted.device)
    terms["convergence"] = terms["class"].detach() + settings.balance * unweighted
    return terms
