"""Import of labelled images: Pascal VOC folders and COCO files.

VOC counts pixels from 1 and includes the last one: pixels xmin to xmax cover xmin - 1.5 to
xmax - 0.5 in ours. COCO boxes and polygons count from the corner of the image, so ours are theirs
minus 0.5; COCO keypoints are pixel indices, as ours.
"""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import parse  # type: ignore[import-untyped]

from dalearn_ros.bags.images import ImageFault, check_complete, decode_compressed, jpeg_size
from dalearn_ros.core.errors import DatasetError
from dalearn_ros.core.files import refuse_existing
from dalearn_ros.core.progress import track
from dalearn_ros.datasets.boxes import Box, ClassTable
from dalearn_ros.datasets.coco import CORNER, box_outline
from dalearn_ros.datasets.store import DatasetWriter

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp")
IMAGE_FOLDERS = ("images", "JPEGImages", ".")


def import_voc(data: Path, out: Path, table: ClassTable) -> dict[str, int]:
    """Import every VOC file (``.xml``) under a folder.

    The image is looked for in ``images`` or ``JPEGImages`` beside the folder of the annotation, or
    beside the annotation itself. The folder above is kept as drive and tile.

    Args:
        data: Folder that holds the annotations at any depth.
        out: The new dataset.
        table: Classes of the object names.

    Returns:
        Counts: ``images``, ``labels``, and ``skipped:REASON``.

    Raises:
        DatasetError: No annotations, an unreadable one, an object without a class, or none of the
            images could be read.
    """
    files = sorted(data.rglob("*.xml")) if data.is_dir() else []
    if not files:
        found = "none" if data.is_dir() else "no such folder"
        raise DatasetError.at(data, "", "VOC annotations (.xml)", found)
    items = ((_voc_image(file), _voc_boxes(file), file) for file in files)
    return _write(items, len(files), out, table, {"kind": "voc", "data": str(data)})


def import_coco(data: Path, out: Path, table: ClassTable, images: Path | None) -> dict[str, int]:
    """Import a COCO file.

    Args:
        data: The ``.json`` file, or a folder with ``annotations.json``.
        out: The new dataset.
        table: Classes of the category names.
        images: Folder that ``file_name`` is relative to; None: that of the file, or ``images`` in
            it or beside it.

    Returns:
        As :func:`import_voc`.

    Raises:
        DatasetError: As :func:`import_voc`.
    """
    file = data / "annotations.json" if data.is_dir() else data
    content = _read_coco(file)
    grouped: dict[Any, list[Mapping[str, Any]]] = defaultdict(list)
    try:
        names = {int(c["id"]): str(c["name"]) for c in content["categories"]}
        pictures = [(image["id"], Path(image["file_name"])) for image in content["images"]]
        for row in content["annotations"]:
            grouped[row["image_id"]].append(row)
    except (KeyError, TypeError, ValueError) as error:
        expected = "id and name, id and file_name, image_id in categories, images, annotations"
        raise DatasetError.at(file, "", expected, f"{type(error).__name__}: {error}") from None
    folder = file.absolute().parent
    roots = [images] if images else [folder, folder / "images", folder.parent / "images"]

    def items() -> Iterator[tuple[Path | None, list[Box], Path]]:
        for key, name in pictures:
            path = next((p for p in (root / name for root in roots) if p.is_file()), None)
            yield path, _coco_boxes(grouped[key], names, file), name

    return _write(items(), len(pictures), out, table, {"kind": "coco", "data": str(data)})


def _write(
    items: Iterator[tuple[Path | None, list[Box], Path]],
    total: int,
    out: Path,
    table: ClassTable,
    source: Mapping[str, Any],
) -> dict[str, int]:
    refuse_existing(out)
    counts: Counter[str] = Counter(images=0, labels=0)
    names: Counter[str] = Counter()
    with DatasetWriter(out, table.label_space, {**source, "classes": table.source}) as writer:
        for path, boxes, where in track(items, total, "import"):
            labels, stand_in = table.labels(boxes, str(where))
            read = _read_image(path)
            if isinstance(read, str):
                counts[f"skipped:{read}"] += 1
                continue
            content, width, height = read
            drive = where.parent.parent.name or "images"
            names[stem := f"{drive}_{where.stem}"] += 1
            if names[stem] > 1:
                stem = f"{stem}_{names[stem]}"
            meta = {"name": stem, "width": width, "height": height, "drive": drive, "tile": drive}
            writer.add(content, labels, meta, stand_in)
            counts["images"] += 1
            counts["labels"] += int((~labels.ignore).sum())
        if not counts["images"]:
            reasons = ", ".join(f"{v} {k}" for k, v in counts.items() if v) or "no image"
            raise DatasetError.at(source["data"], "", "readable images", reasons)
    return dict(counts)


def _read_image(path: Path | None) -> tuple[Any, int, int] | str:
    """(bytes or pixels, width, height), or why not: ``missing``, ``truncated``, ``undecodable``."""
    if path is None:
        return "missing"
    encoded = path.read_bytes()
    try:
        check_complete(encoded)
        size = jpeg_size(encoded)
        if size is not None:
            return encoded, *size
        image = decode_compressed(encoded)
    except ImageFault as fault:
        return fault.reason
    png = encoded[:4] == b"\x89PNG"
    return encoded if png else image, image.shape[1], image.shape[0]


def _voc_image(file: Path) -> Path | None:
    folders = [file.parent.parent / name for name in IMAGE_FOLDERS[:2]] + [file.parent]
    for folder in folders:
        for suffix in IMAGE_SUFFIXES:
            path = folder / f"{file.stem}{suffix}"
            if path.is_file():
                return path
    return None


def _voc_boxes(file: Path) -> list[Box]:
    try:
        root = parse(str(file), forbid_dtd=True).getroot()
    except (ParseError, DefusedXmlException) as error:
        raise DatasetError.at(file, "", "a VOC annotation", f"XML that fails: {error}") from None
    if root is None:
        raise DatasetError.at(file, "", "a VOC annotation", "XML without an element")
    return [_voc_box(item, file) for item in root.findall("object")]


def _voc_box(item: Element, file: Path) -> Box:
    name = item.findtext("name", "").strip()
    try:
        xmin, ymin, xmax, ymax = (
            _finite(item.findtext(f"bndbox/{key}", "")) for key in ("xmin", "ymin", "xmax", "ymax")
        )
    except ValueError:
        found = "something that is not a number"
        raise DatasetError.at(file, f"bndbox of '{name}'", "four numbers", found) from None
    outline = box_outline(xmin - 1.0, ymin - 1.0, xmax - xmin + 1.0, ymax - ymin + 1.0)
    return Box(name, outline, ignore=item.findtext("difficult", "0").strip() == "1")


def _read_coco(file: Path) -> dict[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DatasetError(f"{file}: cannot be read as a COCO file ({error}).") from None
    for key in ("images", "annotations", "categories"):
        if not isinstance(content, dict) or not isinstance(content.get(key), list):
            raise DatasetError.at(file, f"key '{key}'", "a COCO list", "none")
    return dict(content)


def _coco_boxes(
    rows: Sequence[Mapping[str, Any]], names: Mapping[int, str], file: Path
) -> list[Box]:
    boxes = []
    for row in rows:
        place = f"annotation {row.get('id')}"
        try:
            name = names[int(row["category_id"])]
            outline = box_outline(*(_finite(value) for value in row["bbox"]))
        except (KeyError, TypeError, ValueError):
            found = "something else"
            raise DatasetError.at(file, place, "bbox and a known category_id", found) from None
        segments = row.get("segmentation")
        if isinstance(segments, list) and len(segments) == 1 and len(segments[0]) >= 6:
            outline = np.asarray(segments[0], dtype=np.float64).reshape(-1, 2) - CORNER
        points = row.get("keypoints") or []
        point = None
        if len(points) == 3 and points[2] > 0:
            point = np.asarray(points[:2], dtype=np.float64)
        boxes.append(Box(name, outline, point, bool(row.get("iscrowd") or row.get("ignore"))))
    return boxes


def _finite(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{value} is not finite")
    return number
