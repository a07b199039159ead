"""What 10^6 bags would take: other benchmarks' figures times the size of the fleet.

Nothing is measured here. Throughputs are those of ``benchmarks/results``, on that machine's cores;
the fleet and the prices are assumptions, given as options. ``fleet.json`` is used where it is
there. ::

    python benchmarks/scale_plan.py
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from benchmarks.figures import RESULTS, record

TB, HOUR_S, DAY_H = 1e12, 3600.0, 24.0


def rows_of(name: str) -> list[dict[str, Any]]:
    """The rows of a result; none if it is not there."""
    path = RESULTS / f"{name}.json"
    if not path.is_file():
        return []
    return [dict(row) for row in json.loads(path.read_text(encoding="utf-8"))["rows"]]


def machines() -> str:
    """Where the throughputs were measured."""
    names = ("label_speed", "model_sizes", "localization_speed", "fleet")
    files = [RESULTS / f"{name}.json" for name in names]
    found = {json.loads(file.read_text())["machine"] for file in files if file.is_file()}
    return "; ".join(sorted(found))


def throughputs() -> dict[str, float]:
    """Frames a second of one core, by step."""
    (label,) = [row for row in rows_of("label_speed") if row["depth images"] == "no"]
    (small,) = [row for row in rows_of("model_sizes") if row["network"] == "s"]
    locate = [float(row["median ms"]) for row in rows_of("localization_speed")]
    network_s, locate_s = small["1 thread, ms"] * 1e-3, max(locate) * 1e-3
    labels_s = 1.0 / label["frames/s of one core"]
    found = {
        "label": label["frames/s of one core"],
        "evaluate, sum of its parts": 1.0 / (network_s + locate_s + labels_s),
    }
    for row in rows_of("fleet"):
        found[f"evaluate, fleet on {row['engine']}"] = row["frames/s of a worker"]
    return found


def plan(args: argparse.Namespace) -> list[dict[str, Any]]:
    """A row a step."""
    frames = args.bags * args.minutes * 60.0 * args.hertz
    rows = []
    for step, speed in throughputs().items():
        core_hours = frames / speed / HOUR_S
        days = core_hours / args.cores / DAY_H
        rows.append(
            {
                "step": step,
                "frames/s of a core": speed,
                "core hours": round(core_hours),
                f"days on {args.cores} cores": days,
                "read by all, GB/s": args.cores * speed * args.frame_bytes / 1e9,
                "cost, euro": round(core_hours * args.euro_per_core_hour),
            }
        )
    return rows


def storage(args: argparse.Namespace) -> list[dict[str, Any]]:
    """A row a kind of file."""
    frames = args.bags * args.minutes * 60.0 * args.hertz
    kinds = {"bags (images)": frames * args.frame_bytes}
    kinds["datasets or shards of all frames"] = frames * args.frame_bytes
    kinds["datasets or shards, a frame a second"] = frames * args.frame_bytes / args.hertz
    for row in rows_of("fleet")[:1]:
        kinds["rows of evaluate"] = frames * row["rows, bytes/frame"]
        kinds["manifest of evaluate"] = args.bags * row["manifest, bytes/bag"]
    return [
        {
            "files": kind,
            "TB": size / TB,
            "euro a month": round(size / TB * args.euro_per_tb_month),
        }
        for kind, size in kinds.items()
    ]


def main() -> None:
    """Compute and record."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bags", type=int, default=1_000_000)
    parser.add_argument("--minutes", type=float, default=10.0, help="length of a bag")
    parser.add_argument("--hertz", type=float, default=10.0, help="images a second")
    parser.add_argument("--frame-bytes", type=float, default=150e3, help="of a 720p JPEG")
    parser.add_argument("--cores", type=int, default=1000)
    parser.add_argument("--euro-per-core-hour", type=float, default=0.03)
    parser.add_argument("--euro-per-tb-month", type=float, default=20.0)
    args = parser.parse_args()
    command = "python benchmarks/scale_plan.py"
    note = (
        f"Computed, not measured: {args.bags} bags of {args.minutes:g} minutes at {args.hertz:g} "
        f"images a second, {args.frame_bytes / 1e3:g} kB each, on cores of {machines()}; "
        f"assumed are {args.euro_per_core_hour:g} euro a core hour and {args.euro_per_tb_month:g} "
        "euro a terabyte and month."
    )
    record("scale_plan", command, plan(args), note)
    record("scale_storage", command, storage(args), note)


if __name__ == "__main__":
    main()
