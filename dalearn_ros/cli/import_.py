"""``dalearn import``: other people's labelled images, or a KITTI drive as bag and map."""

from __future__ import annotations

import argparse
from pathlib import Path

NAME = "import"
HELP = "import labelled images (VOC, COCO) as a dataset, or a KITTI drive as bag + map"
EXAMPLE = "dalearn import voc --data road_photos --classes road_photos --out dataset"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the kinds and their options."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="voc|coco|kitti")
    voc = kinds.add_parser("voc", help="a folder with Pascal VOC annotations (.xml) and images")
    coco = kinds.add_parser("coco", help="a COCO annotation file and its images")
    kitti = kinds.add_parser("kitti", help="a KITTI drive: writes OUT/bag and OUT/map")
    for kind in (voc, coco, kitti):
        kind.add_argument("--data", type=Path, required=True, help="what to import")
        kind.add_argument("--out", type=Path, required=True, help="the new folder")
    for kind in (voc, coco):
        kind.add_argument(
            "--classes",
            help="class of each object name: a YAML file, the name of a shipped one, or pairs as "
            "in stop=regulating_sign,car=none; default: the names are ours",
        )
        kind.add_argument(
            "--approximate",
            action="store_true",
            help="accept boxes of road markings; their corner counts for the class only",
        )
    coco.add_argument("--images", type=Path, help="folder of the images")


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written."""
    if args.kind == "kitti":
        from dalearn_ros.datasets.kitti import import_kitti

        made = import_kitti(args.data, args.out)
        return (
            f"{args.out}: bag with {made['frames']} frames, map with {made['signs']} sign(s); "
            f"label it with `dalearn label --bag {args.out}/bag --map {args.out}/map`."
        )
    from dalearn_ros.datasets.boxes import ClassTable
    from dalearn_ros.datasets.import_boxes import import_coco, import_voc

    table = ClassTable(args.classes, args.approximate)
    if args.kind == "voc":
        counts = import_voc(args.data, args.out, table)
    else:
        counts = import_coco(args.data, args.out, table, args.images)
    skipped = [f"{v} {k.removeprefix('skipped:')}" for k, v in counts.items() if "skipped" in k]
    left_out = f"; left out: {', '.join(skipped)}" if skipped else ""
    return f"{args.out}: {counts['images']} images with {counts['labels']} labels{left_out}."
