"""The sum of the losses, with the weight of the map's one kept in balance (A7)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor

_MEMORY = 0.98  # of the running averages
_LEAST = 1e-9


class Objective:
    """L = L_att + L_per + gamma L_map, of the losses that count.

    Without a fixed gamma it is the mean size of the other losses over that of L_map, by running
    averages over the steps so far; the first step with a corrected map weighs by itself. With
    L_map alone gamma is 1.
    """

    def __init__(self, losses: Collection[str], gamma: float | None) -> None:
        """Prepare it.

        Args:
            losses: Names of those that count.
            gamma: A fixed weight; None: balanced.
        """
        self._losses, self._fixed = losses, gamma
        self._others = [name for name in ("attention", "perception") if name in losses]
        self._mean: dict[str, float] = {}

    def join(self, terms: Mapping[str, Tensor], size: Tensor, mapped: Tensor) -> dict[str, Tensor]:
        """The named losses of a step.

        Args:
            terms: ``attention``, ``perception`` and ``map`` as far as there are.
            size: Of the perception's loss, never negative; what is compared with the map's.
            mapped: How many of the images have a corrected map.

        Returns:
            ``total``, ``convergence``, the terms, ``size``, ``mapped``, ``gamma``.
        """
        zero = torch.zeros((), device=size.device)
        sizes = {"attention": terms.get("attention", zero), "perception": size}
        others = sum((sizes[name] for name in self._others), zero).detach()
        counted = {name: terms[name] for name in self._losses}
        gamma = zero
        if "map" in counted:
            gamma = self._gamma(others, counted["map"].detach()) * (mapped > 0)
            counted["map"] = gamma * counted["map"]
        total = sum(counted.values(), zero)
        watched = others if self._others else total.detach()
        return {
            "total": total,
            "convergence": watched,
            **{name: value.detach() for name, value in terms.items()},
            "size": size.detach(),
            "mapped": mapped.to(size.dtype),
            "gamma": gamma,
        }

    def watch(self, values: Mapping[str, float]) -> None:
        """Take in the losses of a whole step, as :meth:`join` names them."""
        if "map" not in self._losses or not values["mapped"]:
            return
        sizes = {"attention": values.get("attention", 0.0), "perception": values["size"]}
        step = {"others": sum(sizes[name] for name in self._others), "map": values["map"]}
        for name, value in step.items():
            before = self._mean.get(name, value)
            self._mean[name] = _MEMORY * before + (1.0 - _MEMORY) * value

    def state(self) -> dict[str, Any]:
        """The running averages, as JSON values."""
        return dict(self._mean)

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over what :meth:`state` gave."""
        self._mean = {name: float(value) for name, value in state.items()}

    def _gamma(self, others: Tensor, own: Tensor) -> Tensor:
        if self._fixed is not None:
            return torch.full_like(own, self._fixed)
        if not self._others:
            return torch.ones_like(own)
        count = len(self._others)
        if self._mean:
            mean = self._mean["others"] / count / max(self._mean["map"], _LEAST)
            return torch.full_like(own, mean)
        return others / count / own.clamp(min=_LEAST)
