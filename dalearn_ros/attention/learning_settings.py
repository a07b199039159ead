"""What a network with an attention branch learns from, and which of its parts do (A3, A7)."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.core.settings import field

LOSSES = ("attention", "perception", "map")
NORMS = ("l2", "squared", "mse")


@dataclass(frozen=True)
class LearningSettings:
    """Losses, parts that learn, and the corrected maps (A7)."""

    source: str = field(
        "branch",
        "Where the map is from: 'branch': an attention branch, which a network without one gets; "
        "'cam': the class activation map of a network without one, which stays without.",
        choices=("branch", "cam"),
    )
    learns: tuple[str, ...] | None = field(
        None,
        "Parts that learn, of features, attention and perception; the others are frozen, their "
        "normalisation too. null: attention and perception of a network that has learnt already "
        "('cam': perception and features), all of a new one.",
    )
    losses: tuple[str, ...] = field(
        LOSSES, "Which losses count, of attention, perception and map; map counts with edits only."
    )
    map_norm: str = field(
        "l2",
        "Of the difference of corrected map and map, per image: 'l2', 'squared' (its square), "
        "'mse' (its square per cell).",
        choices=NORMS,
    )
    gamma: float | None = field(
        None,
        "Weight of the map's loss; null: so that it is as large as the others on average.",
        minimum=0.0,
        maximum=1e9,
    )
    repeat: int = field(
        4,
        "An image with a corrected map is drawn so many times in a round.",
        minimum=1,
        maximum=1000,
    )
    map_teachers: str = field(
        "none",
        "Images without a corrected map that get the one that their labels ask for: 'none', the "
        "'misrecognised' ones, or 'all'.",
        choices=("none", "misrecognised", "all"),
    )
    misrecognised_by: str = field(
        "perception",
        "Which branch misrecognises such an image.",
        choices=("perception", "attention", "either"),
    )
