"""The rows of ``benchmarks/depth.py``: teachers and students, as changes of ``depth.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

SAME, NEW = "distilled, same city", "distilled, new city"
DIRECT, MAP_DIRECT, MAP_NEW = "direct", "direct, map only", "distilled, new city, map only"
NO_LOCATION, NO_WEIGHTS, NO_BLUR = "no location", "no weighting", "no blur in the world"
OWN_STEM, TUNED_STEM = "stem not shared", "stem shared, learns on"
MAP_KINDS = {"truth": {"kinds": ["landmark", "road"]}}
TRUTH_ONLY = {"weights": {"teacher": 0.0, "truth": 1.0}}


@dataclass(frozen=True)
class Teacher:
    """A local model.

    Attributes:
        name: Of its run.
        changes: Of the recipe.
        data: Share that it learns from.
    """

    name: str
    changes: Mapping[str, Any] = field(default_factory=dict)
    data: str = "train"


@dataclass(frozen=True)
class Row:
    """A global model.

    Attributes:
        name: In the tables.
        teacher: Name of its teacher; empty: none.
        changes: Of the recipe.
        target: Share whose images it is distilled on.
        data: Share with known distances, for those that learn from them.
        tests: Shares on which it and its teacher are judged.
        ablation: Name of the row that it differs from in one thing; empty: no ablation.
    """

    name: str
    teacher: str = "teacher"
    changes: Mapping[str, Any] = field(default_factory=dict)
    target: str = "train"
    data: str = "train"
    tests: tuple[str, ...] = ("test", "target_test")
    ablation: str = ""


LENSES = ("longer", "shorter", "crop")
TEACHERS = {
    teacher.name: teacher
    for teacher in (
        Teacher("teacher"),
        Teacher("teacher, map only", MAP_KINDS),
        Teacher("teacher, no location", {"location": False}),
        Teacher("teacher, own stem", {"local": {"shared": "none"}}),
        Teacher("teacher, tuned stem", {"local": {"shared": "tuned"}}),
        Teacher("teacher, no blur", data="sharp"),
    )
}
ROWS = (
    Row(SAME, tests=("test", "target_test", *LENSES)),
    Row(NEW, target="target"),
    Row(DIRECT, "", TRUTH_ONLY),
    Row(MAP_DIRECT, "", {**MAP_KINDS, **TRUTH_ONLY}),
    Row(MAP_NEW, "teacher, map only", MAP_KINDS, target="target"),
    Row("distilled, new city, and truth", changes={"weights": {"truth": 1.0}}, target="target"),
    Row(
        NO_LOCATION, "teacher, no location", {"location": False},
        tests=("test", "target_test", *LENSES), ablation=SAME,
    ),
    Row(OWN_STEM, "teacher, own stem", {"local": {"shared": "none"}}, ablation=SAME),
    Row(TUNED_STEM, "teacher, tuned stem", {"local": {"shared": "tuned"}}, ablation=SAME),
    Row(NO_BLUR, "teacher, no blur", target="sharp", tests=("sharp_test",), ablation=SAME),
    Row(
        NO_WEIGHTS, changes={"weights": {"uncertainty": False}}, target="target", ablation=NEW
    ),
)  # fmt: skip
