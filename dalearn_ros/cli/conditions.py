"""``dalearn conditions``: colours of seasons, hours and weathers, and which pixel is which area."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from dalearn_ros.hard_examples.store import ParameterStore

NAME = "conditions"
HELP = "collect, look into and merge stores of colour distributions; index images of datasets"
EXAMPLE = (
    "dalearn conditions index --data dataset\n"
    "  dalearn conditions collect --data night_drive --condition night/rain --out colours.sqlite\n"
    "  dalearn conditions info colours.sqlite --graph sky.png --area sky"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be done and its options."""
    verbs = "index|collect|info|merge|show"
    kinds = parser.add_subparsers(dest="kind", required=True, metavar=verbs)
    index = kinds.add_parser("index", help="write index images beside the images of a dataset")
    index.add_argument("--data", type=Path, required=True, help="the dataset")
    index.add_argument("--map", type=Path, nargs="+", default=[], help="default: the dataset's own")
    index.add_argument("--config", type=Path, help="what is assumed of a street (YAML)")
    _add_areas(index)
    _add_collect(kinds.add_parser("collect", help="images of one condition into a store"))
    info = kinds.add_parser("info", help="what is in a store")
    info.add_argument("store", type=Path, metavar="STORE")
    info.add_argument("--json", action="store_true", help="print it as JSON")
    info.add_argument("--graph", type=Path, help="write the (mean, deviation) graph (.png)")
    info.add_argument("--area", default="image", help="of the graph; default: the whole image")
    merge = kinds.add_parser("merge", help="stores and CSV tables as one store or CSV table")
    merge.add_argument("stores", type=Path, nargs="+", metavar="STORE")
    merge.add_argument("--table", type=Path, help="light change table of the CSV tables (YAML)")
    merge.add_argument("--out", type=Path, required=True, help="new store, or a .csv table")
    show = kinds.add_parser("show", help="input, target, index and converted image side by side")
    show.add_argument("--data", type=Path, required=True, help="a dataset with index images")
    show.add_argument("--store", type=Path, required=True)
    show.add_argument("--image", type=int, default=0, help="row number of the image")
    show.add_argument("--condition", help="of the target; default: any")
    show.add_argument("--area", nargs="+", help="areas to convert; default: all; image: the whole")
    show.add_argument("--soft-px", type=float, default=0.0, help="blend over the borders of areas")
    show.add_argument("--seed", type=int, default=0, help="which target")
    show.add_argument("--out", type=Path, required=True, help="the picture (.png or .jpg)")


def _add_collect(parser: argparse.ArgumentParser) -> None:
    inputs = parser.add_mutually_exclusive_group(required=True)
    inputs.add_argument("--data", type=Path, nargs="+", help="datasets, best with index images")
    inputs.add_argument("--bag", type=Path, nargs="+", help="bags; they need --map")
    inputs.add_argument("--images", type=Path, nargs="+", help="folders of images")
    parser.add_argument("--map", type=Path, help="map of the bags")
    parser.add_argument("--pose-topic", help="vehicle poses of the bags; as in dalearn label")
    parser.add_argument("--camera-topic", help="images of the bags; default: the only camera")
    parser.add_argument(
        "--condition", required=True, help="TIME/WEATHER of all these images, such as night/rain"
    )
    parser.add_argument("--frames", type=int, help="at most so many of each input, evenly")
    parser.add_argument("--space", default="lab", help="colour space of a new store; %(default)s")
    parser.add_argument("--table", type=Path, help="light change table of a new store (YAML)")
    parser.add_argument("--out", type=Path, required=True, help="the store; added to if it exists")
    _add_areas(parser)


def _add_areas(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--areas", type=Path, help="folder of index images or segmentations (PNG)")
    parser.add_argument(
        "--mapping", help="which of their values is which area: a YAML file, or cityscapes"
    )


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was found or written."""
    if args.kind == "index":
        return _index(args)
    if args.kind == "collect":
        return _collect(args)
    if args.kind == "merge":
        from dalearn_ros.hard_examples.light_table import LightTable
        from dalearn_ros.hard_examples.store_merge import merge_stores

        table = None if args.table is None else LightTable.load(args.table)
        counts = merge_stores(args.stores, args.out, table)
        twice = f"; {counts['twice']} were there twice" if counts["twice"] else ""
        return (
            f"{args.out}: {counts['targets']} target images with {counts['parameters']} "
            f"distributions{twice}."
        )
    return _info(args) if args.kind == "info" else _show(args)


def _index(args: argparse.Namespace) -> str:
    from dalearn_ros.core.settings import load_settings
    from dalearn_ros.datasets.area_mapping import AreaMapping
    from dalearn_ros.datasets.store import Dataset
    from dalearn_ros.hard_examples.index_images import index_from_files, index_from_maps
    from dalearn_ros.labels.area_settings import AreaSettings

    dataset = Dataset.open(args.data)
    _check_areas(args)
    if args.areas is None:
        made = index_from_maps(dataset, args.map, load_settings(AreaSettings, args.config))
    else:
        mapping = None if args.mapping is None else AreaMapping.load(args.mapping)
        made = index_from_files(dataset, args.areas, mapping)
    for note in made.notes:
        print(f"note: {note}")
    shares = ", ".join(f"{name} {100.0 * s:.1f} %" for name, s in made.shares.items() if s)
    left_out = "".join(f"; {count} {reason}" for reason, count in made.left_out.items())
    return f"{args.data}/areas: {made.images} index images{left_out}; {shares}."


def _check_areas(args: argparse.Namespace) -> None:
    """Raise InputError for a mapping of nothing, and for a folder that is not there."""
    from dalearn_ros.core.errors import InputError

    if args.mapping and args.areas is None:
        raise InputError("--mapping needs --areas: it says what the values of those images are.")
    if args.areas is not None and not args.areas.is_dir():
        raise InputError.at(args.areas, "", "a folder of index images", "no such folder")


def _collect(args: argparse.Namespace) -> str:
    from collections import Counter

    from dalearn_ros.core.errors import InputError
    from dalearn_ros.core.progress import track
    from dalearn_ros.datasets.area_mapping import AreaMapping
    from dalearn_ros.hard_examples.collect import collect, open_or_create
    from dalearn_ros.hard_examples.light_table import LightTable
    from dalearn_ros.hard_examples.pictures import of_bag, of_dataset, of_folder

    if args.frames is not None and args.frames < 1:
        raise InputError.at("--frames", "", "1 or more", str(args.frames))
    if args.bag and args.map is None:
        raise InputError("--bag needs --map: index images are made from the map.")
    if (args.areas or args.mapping) and not args.images:
        expected = "--images; datasets and bags have their own (dalearn conditions index)"
        raise InputError.at("--areas, --mapping", "", expected, "none")
    _check_areas(args)
    mapping = None if args.mapping is None else AreaMapping.load(args.mapping)
    table = None if args.table is None else LightTable.load(args.table)
    left_out, counts = Counter[str](), Counter[str]()
    with open_or_create(args.out, args.space, table) as store:
        condition = store.table.condition(args.condition)
        for path in args.data or args.bag or args.images:
            if args.data:
                pictures = of_dataset(path, args.frames, left_out)
            elif args.bag:
                topics = args.pose_topic, args.camera_topic
                pictures = of_bag(path, args.map, args.frames, left_out, *topics)
            else:
                pictures = of_folder(path, args.frames, left_out, args.areas, mapping)
            shown = track(pictures, None, "collect")
            counts += collect(store, shown, condition, str(path))
        if not len(store):
            raise InputError(f"{args.out}: no image could be read; nothing was written.")
        total = len(store.targets())
    notes = [f"{counts['whole_only']} without index image count as a whole only"]
    notes = notes if counts["whole_only"] else []
    got = f", {counts['completed']} of them got areas that they lacked"
    already = f"{counts['twice']} were there already{got if counts['completed'] else ''}"
    notes += [already] if counts["twice"] else []
    notes += [f"left out: {count} {reason}" for reason, count in left_out.items()]
    told = "".join(f"; {note}" for note in notes)
    return f"{args.out}: {counts['targets']} images of {condition} added, {total} in all{told}."


def _info(args: argparse.Namespace) -> str:
    import json

    from dalearn_ros.hard_examples.graph import draw_graph
    from dalearn_ros.hard_examples.store import ParameterStore
    from dalearn_ros.hard_examples.store_summary import lines_of, summary

    with ParameterStore.open(args.store) as store:
        found = summary(store)
        if args.graph is not None:
            title = f"{args.area}: {args.store.name}"
            chosen = _chosen(store, args.area)
            _write(args.graph, draw_graph(store.parameters(chosen), title, 0, store.space))
    if args.json:
        return json.dumps(found, indent=1)
    drawn = f"; graph in {args.graph}" if args.graph else ""
    return "\n".join([*lines_of(found), f"{args.store}: {found['targets']} target images{drawn}."])


def _chosen(store: ParameterStore, area: str) -> str:
    from dalearn_ros.core.errors import InputError

    known = sorted({one.cell.area for one in store.parameters()})
    if area not in known:
        raise InputError.at("--area", "", "one of " + ", ".join(known), f"'{area}'")
    return area


def _show(args: argparse.Namespace) -> str:
    from dalearn_ros.hard_examples.preview import preview

    picture, told = preview(
        args.data, args.store, args.image, args.condition, args.area, args.soft_px, args.seed
    )
    _write(args.out, picture)
    return f"{args.out}: {told}"


def _write(out: Path, picture: npt.NDArray[np.uint8]) -> None:
    import cv2

    from dalearn_ros.core.errors import InputError
    from dalearn_ros.core.files import atomic_file

    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise InputError.at(out, "", "a name in .png or .jpg", f"'{out.suffix}'")
    _, encoded = cv2.imencode(out.suffix.lower(), picture)
    with atomic_file(out) as temporary:
        temporary.write_bytes(encoded.tobytes())
