"""``dalearn calibrate time-offset``: how late a camera's stamps are, from a drive and a map."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dalearn_ros.cli.options import add_frames

if TYPE_CHECKING:
    from dalearn_ros.bags.reader import BagReader
    from dalearn_ros.inference.detector import LandmarkDetector
    from dalearn_ros.labels.project import Labeller
    from dalearn_ros.labels.time_scan import View

NAME = "calibrate"
HELP = "estimate the time offset of a camera from a bag and its map"
EXAMPLE = "dalearn calibrate time-offset --bag drive/bag --map drive/map"
DEFAULT_MODEL = "models/landmarks-s.onnx"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="time-offset")
    time = kinds.add_parser("time-offset", help="how much later than stamped images were taken")
    time.add_argument("--bag", type=Path, required=True, help="bag folder or .mcap file")
    time.add_argument("--map", type=Path, required=True, help="map folder or file")
    time.add_argument("--model", type=Path, help="ONNX file or run folder; default: the shipped")
    time.add_argument(
        "--pose-topic",
        help="vehicle poses; default: /localization/kinematic_state, else the only pose topic",
    )
    time.add_argument("--camera-topic", help="images; default: the only camera")
    time.add_argument(
        "--frames",
        type=int,
        default=600,
        help="at most so many, evenly over the drive; %(default)s",
    )
    time.add_argument("--threads", type=int, help="threads of the network; default: all cores")
    add_frames(time)
    time.set_defaults(wrong_usage=time.error)


def run(args: argparse.Namespace) -> str:
    """Do it; the closing line says the offset and how to use it."""
    from dalearn_ros.bags.reader import BagReader
    from dalearn_ros.core.errors import BagError, InputError
    from dalearn_ros.core.resources import resource
    from dalearn_ros.evaluation.replay import check_label_space
    from dalearn_ros.inference.detector import LandmarkDetector
    from dalearn_ros.labels.project import Labeller
    from dalearn_ros.labels.time_offset import estimate_time_offset
    from dalearn_ros.maps import load_map

    if args.frames < 1:
        args.wrong_usage("--frames: expected a number of 1 or more")
    labeller = Labeller(load_map(args.map))
    detector = LandmarkDetector.load(args.model or resource(DEFAULT_MODEL), args.threads)
    check_label_space(detector.label_space, labeller.label_space)
    with BagReader(args.bag, args.base_frame, map_frame=args.map_frame) as reader:
        poses = reader.pose_topic(args.pose_topic)
        views = _views(reader, args, poses, labeller, detector)
        try:
            found = estimate_time_offset(views, reader.trajectory(poses))
        except InputError as error:
            raise BagError(f"{args.bag}: {error}") from None
    offset_s = found.offset_ns * 1e-9
    text = (
        f"{args.bag}: the images were taken {1e3 * offset_s:+.1f} ms after their stamps (sigma "
        f"{found.sigma_ns * 1e-6:.1f} ms), from {found.pairs} observations in {found.frames} "
        f"frames; median distance to the map {found.before_px:.1f} px before, "
        f"{found.after_px:.1f} px after. "
    )
    if not found.significant:
        return text + "That is not told apart from none: nothing to correct."
    return (
        text + f"Use it: --time-offset-s {offset_s:.4f} of label, evaluate and doctor, and the "
        "parameter time_offset_s of map_projector, landmark_localizer and evaluator."
    )


def _views(
    reader: BagReader,
    args: argparse.Namespace,
    poses: str,
    labeller: Labeller,
    detector: LandmarkDetector,
) -> list[View]:
    """Labels and observations of frames spread over the drive; images are not kept."""
    import dataclasses

    import numpy as np

    from dalearn_ros.core.errors import InputError
    from dalearn_ros.core.progress import track
    from dalearn_ros.labels.time_scan import View

    camera = reader.camera_topic(args.camera_topic)
    count = reader.count(camera)
    every = max(1, -(-count // args.frames))
    views = []
    for number, frame in enumerate(track(reader.frames(camera, poses), count, "calibrate")):
        if number % every or frame.pose is None:
            continue
        labels = labeller.label(frame).labels
        try:
            seen = detector.detect(frame.image, frame.stamp_ns)
        except InputError:  # one bad frame is left out
            continue
        black = np.broadcast_to(np.uint8(0), frame.image.shape)
        views.append(View(dataclasses.replace(frame, image=black, encoded=None), labels, seen))
    return views
