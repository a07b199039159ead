"""When an answer is wrong."""

from __future__ import annotations

from dataclasses import dataclass

from dalearn_ros.core.settings import field


@dataclass(frozen=True)
class JudgeSettings:
    """When an answer is wrong."""

    match_px: float = field(
        8.0, "Largest distance of a landmark that is found.", unit="px", minimum=0.1, maximum=1000.0
    )
    occurs: float = field(
        0.5,
        "Score from which the attention branch says that a class of landmarks occurs.",
        minimum=0.0,
        maximum=1.0,
    )
    value_tolerance: float = field(
        0.1, "Largest error of a regressor's value that is right.", minimum=1e-9, maximum=1e9
    )
