"""The rows of ``benchmarks/depth.py``: teachers and students, as changes of ``depth.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MAP_SAME, MAP_NEW = "distilled, map only, same city", "distilled, map only, new city"
MAP_DIRECT, MAP_EVEN = "direct, map only", "direct, map only, even places"
SAME, NEW = "distilled, same city", "distilled, new city"
DIRECT, EVEN = "direct", "direct, even places"
NO_LOCATION, NO_WEIGHTS, NO_BLUR = "no location", "no weighting", "no blur in the world"
OWN_STEM, TUNED_STEM = "stem not shared", "stem shared, learns on"
TEACHER_STEPS, STUDENT_STEPS = 800, 1000  # as in depth.yaml
# A model that learns directly gets the steps of teacher and student together.
TRUTH_ONLY = {
    "weights": {"teacher": 0.0, "truth": 1.0},
    "loop": {"steps": TEACHER_STEPS + STUDENT_STEPS},
}
ALIKE = {**TRUTH_ONLY, "truth": {"draw": "even"}, "crops": {"around_landmark": 0.0}}
# Without location a change of scale would be one that nothing tells: so none is made.
BLIND = {"location": False, "local": {"scale_jitter": 0.0}, "crops": {"scale_jitter": 0.0}}


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
MAP_TEACHER = "teacher, map only"
TEACHERS = {
    teacher.name: teacher
    for teacher in (
        Teacher(MAP_TEACHER, data="map"),
        Teacher("teacher"),
        Teacher("teacher, no location", BLIND),
        Teacher("teacher, own stem", {"local": {"shared": "none"}}),
        Teacher("teacher, tuned stem", {"local": {"shared": "tuned"}}),
        Teacher("teacher, no blur", data="sharp"),
    )
}
ROWS = (
    Row(MAP_SAME, MAP_TEACHER, target="map"),
    Row(MAP_NEW, MAP_TEACHER, target="target"),
    Row(MAP_DIRECT, "", TRUTH_ONLY, data="map"),
    Row(MAP_EVEN, "", ALIKE, data="map"),
    Row(SAME, tests=("test", "target_test", *LENSES)),
    Row(NEW, target="target"),
    Row(DIRECT, "", TRUTH_ONLY),
    Row(EVEN, "", ALIKE),
    Row("distilled, new city, and truth", changes={"weights": {"truth": 1.0}}, target="target"),
    Row(
        NO_LOCATION,
        "teacher, no location",
        BLIND,
        tests=("test", "target_test", *LENSES),
        ablation=SAME,
    ),
    Row(OWN_STEM, "teacher, own stem", {"local": {"shared": "none"}}, ablation=SAME),
    Row(TUNED_STEM, "teacher, tuned stem", {"local": {"shared": "tuned"}}, ablation=SAME),
    Row(NO_BLUR, "teacher, no blur", target="sharp", tests=("sharp_test",), ablation=SAME),
    Row(NO_WEIGHTS, changes={"weights": {"uncertainty": False}}, target="target", ablation=NEW),
)
