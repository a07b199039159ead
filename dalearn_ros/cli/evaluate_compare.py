"""``dalearn evaluate --compare A B``: which of two models is better, and is that for sure."""

from __future__ import annotations

import argparse


def run_compare(args: argparse.Namespace) -> str:
    """Compare two result folders; prints a sentence for each figure."""
    from dalearn_ros.evaluation.collector import check_out
    from dalearn_ros.evaluation.compare import compare
    from dalearn_ros.evaluation.report_compare import write_compare

    if args.model is not None or args.map is not None:
        args.wrong_usage("--compare takes two result folders, no --model and no --map")
    if args.out is not None:
        check_out(args.out)
    found = compare(*args.compare)
    print("\n".join(row["says"] for row in found["figures"]))
    if args.out is None:
        return "Nothing was written; --out DIR keeps compare.json and compare.html."
    write_compare(args.out, found)
    return f"{args.out}: compare.json, compare.html; {found['figures'][0]['says']}"
