"""The self-training loss of logits, with both kinds of masking (U8).

What masking does to a gradient, for logits z of mean 0, the pseudo class c and mask value v:
the masked loss is log(1 + sum over j != c of exp(z_j - v)). It is larger than the plain loss
wherever v < z_c, but it does not depend on z_c: its gradient is exp(z_j - v) / (1 + sum) on every
other logit and 0 on that of the pseudo class. Descent therefore lowers the other logits, which
makes the pseudo class *more* probable. Who wants it less probable takes the true negative,
-log(1 - p_c).
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from dalearn_ros.adaptation.pseudo_labels import Role

_CERTAIN = 1e-6  # 1 - p is not taken to be less, so that the loss stays finite


def centred(logits: Tensor) -> Tensor:
    """(n, C) logits of mean 0, through whose mean no gradient flows.

    Softmax does not change; only then does setting one of them to 0 mean something.
    """
    return logits - logits.detach().mean(dim=1, keepdim=True)


def masked_max_loss(logits: Tensor, label: Tensor, mask_value: float) -> Tensor:
    """Cross entropy with the pseudo label after its own logit was masked.

    Args:
        logits: (n, C), of any mean.
        label: (n,) the class whose logit is masked.
        mask_value: What it is set to among the centred logits.

    Returns:
        (n,), not reduced.
    """
    chosen = functional.one_hot(label, logits.shape[1]).bool()
    masked = centred(logits).masked_fill(chosen, mask_value)
    return functional.cross_entropy(masked, label, reduction="none")


def negative_loss(logits: Tensor, label: Tensor) -> Tensor:
    """-log(1 - p_c): (n, C) logits and (n,) classes to (n,), not reduced."""
    probability = logits.softmax(dim=1).gather(1, label[:, None])[:, 0]
    return -torch.log((1.0 - probability).clamp(min=_CERTAIN))


def self_training_loss(
    logits: Tensor, label: Tensor, role: Tensor, mask_value: float = 0.0
) -> Tensor:
    """Mean loss of samples by their roles.

    Args:
        logits: (n, C).
        label: (n,) pseudo labels.
        role: (n,) of :class:`Role`.
        mask_value: For ``MASK_MAX``.

    Returns:
        A scalar: the sum over ``LABEL``, ``MASK_MAX`` and ``NEGATIVE`` by their number. Those
        that are neutral or wholly masked have a constant loss and are in neither.
    """
    terms = [
        functional.cross_entropy(
            logits[role == Role.LABEL], label[role == Role.LABEL], reduction="none"
        ),
        masked_max_loss(logits[role == Role.MASK_MAX], label[role == Role.MASK_MAX], mask_value),
        negative_loss(logits[role == Role.NEGATIVE], label[role == Role.NEGATIVE]),
    ]
    losses = torch.cat(terms)
    return losses.sum() / max(1, len(losses))
