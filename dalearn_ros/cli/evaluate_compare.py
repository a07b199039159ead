"""``dalearn evaluate --compare A B``: which of two models is better, and is that for sure."""

from __future__ import annotations

import argparse

OTHERS = (
    *("model", "map", "threads", "write_bag", "overlays", "video", "truth_topic", "prior_topic"),
    *("odometry_topic", "camera_topic", "config", "zoom"),
)


def run_compare(args: argparse.Namespace) -> str:
    """Compare two result folders; prints a sentence for each figure."""
    from dalearn_ros.evaluation.collector import check_out
    from dalearn_ros.evaluation.compare import compare
    from dalearn_ros.evaluation.detection import MATCH_PX
    from dalearn_ros.evaluation.report_compare import write_compare

    for name in OTHERS:
        if getattr(args, name) not in (None, False):
            option = name.replace("_", "-")
            args.wrong_usage(f"--compare takes two result folders, no --{option}")
    changed = args.match_px != MATCH_PX or args.time_offset_s
    if changed or (args.map_frame, args.base_frame) != ("map", "base_link"):
        args.wrong_usage("--compare takes two result folders, which were made with these options")
    if args.out is not None:
        check_out(args.out)
    found = compare(*args.compare)
    print("\n".join(row["says"] for row in found["figures"]))
    if args.out is None:
        return "Nothing was written; --out DIR keeps compare.json and compare.html."
    write_compare(args.out, found)
    return f"{args.out}: compare.json, compare.html; {found['figures'][0]['says']}"
