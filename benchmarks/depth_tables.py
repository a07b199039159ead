"""The tables of ``benchmarks/depth.py`` out of its results."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.ablation import spread
from benchmarks.depth_judge import PHOTOS, RANGES_BY
from benchmarks.depth_rows import LENSES, MAP_SAME, NO_LOCATION, ROWS, SAME, TUNED_STEM
from benchmarks.figures import record
from benchmarks.kept_runs import Entry, machines_of

Line = dict[str, Any]
COMMAND = "python benchmarks/depth.py --out out/depth --photos PHOTOS"
CITY = {"test": "north (source)", "target_test": "east (new)", "sharp_test": "north, no blur"}
DETECTED_ON = {
    "test": "north (source)",
    "target_test": "east (new)",
    "longer": "north, 1.4 x",
    "shorter": "north, 0.8 x",
}
LENS = {"longer": "1.4 x", "shorter": "0.8 x", "crop": "crop"}
KITTI_NAMES = {"metric3d_kitti": "KITTI, 3 images", "metric3d_nyu": "NYU, 3 images"}
SPREAD = "Mean ± standard deviation over seeds. "


def record_tables(entries: Sequence[Entry]) -> None:
    """Write the results files of all tables for which there are rows.

    Args:
        entries: What ``depth.py`` kept of each row and seed.
    """
    tables: dict[str, tuple[list[Line], str]] = {
        "depth_world": (world_table(entries), WORLD_NOTE),
        "depth_ablation": (ablation_table(entries), ABLATION_NOTE),
        "depth_lenses": (lens_table(entries), LENS_NOTE),
        "depth_detected": (detected_table(entries), DETECTED_NOTE),
        "depth_distillation_cost": (cost_table(entries), COST_NOTE),
        "depth_photos": (photo_table(entries), PHOTO_NOTE),
    }
    for name, (lines, note) in tables.items():
        if lines:
            record(name, COMMAND, lines, f"{note} {machines_of(entries)}")


WORLD_NOTE = SPREAD + (
    "Unseen streets, dense truth from 2 to 80 m; settings were chosen on other drives of north "
    "and south. `map only`: taught by landmarks and driven road alone, with the rough pose of a "
    "vehicle and without any sensor that shows what is hidden; else by a depth image's places, "
    "too. `direct`: the global model learns from the known distances of the source for the steps "
    "of teacher and student together. `and truth`: with as many crops more in each step. "
    "`constant`: AbsRel of the geometric mean of the truth. `landmark`: median error of the range "
    "at true reference points within 60 m; `road`: AbsRel on the road ahead."
)
ABLATION_NOTE = SPREAD + (
    "`no blur`: of the lens by depth; the stem of the detector learnt on pictures that have it, "
    "and all learn with some random blur and noise."
)
LENS_NOTE = SPREAD + (
    "The test's streets through lenses of other focal lengths, and cropped, beside the lens "
    "taught, both at places that both see. Without location, learning changes no scale; its "
    "teacher's patches are still resampled by the focal length."
)
DETECTED_NOTE = SPREAD + (
    "Median error of the range of landmarks within 60 m that the exported model finds (8 px): as "
    "it gives them, by the depth alone, and by the detector's own range head alone, brought to the "
    "lens's focal length as both together are. 1.4 x and 0.8 x: the same streets through lenses of "
    "other focal lengths. F1 in the source city with the detector as it is after distillation (one "
    "whose stem has learnt with thresholds chosen anew on the start's drives), and as it was "
    "before."
)
COST_NOTE = (
    "One image of 1280x720, batch 1, one thread of torch. The teacher looks at a patch for every "
    "cell of the student's output, in batches of 256. `with all`: from the image to the distances, "
    "the cutting of patches and the making of locations included."
)
PHOTO_NOTE = SPREAD + (
    "Models that learnt in the rendered world only. `scale`: what their depths must be multiplied "
    "by so that the median is right; `scaled`: after that."
)


def of_row(entries: Sequence[Entry], row: str) -> list[Entry]:
    """The seeds of one row."""
    return [entry for entry in entries if entry["row"] == row]


def line_of(who: str, where: str, found: Sequence[dict[str, float]]) -> Line:
    """One line of figures over seeds."""

    def over(key: str) -> str:
        return spread([figures.get(key) for figures in found])

    return {
        "model": who,
        "drives": where,
        "seeds": len(found),
        "AbsRel": over("abs_rel"),
        "RMSE m": over("rmse_m"),
        "δ < 1.25": over("delta_1.25"),
        "constant": over("abs_rel_of_mean"),
        "landmark": over("landmark_range_median"),
        "road": over("road/abs_rel"),
        "within σ": over("within_sigma"),
    }


def world_table(entries: Sequence[Entry]) -> list[Line]:
    """Teachers and students in both cities, without the ablation."""
    lines = []
    for row in (row for row in ROWS if not row.ablation):
        mine = of_row(entries, row.name)
        for test in (t for t in row.tests if t in CITY) if mine else ():
            if row.name in (SAME, MAP_SAME):
                found = [entry["teacher"][test] for entry in mine]
                lines.append(line_of(row.teacher, CITY[test], found))
            students = [entry["student"][test] for entry in mine]
            lines.append(line_of(row.name, CITY[test], students))
    return sorted(lines, key=lambda line: str(line["drives"]), reverse=True)


def ablation_table(entries: Sequence[Entry]) -> list[Line]:
    """Each part switched off, beside what it differs from, where both are judged."""
    lines = []
    for row in (row for row in ROWS if row.ablation):
        mine, base = of_row(entries, row.name), of_row(entries, row.ablation)
        if not mine or not base:
            continue
        for test in (t for t in row.tests if t in CITY):
            whole = test if test in base[0]["student"] else "test"
            line = {"without": row.name, "drives": CITY[test], "seeds": len(mine)}
            for who in ("teacher", "student"):
                line[f"{who}: AbsRel"] = spread([e[who][test]["abs_rel"] for e in mine])
                line[f"{who} with it"] = spread([e[who][whole]["abs_rel"] for e in base])
            lines.append(line)
    return lines


def lens_table(entries: Sequence[Entry]) -> list[Line]:
    """Other focal lengths and a crop, with and without location."""
    lines = []
    for name in (SAME, NO_LOCATION):
        mine = of_row(entries, name)
        for test in LENSES if mine else ():
            found = [entry["lenses"][test] for entry in mine]
            lines.append(
                {
                    "location": "no" if name == NO_LOCATION else "yes",
                    "lens": LENS[test],
                    "seeds": len(mine),
                    "AbsRel, as taught": spread([f["taught"] for f in found]),
                    "AbsRel": spread([f["other"] for f in found]),
                    "growth": f"{sum(f['growth'] for f in found) / len(found):+.0%}",
                }
            )
    return lines


def detected_table(entries: Sequence[Entry]) -> list[Line]:
    """Ranges of landmarks as a vehicle has them."""
    lines = []
    for name in (MAP_SAME, SAME, TUNED_STEM):
        mine = [entry["detected"] for entry in of_row(entries, name)]
        for drives, city in DETECTED_ON.items() if mine else ():
            found = [m[drives] for m in mine]
            errors = {
                by: spread([f[by] for f in found])
                for by in RANGES_BY
                if all(by in f for f in found)
            }
            own = drives == "test"
            lines.append(
                {
                    "model": name,
                    "drives": city,
                    "seeds": len(mine),
                    **{by: errors.get(by) for by in RANGES_BY},
                    "F1": spread([m["f1"] for m in mine]) if own else None,
                    "F1 before": spread([m["f1_start"] for m in mine]) if own else None,
                }
            )
    return lines


def cost_table(entries: Sequence[Entry]) -> list[Line]:
    """Student for a whole image against the teacher over all its cells."""
    mine = [entry["cost"] for entry in of_row(entries, SAME)]
    if not mine:
        return []

    def over(key: str, write: Callable[[float], str]) -> str:
        return write(sum(cost[key] for cost in mine) / len(mine))

    return [
        {
            "patches": over("patches", lambda v: f"{v:.0f}"),
            "student's network": over("student_network_s", lambda v: f"{v * 1e3:.0f} ms"),
            "teacher's": over("teacher_network_s", lambda v: f"{v:.1f} s"),
            "ratio": over("network_ratio", lambda v: f"{v:.0f}"),
            "ratio with all": over("ratio", lambda v: f"{v:.0f}"),
        }
    ]


def photo_table(entries: Sequence[Entry]) -> list[Line]:
    """Photographs of KITTI and NYU."""
    lines = []
    for name in PHOTOS:
        mine = [entry[name] for entry in of_row(entries, SAME) if name in entry]
        if mine:
            heads = {
                "AbsRel": "abs_rel", "δ < 1.25": "delta_1.25", "constant": "abs_rel_of_mean",
                "scale": "scale", "scaled: AbsRel": "scaled_abs_rel", "scaled: δ": "scaled_delta",
            }  # fmt: skip
            values = {head: spread([m[key] for m in mine]) for head, key in heads.items()}
            lines.append({"photographs": KITTI_NAMES[name], "seeds": len(mine), **values})
    return lines
