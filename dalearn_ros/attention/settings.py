"""Settings of the attention branch."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.coding.metadata import SYNTHESES
from dalearn_ros.core.settings import field

__all__ = ["SYNTHESES", "BranchSettings"]


@dataclass(frozen=True)
class BranchSettings:
    """What the attention branch is made of, and how its map meets the features (A1, A2)."""

    synthesis: str = field(
        "multiply",
        "Map M and features g: 'multiply' M g, 'add' M + g, 'residual' (1 + M) g. Only with "
        "'multiply' does erasing take features away.",
        choices=SYNTHESES,
    )
    blocks: str = field(
        "residual",
        "Its blocks: 'residual' (by channel, then across), or 'plain' convolutions.",
        choices=("residual", "plain"),
    )
    depth: int = field(1, "How many blocks.", minimum=1, maximum=16)
    fixed_place: bool = field(
        False, "The last 1x1x1 layer of the map stays all ones instead of learning (A13)."
    )
    start: float = field(
        0.9, "Where a new branch's map is about, before any learning.", minimum=0.01, maximum=0.99
    )
