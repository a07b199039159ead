"""``dalearn map``: what a map holds, the same landmarks in another format, a picture of them."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

NAME = "map"
HELP = "look into a map, convert its landmarks (Lanelet2, GeoJSON, CSV), draw it"
EXAMPLE = "dalearn map info sample-map --json"
SHOWN = 20  # problems that are printed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be done and its options."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="info|convert|draw")
    info = kinds.add_parser("info", help="landmarks by class, elements by tag, what is not read")
    convert = kinds.add_parser("convert", help="write the landmarks as .osm, .geojson or .csv")
    draw = kinds.add_parser("draw", help="a picture from above")
    for kind in (info, convert, draw):
        kind.add_argument("map", type=Path, metavar="PATH", help="map folder or file")
        kind.add_argument("--catalogue", help="which tags have which class; default: all shipped")
    info.add_argument("--json", action="store_true", help="print landmarks, by_class and by_tag")
    convert.add_argument("--out", type=Path, required=True, help="new .osm, .geojson or .csv")
    draw.add_argument("--out", type=Path, required=True, help="new picture (.png or .jpg)")


def run(args: argparse.Namespace) -> str:
    """Do it; what is printed last says what was found or written."""
    from dalearn_ros.maps.load import load_map, read_map

    if args.kind == "info":
        return _info(read_map(args.map, args.catalogue), args.json)
    landmarks = load_map(args.map, args.catalogue)
    return _convert(landmarks, args.out) if args.kind == "convert" else _draw(landmarks, args.out)


def _info(landmarks: Any, as_json: bool) -> str:
    import json

    import numpy as np

    from dalearn_ros.landmarks.catalogue import LabelSpace

    space, report = LabelSpace.load(), landmarks.report
    ids, counts = np.unique(landmarks.class_id, return_counts=True)
    by_class = {space.names[int(i)]: int(n) for i, n in zip(ids, counts, strict=True)}
    by_tag = {str(tag): int(count) for tag, count in sorted(report.by_tag.items())}
    if as_json:
        content = {"landmarks": len(landmarks), "by_class": by_class, "by_tag": by_tag}
        return json.dumps(content, indent=1)
    lines = [report.source, *_rows("landmarks by class", by_class)]
    lines += _rows("elements by tag, as in the file", by_tag)
    lines += _rows("without a class in the catalogues", dict(sorted(report.unknown.items())))
    lines += [f"note: {note}" for note in report.notes]
    lines += [f"problem: {problem}" for problem in report.problems[:SHOWN]]
    if len(report.problems) > SHOWN:
        lines.append(f"... and {len(report.problems) - SHOWN} more problems")
    if report.problems:
        lines.append(f"Mend them in {report.source}; everything else is read.")
    if len(landmarks):
        low, high = landmarks.point_m.min(axis=0), landmarks.point_m.max(axis=0)
        spans = zip("xyz", low, high, strict=True)
        lines.append("extent: " + ", ".join(f"{n} {a:.1f} to {b:.1f} m" for n, a, b in spans))
    lines.append(f"{len(landmarks)} landmarks, {len(report.problems)} problems.")
    return "\n".join(lines)


def _rows(title: str, counts: dict[str, int]) -> list[str]:
    if not counts:
        return []
    width = max(map(len, counts))
    return [f"{title}:", *(f"  {name:<{width}}  {count}" for name, count in counts.items())]


def _convert(landmarks: Any, out: Path) -> str:
    from dalearn_ros.core.files import refuse_existing
    from dalearn_ros.maps.convert import write_map

    refuse_existing(out)
    info = write_map(landmarks, out, landmarks.report.projector)
    left_out = len(landmarks.report.problems)
    return (
        f"{out}: {len(landmarks)} landmarks"
        + (f", and {info} beside it" if info else "")
        + ("; the map is flat: no heights are written" if landmarks.report.flat else "")
        + (f"; {left_out} problems of the source: see `dalearn map info`" if left_out else "")
        + "."
    )


def _draw(landmarks: Any, out: Path) -> str:
    import cv2

    from dalearn_ros.core.errors import InputError
    from dalearn_ros.core.files import atomic_file
    from dalearn_ros.maps.drawing import draw_map

    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise InputError.at(out, "", "a name in .png or .jpg", f"'{out.suffix}'")
    picture = draw_map(landmarks)
    _, encoded = cv2.imencode(out.suffix.lower(), picture)
    with atomic_file(out) as temporary:
        temporary.write_bytes(encoded.tobytes())
    height, width = picture.shape[:2]
    return f"{out}: {len(landmarks)} landmarks, {width}x{height} px."
