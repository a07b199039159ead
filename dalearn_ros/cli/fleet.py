"""``dalearn fleet``: label or evaluate many bags, over crashes and restarts."""

from __future__ import annotations

import argparse
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING

from dalearn_ros.cli.evaluate import add_drive_arguments, check_match_px, drive_options
from dalearn_ros.cli.label import add_label_arguments, label_extras

if TYPE_CHECKING:
    from dalearn_ros.fleet.engine import Engine
    from dalearn_ros.fleet.evaluate import EvaluateBag
    from dalearn_ros.fleet.label import LabelBag
    from dalearn_ros.fleet.manifest import Manifest
    from dalearn_ros.fleet.run import FleetResult

NAME = "fleet"
HELP = "label or evaluate many bags as retryable tasks; the same command goes on after a crash"
EXAMPLE = (
    "dalearn fleet evaluate --list fleet.yaml --model landmarks.onnx --out results\n"
    "  dalearn fleet label --list drives --map city_map --out labelled"
)
ENGINES = ("auto", "local", "ray")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what can be done and its options."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="label|evaluate")
    label = kinds.add_parser("label", help="every bag becomes a dataset")
    _add_common(label)
    add_label_arguments(label)
    evaluate = kinds.add_parser("evaluate", help="figures over all bags, and of each")
    _add_common(evaluate)
    evaluate.add_argument("--model", type=Path, required=True, help="ONNX file or run folder")
    add_drive_arguments(evaluate)
    evaluate.set_defaults(wrong_usage=evaluate.error)


def _add_common(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--list", type=Path, required=True,
        help="YAML file 'bags: [{bag, map, name}, ...]', or a folder of bags",
    )  # fmt: skip
    parser.add_argument("--map", type=Path, help="map of the bags that the list gives none")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the results; those in it are continued"
    )
    parser.add_argument(
        "--engine", choices=ENGINES, default=ENGINES[0],
        help="what runs the tasks; auto: the Ray cluster that RAY_ADDRESS names, else processes "
        "of this machine",
    )  # fmt: skip
    parser.add_argument("--workers", type=int, help="bags at once; default: cores / threads")
    parser.add_argument("--threads", type=int, default=1, help="of a network; default: 1")
    parser.add_argument(
        "--tries", type=int, default=3, help="how often a bag is begun at most; default: 3"
    )
    parser.add_argument(
        "--bag-minutes", type=float, help="a try that takes longer is given up; default: no limit"
    )
    parser.add_argument(
        "--shard-bags", type=int, default=100, help="bags in a Parquet file; default: 100"
    )


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says what was written.

    Raises:
        DalearnError: Some bags failed; the others are done.
    """
    import pyarrow  # noqa: F401  before any work: it is in an extra

    from dalearn_ros.core.errors import DalearnError
    from dalearn_ros.fleet.bag_list import read_bag_list
    from dalearn_ros.fleet.manifest import Manifest
    from dalearn_ros.fleet.run import depends_on, run_fleet

    _check(args)
    bags = read_bag_list(args.list, args.map)
    labelling = args.kind == "label"
    process = _labelling(args) if labelling else _evaluation(args)
    depends = depends_on(args.kind, process.depends())
    engine = _engine(args)
    with Manifest.open(args.out.resolve(), depends) as manifest:
        limit_s = None if args.bag_minutes is None else 60.0 * args.bag_minutes
        result = run_fleet(bags, manifest, process, engine, args.tries, args.shard_bags, limit_s)
        said = _labelled(manifest) if labelling else _evaluated(args, manifest)
    line = f"{args.out}: {_count(result, len(bags))}; {said}"
    if result.failures:
        first = result.failures[0]
        raise DalearnError(
            f"{line} {len(result.failures)} bags failed, see {args.out / 'failures.json'}; the "
            f"same command tries them again. The first, {first.name} ({first.tries} tries): "
            f"{first.reason}"
        )
    return line


def _count(result: FleetResult, total: int) -> str:
    text = f"{result.done} of {total} bags done, {result.new} of them now"
    return text + (f", {result.retries} tries again" if result.retries else "")


def _check(args: argparse.Namespace) -> None:
    from dalearn_ros.core.errors import InputError

    for name in ("workers", "threads", "tries", "shard_bags"):
        value = getattr(args, name)
        if value is not None and value < 1:
            option = f"--{name.replace('_', '-')}"
            raise InputError.at(option, "", "a whole number above 0", str(value))
    if args.bag_minutes is not None and not args.bag_minutes > 0.0:
        raise InputError.at("--bag-minutes", "", "minutes above 0", str(args.bag_minutes))


def _engine(args: argparse.Namespace) -> Engine:
    """What runs the tasks; Ray is imported only where it is used."""
    from dalearn_ros.fleet.local_pool import LocalPool

    if args.engine == "ray" or (args.engine == "auto" and os.environ.get("RAY_ADDRESS")):
        from dalearn_ros.fleet.ray_engine import RayEngine

        return RayEngine(args.threads, args.workers)
    workers = args.workers or max(1, len(os.sched_getaffinity(0)) // args.threads)
    return LocalPool(workers, args.threads)


def _labelling(args: argparse.Namespace) -> LabelBag:
    from dalearn_ros.core.settings import load_settings
    from dalearn_ros.fleet.label import LabelBag
    from dalearn_ros.labels.settings import LabelSettings

    settings, extras = load_settings(LabelSettings, args.config), label_extras(args)
    model = None if args.audit_model is None else args.audit_model.absolute()
    topics = tuple(args.camera_topic or ())
    return LabelBag(args.pose_topic, topics, settings, extras, model, args.threads)


def _evaluation(args: argparse.Namespace) -> EvaluateBag:
    from dalearn_ros.fleet.evaluate import EvaluateBag

    check_match_px(args)
    return EvaluateBag(args.model.absolute(), args.threads, args.zoom, drive_options(args))


def _labelled(manifest: Manifest) -> str:
    """What is in the results of ``label``, a sentence; written as ``summary.json`` too."""
    from dalearn_ros.core.files import write_json
    from dalearn_ros.fleet.label import summarise

    found = summarise(manifest)
    write_json(manifest.out / "summary.json", found)
    return (
        f"{found['frames']} frames with {found['labels']} labels in datasets/, a row a frame in "
        "shards/, manifest.jsonl, summary.json."
    )


def _evaluated(args: argparse.Namespace, manifest: Manifest) -> str:
    """What is in the results of ``evaluate``, a sentence; written as ``metrics.json`` too."""
    from dalearn_ros.core.files import write_json
    from dalearn_ros.fleet.evaluate import loaded, model_digest
    from dalearn_ros.fleet.summary import summarise, timing

    model = args.model.absolute()  # asked for as the driver did, so that it is loaded once
    names = loaded(model, args.threads, model_digest(model)).label_space.names[1:]
    metrics = summarise(manifest, list(names), args.match_px)
    write_json(manifest.out / "timing.json", timing(manifest))
    write_json(manifest.out / "metrics.json", metrics)
    text = "metrics.json, timing.json, shards/, manifest.jsonl"
    if math.isfinite(metrics["f1"]):
        found = metrics["f1_interval"]
        spread = "" if found is None else f" ({found[0]:.3f} to {found[1]:.3f})"
        text += (
            f"; F1 {metrics['f1']:.3f}{spread} at {args.match_px:g} px over "
            f"{metrics['frames']} frames"
        )
    return text + "."
