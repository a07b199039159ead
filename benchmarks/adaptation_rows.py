"""The rows of ``benchmarks/adaptation.py``: what is switched on, as changes of the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

START, SOURCE_ONLY, ORACLE = "start", "source only", "oracle"
FULL = "+ self-training"
ABLATION_PAIR = "north to south"


@dataclass(frozen=True)
class Group:
    """What is peculiar to a group of pairs.

    Attributes:
        start: Changes of ``config/train_two_cities.yaml`` for the start's first part.
        second: Changes of ``config/train_ship_hard.yaml`` for its second part.
        changes: Changes of ``benchmarks/adaptation.yaml``.
    """

    start: Mapping[str, Any]
    second: Mapping[str, Any]
    changes: Mapping[str, Any]


def _start(steps: int, rate: float, **crops: Any) -> dict[str, Any]:
    return {
        "network": {"refine": [1, 2, 2]},
        "batch": {"size": 4, "workers": 0, "threads": 1},
        "loop": {
            "steps": steps,
            "max_minutes": None,
            "learning_rate": rate,
            "mixed_precision_cpu": True,
        },
        "crops": crops,
    }


_LIGHTS = {"width": 320, "height": 256, "mirror": 0.5}
GROUPS = {
    "world": Group(_start(8000, 0.002), _start(5000, 0.0015), {}),
    "lights": Group(
        _start(1500, 0.002, **_LIGHTS), _start(1000, 0.0015, **_LIGHTS), {"crops": _LIGHTS}
    ),
}


@dataclass(frozen=True)
class Row:
    """One setting.

    Attributes:
        name: In the tables.
        changes: Of the recipe.
        per_class: Labelled target images a class.
        mapped: A map holds pseudo labels in check, by poses as rough as a drive's prior.
        groups: Where it is measured.
        ablation: It stands in the ablation, on one pair only.
    """

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    per_class: int = 0
    mapped: bool = False
    groups: tuple[str, ...] = ("world",)
    ablation: bool = False

    def fits(self, pair: str, group: str) -> bool:
        """Is it measured on a pair?"""
        return group in self.groups and (not self.ablation or pair == ABLATION_PAIR)


def _adaptation(**values: Any) -> dict[str, Any]:
    return {"adaptation": values}


def _pseudo(**values: Any) -> dict[str, Any]:
    return _adaptation(self_training={"pseudo": values})


BOTH = ("world", "lights")
CAPS = {"below": "two_thresholds", "low_threshold": 0.4, "total_share": 0.8}
ROWS = (
    Row(START, groups=BOTH),
    Row(SOURCE_ONLY, groups=BOTH),
    Row("+ domain loss", _adaptation(self_training={"weight": 0.0}), groups=BOTH),
    Row(FULL, groups=BOTH),
    Row("+ masking and caps", _pseudo(**CAPS)),
    Row("+ 1 image a class", per_class=1),
    Row("+ 5 images a class", per_class=5),
    Row(ORACLE, {"loop": {"learning_rate": 0.001}}, groups=BOTH),  # its best of two
    Row("no domain loss", _adaptation(domain={"weight": 0.0}), ablation=True),
    Row("no reversal", _adaptation(domain={"reversal": False}), ablation=True),
    Row("starts at once", _adaptation(self_training={"start": {"share": 0.0}}), ablation=True),
    Row("maximum masking", _pseudo(below="mask_max"), ablation=True),
    Row("full masking", _pseudo(below="mask_all"), ablation=True),
    Row("caps alone", _pseudo(total_share=0.8), ablation=True),
    Row("two stages", _adaptation(self_training={"stages": 2}), ablation=True),
    Row("true negative", _pseudo(below="negative"), ablation=True),
    Row("with a map", mapped=True, ablation=True),
    Row("target colours", {"target": {"colours_share": 0.5}}, ablation=True),
)
