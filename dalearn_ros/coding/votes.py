"""Network outputs to votes: what every anchor node says about its landmark (D7)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from dalearn_ros.coding.grid import Grid

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Array = npt.NDArray[np.float32]

MAX_VOTES = 8192


@dataclass(frozen=True)
class RawOutputs:
    """What the network says about one image of h by w cells, channels anchor by anchor.

    Attributes:
        class_logits: (K*(1+M), h, w) logits, background first.
        offset: (K*2, h, w) x and y from the node to the reference point, in cells (D7).
        log_variance: (K*2, h, w) log of the variance of the offset, cells².
        log_range: (K, h, w) log of the distance in metres.
        log_depth: (h', w') log of the depth in metres, in cells of ``metadata.depth.stride``; None
            of a model without depth, and where it was not asked for.
        log_depth_variance: (h', w') log of the variance of that.
        attention: (h', w') the attention map, 0 to 1, in cells of ``metadata.attention.stride``;
            None of a model without one, and where it was not asked for.
    """

    class_logits: Array
    offset: Array
    log_variance: Array
    log_range: Array
    log_depth: Array | None = None
    log_depth_variance: Array | None = None
    attention: Array | None = None


@dataclass(frozen=True)
class Votes:
    """Votes of anchors, best first.

    Attributes:
        class_id: (n,) the most probable landmark class.
        score: (n,) its probability.
        point_px: (n, 2) where the reference point would be.
        variance_px2: (n, 2) predicted variance.
        log_range: (n,) log of metres.
    """

    class_id: Ints
    score: Floats
    point_px: Floats
    variance_px2: Floats
    log_range: Floats


def gather_votes(outputs: RawOutputs, grid: Grid, threshold: float) -> Votes:
    """The votes above a probability, best first, at most :data:`MAX_VOTES`.

    Cells that cannot reach the threshold are left out by a bound that needs no softmax:
    P^C <= sigmoid(largest landmark logit - background logit).
    """
    nodes, rows, columns = grid.nodes, *outputs.class_logits.shape[1:]
    classes = outputs.class_logits.shape[0] // nodes
    logits = outputs.class_logits.reshape(nodes, classes, rows * columns)
    margin = (logits[:, 1:].max(axis=1) - logits[:, 0]).reshape(-1)
    found = np.flatnonzero(margin > np.log(threshold / (1.0 - min(threshold, 0.999999))))
    if len(found) > MAX_VOTES:
        found = found[np.argpartition(-margin[found], MAX_VOTES)[:MAX_VOTES]]
    node, cell = np.divmod(found, rows * columns)
    chosen = logits.swapaxes(0, 1)[:, node, cell].astype(np.float64)  # (1+M, n): a row a class
    exponent = np.exp(chosen - chosen.max(axis=0))
    landmark = exponent[1:].argmax(axis=0)
    score = exponent[1:].max(axis=0) / exponent.sum(axis=0)
    order = np.argsort(-score, kind="stable")
    order = order[: np.count_nonzero(score >= threshold)]
    node, cell = node[order], cell[order]
    offset = outputs.offset.reshape(nodes, 2, -1)[node, :, cell].astype(np.float64)
    variance = np.exp(outputs.log_variance.reshape(nodes, 2, -1)[node, :, cell].astype(np.float64))
    row, column = np.divmod(cell, columns)
    place = grid.centers_px(row, column) + grid.node_offsets_px[node]
    return Votes(
        class_id=landmark[order] + 1,
        score=score[order],
        point_px=place + offset * grid.cell_px,
        variance_px2=variance * float(grid.cell_px) ** 2,
        log_range=outputs.log_range.reshape(nodes, -1)[node, cell].astype(np.float64),
    )
